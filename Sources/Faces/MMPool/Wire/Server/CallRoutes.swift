package import MMCore
package import MMHTTP
package import MMOperations
import MMSystem

/// A call that arrived over HTTP, with its caller.
package struct IncomingCall: Sendable {
    /// The operation to call.
    package let operation: AnyOperation
    /// The arguments that the caller sent.
    package let arguments: JSONObject
    /// The caller and the circumstances of the call.
    package var context: CallContext
    /// Rewrites messages for the caller.
    let words: @Sendable (String) -> String

    /// Performs the call. Its messages are rewritten for the caller, also those that follow a list.
    func answer(
        from service: any OperationService, countedBy metrics: PoolMetrics, in context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        do throws(MMError) {
            var answer = try await metrics.counted(operation) { () async throws(MMError) in
                try await service.call(operation, arguments, in: context)
            }
            answer.notes = answer.notes.map(words)
            switch answer.body {
            case .items(let stream): answer.body = .items(told(stream))
            case .output(let stream): answer.body = .output(told(stream))
            case .value, .json, .text, .bytes: break
            }
            return answer
        } catch {
            throw error.told(in: words)
        }
    }

    private func told(_ stream: ItemStream) -> ItemStream {
        ItemStream(end: {
            var end = stream.end()
            end.notes = end.notes.map(words)
            return end
        }) { () async throws(MMError) in
            do throws(MMError) { return try await stream.next() } catch { throw error.told(in: words) }
        }
    }
}

