import MMCore
import MMDesk
import MMGuard
import MMIdentity
import MMShell

/// A request of `graph_request`: its service, and the target exactly as it is judged and sent.
struct RequestCall: Sendable {
    let input: GraphRequestInput
    /// The endpoint as the caller wrote it.
    let endpoint: String
    let connection: Connection
    let place: RequestResource.Place
    let target: RequestTarget
    /// Notes about additions to the target that the caller hadn't written.
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

    /// Returns the target that is sent, and notes about additions to it.
    private static func target(
        of input: GraphRequestInput, at endpoint: String, for client: GuardedClient, _ caller: Caller
    ) throws(MMError) -> (RequestTarget, added: [String]) {
        let query = UsualProperties.withoutStar(input.query, for: caller)
        let asWritten = try client.target(endpoint, query: query.query)
        let versioned = asWritten.service == .arm ? ProviderVersion.added(to: asWritten) : nil
        let written = versioned?.target ?? asWritten
        // Files have paths of their own below a drive, which no table lists.
        guard input.upload == nil, input.download == nil, !input.changes, input.batch == nil else {
            return (written, [versioned?.note].compactMap { $0 })
        }
        if !input.unlisted {
            try PagingFault.check(written)
            try PathFault.check(input.method, written, hasBody: input.body != nil, body: input.body)
        }
        let usual = query.isStar ? nil : UsualProperties.added(to: written, input.method, for: caller)
        return (usual?.target ?? written, [usual?.note, versioned?.note].compactMap { $0 })
    }

    // MARK: Many requests

    /// Sends the requests that a file or text lists, twenty at a time.
    func batch(_ text: String) async throws(MMError) -> OperationAnswer {
        let batch = try BatchOfRequests(text, client: client)
        if !input.unlisted { try PathFault.check(BatchItems(batch.parts).items) }
        let asked = batch.parts.map(\.request)
        if let shown = try await withoutSending(asked) { return shown }
        let (cleared, writes) = try await cleared(asked, changing: asked, lines: batch.order)
        return try await desk.signedIn { () async throws(MMError) in
            try await batch.answer(desk.watch, by: cleared, changing: writes, progress: progress)
        }
    }

    // MARK: Files

    /// Sends or fetches a file, a folder, or a whole list.
    func transfer() async throws(MMError) -> OperationAnswer {
        let transfer = FileTransfer(desk: desk, input: input, services: services)
        // A trailing slash, which denotes a folder, is only in the endpoint as written.
        let place = input.query.isEmpty ? endpoint : target.pathAndQuery
        if let file = input.upload { return try await transfer.upload(file, to: place, of: self.place.resource) }
        try context.call.refusePlanning("Files that are fetched")
        let list = ListDownload(transfer: transfer, target: target, progress: progress)
        let file = input.download ?? ""
        return list.isMeant ? try await list.run(to: file) : try await transfer.download(place, to: file)
    }

    // MARK: One request

