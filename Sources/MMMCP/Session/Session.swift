import MMCore
import MMSystem

/// One connection: takes messages in the order in which they come, works on calls side by side and sends what is to be
/// sent where it belongs.
///
/// Messages may come from several threads (HTTP); those of one pipe come from its reader thread. Whatever takes long
/// runs in a task of its own, which the connection owns until its call is over.
final class Session: Sendable {
    let server: MCPServer
    let principal: Principal
    /// The session's name, where the transport has named sessions.
    let name: String?
    let questions = QuestionBook()
    /// Where messages go that belong to no call.
    let home: any MessageChannel
    let guarded: Mutex<Guarded>
    private let relief = ThreadSemaphore()

    /// What the connection's lock protects.
    struct Guarded: Sendable {
        var state: SessionState
        var live: [RequestID: LiveCall] = [:]
        var listens: [RequestID: Subscription] = [:]
        /// Counts calls whose work has ended, so that a drain sees whether anything still moves.
        var endedCount = 0
        var isClosed = false
        var changeToken: Int?
        /// Whether a reader's thread waits until fewer calls are open.
        var isReaderHeld = false
        /// Whether the pipe is given up, so that its reader's thread is to come to its end.
        var isReaderFree = false
        /// The count of ended calls at which a reader's thread last waited without seeing another one end.
        var vainlyHeldAt: Int?
    }

    init(server: MCPServer, principal: Principal, home: any MessageChannel, name: String? = nil) {
        self.server = server
        self.name = name
        self.principal = principal
        self.home = home
        self.guarded = Mutex(Guarded(state: SessionState(logLevel: server.options.initialLogLevel)))
    }

    /// Holds a reader's thread back while there is no room for one more call and open ones still end: a client that only
    /// writes faster than they do is slowed down and not refused.
    ///
    /// When none ends for as long as a client's patience may last, what stands behind the request may be what they wait
    /// for: then the reader goes on, without another wait, until one ends.
    /// - Parameters:
    ///   - bytes: the size of the request that wants room.
    ///   - milliseconds: how long to wait without any call's end.
    func holdBackReader(bytes: Int, patience milliseconds: Int32) {
        let limits = server.options.limits
        while true {
            let ended: Int? = guarded.withLock { guarded in
                guarded.isReaderHeld =
                    !guarded.isClosed && !guarded.isReaderFree && guarded.vainlyHeldAt != guarded.endedCount
                    && !guarded.state.hasRoom(bytes: bytes, within: limits)
                return guarded.isReaderHeld ? guarded.endedCount : nil
            }
            guard let ended else { return }
            if !relief.wait(milliseconds: milliseconds) { guarded.withLock { $0.vainlyHeldAt = ended } }
        }
    }

    /// Holds no reader back any more: the pipe is given up.
    func freeReader() {
        guarded.withLock { $0.isReaderFree = true }
        relief.post()
    }

    /// Takes one message.
    func receive(_ message: Message, size: Int, via channel: any MessageChannel) {
        switch message {
        case .malformed(let id, let error): channel.finish(Envelope.error(id, error))
        case .request(var request):
            request.size = size
            receive(request, via: channel)
        case .notification(let notification):
            receive(notification)
            channel.finish(nil)
        case .response(let response):
            questions.settle(response)
            channel.finish(nil)
        case .batch(let items): receive(batch: items, size: size, via: channel)
        }
    }

    private func receive(_ request: IncomingRequest, via channel: any MessageChannel) {
        let outcome: (SessionState.Action, LiveCall?) = guarded.withLock { guarded in
            guard !guarded.isClosed else { return (.answer(.failure(.internalError("The server is stopping."))), nil) }
            let action = guarded.state.receive(request, server: server, principal: principal)
            guard case .start(let planned) = action else { return (action, nil) }
            let call = LiveCall(planned.id, channel: channel)
            guarded.live[planned.id] = call
            return (action, call)
        }
        switch outcome {
        case (.answer(let answer), _):
            if case .success = answer, request.method == Method.initialize.rawValue { listenToChanges() }
            channel.finish(Envelope.answer(request.id, answer))
        case (.start(let planned), let call?): start(planned, call)
        case (.start, nil): channel.finish(Envelope.error(request.id, .internalError()))
        }
    }

