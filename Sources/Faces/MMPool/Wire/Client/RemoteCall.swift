public import MMCore
import MMHTTP
public import MMOperations

/// A call that a pool carries out, as the front-end sees it.
final class RemoteCall: Sendable {
    private let operation: String
    /// What the pool may have carried out when it is lost; `nil` for a call that only reads.
    private let change: String?
    private let events: CallEvents
    private let context: CallContext
    private let pool: PoolClient
    private let patience: CallPatience
    private let end = Mutex(End())
    private let input: InputForwarder?
    private let id = Mutex("")
    /// The name under which the pool waits for the answer's arrival, if it does.
    private let delivery = Mutex<String?>(nil)

    /// What arrives after a streamed answer: the exit status, and the notes that its head didn't contain yet.
    private struct End {
        var notesInHead = 0
        var end = AnswerEnd()
        var hasArrived = false
    }

    init(
        _ operation: String, change: String?, _ events: CallEvents, _ context: CallContext, _ patience: CallPatience
    ) {
        self.operation = operation
        self.change = change
        self.events = events
        self.context = context
        self.patience = patience
        pool = patience.pool
        input = context.input.map { InputForwarder($0, patience.pool) }
    }

    /// Waits for the answer. The items of a list are left for its reader to fetch.
    func answer() async throws(MMError) -> OperationAnswer {
        while true {
            switch try await next() {
            case .call(let name): id.withLock { $0 = name }
            case .progress(let report): context.progress(report)
            case .signIn(let details): await context.person?.showSignIn(details)
            case .question(let question, let content): try await ask(content, question)
            case .textQuestion(let question, let text): try await askForText(text, question)
            case .wantsInput(let question): input?.send(question, of: call)
            case .items: throw PoolFailure.notAPool(pool.address)
            case .head(let object): return try list(object)
            case .answer(let object):
                note(deliveryIn: object)
                return try made(object, items: nil)
            case .problem(let error): throw error
            }
        }
    }

    private var call: String { id.withLock { $0 } }

    /// Returns the next rows of a list; `nil` after the last, however often a reader asks.
    @Sendable private func items() async throws(MMError) -> [ArraySlice<UInt8>]? {
        try await patience.wait { () async throws(MMError) in try await self.nextItems() }
    }

    private func nextItems() async throws(MMError) -> [ArraySlice<UInt8>]? {
        while !end.withLock({ $0.hasArrived }) {
            switch try await next() {
            case .items(let text):
                let bytes = Array(text.utf8)
                guard let rows = JSONRows.find(in: bytes), rows.place == .root else {
                    throw PoolFailure.notAPool(pool.address)
                }
                return rows.items.map { bytes[$0] }
            case .progress(let report): context.progress(report)
            case .signIn(let details): await context.person?.showSignIn(details)
            case .textQuestion(let question, let text): try await askForText(text, question)
            case .wantsInput(let question): input?.send(question, of: call)
            case .answer(let whole):
                note(deliveryIn: whole)
                end.withLock { end in
                    end.hasArrived = true
                    end.end.notes = Array(Self.notes(of: whole).dropFirst(end.notesInHead))
                    end.end.errors = AnswerWire.errors(of: whole)
                    end.end.exitStatus = AnswerWire.exitStatus(of: whole)
                    end.end.isForeign = AnswerWire.isForeign(whole)
                }
            case .problem(let error): throw error
            case .call, .question, .head: continue
            }
        }
        return nil
    }

    private func next() async throws(MMError) -> CallEvent {
        do throws(HTTPError) {
            if let event = try await events.next() { return event }
        } catch {
            throw PoolFailure.error(error, pool.address, during: change)
        }
        if Task.isCancelled { throw MMError(.cancelled, "\(operation) was cancelled.") }
        throw PoolFailure.lost(pool.address, during: change)
    }

    private func list(_ head: JSONObject) throws(MMError) -> OperationAnswer {
        end.withLock { $0.notesInHead = Self.notes(of: head).count }
        return try made(head, items: ItemStream(end: { self.end.withLock { $0.end } }, next: items))
    }

