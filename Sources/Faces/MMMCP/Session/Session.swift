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
        var state: ProtocolState
        var live: [RequestID: LiveCall] = [:]
        var listens: [RequestID: Subscription] = [:]
        /// The tasks that watch something for the client; each ends with the connection at the latest.
        var followers: [Followed: Follower] = [:]
        var lastFollower = 0
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
        self.guarded = Mutex(Guarded(state: ProtocolState()))
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
        let outcome: (ProtocolState.Action, LiveCall?) = guarded.withLock { guarded in
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
        switch planned.work {
        case .listen(let filter): return openSubscription(planned, call, filter)
        case .watch(let uri): return watch(uri, planned, call)
        default: break
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

    /// Tells a legacy client that a question is of no interest any more: where the call that asked still sends, else on
    /// the connection's own channel, because a cancelled call sends nothing.
    func withdraw(_ question: RequestID, of call: LiveCall) {
        // A connection that is closing answers nothing any more, and its client knows.
        guard !guarded.withLock({ $0.isClosed }) else { return }
        let message = Envelope.notification(
            "notifications/cancelled", ["requestId": question.json, "reason": "the answer is no longer needed"])
        if !call.send(message) { sessionChannel.send(message) }
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
        case .unsubscribe: request.params["uri"]?.string.map { unfollow(.resource($0)) }
        default: return
        }
    }

    /// Watches a resource for a legacy client. Its call is answered once every later change will be noticed.
    private func watch(_ uri: String, _ planned: PlannedCall, _ call: LiveCall) {
        let answer: @Sendable () -> Void = {
            self.retire(call)
            call.answer(Envelope.answer(planned.id, .success([:])))
            self.workEnded(planned)
        }
        // The watching goes on after the call is over, on the connection's own channel.
        let home = LiveCall(planned.id, channel: sessionChannel)
        let context = RequestContext(profile: planned.profile, call: home, session: self, replies: nil)
        let isFirst = follow(.resource(uri)) { [server, sessionChannel] in
            let changes = await server.changes(of: uri, for: context)
            answer()
            guard let changes else { return }
            for await _ in changes {
                let (method, params) = ChangeFeed.Change.resource(uri).notification
                sessionChannel.send(Envelope.notification(method, params))
            }
        }
        if !isFirst { answer() }
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
            // The thread isn't woken at the first free place: waking it for each one costs more than the calls
            // themselves.
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
    var logLevel: LogLevel { guarded.withLock { $0.state.logLevel } }

    /// The revision that was negotiated with a legacy client; `nil` before the handshake.
    var version: ProtocolVersion? { guarded.withLock { $0.state.handshake?.version } }
}

/// An open `subscriptions/listen`.
struct Subscription: Sendable {
    let planned: PlannedCall
    let call: LiveCall
    let filter: ListenFilter

    /// The `_meta` that ties a message to the subscription.
    var meta: JSONValue { .object([MetaKey.subscriptionID: planned.id.json]) }

    /// Sends a notification that belongs to the subscription.
    func tell(_ method: String, _ params: JSONObject) {
        var tagged = params
        tagged["_meta"] = meta
        call.sendIfRoom(Envelope.notification(method, tagged))
    }
}

extension Session {
    /// Acknowledges a subscription as far as it can be honoured; its notifications follow.
    func openSubscription(_ planned: PlannedCall, _ call: LiveCall, _ filter: ListenFilter) {
        let context = RequestContext(profile: planned.profile, call: call, session: self, replies: nil)
        follow(.listen(planned.id)) {
            var filter = filter
            filter.tasks = await self.known(filter.tasks, context)
            // The acknowledgement promises that every later change is told.
            let changes = await self.changes(of: filter.resources, context)
            await self.follow(self.acknowledge(planned, call, filter), changes, context)
        }
    }

    /// Returns those of these tasks that exist for the caller.
    private func known(_ ids: [String], _ context: RequestContext) async -> [String] {
        guard let store = server.tasks else { return [] }
        var known: [String] = []
        for id in ids where (try? await store.task(id, for: context)) != nil { known.append(id) }
        return known
    }

    /// Returns the changes of those of these resources that are watched.
    private func changes(
        of uris: [String], _ context: RequestContext
    ) async -> [(uri: String, all: AsyncStream<Void>)] {
        var all: [(uri: String, all: AsyncStream<Void>)] = []
        for uri in uris {
            if let changes = await server.changes(of: uri, for: context) { all.append((uri, changes)) }
        }
        return all
    }

    private func acknowledge(_ planned: PlannedCall, _ call: LiveCall, _ filter: ListenFilter) -> Subscription {
        let subscription = Subscription(planned: planned, call: call, filter: filter)
        call.send(
            Envelope.notification(
                "notifications/subscriptions/acknowledged",
                ["notifications": .object(filter.json), "_meta": subscription.meta]
            )
        )
        // Registered only now, so that the acknowledgement precedes every notification.
        let isOpen = guarded.withLock { guarded in
            guard guarded.live[planned.id] === call else { return false }
            guarded.listens[planned.id] = subscription
            return true
        }
        // What was cancelled before it was registered releases its room itself.
        if !isOpen { workEnded(planned) }
        listenToChanges()
        return subscription
    }

    /// Starts observing the server's changes, once.
    func listenToChanges() {
        let token = server.changes.add { [weak self] change in self?.pass(on: change) }
        let surplus: Int? = guarded.withLock { guarded in
            if guarded.changeToken != nil || guarded.isClosed { return token }
            guarded.changeToken = token
            return nil
        }
        if let surplus { server.changes.remove(surplus) }
    }

    private func pass(on change: ChangeFeed.Change) {
        let (method, params) = change.notification
        let (listens, tellsHome): ([Subscription], Bool) = guarded.withLock { guarded in
            let wanted = guarded.listens.values.filter { $0.filter.wants(change) }
            guard guarded.state.handshake != nil else { return (wanted, false) }
            return switch change {
            case .list(let kind): (wanted, server.options.changingLists.contains(kind))
            case .resource(let uri): (wanted, guarded.state.watched.contains(uri))
            }
        }
        if tellsHome { sessionChannel.send(Envelope.notification(method, params)) }
        for listen in listens { listen.tell(method, params) }
    }

    /// Ends the open subscriptions by sending their results.
    func closeSubscriptions() {
        let listens: [Subscription] = guarded.withLock { guarded in
            let all = Array(guarded.listens.values)
            for listen in all {
                guarded.listens[listen.planned.id] = nil
                guarded.live[listen.planned.id] = nil
                guarded.state.free(listen.planned.id)
                guarded.state.workEnded(listen.planned)
            }
            return all
        }
        for listen in listens {
            unfollow(.listen(listen.planned.id))
            let result: JSONObject = ["resultType": "complete", "_meta": listen.meta]
            listen.call.answer(Envelope.result(listen.planned.id, result))
        }
    }
}

extension Session {
    /// Refuses further requests, gives the open calls time to end, then cancels them and says so: the client may still
    /// read, and a change may have been carried out.
    ///
    /// The wait is bounded: calls get `grace`, or up to 25 times that while they keep ending steadily (a client wrote
    /// many requests and closed the pipe). Work that ignores its cancellation is left behind.
    /// - Parameters:
    ///   - grace: how long to wait without any call ending.
    ///   - error: the answer to the calls that haven't ended by then.
    func drain(grace: Duration, answering error: MCPError) async {
        let start = ContinuousClock.now
        var lastEnded = start
        var count = endedCount
        while isBusyBesideSubscriptions, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(5))
            let now = ContinuousClock.now
            let current = endedCount
            if current != count {
                count = current
                lastEnded = now
            }
            // After the first grace period, only a steady stream of ending calls keeps the connection open.
            let isSteady = now - lastEnded < grace / 4
            if now - start >= grace, !isSteady || now - start >= grace * 25 { break }
        }
        close(answering: error)
        let stop = ContinuousClock.now + grace / 2
        while isBusyBesideSubscriptions, ContinuousClock.now < stop {
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Refuses further requests, cancels the open calls and ends the subscriptions.
    /// - Parameter error: the answer to the open calls; `nil` where nobody reads it.
    func close(answering error: MCPError? = nil) {
        closeSubscriptions()
        let (calls, followers, token): ([LiveCall], [Follower], Int?) = guarded.withLock { guarded in
            guarded.isClosed = true
            defer {
                guarded.live = [:]
                guarded.followers = [:]
                guarded.changeToken = nil
            }
            return (Array(guarded.live.values), Array(guarded.followers.values), guarded.changeToken)
        }
        for follower in followers { follower.task.cancel() }
        if let token { server.changes.remove(token) }
        for call in calls { call.cancel(answering: error.map { Envelope.error(call.id, $0) }) }
        questions.close()
    }

    private var endedCount: Int { guarded.withLock { $0.endedCount } }

    private var isBusyBesideSubscriptions: Bool {
        guarded.withLock { $0.state.workCount > $0.listens.count }
    }
}

/// The things that a connection watches on behalf of its client.
enum Followed: Sendable, Hashable {
    /// A resource that a legacy client subscribed to.
    case resource(String)
    /// A task of a legacy client's call.
    case task(String)
    /// The changes that a modern client listens to.
    case listen(RequestID)
}

/// A task that watches something. Its number tells it from a later one that watches the same.
struct Follower: Sendable {
    let number: Int
    let task: Task<Void, Never>
}

extension Session {
    /// Starts a task that watches something; it is cancelled by `unfollow` or when the connection closes.
    /// - Returns: whether it was started: the same may be watched already, or the connection closed.
    @discardableResult
    func follow(_ what: Followed, _ work: @escaping @Sendable () async -> Void) -> Bool {
        guarded.withLock { guarded in
            guard !guarded.isClosed, guarded.followers[what] == nil else { return false }
            guarded.lastFollower += 1
            let number = guarded.lastFollower
            let task = Task {
                await work()
                self.guarded.withLock { if $0.followers[what]?.number == number { $0.followers[what] = nil } }
            }
            guarded.followers[what] = Follower(number: number, task: task)
            return true
        }
    }

    /// Stops watching.
    func unfollow(_ what: Followed) {
        guarded.withLock { $0.followers.removeValue(forKey: what) }?.task.cancel()
    }

    /// Notifies a legacy client of the states of its call's task until the task is over.
    func follow(task id: String, _ context: RequestContext) {
        guard context.era == .legacy, let store = server.tasks else { return }
        follow(.task(id)) { [sessionChannel] in
            for await state in store.states(of: id, for: context) {
                sessionChannel.send(Envelope.notification("notifications/tasks/status", state.json(for: .legacy)))
            }
        }
    }

    /// Notifies a subscription of the states of its tasks and the changes of its resources.
    func follow(
        _ subscription: Subscription, _ changes: [(uri: String, all: AsyncStream<Void>)], _ context: RequestContext
    ) async {
        await withTaskGroup { group in
            for id in subscription.filter.tasks {
                guard let store = server.tasks else { continue }
                group.addTask {
                    for await state in store.states(of: id, for: context) {
                        subscription.tell("notifications/tasks", await state.details(for: context.protocolVersion))
                    }
                }
            }
            for (uri, all) in changes {
                group.addTask {
                    for await _ in all {
                        let (method, params) = ChangeFeed.Change.resource(uri).notification
                        subscription.tell(method, params)
                    }
                }
            }
        }
    }
}

/// Collects the answers to a batch of messages (revision 2025-03-26) and sends them as one array.
final class BatchChannel: MessageChannel {
    private struct State: Sendable {
        var missing: Int
        var answers: [[UInt8]] = []
    }

    private let target: any MessageChannel
    private let state: Mutex<State>

    init(items: Int, into target: any MessageChannel) {
        self.target = target
        self.state = Mutex(State(missing: items))
    }

    var isCongested: Bool { target.isCongested }

    func waitForRoom() async { await target.waitForRoom() }

    func send(_ message: [UInt8]) { target.send(message) }

    func finish(_ answer: Reply?) {
        let all: [[UInt8]]? = state.withLock { state in
            if let answer { state.answers.append(answer.bytes) }
            state.missing -= 1
            return state.missing == 0 ? state.answers : nil
        }
        guard let all else { return }
        guard !all.isEmpty else {
            target.finish(nil)
            return
        }
        var bytes = [UInt8(ascii: "[")]
        for (position, answer) in all.enumerated() {
            if position > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(contentsOf: answer)
        }
        bytes.append(UInt8(ascii: "]"))
        target.finish(Reply(bytes: bytes, errorCode: nil))
    }
}

/// The destination of the messages about one incoming message: the pipe, or the HTTP response to that POST.
///
/// The synchronous members must not block, because they are called with a call's lock held. Those that may suspend are
/// called without it.
protocol MessageChannel: Sendable {
    /// Sends a message that precedes the answer: a notification, or a question to the client.
    func send(_ message: [UInt8])

    /// Sends the answer, or ends the channel without one. Called once.
    func finish(_ answer: Reply?)

    /// Sends an answer with long texts, in place of `finish`. May suspend for as long as the client takes to read.
    func finish(streaming reply: StreamedReply) async

    /// Whether so many bytes await the client that dispensable messages should be dropped.
    var isCongested: Bool { get }

    /// Suspends while too many bytes await the client: work should begin only once its output will be read.
    func waitForRoom() async

    /// Closes the client's connection while the call continues; the client reconnects later for the rest. Effective
    /// only where a stream can be resumed.
    func release(retryAfter wait: Duration)
}

extension MessageChannel {
    func finish(streaming reply: StreamedReply) async { finish(await reply.gathered()) }
    func release(retryAfter wait: Duration) {}
}
