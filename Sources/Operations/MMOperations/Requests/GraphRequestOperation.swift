import MMCore
import MMDesk
import MMGuard
import MMIdentity
import MMShell

/// `graph_request`: one request to a service of Microsoft 365 with a connection's sign-in.
struct GraphRequestOperation: CatalogueOperation {
    typealias Input = GraphRequestInput

    let declaration = OperationDeclaration(
        "graph_request", aliases: ["mm_graph_request"], command: ["graph"], title: "Graph request",
        summary: "Send a request to Microsoft Graph, Power Automate, Azure, Power Platform or SharePoint.",
        description:
            "Sends one request as the connection's account to Microsoft Graph, or to the service in resource. "
            + "{\"search\": \"inbox rules of a user\"} finds endpoints. Without arguments it lists the connections. Show a "
            + "sign-in code to the person, then repeat the call. Risky requests need a person's yes. "
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
                "a file of any size; the same call goes on where a broken one stopped"),
            .init("mm graph Contoso /me/drive/root:/Reports/report.pdf --download .", "the file, in this folder"),
            .init(
                "mm graph Contoso /me/drive/root:/Reports --download . --recursive",
                "the folder with all that lies in it"),
            .init("mm graph Contoso /users/delta --changes --json", "what has changed since the last such call"),
            .init("mm graph Contoso --batch @requests.jsonl", "many requests, twenty at a time"),
            .init(
                "mm graph Contoso /users/ada@contoso.com -X PATCH -d '{\"department\": \"Finance\"}' --dry-run",
                "what it would change; nothing is sent. `mm undo` takes back what was"),
            .init(
                "mm graph Contoso /providers/Microsoft.ProcessSimple/environments --resource flow",
                "Power Automate environments"),
        ]
    ).forReaders.plannable.answering(withoutPool: .reads).forSeveral(
        .init(isGuarded: true, alone: ["upload", "download", "recursive", "conflict"]))

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

    /// The endpoints that words, or a path, lead to.
    private static func found(
        _ words: String, _ input: GraphRequestInput, with guarding: GuardServices
    ) throws(MMError) -> OperationAnswer {
        // GET is what a caller gets who says nothing.
        let method = input.method == "GET" ? nil : input.method
        if let path = CallSheet.path(in: words) {
            return try CallSheet.answer(about: path, method: method, beta: false)
        }
        return try CallSheet.answer(
            to: words, method: method, beta: false, top: 5, of: input.resource, with: .of(guarding.paths))
    }
}

/// The version of a provider's interface, which Azure refuses every request without: where it is known it is sent, and said.
enum ProviderVersion {
    /// The request with its version, and the note that says so; `nil` where the request names one, or none is known.
    static func added(to target: RequestTarget) -> (target: RequestTarget, note: String)? {
        guard target.queryValue("api-version") == nil,
            let version = ProviderVersions.version(for: "/" + target.segments.joined(separator: "/"))
        else { return nil }
        return (
            target.addingQuery("api-version", version),
            "Asked with api-version=\(version), since the request named none."
        )
    }
}

/// What of a common collection is asked for where a model doesn't say: a bare answer is ten times as large, and a model
/// reads all of it. People and scripts get what they asked for.
enum UsualProperties {
    /// The request with `$select`, and the note that says so; `nil` where nothing is added.
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
            "Asked with $select=\(names). For other properties say $select; $select=* leaves it to the service."
        )
    }

    /// The query without `$select=*`, by which a model says that it wants what the service sends by itself.
    static func withoutStar(_ query: [(name: String, value: String)], for caller: Caller)
        -> (query: [(name: String, value: String)], isStar: Bool)
    {
        guard caller.surface == .mcp else { return (query, false) }
        let rest = query.filter { !(["$select", "select"].contains($0.name.lowercased()) && $0.value == "*") }
        return (rest, rest.count < query.count)
    }
}

/// Reads what has changed since the last call, and keeps where it stopped once all of it was handed on.
struct ChangesReader: Sendable {
    let client: GuardedClient
    /// The delta query as it was asked for.
    let request: GraphRequest
    let cleared: Cleared<[GraphRequest]>
    let memory: ChangesMemory
    let deadline: Deadline
    let progress: ItemProgress

