import CHTTP2
import MMCore
import MMHTTP
import MMSystem

/// HTTP/2 within a tunnel, for clients that speak nothing else: each stream is one request, which goes the way of all
/// requests. The framing is nghttp2's; this type moves its bytes.
final class HTTP2Connection: Sendable {
    /// A request as it came.
    struct Request: Sendable {
        let fields: [(name: [UInt8], value: [UInt8])]
        /// Whether it has no body.
        let endsHere: Bool
    }

    /// What is to be done about a stream once the lock is free again.
    fileprivate typealias Wakes = [CheckedContinuation<Void, Never>]

    private struct Exchange {
        var body: [[UInt8]] = []
        var isWhole: Bool
        var hasLeft = false
        var isLate = false
        var reader: CheckedContinuation<Void, Never>?
        var writer: CheckedContinuation<Void, Never>?
        var departure: (@Sendable () -> Void)?

        /// Ends all waiting.
        mutating func wake() -> Wakes {
            defer { (reader, writer) = (nil, nil) }
            return [reader, writer].compactMap(\.self)
        }
    }

    /// `@unchecked Sendable`: the library's state is reached under the mutex alone.
    private struct State: @unchecked Sendable {
        let raw: UnsafeMutableRawPointer
        var exchanges: [Int32: Exchange] = [:]
        var isOver = false
        var idle: DeadlineWatch.Token?
    }

    private static let streams: UInt32 = 32
    private static let window: UInt32 = 128 << 10
    /// How much of an answer waits here for a client that reads slowly.
    fileprivate static let ahead = 64 << 10
    private static let pieceSize = 64 << 10
    /// Longer than any connection lives: what limits one is how long it lies idle.
    private static let lifetime = Duration.seconds(86_400 * 30)

    private let channel: WireChannel
    private let limits: EgressLimits
    private let state: Mutex<State>
    private let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// Takes a connection over.
    /// - Throws: `.otherProtocol` where the library isn't there.
    init(_ channel: WireChannel, limits: EgressLimits) throws(WireFault) {
        if let problem = mm_http2_problem() {
            throw WireFault(
                505, .otherProtocol, "HTTP/2 can't be spoken here: \(String(cString: problem)). Use HTTP/1.1.")
        }
        guard let raw = mm_http2_open(Self.streams, Self.window, UInt32(RequestHead.maxBytes)) else {
            throw WireFault(503, .upstream, "There is no memory for the connection.")
        }
        self.channel = channel
        self.limits = limits
        state = Mutex(State(raw: raw))
    }

    deinit { state.withLock { mm_http2_free($0.raw) } }

