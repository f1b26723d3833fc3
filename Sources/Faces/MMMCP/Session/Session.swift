import MMCore
import MMSystem

/// One connection: receives messages in order, carries out calls concurrently and sends each message to its channel.
///
/// Over HTTP, messages may come from several threads; those of a pipe come from its reader thread. Whatever takes long
/// runs in a task of its own, which the connection owns until the call is over.
final class Session: Sendable {
    let server: MCPServer
    let principal: Principal
    /// The session's name, where the transport names sessions.
    let name: String?
    let questions = PendingQuestions()
    /// The channel for messages that belong to no call.
    let sessionChannel: any MessageChannel
    let guarded: Mutex<Guarded>
    private let relief = ThreadSemaphore()

    /// The state that the connection's lock protects.
    struct Guarded: Sendable {
        var state: SessionState
        var live: [RequestID: LiveCall] = [:]
        var listens: [RequestID: Subscription] = [:]
        /// What is watched for the client, each in a task that ends with the connection at the latest.
        var followers: [Followed: Task<Void, Never>] = [:]
        /// The number of calls whose work has ended, which tells a drain whether calls still end.
        var endedCount = 0
        var isClosed = false
        var changeToken: Int?
        /// Whether a reader thread waits for open calls to end.
        var isReaderHeld = false
        /// Whether the pipe is being abandoned, so that its reader thread must not wait any more.
        var isReaderFree = false
        /// The count of ended calls at which a reader thread last waited in vain.
        var vainlyHeldAt: Int?
    }

    init(server: MCPServer, principal: Principal, sessionChannel: any MessageChannel, name: String? = nil) {
        self.server = server
        self.name = name
        self.principal = principal
        self.sessionChannel = sessionChannel
        self.guarded = Mutex(Guarded(state: SessionState(logLevel: server.options.initialLogLevel)))
    }

    /// Blocks a reader thread while there is no room for one more call and open calls still end: a client that writes
    /// faster than its calls end is slowed down rather than refused.
    ///
    /// When no call ends for as long as `patience`, the open calls may themselves be waiting for a message behind this
    /// request. The reader then continues, and doesn't wait again until a call ends.
    /// - Parameters:
    ///   - bytes: the size of the request that needs room.
    ///   - milliseconds: how long to wait without any call ending.
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

    /// Stops blocking the reader thread, because the pipe is being abandoned.
    func freeReader() {
        guarded.withLock { $0.isReaderFree = true }
        relief.post()
    }

    /// Handles one message.
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
            if case .success = answer { answered(request) }
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
        // A task group can't cancel a single child, so the call owns its task, and the connection owns its calls.
        call.attach(
            Task {
                await call.waitForRoom()
                let (answer, texts) = await self.server.perform(planned, call: call, session: self)
                // Frees the id before the answer is sent: the client may reuse it at once.
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

    /// Cancels a call, if it is open.
    func cancel(_ id: RequestID) {
        let call: LiveCall? = guarded.withLock { guarded in
            guard let call = guarded.live.removeValue(forKey: id) else { return nil }
            guarded.state.free(id)
            // A subscription has no task whose end would release its room.
            if let listen = guarded.listens.removeValue(forKey: id) { guarded.state.workEnded(listen.planned) }
            return call
        }
        unfollow(.listen(id))
        call?.cancel()
    }

    /// Begins or ends what an answered request changes for the connection as a whole.
    private func answered(_ request: IncomingRequest) {
        switch Method(rawValue: request.method) {
        case .initialize: listenToChanges()
        case .subscribe:
            guard let uri = request.params["uri"]?.string,
                let profile = guarded.withLock({ $0.state.profile(of: request, principal: principal) })
            else { return }
            let call = LiveCall(request.id, channel: sessionChannel)
            follow(
                resource: uri, RequestContext(profile: profile, call: call, session: self, replies: nil))
        case .unsubscribe: request.params["uri"]?.string.map { unfollow(.resource($0)) }
        default: return
        }
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
            // Not at the first free place: waking the thread for each one costs more than the calls themselves.
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
            channel.finish(Envelope.error(nil, .invalidRequest("the batch is empty")))
            return
        }
        let collector = BatchChannel(items: items.count, into: channel)
        for item in items {
            switch Message(item) {
            case .batch:
                collector.finish(Envelope.error(nil, .invalidRequest("a batch must not contain arrays")))
            case .request(let request) where request.method == Method.initialize.rawValue:
                collector.finish(
                    Envelope.error(request.id, .invalidRequest("\"initialize\" must not be part of an array"))
                )
            case .request(let request) where request.isModern:
                collector.finish(
                    Envelope.error(request.id, .invalidRequest("this protocol version has no batches of messages"))
                )
            case let message: receive(message, size: size / items.count, via: collector)
            }
        }
    }
}

extension Session {
    /// The lowest level of log messages that a legacy client currently wants.
    var logLevel: LogLevel? { guarded.withLock { $0.state.logLevel } }

    /// The revision that was negotiated with a legacy client; `nil` before the handshake.
    var version: ProtocolVersion? { guarded.withLock { $0.state.handshake?.version } }
}
