import MMCore
import MMSystem

/// Buffers the messages about one POST, or those of a session that belong to no call, until a connection takes them. In
/// the legacy era they are kept a while longer, for a client that was cut off and reconnects.
final class EventBuffer: MessageChannel {
    /// What an event carries besides its data.
    enum Style: Sendable {
        /// Nothing: the stream can't be resumed (modern era).
        case plain
        /// An id that names the stream and the event's position in it.
        case numbered(stream: Int)
        /// Ids as above, and a first event without data, so that the client can resume from the very start.
        case primed(stream: Int)
    }

    /// How the answer to a POST begins.
    enum FirstOutcome: Sendable {
        /// The answer, with nothing before it.
        case answer([UInt8])
        /// A single answer that is produced while it is sent.
        case streamed(StreamedReply)
        /// There will be no answer.
        case nothing
        /// Something precedes the answer, or it is not there yet.
        case stream
    }

    fileprivate struct Event: Sendable {
        let number: Int
        let bytes: [UInt8]
        /// Whether the connection ends after this event, though the stream goes on.
        var endsConnection = false
    }

    fileprivate struct State: Sendable {
        var events: [Event] = []
        var bytes = 0
        var nextNumber = 0
        /// The number of the oldest event that was never dropped.
        var firstKept = 0
        var answer: [UInt8]?
        var streamed: StreamedReply?
        var errorCode: Int?
        var isFinished = false
        var hasBegun = false
        /// The number after the last event that a connection took.
        var nextUndelivered = 0
        /// The number of the connection that reads; each new connection replaces the previous one.
        var connection = 0
        var isConnected = false
        var wake: OneShot<Void>?
    }

    private let style: Style
    private let limit: Int
    private let state = Mutex(State())
    private let first = OneShot<Void>()
    private let sent = OneShot<Void>()

    /// Creates a buffer.
    /// - Parameters:
    ///   - style: what events carry besides their data.
    ///   - limit: the number of bytes at which the buffer counts as congested and, where events are numbered, drops the
    ///     oldest ones.
    init(_ style: Style, limit: Int) {
        self.style = style
        self.limit = limit
        if case .primed(let stream) = style {
            state.withLock { $0.append(Array("id: \(stream)-0\ndata:\n\n".utf8)) }
        }
    }

    var isCongested: Bool { state.withLock { $0.bytes >= limit } }
    /// Returns at once: a client that doesn't read its stream delays that stream alone.
    func waitForRoom() async {}
    /// The error code of the answer, which decides the HTTP status; `nil` for a result.
    var errorCode: Int? { state.withLock { $0.errorCode } }
    var isFinished: Bool { state.withLock { $0.isFinished } }
    /// The number of buffered bytes.
    var size: Int { state.withLock { $0.bytes } }
    /// Whether a connection is reading.
    var isConnected: Bool { state.withLock { $0.isConnected } }

    func send(_ message: [UInt8]) { put(message, isLast: false) }

    func finish(_ answer: Reply?) { put(answer?.bytes, errorCode: answer?.errorCode, isLast: true) }

    /// Sends an answer that nothing precedes as it is produced; collects one that ends a stream of events first.
    func finish(streaming reply: StreamedReply) async {
        let isSentAsMade = state.withLock { state in
            guard !state.isFinished, !state.hasBegun, state.nextNumber <= primingCount else { return false }
            state.isFinished = true
            state.errorCode = reply.errorCode
            state.streamed = reply
            return true
        }
        guard isSentAsMade else { return finish(await reply.gathered()) }
        first.resolve(())
        await withTaskCancellationHandler {
            await sent.wait()
        } onCancel: {
            sent.resolve(())
        }
    }

    /// Notes that a streamed answer is over, whether it was sent whole or abandoned.
    func finishedSending() { sent.resolve(()) }

    private func put(_ message: [UInt8]?, errorCode: Int? = nil, isLast: Bool) {
        let wake: OneShot<Void>? = state.withLock { state in
            guard !state.isFinished else { return nil }
            state.isFinished = isLast
            state.errorCode = errorCode
            if isLast, !state.hasBegun, state.nextNumber <= primingCount {
                state.answer = message
            }
            if let message { state.append(encoded(message, number: state.nextNumber)) }
            state.trim(to: limit, keepsDelivered: isNumbered)
            defer { state.wake = nil }
            return state.wake
        }
        first.resolve(())
        wake?.resolve(())
    }

    private var isNumbered: Bool {
        if case .plain = style { false } else { true }
    }

    private var primingCount: Int {
        if case .primed = style { 1 } else { 0 }
    }

    private func encoded(_ message: [UInt8], number: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(message.count + 40)
        switch style {
        case .plain: break
        case .numbered(let stream), .primed(let stream): bytes.append(contentsOf: "id: \(stream)-\(number)\n".utf8)
        }
        bytes.append(contentsOf: "data: ".utf8)
        bytes.append(contentsOf: message)
        bytes.append(contentsOf: [0x0A, 0x0A])
        return bytes
    }

    /// Waits until it is known how the answer begins, but no longer than `patience`.
    func firstOutcome(patience: Duration) async -> FirstOutcome {
        await withTaskCancellationHandler {
            await first.wait(until: .after(patience), late: ())
        } onCancel: {
            first.resolve(())
        }
        return state.withLock { state in
            if let answer = state.answer { return .answer(answer) }
            if let reply = state.streamed { return .streamed(reply) }
            if state.isFinished, state.nextNumber <= primingCount { return .nothing }
            state.hasBegun = true
            return .stream
        }
    }