    /// Serves the connection until one side ends it.
    /// - Parameters:
    ///   - beginning: what the client has sent already.
    ///   - serve: carries a request out.
    func run(beginning: [UInt8], serve: @escaping @Sendable (HTTP2Stream, Request) async -> Void) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.send() }
            watchIdle()
            var next: [UInt8]? = beginning
            while let bytes = next {
                for (id, request) in receive(bytes) {
                    group.addTask {
                        await serve(HTTP2Stream(id, of: self, patience: self.limits.bodyStall), request)
                        self.settle(id)
                    }
                }
                wake.yield()
                if isOver { break }
                next = (try? await channel.read(until: .now + Self.lifetime)) ?? nil
            }
            leave()
            wake.yield()
            wake.finish()
        }
        if let idle = state.withLock({ $0.idle }) { DeadlineWatch.shared.cancel(idle) }
    }

    private var isOver: Bool { state.withLock { $0.isOver } }

    // MARK: The client's side

    private func receive(_ bytes: [UInt8]) -> [(Int32, Request)] {
        let (begun, woken, handlers) = state.withLock { state -> ([(Int32, Request)], Wakes, [@Sendable () -> Void]) in
            if mm_http2_receive(state.raw, bytes, bytes.count) < 0 { mm_http2_end(state.raw) }
            var begun: [(Int32, Request)] = []
            var woken: Wakes = []
            var handlers: [@Sendable () -> Void] = []
            while true {
                let event = mm_http2_next(state.raw)
                let id = event.stream
                let bytes = Array(UnsafeBufferPointer(start: event.bytes, count: event.length))
                switch Int(event.kind) {
                case MM_HTTP2_HEAD:
                    // Those that were reset are counted until their work has ended, so that resets don't pile it up.
                    guard state.exchanges.count < Int(Self.streams) else {
                        mm_http2_reset(state.raw, id, Self.refused)
                        continue
                    }
                    state.exchanges[id] = Exchange(isWhole: event.ends != 0)
                    begun.append((id, Request(fields: Self.fields(bytes), endsHere: event.ends != 0)))
                case MM_HTTP2_DATA:
                    state.exchanges[id]?.body.append(bytes)
                    woken += state.exchanges[id]?.wake() ?? []
                case MM_HTTP2_END:
                    state.exchanges[id]?.isWhole = true
                    woken += state.exchanges[id]?.wake() ?? []
                case MM_HTTP2_CLOSED:
                    state.exchanges[id]?.hasLeft = true
                    woken += state.exchanges[id]?.wake() ?? []
                    if let handler = state.exchanges[id]?.departure { handlers.append(handler) }
                default:
                    if !begun.isEmpty { Self.forgetIdle(&state) }
                    return (begun, woken, handlers)
                }
            }
        }
        for one in woken { one.resume() }
        for handler in handlers { handler() }
        return begun
    }

    /// Ends what is under way: the client is gone.
    private func leave() {
        let (woken, handlers) = state.withLock { state -> (Wakes, [@Sendable () -> Void]) in
            state.isOver = true
            var woken: Wakes = []
            var handlers: [@Sendable () -> Void] = []
            for id in state.exchanges.keys {
                state.exchanges[id]?.hasLeft = true
                woken += state.exchanges[id]?.wake() ?? []
                if let handler = state.exchanges[id]?.departure { handlers.append(handler) }
            }
            return (woken, handlers)
        }
        for one in woken { one.resume() }
        for handler in handlers { handler() }
    }

    /// Notes that the work for a request has ended.
    private func settle(_ id: Int32) {
        let isIdle = state.withLock { state in
            state.exchanges[id] = nil
            return state.exchanges.isEmpty
        }
        wake.yield()
        if isIdle { watchIdle() }
    }

    private func watchIdle() {
        state.withLock { state in
            Self.forgetIdle(&state)
            state.idle = DeadlineWatch.shared.watch(.now + limits.idle) { [weak self] in self?.end() }
        }
    }

    private static func forgetIdle(_ state: inout State) {
        if let idle = state.idle { DeadlineWatch.shared.cancel(idle) }
        state.idle = nil
    }

    /// Says goodbye.
    private func end() {
        state.withLock { mm_http2_end($0.raw) }
        wake.yield()
    }

    // MARK: What goes out

    private func send() async {
        for await _ in wakes {
            while case let (bytes, isLast) = outgoing(), !bytes.isEmpty || isLast {
                do throws(WireFault) { if !bytes.isEmpty { try await channel.write(bytes) } } catch { return over() }
                for one in roomy() { one.resume() }
                if isLast { return over() }
            }
        }
    }

    private func over() {
        leave()
        channel.drop()
    }

    private func outgoing() -> (bytes: [UInt8], isLast: Bool) {
        state.withLock { state in
            var bytes: [UInt8] = []
            while bytes.count < Self.pieceSize {
                var piece: UnsafePointer<UInt8>?
                let count = mm_http2_send(state.raw, &piece)
                guard count > 0 else { break }
                bytes += UnsafeBufferPointer(start: piece, count: count)
            }
            return (bytes, bytes.count < Self.pieceSize && mm_http2_is_over(state.raw) != 0)
        }
    }

    private func roomy() -> Wakes {
        state.withLock { state in
            var woken: Wakes = []
            for id in state.exchanges.keys where mm_http2_pending(state.raw, id) < Self.ahead {
                if let writer = state.exchanges[id]?.writer { woken.append(writer) }
                state.exchanges[id]?.writer = nil
            }
            return woken
        }
    }

    // MARK: For its streams

    fileprivate enum Taken {
        case bytes([UInt8])
        case end
        case wait
        case left
        case late
    }

    fileprivate func take(_ id: Int32) -> Taken {
        let taken: Taken = state.withLock { state in
            guard var exchange = state.exchanges[id] else { return .left }
            if !exchange.body.isEmpty {
                let bytes = exchange.body.removeFirst()
                state.exchanges[id] = exchange
                mm_http2_consume(state.raw, id, bytes.count)
                return .bytes(bytes)
            }
            return exchange.isWhole ? .end : exchange.hasLeft ? .left : exchange.isLate ? .late : .wait
        }
        if case .bytes = taken { wake.yield() }
        return taken
    }

    /// Waits for more of a body, or its end.
    fileprivate func arrival(_ id: Int32) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                guard let exchange = state.exchanges[id], exchange.body.isEmpty, !exchange.isWhole, !exchange.hasLeft,
                    !exchange.isLate
                else { return true }
                state.exchanges[id]?.reader = continuation
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    fileprivate func expire(_ id: Int32) {
        let woken: Wakes = state.withLock { state in
            state.exchanges[id]?.isLate = true
            return state.exchanges[id]?.wake() ?? []
        }
        for one in woken { one.resume() }
    }

    /// Waits until an answer may go on.
    fileprivate func room(_ id: Int32) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                guard state.exchanges[id]?.hasLeft == false, mm_http2_pending(state.raw, id) >= Self.ahead else {
                    return true
                }
                state.exchanges[id]?.writer = continuation
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    fileprivate func isThere(_ id: Int32) -> Bool { state.withLock { $0.exchanges[id]?.hasLeft == false } }

    fileprivate func isWhole(_ id: Int32) -> Bool {
        state.withLock { $0.exchanges[id].map { $0.isWhole && $0.body.isEmpty } ?? true }
    }

    fileprivate func onDeparture(_ id: Int32, _ handler: (@Sendable () -> Void)?) {
        let hasLeft = state.withLock { state in
            state.exchanges[id]?.departure = handler
            return state.exchanges[id]?.hasLeft ?? true
        }
        if hasLeft { handler?() }
    }

    /// Does something with the library's state for a stream, and sends what comes of it.
    fileprivate func with(
        _ id: Int32, _ work: (UnsafeMutableRawPointer) -> Int32
    ) throws(WireFault) {
        let isDone = state.withLock { $0.exchanges[id]?.hasLeft == false && work($0.raw) == 0 }
        wake.yield()
        if !isDone { throw WireChannel.gone }
    }

    fileprivate func reset(_ id: Int32) {
        state.withLock { mm_http2_reset($0.raw, id, Self.internalError) }
        wake.yield()
    }

    fileprivate func stall(_ id: Int32) -> DeadlineWatch.Token {
        DeadlineWatch.shared.watch(.now + limits.answerStall) { [weak self] in self?.reset(id) }
    }

    private static let internalError: UInt32 = 2
    private static let refused: UInt32 = 7

    // MARK: Lists of fields

    private static func fields(_ bytes: [UInt8]) -> [(name: [UInt8], value: [UInt8])] {
        var fields: [(name: [UInt8], value: [UInt8])] = []
        var at = 0
        bytes.withUnsafeBytes { bytes in
            while at + 8 <= bytes.count {
                let name = Int(bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self))
                let value = Int(bytes.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self))
                at += 8
                guard at + name + value <= bytes.count else { return }
                fields.append((Array(bytes[at..<(at + name)]), Array(bytes[(at + name)..<(at + name + value)])))
                at += name + value
            }
        }
        return fields
    }

    fileprivate static func bytes(_ status: Int, _ headers: HTTPHeaders) -> [UInt8] {
        var bytes: [UInt8] = []
        func add(_ name: String, _ value: String) {
            withUnsafeBytes(of: UInt32(name.utf8.count)) { bytes += $0 }
            withUnsafeBytes(of: UInt32(value.utf8.count)) { bytes += $0 }
            bytes += name.utf8
            bytes += value.utf8
        }
        add(":status", String(status))
        for field in headers.fields where !ofConnection.contains(field.name.lowercased()) {
            add(field.name.lowercased(), field.value)
        }
        return bytes
    }

    /// What HTTP/2 has frames for.
    private static let ofConnection: Set<String> = [
        "connection", "transfer-encoding", "keep-alive", "upgrade", "proxy-connection",
    ]
}

