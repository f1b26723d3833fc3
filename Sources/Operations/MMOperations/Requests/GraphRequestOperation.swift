import MMCore
import MMDesk
import MMGuard
import MMIdentity
import MMShell

extension OperationDeclaration {
    /// The declaration of `graph_request`.
    package static let graphRequest = OperationDeclaration(
        "graph_request", aliases: ["mm_graph_request"], command: ["graph"], title: "Graph request",
        summary: "Send a request to Microsoft Graph, Power Automate, Azure, Power Platform or SharePoint.",
        description:
            "Sends one request as the connection's account to Microsoft Graph, or to the service in resource. "
            + "{\"search\": \"inbox rules of a user\"} finds endpoints. Without arguments it lists the connections. Show a "
            + "sign-in code to the person, then repeat the call. A person must approve risky requests. "
            + "Example: {\"connection\": \"Contoso\", \"endpoint\": \"/users\", \"query\": {\"$select\": \"displayName,mail\"}}",
        effects: .init(readOnly: false, destructive: true, openWorld: true), home: .detachable,
        examples: [
            .init("mm graph Contoso /me", "the signed-in account"),
            .init(
                "mm graph Contoso /users --query '$select=displayName,mail' --query '$filter=accountEnabled eq false' --all "
                    + "--output csv", "all disabled accounts as CSV"),
            .init("mm graph Contoso /groups -X POST -d @group.json", "a body from a file"),
            .init(
                "mm graph Contoso /me/drive/root:/Reports/ --upload report.pdf",
                "a file of any size; repeat the call to continue an interrupted upload"),
            .init("mm graph Contoso /me/drive/root:/Reports/report.pdf --download .", "saves the file in this folder"),
            .init(
                "mm graph Contoso /me/drive/root:/Reports --download . --recursive",
                "the folder with all its contents"),
            .init("mm graph Contoso /users/delta --changes --json", "what has changed since the last such call"),
            .init("mm graph Contoso --batch @requests.jsonl", "many requests, twenty at a time"),
            .init(
                "mm graph Contoso /users/ada@contoso.com -X PATCH -d '{\"department\": \"Finance\"}' --dry-run",
                "what it would change; nothing is sent. `mm undo` undoes real changes"),
            .init(
                "mm graph Contoso /providers/Microsoft.ProcessSimple/environments --resource flow",
                "Power Automate environments"),
        ]
    ).forReaders.plannable.answering(withoutPool: .reads).forSeveral(
        .init(isGuarded: true, alone: ["upload", "download", "recursive", "conflict"]))
}

/// `graph_request`: sends one request to a service of Microsoft 365 with a connection's sign-in.
struct GraphRequestOperation: CatalogueOperation {
    typealias Input = GraphRequestInput

    let declaration = OperationDeclaration.graphRequest

    func run(
        _ input: GraphRequestInput, in context: OperationContext, with services: TransferServices
    ) async throws(MMError) -> OperationAnswer {
        let guarding = services.requests.guarding
        if let words = input.search { return try Self.found(words, input, with: guarding) }
        guard let name = input.connection, let endpoint = input.endpoint ?? input.batch.map({ _ in "/$batch" }) else {
            return ConnectionsList.answer(of: try guarding.registry.snapshot(), in: context)
        }
        let connection = try guarding.registry.connection(named: name, in: context)
        let call = try RequestCall(input, to: endpoint, on: connection, in: context, with: services)
        if let text = input.batch { return try await call.batch(text) }
        if input.upload != nil || input.download != nil { return try await call.transfer() }
        return try await call.request()
    }

    /// Returns the endpoints for words or a path.
    private static func found(
        _ words: String, _ input: GraphRequestInput, with guarding: GuardServices
    ) throws(MMError) -> OperationAnswer {
        // GET is the default, so it doesn't restrict the search.
        let method = input.method == "GET" ? nil : input.method
        if let path = CallSheet.path(in: words) {
            return try CallSheet.answer(about: path, method: method, beta: false)
        }
        return try CallSheet.answer(
            to: words, method: method, beta: false, top: 5, of: input.resource, with: .of(guarding.paths))
    }
}

/// Adds the `api-version` that Azure requires, where the request lacks it and the version is known.
enum ProviderVersion {
    /// Returns the request with its version, and a note about it; `nil` where the request names one, or none is known.
    static func added(to target: RequestTarget) -> (target: RequestTarget, note: String)? {
        guard target.queryValue("api-version") == nil,
            let version = ProviderVersions.version(for: "/" + target.segments.joined(separator: "/"))
        else { return nil }
        return (
            target.addingQuery("api-version", version),
            "mm added api-version=\(version), because the request had none."
        )
    }
}