/// The server side of the pool's protocol: the routes that carry out operations and report on them as events.
package struct CallRoutes: Sendable {
    /// Answers a call whose client doesn't want events.
    package typealias PlainCall = @Sendable (IncomingCall, HTTPHeaders) async throws(MMError) -> HTTPServerResponse

    private let service: any OperationService
    /// The server name that the `mcps` lists of connections are compared with for callers that give none.
    package let serverName: String
    private let handshake: @Sendable () async -> PoolHandshake
    private let open: CallQuestions
    private let metrics: PoolMetrics
    private let requirePerson: PersonProof.Requirement
    private let programWords: @Sendable (String) -> String
    private let watch: ClientWatch

    /// Creates the routes to a service.
    /// - Parameters:
    ///   - service: carries out operations.
    ///   - serverName: the name that the `mcps` lists of connections are compared with for callers that give none.
    ///   - handshake: returns the identity of this process.
    ///   - open: the questions that this process's calls have put to their clients.
    ///   - metrics: count the calls.
    ///   - requirePerson: rejects a process that claims to have a person before it but can't have one.
    ///   - words: rewrites messages for programs, which have operations but no command line.
    package init(
        service: any OperationService, serverName: String, handshake: @escaping @Sendable () async -> PoolHandshake,
        open: CallQuestions, metrics: PoolMetrics, requirePerson: @escaping PersonProof.Requirement,
        words: @escaping @Sendable (String) -> String
    ) {
        self.service = service
        self.serverName = serverName
        self.handshake = handshake
        self.open = open
        self.metrics = metrics
        self.requirePerson = requirePerson
        programWords = words
        watch = ClientWatch { await service.forget($0) }
    }

    /// Adds the routes to a router.
    /// - Parameter plain: answers a call whose client doesn't want events.
    package func add(to router: inout Router<AdmittedPeer>, plain: @escaping PlainCall) {
        router.get(PoolHandshake.path) { request in
            let handshake = await handshake()
            let told = request.peer.isOwn ? handshake.json : handshake.publicJSON
            return .json(JSONWriter.bytes(.object(told)))
        }
        router.post("/v1/operations/{operation}") { (request) throws(MMError) in
            let (call, sent) = try incoming(request)
            guard MediaTypes.names("text/event-stream", in: request.http.headers) else {
                return try await plain(call, request.http.headers)
            }
            return CallStream(
                service: service, open: open, metrics: metrics, call: call, hasPerson: sent.person != .nobody,
                isAtTerminal: sent.person == .atTerminal && isFrontEnd(request.peer), hasInput: sent.hasInput,
                confirmsDelivery: sent.confirmsDelivery
            ).response()
        }
        router.post("/v1/calls/{call}/questions/{question}", answerQuestion)
        router.post("/v1/calls/{call}/inputs/{input}", takeInput)
        router.post("/v1/calls/{call}/deliveries/{delivery}", takeDelivery)
        router.delete("/v1/jobs", forget)
    }

    private func incoming(_ request: AdmittedRequest) throws(MMError) -> (IncomingCall, TermHeaders.Sent) {
        let operation = try service.catalogue.require(request.name("operation"))
        let arguments = try request.http.jsonObject()
        let (context, sent) = try context(of: request, for: operation.declaration)
        if case .process(let pid) = request.peer { watch.note(context, from: pid) }
        // A front-end on the network is called a program, but rewrites messages itself all the same.
        let words = words(for: sent.terms.caller.surface)
        return (IncomingCall(operation: operation, arguments: arguments, context: context, words: words), sent)
    }

    /// Returns what rewrites messages for a caller: front-ends rewrite them themselves.
    func words(for surface: Caller.Surface) -> @Sendable (String) -> String {
        guard surface == .rest else { return { $0 } }
        return programWords
    }

    /// Ends what a client has left behind.
    @Sendable private func forget(_ request: AdmittedRequest) async throws(MMError) -> HTTPServerResponse {
        let client = try reader(request)
        guard client.sessionID != nil, client.caller.surface != .terminal else {
            throw MMError(
                .invalidInput, "Only jobs of a single client session can be cancelled together.",
                hint: "Set the header MM-Session, or cancel one job: DELETE /v1/jobs/JOB.")
        }
        watch.dismiss(client)
        await service.forget(client)
        return HTTPServerResponse(status: 204)
    }

    /// Accepts a person's answer to a running call's question.
    @Sendable private func answerQuestion(_ request: AdmittedRequest) throws(MMError) -> HTTPServerResponse {
        try answersForPerson(request.peer)
        let body = try request.http.jsonObject()
        let (call, question) = (request.name("call"), request.name("question"))
        if let text = body["text"], text.isNull || text.string != nil,
            open.texts.answer(call, question, .success(text.string))
        {
            return HTTPServerResponse(status: 204)
        }
        let answer: Result<ConfirmationAnswer, MMError>
        if let error = body["error"]?.object.flatMap(ErrorWire.error) {
            answer = .failure(error)
            if open.texts.answer(call, question, .failure(error)) { return HTTPServerResponse(status: 204) }
        } else if let confirmed = body["confirmed"]?.bool {
            answer = .success(!confirmed ? .no : body["alike"]?.bool == true ? .yesToAlike : .yes)
        } else {
            throw MMError(
                .invalidInput, "An answer to a question needs `confirmed`.",
                hint:
                    "Send {\"confirmed\": true} or {\"confirmed\": false}, {\"text\": …} to a question for text; or {\"error\": {\"code\": …, \"message\": …}} "
                    + "where nobody could be asked.")
        }
        guard open.questions.answer(call, question, answer) else {
            throw MMError(
                .notFound, "This question is no longer open.", hint: "Its call has ended, or it was answered.")
        }
        return HTTPServerResponse(status: 204)
    }

    /// Accepts bytes of standard input that a running call has asked for, or, as JSON, why they can't be read. An empty
    /// body ends the input.
    @Sendable private func takeInput(_ request: AdmittedRequest) throws(MMError) -> HTTPServerResponse {
        var piece = Result<[UInt8], MMError>.success(request.http.body)
        if let type = request.http.headers["Content-Type"], MediaTypes.isJSON(type) {
            guard let error = try request.http.jsonObject()["error"]?.object.flatMap(ErrorWire.error) else {
                throw MMError(
                    .invalidInput, "Input that can't be read needs an `error`.",
                    hint: "Send {\"error\": {\"code\": …, \"message\": …}}, or the bytes as application/octet-stream.")
            }
            piece = .failure(error)
        }
        guard open.inputs.answer(request.name("call"), request.name("input"), piece) else {
            throw MMError(
                .notFound, "No call waits for this input any longer.", hint: "Its command has ended, or was cancelled.")
        }
        return HTTPServerResponse(status: 204)
    }

    /// Accepts a client's word that the answer of a call has arrived.
    @Sendable private func takeDelivery(_ request: AdmittedRequest) throws(MMError) -> HTTPServerResponse {
        guard open.deliveries.answer(request.name("call"), request.name("delivery"), true) else {
            throw MMError(.notFound, "No call waits for the arrival of this answer.", hint: "Repeat the call.")
        }
        return HTTPServerResponse(status: 204)
    }

    /// Returns the context of a request that concerns no operation.
    package func reader(_ request: AdmittedRequest) throws(MMError) -> CallContext {
        try context(
            of: request,
            for: OperationDeclaration("-", command: [], title: "", summary: "", effects: .init(readOnly: true))
        ).0
    }

    /// Returns the context of a request. The sender's claims count only as far as it is entitled to make them.
    private func context(of request: AdmittedRequest, for declaration: OperationDeclaration) throws(MMError)
        -> (CallContext, TermHeaders.Sent)
    {
        let sent = try TermHeaders.read(request.http.headers, unnamed: userAgent(request.http))
        let surface = sent.terms.caller.surface
        if surface == .terminal { try speaksForPerson(request.peer) }
        if sent.person != .nobody { try answersForPerson(request.peer) }
        if surface == .rest, declaration.audience == .person, !declaration.effects.readOnly || !request.peer.isOwn {
            throw MMError(
                .forbidden, "`\(declaration.name)` is for people at a terminal.",
                hint: "Run `mm \(declaration.command.joined(separator: " "))`.")
        }
        // The owner's programs may do what the owner may, since they can read the same files anyway. A caller from the
        // network is no front-end; only its name is taken from its claims.
        let isFrontEnd = request.peer.isOwn && surface != .rest
        var context = CallContext(terms: sent.terms)
        if !request.peer.isOwn { context.caller.surface = .rest }
        if !isFrontEnd {
            context.caller.server = (request.peer.isOwn ? sent.terms.caller.server : nil) ?? serverName
            context.directory = nil
        }
        if isFrontEnd { context.agentSocket = sent.agentSocket }
        // Only the owner's own front-end may say who signed in; it has checked that.
        let knowsCaller = isFrontEnd && surface == .mcp
        if knowsCaller { context.assertion = sent.assertion } else { context.caller.signedIn = nil }
        context.isForwarded = sent.terms.isForwarded && request.peer.speaksForOwner
        return (context, sent)
    }

    private func userAgent(_ request: HTTPServerRequest) -> String {
        request.headers["User-Agent"].map { String($0.prefix(100)) } ?? "unnamed"
    }

    /// A PIN is checked where it is typed, and only this product's own programs are trusted to have checked it.
    private func isFrontEnd(_ peer: AdmittedPeer) -> Bool {
        if case .process(let pid) = peer { PersonProof.isFrontEnd(pid) } else { peer == .bearer }
    }

    /// Admits only a peer at which a person can be present.
    package func answersForPerson(_ peer: AdmittedPeer) throws(MMError) {
        try speaksForPerson(peer)
        if case .process(let pid) = peer { try requirePerson(pid) }
    }

    /// Admits only the owner's front-ends to speak for a person, and never from within a session.
    package func speaksForPerson(_ peer: AdmittedPeer) throws(MMError) {
        if case .process(let pid) = peer { return try PersonProof.require(process: pid) }
        guard peer.speaksForOwner else {
            throw MMError(
                .forbidden, "A program that is not authenticated can't act for a person.",
                hint: "Use the pool's Unix socket, or give its secret (Authorization: Bearer …).")
        }
    }
}

