import MMCore
import MMGraph
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
    ).forReaders.plannable.forSeveral(.init(isGuarded: true, alone: ["upload", "download", "recursive", "conflict"]))

    func run(
        _ input: GraphRequestInput, in context: OperationContext, with services: TransferServices
    ) async throws(MMError) -> OperationAnswer {
        let requests = services.requests
        let guarding = requests.guarding
        if let words = input.search {
            // GET is what a caller gets who says nothing.
            let method = input.method == "GET" ? nil : input.method
            if let path = CallSheet.path(in: words) {
                return try CallSheet.answer(about: path, method: method, beta: false)
            }
            return try CallSheet.answer(
                to: words, method: method, beta: false, top: 5, of: input.resource, with: .of(guarding.paths))
        }
        guard let name = input.connection, let endpoint = input.endpoint ?? input.batch.map({ _ in "/$batch" }) else {
            return ConnectionsList.answer(of: try guarding.registry.snapshot(), in: context)
        }
        let connection = try guarding.registry.connection(named: name, in: context)
        let progress = ItemProgress(limit: input.top, context.call.progress)
        let place = try RequestResource.place(
            input.resource, of: endpoint, connection: connection, cloud: try requests.identity.cloud(of: connection))
        let client = try GraphClient(
            identity: requests.identity, connection: connection, service: place.service,
            sharePointLabel: place.sharePointLabel
        ).reportingWaits { progress.waits($0) }
        let query = UsualProperties.withoutStar(input.query, for: context.call.caller)
        let asWritten = try client.target(endpoint, query: query.query)
        let versioned = place.service == .arm ? ProviderVersion.added(to: asWritten) : nil
        let written = versioned?.target ?? asWritten
        let isPlain = input.upload == nil && input.download == nil && !input.changes && input.batch == nil
        // Files have places of their own below a drive, which no table lists.
        if isPlain, !input.unlisted {
            try PathFault.check(input.method, written, hasBody: input.body != nil, body: input.body)
        }
        let usual =
            query.isStar || !isPlain
            ? nil : UsualProperties.added(to: written, input.method, for: context.call.caller)
        let target = usual?.target ?? written
        let module = place.resource.module
        context.record.note("module", .string(module))
        context.record.note("method", .string(input.method))
        context.record.note("path", .string(target.path))
        let clearance = RequestClearance(
            connection: connection, module: module, guarding: guarding, context: context, confirmed: input.confirmed)

        let watch = WriteWatch(client: client, connection: connection, requests: requests, context: context)
        if let text = input.batch {
            let batch = try BatchOfRequests(text, client: client)
            if !input.unlisted { try PathFault.check(BatchItems(batch.parts).items) }
            let asked = batch.parts.map(\.request)
            if input.isDryRun { return try await WriteForecast(watch, clearance).answer(asked) }
            if let planning = context.call.planning, try clearance.changes(asked) {
                return try await planning.record(asked, of: place.resource, watch, clearance)
            }
            var writes: [WriteWatch.Write] = []
            try await clearance.settle(asked) {
                writes = await watch.writes(asked)
                return WriteWatch.lines(of: writes)
            }
            let planned = writes
            return try await requests.identity.waitingForSignIn(
                to: connection, resource: client.resource, in: context
            ) { () async throws(MMError) in
                try await batch.answer(
                    client: client, watch: watch, writes: planned, deadline: context.deadline, progress: progress)
            }
        }
        if input.upload != nil || input.download != nil {
            try context.call.refusePlanning("Files that are sent or fetched")
            let transfer = FileTransfer(
                client: client, connection: connection, input: input, clearance: clearance, services: services)
            // The slash at the end of a folder is the caller's own.
            let place = input.query.isEmpty ? endpoint : target.pathAndQuery
            if let file = input.upload { return try await transfer.upload(file, to: place) }
            if let file = input.download {
                let list = ListDownload(transfer: transfer, target: target, progress: progress)
                return list.isMeant ? try await list.run(to: file) : try await transfer.download(place, to: file)
            }
        }
        if let batch = BatchItems(of: input.body, at: target) {
            if !input.unlisted { try PathFault.check(batch.items) }
            context.record.note("items", batch.json)
        }

        let request = try GraphRequest(
            method: input.method, target: input.changes ? try client.changes(of: target) : target,
            headers: input.headers, body: input.body.map { JSONWriter.bytes($0) },
            contentType: input.body == nil ? nil : "application/json")
        // A batch changes what its items change.
        let items = BatchItems(of: input.body, at: target).map { _ in
            BatchOfRequests.parts(ofBody: input.body, client: client)
        }
        let parts = items?.map(\.request) ?? [request]
        if input.isDryRun { return try await WriteForecast(watch, clearance).answer(parts) }
        if let planning = context.call.planning, try clearance.changes(parts) {
            return try await planning.record(parts, of: place.resource, watch, clearance)
        }
        var writes: [WriteWatch.Write] = []
        try await clearance.settle([request]) {
            writes = await watch.writes(parts)
            return WriteWatch.lines(of: writes)
        }
        let planned = writes

        let asked = "\(input.method) \(target.pathAndQuery)"
        let selected = SelectedMembers(of: target, for: context.call.caller)
        return try await requests.identity.waitingForSignIn(
            to: connection, resource: client.resource, in: context
        ) { () async throws(MMError) in
            if input.changes {
                let memory = ChangesMemory(
                    connection: connection, service: client.service, target: request.target,
                    principal: context.call.caller.signedIn?.id, paths: guarding.paths)
                return try await ChangesReader(
                    client: client, request: request, memory: memory, deadline: context.deadline, progress: progress
                ).answer(connection: connection)
            }
            if input.all || input.top != nil {
                let limits = PageLimits(items: input.top)
                var answer = try await Self.pages(
                    client.pages(request, limits: limits, deadline: context.deadline), progress, connection)
                if let usual { answer.notes.append(usual.note) }
                if let versioned { answer.notes.append(versioned.note) }
                return selected?.answer(answer) ?? answer
            }
            var notes: [String] = []
            var response = try await watch.sending(planned, ids: items?.map(\.id), notes: &notes) {
                () async throws(MMError) in
                try await client.send(request, deadline: context.deadline)
            }
            if input.waits {
                response = try await client.outcome(of: response, to: request, deadline: context.deadline) {
                    progress.waits($0)
                }
            }
            var answer = try Self.one(response, to: request, connection)
            if context.call.caller.surface == .mcp, case .bytes(let bytes, _) = answer.body,
                ListDownload.isReport(request.target), let rows = CSVRows.read(bytes)
            {
                // A report comes as a file of comma-separated values: a model gets its rows, as of any list.
                answer.body = .items(ItemStream(startingWith: rows.map { JSONWriter.bytes($0)[...] }) { nil })
            }
            if let selected { answer = selected.answer(answer) }
            answer.notes += notes
            if let usual { answer.notes.append(usual.note) }
            if let versioned { answer.notes.append(versioned.note) }
            if let note = AdvancedQuery.note(for: request.target) { answer.notes.append(note) }
            if let advice = BatchOutcome(response, to: request, now: .now)?.advice {
                answer.notes.append(advice)
                answer.missing = advice
            }
            let body = request.body.map { " " + String(decoding: $0.prefix(2000), as: UTF8.self) } ?? ""
            context.logContent(of: connection, module, sent: asked + body, answer: answer, to: requests.log)
            return answer
        }
    }

    private static func one(
        _ response: GraphResponse, to request: GraphRequest, _ connection: Connection
    ) throws(MMError) -> OperationAnswer {
        if response.body.isEmpty {
            var value: JSONObject = ["status": .int(Int64(response.status))]
            if let location = response.header("Location") { value["location"] = .string(location) }
            return OperationAnswer(.value(.object(value)), connection: connection.name)
        }
        if response.isJSON {
            try checkWhole(response, to: request)
            return OperationAnswer(.json(response.body), connection: connection.name)
        }
        return OperationAnswer(
            .bytes(response.body, contentType: response.contentType ?? "application/octet-stream"),
            connection: connection.name)
    }

    /// Half a JSON text is no answer, whatever its status says: something on the way cut it off or made it up.
    private static func checkWhole(_ response: GraphResponse, to request: GraphRequest) throws(MMError) {
        do throws(JSONError) { _ = try JSONParser.parse(response.body) } catch {
            let isRead = request.method == "GET"
            throw MMError(
                .remoteFailed,
                "The answer to \(request.method) \(request.target.path) (\(response.status)) is said to be JSON and isn't: "
                    + "\(error).",
                hint: isRead
                    ? "Ask again." : "Nobody knows whether it was carried out: look before you send it again.",
                retry: isRead ? .now : .never, details: ["status": .int(Int64(response.status))])
        }
    }

    /// The first page is fetched here, so that what is wrong with the request is an error and no torn list.
    private static func pages(_ pages: GraphPages, _ progress: ItemProgress, _ connection: Connection)
        async throws(MMError) -> OperationAnswer
    {
        let walk = PageReader(pages, progress: progress)
        let first = try await walk.next()
        if let first, !first.isCollection, let item = first.items.first {
            return OperationAnswer(.json(Array(item)), connection: connection.name)
        }
        let stream = ItemStream(startingWith: first?.items) { () async throws(MMError) in try await walk.next()?.items }
        var answer = OperationAnswer(.items(stream), connection: connection.name)
        // Rows alone go on; the count that was asked for stands beside them.
        if let note = AdvancedQuery.note(for: pages.request.target) { answer.notes.append(note) }
        if let count = first?.count { answer.notes.append("@odata.count: \(count)") }
        return answer
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
    let client: GraphClient
    /// The delta query as it was asked for.
    let request: GraphRequest
    let memory: ChangesMemory
    let deadline: Deadline
    let progress: ItemProgress

    /// The answer: the changes as rows, with a note that says since when.
    func answer(connection: Connection) async throws(MMError) -> OperationAnswer {
        var note = "This is the first full read; the next call with --changes gives only what has changed since."
        var reader = PageReader(client.pages(request, deadline: deadline), progress: progress)
        var first: GraphPage?
        if let kept = try memory.read() {
            let rest = PageReader(client.pages(request, from: kept.link, deadline: deadline), progress: progress)
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
                    reader = PageReader(client.pages(request, from: link, deadline: deadline), progress: progress)
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
    private var form: String? { transfer.clearance.context.call.caller.surface == .terminal ? nil : input.form }

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
        let (client, clearance, services) = (transfer.client, transfer.clearance, transfer.services)
        let context = clearance.context
        let form = try RowForm.of(self.form, file: named)
        let export = RowExport(
            context: context, services: services.shells, connection: transfer.connection.name, form: form,
            replaces: input.conflict == .replace)
        let suggested = (target.segments.last ?? "rows") + "." + form.rawValue
        let place = try await export.place(named, suggested: suggested)
        let request = try GraphRequest(method: "GET", target: target, headers: input.headers)
        let to = place?.path ?? "a handle"
        try await clearance.settle([request], lines: ["to: \(to)"], parameters: ["to": .string(place?.path ?? named)])
        let limits = PageLimits(items: input.top)
        let (isReport, progress) = (Self.isReport(target), progress)
        return try await transfer.signedIn { () async throws(MMError) in
            guard !isReport else {
                let response = try await client.send(request, deadline: context.deadline)
                guard let rows = CSVRows.read(response.body) else {
                    throw MMError(
                        .remoteFailed, "The report is no table of comma-separated values.",
                        hint: "Leave `output` out: then it is written as it came.")
                }
                return try await export.write(
                    ItemStream(startingWith: rows.map { JSONWriter.bytes($0)[...] }) { nil }, to: place)
            }
            let reader = PageReader(
                client.pages(request, limits: limits, deadline: context.deadline), progress: progress)
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