    /// Ends the reading connection but not the stream, and asks the client to reconnect after `wait`.
    func release(retryAfter wait: Duration) {
        guard case .primed = style else { return }
        let milliseconds = max(0, wait.milliseconds)
        let wake: OneShot<Void>? = state.withLock { state in
            guard !state.isFinished else { return nil }
            state.hasBegun = true
            state.append(Array("retry: \(milliseconds)\n\n".utf8), endsConnection: true)
            defer { state.wake = nil }
            return state.wake
        }
        first.resolve(())
        wake?.resolve(())
    }

    /// Starts a connection, which replaces the one that reads.
    /// - Parameter last: the number of the last event that the client has; `nil` for a new client.
    /// - Returns: the connection's number and the number of its first event; `nil` when that event is no longer kept.
    func connect(after last: Int?) -> (connection: Int, next: Int)? {
        let (result, replaced): ((Int, Int)?, OneShot<Void>?) = state.withLock { state in
            let next: Int
            if let last {
                // The number is the client's word: compared first, because one more than it may be no number at all.
                guard last < state.nextNumber, last >= state.firstKept - 1 else { return (nil, nil) }
                next = last + 1
            } else {
                next = max(state.firstKept, state.nextUndelivered)
            }
            // A pause was meant for the previous connection; a client that reconnects has already had it.
            if last != nil { state.events.removeAll { $0.endsConnection } }
            state.hasBegun = true
            state.connection += 1
            state.isConnected = true
            defer { state.wake = nil }
            return ((state.connection, next), state.wake)
        }
        replaced?.resolve(())
        return result
    }

    /// Returns a connection's next event, or `nil` at its end.
    func next(_ connection: Int, from number: Int) async -> (bytes: [UInt8], next: Int, isLast: Bool)? {
        while true {
            enum Step {
                case event([UInt8], Int, Bool)
                case end
                case wait(OneShot<Void>)
            }
            let step: Step = state.withLock { state in
                guard state.connection == connection, !Task.isCancelled else { return .end }
                if let event = state.events.first(where: { $0.number >= number }) {
                    state.nextUndelivered = max(state.nextUndelivered, event.number + 1)
                    if !isNumbered { state.drop(through: event.number) }
                    return .event(event.bytes, event.number + 1, event.endsConnection)
                }
                if state.isFinished { return .end }
                let wake = OneShot<Void>()
                state.wake = wake
                return .wait(wake)
            }
            switch step {
            case .event(let bytes, let next, let isLast): return (bytes, next, isLast)
            case .end: return nil
            case .wait(let wake):
                await withTaskCancellationHandler {
                    await wake.wait()
                } onCancel: {
                    wake.resolve(())
                }
            }
        }
    }

    /// Ends a connection, unless another one has replaced it.
    func disconnect(_ connection: Int) {
        let wake: OneShot<Void>? = state.withLock { state in
            guard state.connection == connection else { return nil }
            state.connection += 1
            state.isConnected = false
            defer { state.wake = nil }
            return state.wake
        }
        wake?.resolve(())
    }
}

extension EventBuffer.State {
    fileprivate mutating func append(_ event: [UInt8], endsConnection: Bool = false) {
        events.append(EventBuffer.Event(number: nextNumber, bytes: event, endsConnection: endsConnection))
        bytes += event.count
        nextNumber += 1
    }

    fileprivate mutating func drop(through number: Int) {
        while let first = events.first, first.number <= number {
            bytes -= first.bytes.count
            events.removeFirst()
            firstKept = first.number + 1
        }
    }

    /// Drops the oldest events of a stream that keeps them for a returning client, but never the newest, which may be
    /// the answer. Events that no connection ever took are dropped only here; a client that comes back too late finds a
    /// gap and is told so.
    fileprivate mutating func trim(to limit: Int, keepsDelivered: Bool) {
        guard keepsDelivered else { return }
        while bytes > limit, events.count > 1 { drop(through: events[0].number) }
    }
}

/// A stream of Server-Sent Events on its way to one client.
///
/// The server that sends it takes piece after piece with ``next()`` and calls ``close()`` when the client disconnects
/// or the stream ends; ``forEach(_:)`` does both. Heartbeats are the server's task: any comment line between two
/// pieces, every 15 seconds.
public final class EventStream: Sendable {
    private let buffer: EventBuffer
    private let connection: Int
    private let place: Mutex<(number: Int, isOver: Bool)>
    private let onClose: @Sendable () -> Void

    init(_ buffer: EventBuffer, connection: Int, from number: Int, onClose: @escaping @Sendable () -> Void) {
        self.buffer = buffer
        self.connection = connection
        self.place = Mutex((number, false))
        self.onClose = onClose
    }

    deinit { close() }

    /// Returns the next piece to send, or `nil` at the end or when the task is cancelled. Supports one reader.
    public func next() async -> [UInt8]? {
        let (number, isOver) = place.withLock { $0 }
        guard !isOver, let event = await buffer.next(connection, from: number) else { return nil }
        place.withLock { $0 = (event.next, event.isLast) }
        return event.bytes
    }

    /// Ends the stream, sent whole or not. In the modern era this cancels whatever is still unanswered.
    public func close() {
        buffer.disconnect(connection)
        onClose()
    }

    /// Passes every piece to `send` and closes the stream, however that ends.
    /// - Throws: what `send` throws.
    public func forEach<Failure: Error>(_ send: ([UInt8]) async throws(Failure) -> Void) async throws(Failure) {
        defer { close() }
        while let piece = await next() { try await send(piece) }
    }
}