/// Carries out one call and reports on it as Server-Sent Events.
struct CallStream: Sendable {
    let service: any OperationService
    let open: CallQuestions
    let metrics: PoolMetrics
    /// The call, whose context has neither progress nor person: this stream supplies both.
    let call: IncomingCall
    /// Whether a person is present on the client's side.
    let hasPerson: Bool
    /// Whether that person sits at a terminal.
    let isAtTerminal: Bool
    /// Whether the client supplies standard input on demand.
    let hasInput: Bool
    /// Whether the client says when an answer has arrived that is given only once.
    let confirmsDelivery: Bool

    /// Returns the answer: a stream of events that ends with `answer` or `problem`.
    func response() -> HTTPServerResponse {
        .events { (writer) async throws(HTTPError) in try await run(writer) }
    }

    private func run(_ writer: SSEWriter) async throws(HTTPError) {
        let id = RandomBytes.text(bytes: 18)
        let outbox = CallOutbox()
        var context = call.context
        context.progress = { outbox.report($0) }
        context.person =
            hasPerson
            ? RemotePerson(
                call: id, outbox: outbox, questions: open.questions, texts: open.texts,
                isAtTerminal: isAtTerminal) : nil
        // Input from an unknown program never counts as a terminal's.
        context.input =
            hasInput && context.caller.surface == .terminal
            ? RemoteInput(call: id, outbox: outbox, questions: open.inputs) : nil
        let inner = context
        // When the client disconnects, the writer fails, which ends the group and with it the call.
        let outcome: Result<Void, HTTPError> = await withTaskGroup(of: Void.self) { group in
            group.addTask {
                let outcome = await Result { () async throws(MMError) in
                    try await call.answer(from: service, countedBy: metrics, in: inner)
                }
                guard case .success(let answer) = outcome, let stream = answer.body.stream else {
                    return outbox.finish(outcome)
                }
                outbox.finish(outcome)
                await Self.hand(stream, to: outbox)
            }
            defer { group.cancelAll() }
            do throws(HTTPError) {
                try await writer.send(CallEvent.call(id).event)
                try await tell(outbox, writer, as: id)
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try outcome.get()
    }

    private func tell(_ outbox: CallOutbox, _ writer: SSEWriter, as id: String) async throws(HTTPError) {
        var flowing: OperationAnswer?
        while let message = await outbox.next() {
            switch message {
            case .event(let event): try await writer.send(event.event)
            case .outcome(.failure(let error)), .end(.failure(let error)):
                return try await writer.send(CallEvent.problem(error).event)
            case .outcome(.success(let answer)):
                guard answer.body.stream != nil else { return try await give(answer, to: writer, as: id) }
                try await writer.send(CallEvent.head(AnswerWire.object(answer)).event)
                flowing = answer
            case .rows(let batch): try await writer.send(CallEvent.items(batch).event)
            case .end(.success(let end)):
                guard var whole = flowing else { break }
                whole.add(end)
                return try await give(whole, to: writer, as: id)
            }
        }
        throw HTTPError(.cancelled, "The call was cancelled.")
    }

    /// Sends the answer. What waits for its arrival waits for the client's word, if the client gives it.
    private func give(_ answer: OperationAnswer, to writer: SSEWriter, as id: String) async throws(HTTPError) {
        var object = AnswerWire.object(answer)
        guard answer.delivery != nil, confirmsDelivery else {
            try await writer.send(CallEvent.answer(object).event)
            return try await settle(answer, writer)
        }
        let hasArrived = try await open.deliveries.ask(id) { (name) async throws(HTTPError) in
            object["delivery"] = .string(name)
            try await writer.send(CallEvent.answer(object).event)
        }
        if hasArrived == true { try await settle(answer, writer) }
    }

    private func settle(_ answer: OperationAnswer, _ writer: SSEWriter) async throws(HTTPError) {
        do throws(MMError) { try await answer.delivered() } catch {
            try await writer.send(CallEvent.problem(error).event)
        }
    }

    /// Passes rows on as they are fetched. A slow client slows down fetching.
    private static func hand(_ stream: ItemStream, to outbox: CallOutbox) async {
        do throws(MMError) {
            while let batch = try await stream.next() {
                guard await outbox.hand(batch) else { return }
            }
            outbox.end(.success(stream.end()))
        } catch {
            outbox.end(.failure(error))
        }
    }
}

/// The person behind the front-end at the other end of a stream.
struct RemotePerson: ConfirmingPerson {
    let call: String
    let outbox: CallOutbox
    let questions: PendingAnswers<Result<ConfirmationAnswer, MMError>>
    let texts: PendingAnswers<Result<String?, MMError>>
    /// Whether the front-end is one of this product's own that has a terminal and performs the checks there.
    let isAtTerminal: Bool

    func showSignIn(_ details: JSONObject) async {
        outbox.tell(.signIn(details))
    }

    func confirm(_ question: ConfirmationQuestion) async throws(MMError) -> Bool {
        try await decide(question) != .no
    }

    func answer(to question: String) async throws(MMError) -> String? {
        let said = await texts.ask(call) { id in outbox.tell(.textQuestion(id: id, question)) }
        guard let said else { throw MMError(.cancelled, "The call was cancelled while a person was asked.") }
        return try said.get()
    }

    func decide(_ question: ConfirmationQuestion) async throws(MMError) -> ConfirmationAnswer {
        let said = await questions.ask(call) { id in outbox.tell(.question(id: id, question)) }
        guard let said else { throw MMError(.cancelled, "The call was cancelled while a person was asked.") }
        return try said.get()
    }
}

/// The standard input of the front-end at the other end of a stream, requested piece by piece.
struct RemoteInput: CallInput {
    let call: String
    let outbox: CallOutbox
    let questions: PendingAnswers<Result<[UInt8], MMError>>

    func next() async throws(MMError) -> [UInt8]? {
        let piece = await questions.ask(call) { id in outbox.tell(.wantsInput(id: id)) }
        guard let piece else { throw MMError(.cancelled, "The call was cancelled while input was awaited.") }
        let bytes = try piece.get()
        return bytes.isEmpty ? nil : bytes
    }
}

/// The events of a running call that the stream's writer has yet to take.
///
/// Only the latest progress report is kept, so that little accumulates however slow the client is.
final class CallOutbox: Sendable {
    private struct State {
        var events: [CallEvent] = []
        var progress: ProgressReport?
        var outcome: Result<OperationAnswer, MMError>?
        /// Rows of a streamed answer: at most one batch waits.
        var rows: [ArraySlice<UInt8>]?
        var end: Result<AnswerEnd, MMError>?
        var reader: OneShot<Void>?
        var writer: OneShot<Void>?
    }

    /// A message for the stream's writer.
    enum Message: Sendable {
        case event(CallEvent)
        case outcome(Result<OperationAnswer, MMError>)
        case rows([ArraySlice<UInt8>])
        case end(Result<AnswerEnd, MMError>)
    }

    private let state = Mutex(State())

    /// Adds an event.
    func tell(_ event: CallEvent) {
        wake { $0.events.append(event) }
    }

    /// Replaces the pending progress report.
    func report(_ progress: ProgressReport) {
        wake { $0.progress = progress }
    }

    /// Adds the outcome of the call.
    func finish(_ outcome: Result<OperationAnswer, MMError>) {
        wake { $0.outcome = outcome }
    }

    /// Adds rows and waits until the writer has taken them.
    /// - Returns: `false` when the task was cancelled.
    func hand(_ batch: [ArraySlice<UInt8>]) async -> Bool {
        let turn = OneShot<Void>()
        wake { state in
            state.rows = batch
            state.writer = turn
        }
        await withTaskCancellationHandler {
            await turn.wait()
        } onCancel: {
            turn.resolve(())
        }
        return !Task.isCancelled
    }

    /// Adds the end of a streamed answer.
    func end(_ end: Result<AnswerEnd, MMError>) {
        wake { $0.end = end }
    }

    /// Returns the next message, waiting for one if necessary. Supports one reader at a time.
    /// - Returns: `nil` when the reader's task was cancelled.
    func next() async -> Message? {
        while !Task.isCancelled {
            let turn = OneShot<Void>()
            let message: Message? = state.withLock { state in
                if let message = Self.take(&state) { return message }
                state.reader = turn
                return nil
            }
            if let message { return message }
            await withTaskCancellationHandler {
                await turn.wait()
            } onCancel: {
                turn.resolve(())
            }
        }
        return nil
    }

    private static func take(_ state: inout State) -> Message? {
        if let event = takeEvent(&state) { return .event(event) }
        if let outcome = state.outcome {
            state.outcome = nil
            return .outcome(outcome)
        }
        if let rows = state.rows {
            state.rows = nil
            state.writer?.resolve(())
            state.writer = nil
            return .rows(rows)
        }
        defer { state.end = nil }
        return state.end.map { .end($0) }
    }

    private static func takeEvent(_ state: inout State) -> CallEvent? {
        if !state.events.isEmpty { return state.events.removeFirst() }
        defer { state.progress = nil }
        return state.progress.map { .progress($0) }
    }

    private func wake(_ change: (inout State) -> Void) {
        let reader: OneShot<Void>? = state.withLock { state in
            change(&state)
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resolve(())
    }
}

/// Cleans up after AI clients that disappeared: an `mm-mcp` that is killed can't sign off.
///
/// Its running calls end with their connections, but its shells would remain, and so would its jobs that no principal
/// owns.
final class ClientWatch: Sendable {
    private struct Client {
        let process: ProcessIdentity
        let context: CallContext
    }

    private struct State {
        var clients: [String: Client] = [:]
        var work: Task<Void, Never>?
    }

    private let state = Mutex(State())
    private let forget: @Sendable (CallContext) async -> Void

    /// The time between two checks.
    private static let pause = Duration.seconds(2)

    /// Creates a watch without clients.
    /// - Parameter forget: ends what a client has left behind.
    init(forget: @escaping @Sendable (CallContext) async -> Void) { self.forget = forget }

    deinit { state.withLock { $0.work }?.cancel() }

    /// Notes that a process made a call for a client of its own. Only AI clients are watched: others may come back as
    /// another process.
    func note(_ call: CallContext, from pid: Int32) {
        // A process in another container has no process id here; the end of its connection has to suffice.
        guard pid > 0, call.caller.surface == .mcp, call.sessionID != nil else { return }
        let key = call.shellOwner
        guard state.withLock({ $0.clients[key] == nil }) else { return }
        var context = CallContext(caller: call.caller, sessionID: call.sessionID)
        context.jobOwner = call.jobOwner
        let client = Client(
            process: ProcessIdentity(running: pid) ?? ProcessIdentity(pid: pid, startTime: 0), context: context)
        state.withLock { state in
            state.clients[key] = client
            guard state.work == nil else { return }
            state.work = Task { [weak self] in
                while (try? await Task.sleep(for: Self.pause)) != nil, await self?.look() == true {}
            }
        }
    }

    /// Notes that a client has signed off.
    func dismiss(_ call: CallContext) {
        _ = state.withLock { $0.clients.removeValue(forKey: call.shellOwner) }
    }

    /// Ends what the clients whose processes have ended left behind.
    /// - Returns: whether any client remains to be watched.
    private func look() async -> Bool {
        let clients = state.withLock { $0.clients }
        for (key, client) in clients where !client.process.isRunning {
            await forget(client.context)
            _ = state.withLock { $0.clients.removeValue(forKey: key) }
        }
        return state.withLock { state in
            if state.clients.isEmpty { state.work = nil }
            return state.work != nil
        }
    }
}

/// What the listener established about the sender of a request.
package enum AdmittedPeer: Sendable, Hashable {
    /// A process of the same user over a Unix socket: a front-end of this product or another program of the owner.
    case process(pid: Int32)
    /// A client that presented the pool's secret.
    case bearer
    /// A program of the same user over TCP, without the secret.
    case sameUser
    /// Any client on a network that is trusted as a whole.
    case network

    /// Whether its statements about its caller count: that a person is present, and which face the call came through.
    var speaksForOwner: Bool {
        switch self {
        case .process, .bearer: true
        case .sameUser, .network: false
        }
    }

    /// Whether it may see what is reserved for the owner.
    package var isOwn: Bool { self != .network }
}

/// A request with its admitted sender.
package typealias AdmittedRequest = RoutedRequest<AdmittedPeer>