    private func start(_ planned: PlannedCall, _ call: LiveCall) {
        if case .listen(let filter) = planned.work {
            openSubscription(planned, call, filter)
            return
        }
        // A task group can't cancel one child of many: the call owns its task, and the connection its calls.
        call.attach(
            Task {
                await call.waitForRoom()
                let (answer, texts) = await self.server.perform(planned, call: call, session: self)
                // The id is free before the answer is out: the client may use it again at once.
                self.retire(call)
                if let answer, texts.isEmpty {
                    call.answer(Envelope.answer(planned.id, answer))
                } else if let answer {
                    await call.answer(streaming: StreamedReply(Envelope.answer(planned.id, answer), texts: texts))
                }
                self.workEnded(planned)
            }
        )
    }

    private func receive(_ notification: IncomingNotification) {
        guard notification.method == "notifications/cancelled" else { return }
        guard let id = notification.params["requestId"].flatMap({ RequestID($0) }) else { return }
        cancel(id)
    }

    /// Calls a call off, if it is open.
    func cancel(_ id: RequestID) {
        let call: LiveCall? = guarded.withLock { guarded in
            guard let call = guarded.live.removeValue(forKey: id) else { return nil }
            guarded.state.free(id)
            // A subscription has no task that would end.
            if let listen = guarded.listens.removeValue(forKey: id) { guarded.state.workEnded(listen.planned) }
            return call
        }
        call?.cancel()
    }

    private func retire(_ call: LiveCall) {
        guarded.withLock { guarded in
            guard guarded.live[call.id] === call else { return }
            guarded.live[call.id] = nil
            guarded.state.free(call.id)
        }
    }

    private func workEnded(_ planned: PlannedCall) {
        let limits = server.options.limits
        let wakes = guarded.withLock { guarded in
            guarded.state.workEnded(planned)
            guarded.endedCount += 1
            // Not for the first free place: a thread that wakes for each one costs more than the calls do.
            guard guarded.isReaderHeld, guarded.state.isRelieved(within: limits) else { return false }
            guarded.isReaderHeld = false
            return true
        }
        if wakes { relief.post() }
    }

    private func receive(batch items: [JSONValue], size: Int, via channel: any MessageChannel) {
        guard guarded.withLock({ $0.state.takesBatches }) else {
            channel.finish(Envelope.error(nil, .invalidRequest("arrays of messages are not part of this revision")))
            return
        }
        guard !items.isEmpty else {
            channel.finish(Envelope.error(nil, .invalidRequest("the array holds no message")))
            return
        }
        let collector = BatchChannel(items: items.count, into: channel)
        for item in items {
            switch Message(item) {
            case .batch:
                collector.finish(Envelope.error(nil, .invalidRequest("an array holds messages, not arrays")))
            case .request(let request) where request.method == Method.initialize.rawValue:
                collector.finish(
                    Envelope.error(request.id, .invalidRequest("\"initialize\" must not be part of an array"))
                )
            case .request(let request) where request.isModern:
                collector.finish(
                    Envelope.error(request.id, .invalidRequest("this protocol version has no arrays of messages"))
                )
            case let message: receive(message, size: size / items.count, via: collector)
            }
        }
    }
}

extension Session {
    /// From which level on a legacy client wants log messages now.
    var logLevel: LogLevel? { guarded.withLock { $0.state.logLevel } }

    /// The revision that a legacy client and we agreed on; `nil` before the handshake.
    var version: ProtocolVersion? { guarded.withLock { $0.state.handshake?.version } }
}