/// Adds a `$select` of the usual properties to a model's request for a common collection: the full answer is ten times
/// as large, and a model reads all of it. Requests of people and scripts are left as they are.
enum UsualProperties {
    /// Returns the request with `$select`, and a note about it; `nil` where nothing is added.
    static func added(to target: RequestTarget, _ method: String, for caller: Caller) -> (
        target: RequestTarget, note: String
    )? {
        guard caller.surface == .mcp, method == "GET", target.service == .graph,
            target.queryValue("$select") == nil, target.queryValue("$expand") == nil,
            let found = EndpointIndex.standard.engine.template(of: target), !found.isCounted,
            EndpointIndex.standard.calls(of: found.template).contains(where: { $0.kind == .list && $0.method == "GET" }
            ),
            let type = QueryCheck().type(of: target), !type.usualProperties.isEmpty
        else { return nil }
        let names = type.usualProperties.joined(separator: ",")
        return (
            target.addingQuery("$select", names),
            "mm added $select=\(names). For other properties set $select; $select=* gives the service's default."
        )
    }

    /// Returns the query without `$select=*`, with which a model asks for the service's default properties.
    static func withoutStar(_ query: [(name: String, value: String)], for caller: Caller)
        -> (query: [(name: String, value: String)], isStar: Bool)
    {
        guard caller.surface == .mcp else { return (query, false) }
        let rest = query.filter { !(["$select", "select"].contains($0.name.lowercased()) && $0.value == "*") }
        return (rest, rest.count < query.count)
    }
}

/// Reads the changes since the last call, and keeps the new delta link once all of them have arrived.
struct ChangesReader: Sendable {
    let client: GuardedClient
    /// The delta query as the caller wrote it.
    let request: GraphRequest
    let cleared: Cleared<[GraphRequest]>
    let memory: ChangesMemory
    let deadline: Deadline
    let progress: ItemProgress

    /// Returns the changes as rows, with a note about the time since which they are read.
    func answer(connection: Connection) async throws(MMError) -> OperationAnswer {
        var note = "This is the first, full read. The next call with --changes returns only what has changed since."
        var reader = PageReader(try client.pages(request, by: cleared, deadline: deadline), progress: progress)
        var first: GraphPage?
        if let kept = try memory.read() {
            let rest = PageReader(
                try client.pages(request, by: cleared, from: kept.link, deadline: deadline), progress: progress)
            do throws(MMError) {
                first = try await rest.next()
                reader = rest
                note = "Changes since \(kept.since.iso8601)."
            } catch {
                // The service no longer has the state of that time ("resyncRequired").
                guard error.details["status"]?.int == 410 else { throw error }
                try memory.forget()
                note = "The service no longer has the state of \(kept.since.iso8601): this is a full read again."
                // The service may provide the link at which a full read begins.
                if let link = error.details["resyncLink"]?.string {
                    reader = PageReader(
                        try client.pages(request, by: cleared, from: link, deadline: deadline), progress: progress)
                }
            }
        }
        if first == nil { first = try await reader.next() }
        if let first, !first.isCollection {
            throw MMError(
                .invalidInput, "\(request.target.path) does not return a list of changes.",
                hint: "Use a delta query, such as /users/delta or /me/drive/root/delta.")
        }
        let (walk, memory) = (reader, memory)
        let reached = Reached(first?.deltaLink)
        let stream = ItemStream(startingWith: first?.items) { () async throws(MMError) in
            let next: GraphPage?
            do throws(MMError) { next = try await walk.next() } catch {
                guard error.details["status"]?.int == 410 else { throw error }
                // From the kept link, every call would end here.
                try memory.forget()
                var error = error
                error.hint = "The service no longer has that state. Repeat the call: it reads everything again."
                throw error
            }
            guard let page = next else {
                reached.end()
                return nil
            }
            reached.note(page.deltaLink)
            return page.items
        }
        var answer = OperationAnswer(.items(stream), notes: [note], connection: connection.name)
        answer.delivery = Delivery { () async throws(MMError) in
            if let link = reached.takeLink() { try memory.keep(link) }
        }
        return answer
    }
}

/// The delta link behind the changes, known once all of them have been read.
private final class Reached: Sendable {
    private struct State {
        var link: String?
        var isAtEnd = false
    }

    private let state: Mutex<State>

    init(_ link: String?) { state = Mutex(State(link: link)) }

    /// Notes the delta link of a page; only the last page has one.
    func note(_ link: String?) { state.withLock { $0.link = link } }

    /// Notes that there are no further pages.
    func end() { state.withLock { $0.isAtEnd = true } }

