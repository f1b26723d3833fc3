import MMCore
import MMDesk
import MMGuard
import MMIdentity
import MMShell

/// A request that `graph_request` was called with: the service it goes to, and the target exactly as it is judged and sent.
struct RequestCall: Sendable {
    let input: GraphRequestInput
    /// The endpoint as the caller wrote it.
    let endpoint: String
    let connection: Connection
    let place: RequestResource.Place
    let target: RequestTarget
    /// What was added to the target that its caller hadn't written.
    let added: [String]
    let progress: ItemProgress
    let desk: Desk
    let services: TransferServices

    private var context: OperationContext { desk.context }
    private var client: GuardedClient { desk.client }

    /// Finds the service, completes the target, and notes both in the call's record.
    /// - Throws: `invalidInput` for a path that the service doesn't have, or an address outside the connection's cloud.
    init(
        _ input: GraphRequestInput, to endpoint: String, on connection: Connection, in context: OperationContext,
        with services: TransferServices
    ) throws(MMError) {
        let requests = services.requests
        let progress = ItemProgress(limit: input.top, context.call.progress)
        place = try RequestResource.place(
            input.resource, of: endpoint, connection: connection, cloud: try requests.identity.cloud(of: connection))
        let client = try GuardedClient(
            identity: requests.identity, connection: connection, service: place.service,
            sharePointLabel: place.sharePointLabel
        ).reportingWaits { progress.waits($0) }
        (target, added) = try Self.target(of: input, at: endpoint, for: client, context.call.caller)
        context.record.note("module", .string(place.resource.module))
        context.record.note("method", .string(input.method))
        context.record.note("path", .string(target.path))
        desk = Desk(
            watch: WriteWatch(client: client, connection: connection, requests: requests, context: context),
            module: place.resource.module, confirmed: input.confirmed)
        (self.input, self.endpoint, self.connection, self.progress) = (input, endpoint, connection, progress)
        self.services = services
    }

    /// The target that is sent, and what was added to it.
    private static func target(
        of input: GraphRequestInput, at endpoint: String, for client: GuardedClient, _ caller: Caller
    ) throws(MMError) -> (RequestTarget, added: [String]) {
        let query = UsualProperties.withoutStar(input.query, for: caller)
        let asWritten = try client.target(endpoint, query: query.query)
        let versioned = asWritten.service == .arm ? ProviderVersion.added(to: asWritten) : nil
        let written = versioned?.target ?? asWritten
        // Files have places of their own below a drive, which no table lists.
        guard input.upload == nil, input.download == nil, !input.changes, input.batch == nil else {
            return (written, [versioned?.note].compactMap { $0 })
        }
        if !input.unlisted {
            try PathFault.check(input.method, written, hasBody: input.body != nil, body: input.body)
        }
        let usual = query.isStar ? nil : UsualProperties.added(to: written, input.method, for: caller)
        return (usual?.target ?? written, [usual?.note, versioned?.note].compactMap { $0 })
    }

    // MARK: Many requests

    /// Sends what a file or text lists, twenty at a time.
    func batch(_ text: String) async throws(MMError) -> OperationAnswer {
        let batch = try BatchOfRequests(text, client: client)
        if !input.unlisted { try PathFault.check(BatchItems(batch.parts).items) }
        let asked = batch.parts.map(\.request)
        if let shown = try await withoutSending(asked) { return shown }
        let (cleared, writes) = try await cleared(asked, changing: asked)
        return try await desk.signedIn { () async throws(MMError) in
            try await batch.answer(desk.watch, by: cleared, changing: writes, progress: progress)
        }
    }

    // MARK: Files

    /// Sends or fetches a file, a folder, or a whole list.
    func transfer() async throws(MMError) -> OperationAnswer {
        let transfer = FileTransfer(desk: desk, input: input, services: services)
        // The slash at the end of a folder is the caller's own.
        let place = input.query.isEmpty ? endpoint : target.pathAndQuery
        if let file = input.upload { return try await transfer.upload(file, to: place, of: self.place.resource) }
        try context.call.refusePlanning("Files that are fetched")
        let list = ListDownload(transfer: transfer, target: target, progress: progress)
        let file = input.download ?? ""
        return list.isMeant ? try await list.run(to: file) : try await transfer.download(place, to: file)
    }

