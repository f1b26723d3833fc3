import MMCore

/// A legacy session over HTTP: its connection state, the streams of its calls and the stream for everything else.
final class HTTPSession: Sendable {
    let id: String
    let principal: Principal
    let session: Session
    let home: EventBuffer
    private let state: Mutex<State>
    private let limit: Int
    private let ended: (@Sendable (String) -> Void)?

    private struct State: Sendable {
        var lastUse: ContinuousClock.Instant
        var isUsed = false
        var nextStream = 1
        var streams: [Int: EventBuffer] = [:]
        var connections = 0
        var isClosed = false
    }

    /// The maximum number of bytes of finished streams that are kept for a client that may come back.
    private static let keptBytes = 4 << 20
    private static let keptStreams = 64

    init(
        id: String, server: MCPServer, principal: Principal, replayBytes: Int, now: ContinuousClock.Instant,
        ended: (@Sendable (String) -> Void)? = nil
    ) {
        self.ended = ended
        self.id = id
        self.principal = principal
        self.limit = replayBytes
        home = EventBuffer(.numbered(stream: 0), limit: replayBytes)
        session = Session(server: server, principal: principal, sessionChannel: home, name: id)
        state = Mutex(State(lastUse: now))
    }

    /// Notes that the client has just been active.
    func touch(at now: ContinuousClock.Instant) {
        state.withLock { state in
            state.lastUse = now
            state.isUsed = true
        }
    }

    /// Whether its client came back after the first answer, as who finishes the handshake does.
    var isUsed: Bool { state.withLock { $0.isUsed } }

    /// How long the client has been inactive; zero while a stream is open.
    func idleTime(at now: ContinuousClock.Instant) -> Duration {
        state.withLock { $0.connections > 0 ? .zero : now - $0.lastUse }
    }

    /// Creates a buffer for the messages about one POST.
    func openStream() -> (number: Int, buffer: EventBuffer) {
        let primes = session.version.map { $0 >= .v2025_11_25 } ?? false
        return state.withLock { state in
            let number = state.nextStream
            state.nextStream += 1
            let buffer = EventBuffer(primes ? .primed(stream: number) : .numbered(stream: number), limit: limit)
            return (number, buffer)
        }
    }

    /// Keeps a stream that its client may come back to, and drops the oldest finished ones.
    func keep(_ number: Int, _ buffer: EventBuffer) {
        state.withLock { state in
            state.streams[number] = buffer
            let finished = state.streams.filter { $0.value.isFinished }.sorted { $0.key < $1.key }
            var bytes = finished.reduce(0) { $0 + $1.value.size }
            var count = finished.count
            for (number, buffer) in finished where bytes > Self.keptBytes || count > Self.keptStreams {
                bytes -= buffer.size
                count -= 1
                state.streams[number] = nil
            }
        }
    }

    /// Returns the stream and the position in it that an event id names.
    func place(of eventID: String) -> (buffer: EventBuffer, number: Int)? {
        let parts = eventID.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let stream = Int(parts[0]), let number = Int(parts[1]), number >= 0 else { return nil }
        if stream == 0 { return (home, number) }
        return state.withLock { $0.streams[stream] }.map { ($0, number) }
    }

    /// Connects a new stream to this buffer's events.
    func connect(_ buffer: EventBuffer, after last: Int?) -> EventStream? {
        guard let (connection, next) = buffer.connect(after: last) else { return nil }
        state.withLock { $0.connections += 1 }
        let isOpen = Mutex(true)
        return EventStream(buffer, connection: connection, from: next) { [weak self] in
            let closes = isOpen.withLock { isOpen in
                defer { isOpen = false }
                return isOpen
            }
            guard closes, let self else { return }
            state.withLock { state in
                state.connections -= 1
                state.lastUse = .now
            }
        }
    }

    /// Ends the session: cancels its calls and ends its streams.
    func close() {
        session.close()
        home.finish(nil)
        let (streams, isFirst) = state.withLock { state in
            defer { state.isClosed = true }
            return (Array(state.streams.values), !state.isClosed)
        }
        for stream in streams { stream.finish(nil) }
        if isFirst { ended?(id) }
    }
}