    /// Returns the link once: a kept answer that is read again must not bring an old link back.
    func takeLink() -> String? {
        state.withLock { state in
            guard state.isAtEnd else { return nil }
            defer { state.link = nil }
            return state.link
        }
    }
}

/// Writes all pages of a list to a file, row by row, instead of the service's answer with the first page.
struct ListDownload {
    let transfer: FileTransfer
    let target: RequestTarget
    let progress: ItemProgress

    private var input: GraphRequestInput { transfer.input }

    /// The form that the call asks for. In a terminal, `--json` is about the terminal's output, and the file's name
    /// decides instead.
    private var form: String? { transfer.context.call.caller.surface == .terminal ? nil : input.form }

    /// Whether the call means rows: it says so, or the tables show that the endpoint returns a list.
    var isMeant: Bool {
        if input.recursive { return false }
        if target.isReport {
            // As it comes, a report is CSV already.
            let form = form ?? RowForm.byName(input.download)?.rawValue
            return input.top != nil || (form != nil && form != RowForm.csv.rawValue)
        }
        if input.all || input.top != nil || form != nil { return true }
        guard target.service == .graph, let found = EndpointIndex.standard.engine.template(of: target), !found.isCounted
        else {
            return false
        }
        return EndpointIndex.standard.calls(of: found.template).contains { $0.method == "GET" && $0.kind == .list }
    }

    /// Writes the list to a file.
    func run(to named: String) async throws(MMError) -> OperationAnswer {
        let (client, desk, services) = (transfer.client, transfer.desk, transfer.services)
        let context = desk.context
        let form = try RowForm.of(self.form, file: named)
        let export = RowExport(
            context: context, services: services.shells, connection: transfer.connection.name, form: form,
            replaces: input.conflict == .replace)
        let suggested = (target.segments.last ?? "rows") + "." + form.rawValue
        let place = try await export.place(named, suggested: suggested)
        let request = try GraphRequest(method: "GET", target: target, headers: input.headers)
        let to = place?.path ?? "a handle"
        let cleared = try await desk.clear(
            [request], lines: ["to: \(to)"], parameters: ["to": .string(place?.path ?? named)])
        let (limits, progress) = (PageLimits(items: input.top), progress)
        return try await desk.signedIn { () async throws(MMError) in
            let reader = PageReader(
                try client.pages(request, by: cleared, limits: limits, deadline: context.deadline), progress: progress)
            let first = try await reader.next()
            let stream = ItemStream(startingWith: first?.items ?? []) { () async throws(MMError) in
                try await reader.next()?.items
            }
            return try await export.write(stream, to: place, columns: Self.columns(of: target))
        }
    }

    /// Returns the columns that a plain `$select` names; none where they have to be taken from the rows.
    private static func columns(of target: RequestTarget) -> [String] {
        guard target.queryValue("$expand") == nil, let select = target.queryValue("$select") else { return [] }
        let names = select.split(separator: ",").map { $0.filter { $0 != " " } }
        return names.contains { $0.contains("/") || $0.contains("*") } ? [] : names.map { String($0) }
    }
}

/// The delta link of a connection's query, kept between calls.
///
/// The link is private: it contains the query and gives access to its next results.
struct ChangesMemory: Sendable {
    private let path: String

    /// The stored state.
    struct Kept: Sendable, Hashable {
        /// The delta link.
        let link: String
        /// The time at which the link was received.
        let since: Timestamp
    }

    /// Creates the memory of one query of a connection.
    /// - Parameter principal: the caller that signed in to this server, if any; each has a reading position of its own.
    init(
        connection: Connection, service: RequestService, target: RequestTarget, principal: String? = nil,
        paths: StatePaths
    ) {
        let purpose: [JSONValue] = [.string(service.rawValue), .string(target.pathAndQuery)]
        path = ConnectionLinks(.changes, of: connection, paths: paths)
            .path(of: .array(purpose + (principal.map { [.string($0)] } ?? [])))
    }

    /// Returns the state that the last call kept; `nil` before the first.
    func read() throws(MMError) -> Kept? {
        guard let bytes = try ProtectedFile.read(path, limit: 1 << 20), let value = try? JSONParser.parse(bytes),
            let link = value["deltaLink"]?.string,
            let since = value["since"]?.string.flatMap({ Timestamp(iso8601: $0) })
        else { return nil }
        return Kept(link: link, since: since)
    }

    /// Keeps a link.
    func keep(_ link: String) throws(MMError) {
        let value: JSONValue = ["deltaLink": .string(link), "since": .string(Timestamp.now.iso8601)]
        try ProtectedFile.replace(path, with: JSONWriter.bytes(value))
    }

    /// Forgets the link, because it is too old and everything has to be read again.
    func forget() throws(MMError) { try ProtectedFile.remove(path) }
}