    // MARK: One request

    /// Sends one request: for what has changed since the last such call, for all pages, or as it is.
    func request() async throws(MMError) -> OperationAnswer {
        let body = BatchItems(of: input.body, at: target)
        if let body {
            if !input.unlisted { try PathFault.check(body.items) }
            context.record.note("items", body.json)
        }
        let request = try GraphRequest(
            method: input.method, target: input.changes ? try client.changes(of: target) : target,
            headers: input.headers, body: input.body.map { JSONWriter.bytes($0) },
            contentType: input.body == nil ? nil : "application/json")
        // A batch changes what its items change.
        let items = body.map { _ in BatchOfRequests.parts(ofBody: input.body, client: client) }
        let parts = items?.map(\.request) ?? [request]
        if let shown = try await withoutSending(parts) { return shown }
        let (cleared, writes) = try await cleared([request], changing: parts)
        return try await desk.signedIn { () async throws(MMError) in
            if input.changes { return try await changes(request, by: cleared) }
            if input.all || input.top != nil { return try await pages(request, by: cleared) }
            return try await sent(request, by: cleared, writes, ids: items?.map(\.id))
        }
    }

    /// What a dry run shows, or that a plan has taken the requests; `nil` where they are to be sent.
    private func withoutSending(_ requests: [GraphRequest]) async throws(MMError) -> OperationAnswer? {
        if input.isDryRun { return try await WriteForecast(desk).answer(requests) }
        guard let planning = context.call.planning, try desk.changes(requests) else { return nil }
        return try await planning.record(requests, of: .named(place.resource), at: desk)
    }

    /// Has requests judged, and whoever must be asked, asked; reads the state of what they change for that and for the journal.
    private func cleared(
        _ requests: [GraphRequest], changing parts: [GraphRequest]
    ) async throws(MMError) -> (Cleared<[GraphRequest]>, [WriteWatch.Write]) {
        var writes: [WriteWatch.Write] = []
        let cleared = try await desk.clear(requests) {
            writes = await desk.watch.writes(parts)
            return WriteWatch.lines(of: writes)
        }
        return (cleared, writes)
    }

    private func changes(
        _ request: GraphRequest, by cleared: Cleared<[GraphRequest]>
    ) async throws(MMError) -> OperationAnswer {
        let memory = ChangesMemory(
            connection: connection, service: client.service, target: request.target,
            principal: context.call.caller.signedIn?.id, paths: services.requests.guarding.paths)
        return try await ChangesReader(
            client: client, request: request, cleared: cleared, memory: memory, deadline: context.deadline,
            progress: progress
        ).answer(connection: connection)
    }

    private func pages(
        _ request: GraphRequest, by cleared: Cleared<[GraphRequest]>
    ) async throws(MMError) -> OperationAnswer {
        let pages = try client.pages(
            request, by: cleared, limits: PageLimits(items: input.top), deadline: context.deadline)
        var answer = try await Self.pages(pages, progress, connection)
        answer.notes += added
        return SelectedMembers(of: target, for: context.call.caller)?.answer(answer) ?? answer
    }