/// One request over HTTP/2, from its client's side.
struct HTTP2Stream: RequestClient, ClientBody, AnswerSink {
    private let id: Int32
    private let connection: HTTP2Connection
    private let patience: Duration
    private let taken = Counter()

    fileprivate init(_ id: Int32, of connection: HTTP2Connection, patience: Duration) {
        self.id = id
        self.connection = connection
        self.patience = patience
    }

    // MARK: The client

    var hasLeft: Bool { !connection.isThere(id) }

    func onDeparture(_ handler: (@Sendable () -> Void)?) { connection.onDeparture(id, handler) }

    /// Ends the stream without an end of its answer.
    func drop() { connection.reset(id) }

    // MARK: The body

    var count: Int { taken.value }

    var isDone: Bool { connection.isWhole(id) }

    func next() async throws(WireFault) -> [UInt8]? {
        let late = DeadlineWatch.shared.watch(.now + patience) { [connection, id] in connection.expire(id) }
        defer { DeadlineWatch.shared.cancel(late) }
        while true {
            switch connection.take(id) {
            case .bytes(let bytes):
                taken.add(bytes.count)
                return bytes
            case .end: return nil
            case .left: throw WireFault(400, .torn, "The body ended before its announced end.")
            case .late: throw WireFault(408, .tooSlow, "Nothing arrived in time.")
            case .wait: await connection.arrival(id)
            }
        }
    }

