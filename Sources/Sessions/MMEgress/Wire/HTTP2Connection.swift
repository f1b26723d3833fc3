import CHTTP2
import MMCore
import MMHTTP
import MMSystem

/// HTTP/2 within a tunnel, for clients that support nothing else: each stream is one request, which is handled like any
/// other. nghttp2 does the framing; this type moves its bytes.
final class HTTP2Connection: Sendable {
    /// A request as it was received.
    struct Request: Sendable {
        let fields: [(name: [UInt8], value: [UInt8])]
        /// Whether it has no body.
        let endsHere: Bool
    }

    /// The continuations and handlers to call after the lock is released.
    fileprivate struct Wakes {
        private var waiting: [CheckedContinuation<Void, Never>] = []
        private var departures: [@Sendable () -> Void] = []

        static func += (wakes: inout Wakes, waiting: CheckedContinuation<Void, Never>?) {
            if let waiting { wakes.waiting.append(waiting) }
        }

        mutating func left(_ departure: (@Sendable () -> Void)?) {
            if let departure { departures.append(departure) }
        }

        func tell() {
            for one in waiting { one.resume() }
            for departure in departures { departure() }
        }
    }

    private struct Exchange {
        /// The received part of the body that hasn't been read yet, at most one window.
        var body: [UInt8] = []
        var isWhole: Bool
        var hasLeft = false
        var isLate = false
        var reader: CheckedContinuation<Void, Never>?
        var writer: CheckedContinuation<Void, Never>?
        var departure: (@Sendable () -> Void)?

        /// Resumes all waiting tasks.
        mutating func wake(_ wakes: inout Wakes) {
            wakes += reader
            wakes += writer
            (reader, writer) = (nil, nil)
        }

        /// Records that the stream has ended.
        mutating func leave(_ wakes: inout Wakes) {
            hasLeft = true
            wake(&wakes)
            wakes.left(departure)
        }
    }

    /// `@unchecked Sendable`: nghttp2's state is accessed only under the mutex.
    private struct State: @unchecked Sendable {
        let raw: UnsafeMutableRawPointer
        var exchanges: [Int32: Exchange] = [:]
        var idle: DeadlineWatch.Token?
    }

    private static let streams: UInt32 = 32
    private static let window: UInt32 = 128 << 10
    /// The number of bytes of an answer that are buffered for a client that reads slowly.
    fileprivate static let ahead = 64 << 10
    private static let pieceSize = 64 << 10
    /// Longer than any connection lasts; a connection is limited by its idle time.
    private static let lifetime = Duration.seconds(86_400 * 30)

    private let channel: WireChannel
    private let limits: EgressLimits
    private let open: OpenCount
    private let state: Mutex<State>
    private let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// Takes over a connection.
    /// - Parameter open: the number of open requests of the session, to which each stream adds.
    /// - Throws: `.otherProtocol` if the library isn't installed.
    init(_ channel: WireChannel, limits: EgressLimits, open: OpenCount) throws(WireFault) {
        if let problem = mm_http2_problem() {
            throw WireFault(
                505, .otherProtocol, "HTTP/2 is not available: \(String(cString: problem)). Use HTTP/1.1.")
        }
        guard let raw = mm_http2_open(Self.streams, Self.window, UInt32(RequestHead.maxBytes)) else {
            throw WireFault(503, .upstream, "There is not enough memory for the connection.")
        }
        self.channel = channel
        self.limits = limits
        self.open = open
        state = Mutex(State(raw: raw))
    }

    deinit { state.withLock { mm_http2_free($0.raw) } }