    private func sent(
        _ request: GraphRequest, by cleared: Cleared<[GraphRequest]>, _ writes: [WriteWatch.Write], ids: [String]?
    ) async throws(MMError) -> OperationAnswer {
        var notes: [String] = []
        var response = try await desk.watch.send(request, by: cleared, changing: writes, ids: ids, notes: &notes)
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
        if let selected = SelectedMembers(of: target, for: context.call.caller) { answer = selected.answer(answer) }
        answer.notes += notes + added
        if let note = AdvancedQuery.note(for: request.target) { answer.notes.append(note) }
        if let advice = BatchOutcome(response, to: request, now: .now)?.advice {
            answer.notes.append(advice)
            answer.missing = advice
        }
        let body = request.body.map { " " + String(decoding: $0.prefix(2000), as: UTF8.self) } ?? ""
        context.logContent(
            of: connection, place.resource.module, sent: "\(input.method) \(target.pathAndQuery)" + body,
            answer: answer,
            to: services.requests.log)
        return answer
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

/// The members that a model asked for with `$select`. Services add others that nobody asked for, such as ids and types of
/// directory objects, and a model reads every word. People and scripts get what the service sent.
struct SelectedMembers {
    private let names: Set<String>

    /// What a request asks for; `nil` where it leaves that to the service, or somebody else asks.
    init?(of target: RequestTarget, for caller: Caller) {
        guard caller.surface == .mcp, target.service == .graph, let select = target.queryValue("$select") else {
            return nil
        }
        let expand = target.queryValue("$expand") ?? ""
        // A path, and an expansion with options of its own, begin with the member.
        let written = (select + "," + expand).split { $0 == "," || $0 == ";" || $0 == "(" || $0 == ")" }
        let names = written.map { $0.prefix { $0 != "/" }.filter { $0 != " " }.lowercased() }.filter { !$0.isEmpty }
        guard !names.contains("*") else { return nil }
        self.names = Set(names)
    }

    /// The answer with these members of its rows.
    func answer(_ given: OperationAnswer) -> OperationAnswer {
        var answer = given
        switch given.body {
        case .json(let bytes):
            guard let value = try? JSONParser.parse(bytes) else { return given }
            answer.body = .json(JSONWriter.bytes(selected(value)))
        case .items(let stream):
            answer.body = .items(
                ItemStream(end: stream.end) { () async throws(MMError) in
                    guard let batch = try await stream.next() else { return nil }
                    return batch.map { bytes in
                        guard let row = try? JSONParser.parse(Array(bytes)) else { return bytes }
                        return JSONWriter.bytes(self.row(row))[...]
                    }
                })
        case .value, .text, .bytes, .output: break
        }
        return answer
    }

    private func selected(_ value: JSONValue) -> JSONValue {
        guard case .object(var object) = value else { return value }
        guard let rows = object["value"]?.array else { return row(value) }
        object["value"] = .array(rows.map(row))
        return .object(object)
    }

    /// A row that has nothing of it stays as it is: its id and type are all that tells of it.
    private func row(_ value: JSONValue) -> JSONValue {
        guard case .object(let object) = value, object["error"] == nil else { return value }
        let kept = object.filter { names.contains($0.key.lowercased()) }
        return kept.isEmpty ? value : .object(JSONObject(kept.map { ($0.key, $0.value) }))
    }
}

/// Reads a collection's pages one after the other and reports how many items came.
actor PageReader {
    private var pages: GraphPages.Iterator
    private let progress: ItemProgress

    /// A reader at the first page.
    /// - Parameters:
    ///   - pages: the collection.
    ///   - progress: is told how many items came.
    init(_ pages: GraphPages, progress: ItemProgress) {
        self.pages = pages.makeAsyncIterator()
        self.progress = progress
    }

    /// The next page; `nil` at the end.
    func next() async throws(MMError) -> GraphPage? {
        var iterator = pages
        let page = try await iterator.next(isolation: self)
        pages = iterator
        if let page { progress.came(page.items.count, of: page.count) }
        return page
    }
}

/// Tells a caller how many items came, how fast, and why the next ones take a while.
final class ItemProgress: Sendable {
    private struct State {
        var items = 0
        var total: Int?
        var pace = WorkPace(counting: .items)
    }

    private let state = Mutex(State())
    private let limit: Int?
    private let report: @Sendable (ProgressReport) -> Void

    /// Reports go to whoever called.
    /// - Parameter limit: how many items are wanted at most; `nil` for all.
    init(limit: Int? = nil, _ report: @escaping @Sendable (ProgressReport) -> Void) {
        self.limit = limit
        self.report = report
    }

    /// So many more items came.
    /// - Parameter total: how many there are, where the service said it.
    func came(_ count: Int, of total: Int? = nil) {
        report(
            state.withLock { state in
                state.items += count
                if let total { state.total = limit.map { min($0, total) } ?? total }
                return ProgressReport(
                    done: Double(state.items), total: state.total.map(Double.init),
                    message: state.pace.text(done: state.items, total: state.total))
            })
    }

    /// Something is waited for.
    func waits(_ reason: String) {
        let (done, total) = state.withLock { ($0.items, $0.total) }
        report(ProgressReport(done: Double(done), total: total.map(Double.init), message: reason))
    }
}