    // MARK: The answer

    func goOn() async throws(WireFault) { try submit(100, [:]) }

    func whole(
        _ status: Int, _ headers: HTTPHeaders, _ body: [UInt8], length: Int, keepsAlive: Bool
    ) async throws(WireFault) {
        var headers = headers
        if AnswerWriter.hasBody(status) { headers.set("Content-Length", String(length)) }
        try submit(status, headers)
        try await piece(body, isChunked: false)
    }

    func head(_ status: Int, _ headers: HTTPHeaders, keepsAlive: Bool) async throws(WireFault) {
        try submit(status, headers)
    }

    func piece(_ bytes: [UInt8], isChunked: Bool) async throws(WireFault) {
        guard !bytes.isEmpty else { return }
        try connection.with(id) { mm_http2_append($0, id, bytes, bytes.count) }
        let late = connection.stall(id)
        defer { DeadlineWatch.shared.cancel(late) }
        await connection.room(id)
    }

    /// The end is told by `finish`, for answers of every form.
    func end() async throws(WireFault) {}

    /// The connection's own sender gathers what is there.
    func flush() async throws(WireFault) {}

    /// The answer is complete.
    func finish() {
        try? connection.with(id) { raw in
            mm_http2_finish(raw, id)
            return 0
        }
    }

    private func submit(_ status: Int, _ headers: HTTPHeaders) throws(WireFault) {
        let bytes = HTTP2Connection.bytes(status, headers)
        try connection.with(id) { mm_http2_answer($0, id, bytes, bytes.count, status < 200 ? 1 : 0) }
    }

    private final class Counter: Sendable {
        private let count = Mutex(0)

        var value: Int { count.withLock { $0 } }

        func add(_ more: Int) { count.withLock { $0 += more } }
    }
}