    /// Serves the connection until one side ends it.
    /// - Parameters:
    ///   - beginning: the bytes that the client has already sent.
    ///   - serve: handles a request.
    func run(beginning: [UInt8], serve: @escaping @Sendable (HTTP2Stream, Request) async -> Void) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.send() }
            watchIdle()
            var next: [UInt8]? = beginning
            while let bytes = next, let begun = receive(bytes) {
                for (id, request) in begun {
                    group.addTask {
                        await serve(HTTP2Stream(id, of: self, patience: self.limits.bodyStall), request)
                        self.settle(id)
                    }
                }
                wake.yield()
                next = (try? await channel.read(until: .now + Self.lifetime)) ?? nil
            }
            channel.drop()
            leave()
            wake.finish()
        }
        if let idle = state.withLock({ $0.idle }) { DeadlineWatch.shared.cancel(idle) }
    }

    // MARK: The client's side

    /// Passes received bytes to nghttp2 and returns the requests that begin with them; `nil` if the connection is given
    /// up.
    private func receive(_ bytes: [UInt8]) -> [(Int32, Request)]? {
        var begun: [(Int32, Request)] = []
        let wakes: Wakes? = state.withLock { state in
            guard mm_http2_receive(state.raw, bytes, bytes.count) != 0 else { return nil }
            let wakes = heed(&state, &begun)
            if !begun.isEmpty { Self.forgetIdle(&state) }
            return wakes
        }
        wakes?.tell()
        return wakes == nil ? nil : begun
    }

    /// Handles nghttp2's events for streams, caused by received or sent bytes.
    private func heed(_ state: inout State, _ begun: inout [(Int32, Request)]) -> Wakes {
        var wakes = Wakes()
        while true {
            let event = mm_http2_next(state.raw)
            let id = event.stream
            let bytes = UnsafeBufferPointer(start: event.bytes, count: event.length)
            switch Int(event.kind) {
            case MM_HTTP2_HEAD:
                // Streams that were reset still count until their work has ended, so that resets can't accumulate work.
                guard state.exchanges.count < Int(Self.streams), open.enter() else {
                    mm_http2_reset(state.raw, id, Self.refused)
                    continue
                }
                state.exchanges[id] = Exchange(isWhole: event.ends != 0)
                begun.append((id, Request(fields: Self.fields(Array(bytes)), endsHere: event.ends != 0)))
            case MM_HTTP2_DATA:
                state.exchanges[id]?.body += bytes
                state.exchanges[id]?.wake(&wakes)
            case MM_HTTP2_END:
                state.exchanges[id]?.isWhole = true
                state.exchanges[id]?.wake(&wakes)
            case MM_HTTP2_CLOSED: state.exchanges[id]?.leave(&wakes)
            default: return wakes
            }
        }
    }

    /// Ends all streams: the client has disconnected.
    private func leave() {
        let wakes = state.withLock { state in
            var wakes = Wakes()
            for id in state.exchanges.keys { state.exchanges[id]?.leave(&wakes) }
            return wakes
        }
        wakes.tell()
    }

    /// Records that the work for a request has ended.
    private func settle(_ id: Int32) {
        let isIdle = state.withLock { state in
            if state.exchanges.removeValue(forKey: id) != nil { open.leave() }
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

    /// Closes the connection, unless a request has come meanwhile.
    private func end() {
        state.withLock { if $0.exchanges.isEmpty { mm_http2_end($0.raw) } }
        wake.yield()
    }

    // MARK: Sending

    private func send() async {
        for await _ in wakes {
            while case let (bytes, isLast) = outgoing(), !bytes.isEmpty || isLast {
                do throws(WireFault) { if !bytes.isEmpty { try await channel.write(bytes) } } catch {
                    return channel.drop()
                }
                roomy().tell()
                if isLast { return channel.drop() }
            }
        }
    }

    private func outgoing() -> (bytes: [UInt8], isLast: Bool) {
        let (bytes, isLast, wakes) = state.withLock { state in
            var bytes: [UInt8] = []
            while bytes.count < Self.pieceSize {
                var piece: UnsafePointer<UInt8>?
                let count = mm_http2_send(state.raw, &piece)
                guard count > 0 else { break }
                bytes += UnsafeBufferPointer(start: piece, count: count)
            }
            var none: [(Int32, Request)] = []
            let wakes = heed(&state, &none)
            return (bytes, bytes.count < Self.pieceSize && mm_http2_is_over(state.raw) != 0, wakes)
        }
        wakes.tell()
        return (bytes, isLast)
    }

    private func roomy() -> Wakes {
        state.withLock { state in
            var wakes = Wakes()
            for id in state.exchanges.keys where mm_http2_pending(state.raw, id) < Self.ahead {
                wakes += state.exchanges[id]?.writer
                state.exchanges[id]?.writer = nil
            }
            return wakes
        }
    }

    // MARK: Access of the streams

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
                let bytes = exchange.body
                exchange.body = []
                state.exchanges[id] = exchange
                mm_http2_consume(state.raw, id, bytes.count)
                return .bytes(bytes)
            }
            return exchange.isWhole ? .end : exchange.hasLeft ? .left : exchange.isLate ? .late : .wait
        }
        if case .bytes = taken { wake.yield() }
        return taken
    }

    /// Waits for more of a body or its end.
    fileprivate func arrival(_ id: Int32) async {
        await wait(id, in: \.reader) { exchange, _ in
            exchange.body.isEmpty && !exchange.isWhole && !exchange.hasLeft && !exchange.isLate
        }
    }

    /// Waits until there is room for more of an answer.
    fileprivate func room(_ id: Int32) async {
        await wait(id, in: \.writer) { exchange, raw in
            !exchange.hasLeft && mm_http2_pending(raw, id) >= Self.ahead
        }
    }

    /// Waits while the condition holds and the task isn't cancelled.
    private func wait(
        _ id: Int32, in place: any WritableKeyPath<Exchange, CheckedContinuation<Void, Never>?> & Sendable,
        while isNeeded: (Exchange, UnsafeMutableRawPointer) -> Bool
    ) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state in
                    guard !Task.isCancelled, let exchange = state.exchanges[id], isNeeded(exchange, state.raw) else {
                        return false
                    }
                    state.exchanges[id]?[keyPath: place] = continuation
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            change(id) { _ in }
        }
    }

    fileprivate func expire(_ id: Int32) { change(id) { $0.isLate = true } }

    private func change(_ id: Int32, _ work: (inout Exchange) -> Void) {
        let wakes = state.withLock { state in
            var wakes = Wakes()
            if var exchange = state.exchanges[id] {
                work(&exchange)
                exchange.wake(&wakes)
                state.exchanges[id] = exchange
            }
            return wakes
        }
        wakes.tell()
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

    /// Changes nghttp2's state for a stream, and sends the resulting bytes.
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

    // MARK: Header fields

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

    /// Header fields that HTTP/2 replaces with frames.
    private static let ofConnection: Set<String> = [
        "connection", "transfer-encoding", "keep-alive", "upgrade", "proxy-connection",
    ]
}

/// One request over HTTP/2, as its client sees it.
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

    /// Resets the stream before the end of its answer.
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
            case .late: throw WireFault(408, .tooSlow, "No data arrived in time.")
            case .wait:
                if Task.isCancelled { throw WireChannel.gone }
                await connection.arrival(id)
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

    /// Does nothing: `finish` ends answers of every form.
    func end() async throws(WireFault) {}

    /// Does nothing: the connection's own sender gathers the available bytes.
    func flush() async throws(WireFault) {}

    /// Ends the answer.
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