    /// Sends one request: for changes since the last call, for all pages, or as it is.
    func request() async throws(MMError) -> OperationAnswer {
        let body = BatchItems(of: input.body, at: target)
        if let body, !input.unlisted { try PathFault.check(body.items) }
        let request = try GraphRequest(
            method: input.method, target: input.changes ? try client.changes(of: target) : target,
            headers: input.headers, body: input.body.map { JSONWriter.bytes($0) },
            contentType: input.body == nil ? nil : "application/json")
        // The changes of a batch are those of its items.
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

    /// Returns the answer of a dry run or of planning; `nil` where the requests are to be sent.
    private func withoutSending(_ requests: [GraphRequest]) async throws(MMError) -> OperationAnswer? {
        if input.isDryRun { return try await WriteForecast(desk).answer(requests) }
        guard let planning = context.call.planning, try desk.changes(requests) else { return nil }
        return try await planning.record(requests, of: .named(place.resource), at: desk)
    }

    /// Clears requests with the guard, including a confirmation if needed; reads the states of their objects for that
    /// and for the journal.
    private func cleared(
        _ requests: [GraphRequest], changing parts: [GraphRequest], lines: [String] = []
    ) async throws(MMError) -> (Cleared<[GraphRequest]>, [WriteWatch.Write]) {
        var writes: [WriteWatch.Write] = []
        let cleared = try await desk.clear(requests, lines: lines) { () async throws(MMError) in
            writes = await desk.watch.writes(parts)
            try WriteWatch.checkObjects(of: writes)
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
            request.target.isReport, let rows = CSVRows.read(bytes)
        {
            // A report is a CSV file; models get its rows like those of any list.
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
        if request.target.segments.last == "$count", let count = CountText.read(response.body) {
            return OperationAnswer(.value(.int(count)), connection: connection.name)
        }
        return OperationAnswer(
            .bytes(response.body, contentType: response.contentType ?? "application/octet-stream"),
            connection: connection.name)
    }

    /// Throws for incomplete JSON, whatever the status: it was cut off or altered on the way.
    private static func checkWhole(_ response: GraphResponse, to request: GraphRequest) throws(MMError) {
        do throws(JSONError) { _ = try JSONParser.parse(response.body) } catch {
            let isRead = request.method == "GET"
            throw MMError(
                .remoteFailed,
                "The answer to \(request.method) \(request.target.path) (\(response.status)) is declared as JSON but is not valid: "
                    + "\(error).",
                hint: isRead
                    ? "Ask again." : "It is unknown whether it was carried out: check before you send it again.",
                retry: isRead ? .now : .never, details: ["status": .int(Int64(response.status))])
        }
    }

    /// Fetches the first page here, so that a faulty request gives an error instead of an interrupted list.
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
        // The stream contains only rows; the requested count is added as a note.
        if let note = AdvancedQuery.note(for: pages.request.target) { answer.notes.append(note) }
        if let count = first?.count { answer.notes.append("@odata.count: \(count)") }
        return answer
    }
}

/// The members that a model asked for with `$select`. Services add others, such as ids and types of directory objects,
/// and a model reads every word. People and scripts get the service's answer unchanged.
struct SelectedMembers {
    private let names: Set<String>

    /// Reads the members from a request; `nil` where it has no `$select`, or the caller isn't a model.
    init?(of target: RequestTarget, for caller: Caller) {
        guard caller.surface == .mcp, target.service == .graph, let select = target.queryValue("$select") else {
            return nil
        }
        let expand = target.queryValue("$expand") ?? ""
        // In paths and in expansions with options, the member's name comes first.
        let written = (select + "," + expand).split { $0 == "," || $0 == ";" || $0 == "(" || $0 == ")" }
        let names = written.map { $0.prefix { $0 != "/" }.filter { $0 != " " }.lowercased() }.filter { !$0.isEmpty }
        guard !names.contains("*") else { return nil }
        self.names = Set(names)
    }

    /// Returns the answer with only these members in its rows.
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

    /// Returns a row with only the members; a row without any of them is kept whole, since its id and type are its only
    /// information.
    private func row(_ value: JSONValue) -> JSONValue {
        guard case .object(let object) = value, object["error"] == nil else { return value }
        let kept = object.filter { names.contains($0.key.lowercased()) }
        return kept.isEmpty ? value : .object(JSONObject(kept.map { ($0.key, $0.value) }))
    }
}

/// Reads a collection's pages one after the other and reports the number of items.
actor PageReader {
    private var pages: GraphPages.Iterator
    private let progress: ItemProgress

    /// Creates a reader at the first page.
    /// - Parameters:
    ///   - pages: the collection.
    ///   - progress: receives the number of items.
    init(_ pages: GraphPages, progress: ItemProgress) {
        self.pages = pages.makeAsyncIterator()
        self.progress = progress
    }

    /// Returns the next page; `nil` at the end.
    func next() async throws(MMError) -> GraphPage? {
        var iterator = pages
        let page = try await iterator.next(isolation: self)
        pages = iterator
        if let page { progress.came(page.items.count, of: page.count) }
        return page
    }
}

/// Reports to the caller how many items have arrived, how fast, and why the next ones take a while.
final class ItemProgress: Sendable {
    private struct State {
        var items = 0
        var total: Int?
        var pace = WorkPace(counting: .items)
    }

    private let state = Mutex(State())
    private let limit: Int?
    private let report: @Sendable (ProgressReport) -> Void

    /// Creates a progress that reports to the caller.
    /// - Parameter limit: the maximum number of items; `nil` for all.
    init(limit: Int? = nil, _ report: @escaping @Sendable (ProgressReport) -> Void) {
        self.limit = limit
        self.report = report
    }

    /// Reports that more items have arrived.
    /// - Parameter total: the total number, where the service returned it.
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

    /// Reports that the call waits.
    func waits(_ reason: String) {
        let (done, total) = state.withLock { ($0.items, $0.total) }
        report(ProgressReport(done: Double(done), total: total.map(Double.init), message: reason))
    }
}