    private static func notes(of object: JSONObject) -> [String] {
        (object["notes"]?.array ?? []).compactMap(\.string)
    }

    private func made(_ object: JSONObject, items: ItemStream?) throws(MMError) -> OperationAnswer {
        guard var answer = AnswerWire.answer(object, items: items) else { throw PoolFailure.notAPool(pool.address) }
        if object["delivers"] == true {
            answer.delivery = Delivery { () async throws(MMError) in try await self.confirm() }
        }
        return answer
    }

    private func note(deliveryIn object: JSONObject) {
        delivery.withLock { $0 = object["delivery"]?.string }
    }

    /// Tells the pool that the answer has arrived, if it waits for that, and waits until it has acted on it.
    private func confirm() async throws(MMError) {
        let taken: String? = delivery.withLock { name in
            defer { name = nil }
            return name
        }
        guard let name = taken else { return }
        try await post("deliveries/\(name)")
        // The stream ends once the pool has remembered what it gave.
        if case .problem(let error)? = try? await events.next() { throw error }
    }

    private func ask(_ question: ConfirmationQuestion, _ id: String) async throws(MMError) {
        try await reply(to: id) { (person) async throws(MMError) in
            let answer = try await person.decide(question)
            return ["confirmed": .bool(answer != .no), "alike": .bool(answer == .yesToAlike)]
        }
    }

    private func askForText(_ question: String, _ id: String) async throws(MMError) {
        try await reply(to: id) { (person) async throws(MMError) in
            ["text": try await person.answer(to: question).map { .string($0) } ?? .null]
        }
    }

    /// Asks the person on this side and sends what they said, or why they could not be asked; in that case the call
    /// ends with that reason on both sides.
    private func reply(
        to id: String, asking question: (any ConfirmingPerson) async throws(MMError) -> JSONObject
    ) async throws(MMError) {
        guard let person = context.person else { throw PoolFailure.notAPool(pool.address) }
        let said: JSONObject
        do throws(MMError) { said = try await question(person) } catch {
            guard error.code != .cancelled else { throw error }
            said = ["error": .object(ErrorWire.object(error))]
        }
        try await post(
            "questions/\(id)", headers: ["Content-Type": "application/json"], JSONWriter.bytes(.object(said)))
    }

    /// Sends the pool something that this call waits for.
    private func post(_ path: String, headers: HTTPHeaders = [:], _ body: [UInt8] = []) async throws(MMError) {
        let response = try await pool.send(
            pool.request("POST", "/v1/calls/\(call)/\(path)", headers: headers, body: body), during: operation)
        guard (200...299).contains(response.status) else {
            throw PoolFailure.refusal(response.status, response.body, pool.address, during: operation)
        }
    }
}

/// The events of one call in order, read on demand: unread events slow the pool down.
actor CallEvents {
    private var chunks: HTTPBody.Iterator
    private var parser = SSEParser(limit: 1 << 30)
    private var waiting: ArraySlice<SSEEvent> = []

    init(_ body: HTTPBody) { chunks = body.makeAsyncIterator() }

    /// Returns the next event; `nil` at the end of the stream. Supports one reader at a time.
    /// - Throws: `HTTPError` when the stream is cut off or can't be read.
    func next() async throws(HTTPError) -> CallEvent? {
        while true {
            while let event = waiting.popFirst() {
                do throws(JSONError) {
                    if let known = try CallEvent(event) { return known }
                } catch {
                    throw HTTPError(.protocolViolation, "An event of the pool isn't JSON: \(error)")
                }
            }
            var iterator = chunks
            guard let chunk = try await iterator.next() else { return nil }
            do throws(SSEParser.Fault) {
                waiting = try parser.consume(chunk)[...]
            } catch {
                throw HTTPError(.tooLarge, "An event of the pool is too long.")
            }
        }
    }
}