    /// The answer: the changes as rows, with a note that says since when.
    func answer(connection: Connection) async throws(MMError) -> OperationAnswer {
        var note = "This is the first full read; the next call with --changes gives only what has changed since."
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
                // The service no longer knows what was read then ("resyncRequired").
                guard error.details["status"]?.int == 410 else { throw error }
                try memory.forget()
                note = "The service no longer knows what was read on \(kept.since.iso8601): this is a full read again."
                // It may say itself where a full read begins.
                if let link = error.details["resyncLink"]?.string {
                    reader = PageReader(
                        try client.pages(request, by: cleared, from: link, deadline: deadline), progress: progress)
                }
            }
        }
        if first == nil { first = try await reader.next() }
        if let first, !first.isCollection {
            throw MMError(
                .invalidInput, "\(request.target.path) answers no list of changes.",
                hint: "Name a delta query, such as /users/delta or /me/drive/root/delta.")
        }
        let (walk, memory) = (reader, memory)
        let link = Mutex(first?.deltaLink)
        let stream = ItemStream(startingWith: first?.items) { () async throws(MMError) in
            guard let page = try await walk.next() else {
                // Only now everything that came before has been taken.
                if let link = link.withLock({ $0 }) { try memory.keep(link) }
                return nil
            }
            link.withLock { $0 = page.deltaLink }
            return page.items
        }
        return OperationAnswer(.items(stream), notes: [note], connection: connection.name)
    }
}

/// A list that is written to a file: all of its pages, row by row, and not what the service calls its first page.
struct ListDownload {
    let transfer: FileTransfer
    let target: RequestTarget
    let progress: ItemProgress

    private var input: GraphRequestInput { transfer.input }

    /// The form that the call asks for. A terminal's `--json` is about what it shows, and the file's name about the file.
    private var form: String? { transfer.context.call.caller.surface == .terminal ? nil : input.form }

    /// Whether the call means rows: it says so, or the tables know that a list is answered there.
    var isMeant: Bool {
        if input.recursive { return false }
        if Self.isReport(target) { return form == "json" || form == "jsonl" }
        if input.all || input.top != nil || form != nil { return true }
        guard target.service == .graph, let found = EndpointIndex.standard.engine.template(of: target), !found.isCounted
        else {
            return false
        }
        return EndpointIndex.standard.calls(of: found.template).contains { $0.method == "GET" && $0.kind == .list }
    }

    /// Whether a request is for a report, which comes as comma-separated values.
    static func isReport(_ target: RequestTarget) -> Bool {
        target.service == .graph && target.segments.first?.lowercased() == "reports"
            && target.segments.count == 2 && target.segments[1].lowercased().hasPrefix("get")
    }

    /// Writes the list.
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
        let limits = PageLimits(items: input.top)
        let (isReport, progress) = (Self.isReport(target), progress)
        return try await desk.signedIn { () async throws(MMError) in
            guard !isReport else {
                let response = try await client.send(request, by: cleared, deadline: context.deadline)
                guard let rows = CSVRows.read(response.body) else {
                    throw MMError(
                        .remoteFailed, "The report is no table of comma-separated values.",
                        hint: "Leave `output` out: then it is written as it came.")
                }
                return try await export.write(
                    ItemStream(startingWith: rows.map { JSONWriter.bytes($0)[...] }) { nil }, to: place)
            }
            let reader = PageReader(
                try client.pages(request, by: cleared, limits: limits, deadline: context.deadline), progress: progress)
            let first = try await reader.next()
            let stream = ItemStream(startingWith: first?.items ?? []) { () async throws(MMError) in
                try await reader.next()?.items
            }
            return try await export.write(stream, to: place, columns: Self.columns(of: target))
        }
    }

    /// The columns that `$select` names, where it names nothing else; none where the rows have to tell.
    private static func columns(of target: RequestTarget) -> [String] {
        guard target.queryValue("$expand") == nil, let select = target.queryValue("$select") else { return [] }
        let names = select.split(separator: ",").map { $0.filter { $0 != " " } }
        return names.contains { $0.contains("/") || $0.contains("*") } ? [] : names.map { String($0) }
    }
}

/// Where the reading of changes stopped, kept between calls: the delta link of a connection's query.
///
/// The link is private: it names what was asked for, and reads on with it.
struct ChangesMemory: Sendable {
    private let path: String

    /// What is kept.
    struct Kept: Sendable, Hashable {
        /// The link that answers what has changed since.
        let link: String
        /// When it was given.
        let since: Timestamp
    }

    /// The memory of one query of a connection.
    /// - Parameter principal: who asks, where they signed in to this server: each of them has read something else.
    init(
        connection: Connection, service: RequestService, target: RequestTarget, principal: String? = nil,
        paths: StatePaths
    ) {
        let purpose: [JSONValue] = [.string(service.rawValue), .string(target.pathAndQuery)]
        path = ConnectionLinks(.changes, of: connection, paths: paths)
            .path(of: .array(purpose + (principal.map { [.string($0)] } ?? [])))
    }

    /// What the last call kept; `nil` before the first.
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

    /// Forgets the link: it is too old, and everything has to be read again.
    func forget() throws(MMError) { try ProtectedFile.remove(path) }
}