/// Sends a pool the pieces of standard input that it asks for, while events keep arriving.
final class InputForwarder: Sendable {
    private let input: any CallInput
    private let pool: PoolClient
    private let sending = Mutex<Task<Void, Never>?>(nil)

    init(_ input: any CallInput, _ pool: PoolClient) {
        self.input = input
        self.pool = pool
    }

    deinit { sending.withLock { $0 }?.cancel() }

    /// Reads the next piece and sends it. The pool asks for another once it has this one.
    func send(_ id: String, of call: String) {
        let task = Task { [input, pool] in
            var (type, body): (String, [UInt8]) = ("application/octet-stream", [])
            do throws(MMError) { body = try await input.next() ?? [] } catch {
                (type, body) = ("application/json", JSONWriter.bytes(["error": .object(ErrorWire.object(error))]))
            }
            guard !Task.isCancelled else { return }
            let request = pool.request(
                "POST", "/v1/calls/\(call)/inputs/\(id)", headers: ["Content-Type": type], body: body)
            // A piece that the pool no longer accepts isn't needed.
            _ = try? await pool.send(request, during: "sending input")
        }
        sending.withLock { $0 = task }
    }
}

/// Has operations carried out by a pool in another process, with the same answers and errors as in this one.
///
/// Questions to a person and pending sign-ins are shown on this side. Cancelling the call's task cancels the call in
/// the pool.
public struct RemoteOperationService: OperationService {
    /// All operations; a pool of another version may know fewer.
    public let catalogue: Catalogue
    private let pool: PoolClient
    private let carriesToken: Bool

    /// Creates a service for the pool at an address. It connects with the first call.
    /// - Parameters:
    ///   - pool: the pool's address.
    ///   - environment: the environment of the process, for proxies and certificates.
    public init(pool: PoolAddress, environment: [String: String]) {
        self.init(PoolClient(pool, environment: environment))
    }

    /// Creates a service for a pool.
    /// - Parameter carriesToken: whether callers' access tokens go along; `nil`: only to a socket.
    package init(_ pool: PoolClient, catalogue: Catalogue = .standard, carriesToken: Bool? = nil) {
        self.carriesToken = carriesToken ?? pool.address.isSocket
        self.pool = pool
        self.catalogue = catalogue
    }

    /// Carries out one operation.
    /// - Throws: the operation's error; `unavailable` with the detail `pool` when there is no pool or it disappears;
    ///   `deadlineExceeded` with that detail if it no longer answers when the call should have ended.
    public func call(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext)
        async throws(MMError) -> OperationAnswer
    {
        let name = operation.declaration.name
        let change = operation.declaration.effects.readOnly ? nil : name
        var headers: HTTPHeaders = ["Content-Type": "application/json", "Accept": "text/event-stream"]
        TermHeaders.write(context, to: &headers, carriesToken: carriesToken)
        let request = pool.request(
            "POST", "/v1/operations/\(name)", headers: headers, body: JSONWriter.bytes(.object(arguments)))
        let patience = CallPatience(pool: pool, work: name, deadline: .after(context.timeLimit))
        return try await patience.wait { [pool] () async throws(MMError) in
            let stream = try await pool.open(request, during: change)
            guard stream.status == 200, stream.headers["Content-Type"]?.hasPrefix("text/event-stream") == true else {
                throw await PoolFailure.refusal(stream, pool.address, during: change)
            }
            return try await RemoteCall(name, change: change, CallEvents(stream.chunks), context, patience).answer()
        }
    }

    /// Asks the pool to end what only this client can reach. A pool that can't be reached any more does so on its own
    /// schedule.
    public func forget(_ client: CallContext) async {
        guard client.sessionID != nil else { return }
        var headers: HTTPHeaders = ["Accept": "application/json"]
        TermHeaders.write(client, to: &headers)
        var request = pool.request("DELETE", "/v1/jobs", headers: headers)
        request.timeout = .seconds(5)
        _ = try? await pool.send(request, during: "saying goodbye")
    }
}
