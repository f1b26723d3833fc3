import MMCore
import MMSystem

/// One exchange as seen from outside the loop's thread.
final class CurlTransfer: Sendable {
    /// The status, the header fields and, for whole delivery, the body.
    struct Head: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let body: [UInt8]
    }

    /// The way in which the body is delivered.
    enum Delivery: Sendable {
        /// Together with the head, once it is complete.
        case whole
        /// Through `next`, while it arrives.
        case streamed
    }

    private struct Buffer {
        var bytes: [UInt8] = []
        var isPaused = false
        var end: Result<Void, HTTPError>?
        var reader: OneShot<Void>?
        var isCancelled = false
    }

    /// The buffer size at which the server is held back until the reader has caught up.
    private static let highWater = 256 << 10

    let request: HTTPRequest
    let address: HTTPAddress
    /// The proxy that the request goes through.
    let proxy: ProxyAddress?
    let delivery: Delivery
    /// The body, if it arrives while it is being sent.
    let upload: CurlUpload?
    /// The permit that is checked before anything is sent.
    let permit: SendPermit?
    /// The result, delivered once: the head (with the body for whole delivery), or the error.
    let head = OneShot<Result<Head, HTTPError>>()
    private let buffer = Mutex(Buffer())

    init(request: HTTPRequest, address: HTTPAddress, proxy: ProxyAddress?, delivery: Delivery) {
        self.request = request
        self.address = address
        self.proxy = proxy
        self.delivery = delivery
        upload = request.upload == nil ? nil : CurlUpload()
        permit = request.permit ?? SendPermit.current
    }

    /// Whether the transfer was cancelled.
    var isCancelled: Bool { buffer.withLock { $0.isCancelled } }

    /// Ends the transfer for all waiters; the loop cleans up afterwards.
    func cancel() {
        let reader = buffer.withLock { buffer in
            buffer.isCancelled = true
            buffer.bytes = []
            if buffer.end == nil { buffer.end = .failure(Self.cancelled(request)) }
            defer { buffer.reader = nil }
            return buffer.reader
        }
        head.resolve(.failure(Self.cancelled(request)))
        upload?.close()
        reader?.resolve(())
    }

    static func cancelled(_ request: HTTPRequest) -> HTTPError {
        HTTPError(.cancelled, "\(request.method) \(HTTPAddress.withoutQuery(request.url)) was cancelled.")
    }

    /// Takes a chunk of a streamed body on the loop's thread.
    /// - Returns: false when the transfer must pause first; curl then delivers the chunk again.
    func accept(_ piece: UnsafeRawBufferPointer) -> Bool {
        let (taken, reader): (Bool, OneShot<Void>?) = buffer.withLock { buffer in
            guard buffer.bytes.count < Self.highWater else {
                buffer.isPaused = true
                return (false, nil)
            }
            buffer.bytes.append(contentsOf: piece)
            defer { buffer.reader = nil }
            return (true, buffer.reader)
        }
        reader?.resolve(())
        return taken
    }

    /// Ends the transfer with an error, on the loop's thread.
    func fail(_ error: HTTPError) {
        head.resolve(.failure(error))
        finish(.failure(error))
    }

    /// Records the end of a streamed body, on the loop's thread.
    func finish(_ end: Result<Void, HTTPError>) {
        upload?.close()
        let reader = buffer.withLock { buffer in
            if buffer.end == nil { buffer.end = end }
            defer { buffer.reader = nil }
            return buffer.reader
        }
        reader?.resolve(())
    }

    /// Whether more of a streamed body, or its end, has arrived.
    var isReady: Bool { buffer.withLock { !$0.bytes.isEmpty || $0.end != nil } }

    /// Returns the next chunk of a streamed body; nil at the end.
    /// - Parameter resume: called when the transfer was paused and may continue.
    func next(resume: @Sendable () -> Void) async throws(HTTPError) -> [UInt8]? {
        while true {
            enum Step {
                case piece([UInt8], wasPaused: Bool)
                case end(Result<Void, HTTPError>)
                case wait(OneShot<Void>)
            }
            let step: Step = buffer.withLock { buffer in
                if !buffer.bytes.isEmpty {
                    defer {
                        buffer.bytes = []
                        buffer.isPaused = false
                    }
                    return .piece(buffer.bytes, wasPaused: buffer.isPaused)
                }
                if let end = buffer.end { return .end(end) }
                precondition(buffer.reader == nil, "A body has one reader")
                let turn = OneShot<Void>()
                buffer.reader = turn
                return .wait(turn)
            }
            switch step {
            case .piece(let bytes, let wasPaused):
                if wasPaused { resume() }
                return bytes
            case .end(.success): return nil
            case .end(.failure(let error)): throw error
            case .wait(let turn): await turn.wait()
            }
        }
    }
}

/// Passes a streamed request body from the task that reads it to curl's thread, which sends it.
final class CurlUpload: Sendable {
    /// The result of curl's request for bytes.
    enum Portion {
        case bytes(Int)
        /// No bytes yet; curl is told when there are some.
        case later
        case end
        /// The body's source has failed.
        case broken
    }

    private enum End { case complete, broken }

    private struct State {
        var bytes: [UInt8] = []
        var taken = 0
        var end: End?
        var isCurlWaiting = false
        var feeder: OneShot<Void>?
        var reading: Task<Void, Never>?
        var isOver = false
    }

    /// The buffer size at which the source is held back until the server has taken some.
    private static let highWater = 256 << 10
    private let state = Mutex(State())

    /// The number of bytes that wait for curl, and the size of the buffer that holds them.
    var load: (waiting: Int, held: Int) { state.withLock { ($0.bytes.count - $0.taken, $0.bytes.count) } }

    /// Starts to read a body to its end. The reading outlives a call to which the server responds early, and ends with
    /// the transfer.
    /// - Parameter resume: tells curl that there are bytes again.
    func start(_ pieces: HTTPBody, resume: @escaping @Sendable () -> Void) {
        state.withLock { state in
            guard !state.isOver else { return }
            state.reading = Task { await feed(pieces, resume: resume) }
        }
    }

    /// Reads a body to its end, as fast as curl sends it.
    /// - Parameter resume: tells curl that there are bytes again.
    func feed(_ pieces: HTTPBody, resume: @Sendable () -> Void) async {
        var iterator = pieces.makeAsyncIterator()
        while true {
            let piece: [UInt8]?
            do throws(HTTPError) { piece = try await iterator.next() } catch {
                finish(.broken, resume)
                return
            }
            guard let piece else {
                finish(.complete, resume)
                return
            }
            let room: OneShot<Void>? = state.withLock { state in
                // Drop what curl has taken, even if it never takes everything; this moves fewer bytes than it frees.
                if state.taken > state.bytes.count / 2 {
                    state.bytes.removeFirst(state.taken)
                    state.taken = 0
                }
                state.bytes.append(contentsOf: piece)
                guard state.bytes.count - state.taken >= Self.highWater, !state.isOver else { return nil }
                let room = OneShot<Void>()
                state.feeder = room
                return room
            }
            wake(resume)
            await room?.wait()
            if state.withLock({ $0.isOver }) || Task.isCancelled { return }
        }
    }

    /// Copies the available bytes, on curl's thread.
    func take(into room: UnsafeMutableRawBufferPointer) -> Portion {
        let (portion, feeder): (Portion, OneShot<Void>?) = state.withLock { state in
            let count = min(room.count, state.bytes.count - state.taken)
            guard count > 0 else {
                switch state.end {
                case .complete: return (.end, nil)
                case .broken: return (.broken, nil)
                case nil:
                    state.isCurlWaiting = true
                    return (.later, nil)
                }
            }
            state.bytes.withUnsafeBytes { bytes in
                room.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[state.taken..<(state.taken + count)]))
            }
            state.taken += count
            if state.taken == state.bytes.count {
                state.bytes.removeAll(keepingCapacity: true)
                state.taken = 0
            }
            guard state.bytes.count - state.taken < Self.highWater else { return (.bytes(count), nil) }
            defer { state.feeder = nil }
            return (.bytes(count), state.feeder)
        }
        feeder?.resolve(())
        return portion
    }

    /// Ends the upload because the transfer has ended; the rest isn't sent.
    func close() {
        let (feeder, reading) = state.withLock { state in
            state.isOver = true
            state.bytes = []
            state.taken = 0
            defer { (state.feeder, state.reading) = (nil, nil) }
            return (state.feeder, state.reading)
        }
        feeder?.resolve(())
        reading?.cancel()
    }

    private func finish(_ end: End, _ resume: @Sendable () -> Void) {
        state.withLock { $0.end = end }
        wake(resume)
    }

    private func wake(_ resume: @Sendable () -> Void) {
        let isWaiting = state.withLock { state in
            defer { state.isCurlWaiting = false }
            return state.isCurlWaiting
        }
        if isWaiting { resume() }
    }
}

/// The address of a proxy, as an environment variable names it.
struct ProxyAddress: Sendable {
    /// The proxy protocols that curl supports.
    enum Form: String {
        case http, https, socks4, socks4a, socks5, socks5h

        /// Whether the proxy resolves host names; otherwise this machine does.
        var resolvesNames: Bool { self != .socks4 && self != .socks5 }
    }

    /// The address as given, with its scheme, in curl's format. It may contain a password.
    let url: String
    /// The proxy's protocol.
    let form: Form
    /// Scheme, host and port, for messages.
    let display: String
    /// Whether the address contains a user name.
    let hasUser: Bool
    /// The environment variable that it came from.
    let variable: String

    /// Parses a variable's value.
    /// - Throws: `.proxy`, naming what is wrong with it; the value itself is left out, because it may contain a
    ///   password.
    init(_ value: String, from variable: String) throws(HTTPError) {
        func fault(_ what: String) -> HTTPError {
            HTTPError(
                .proxy, "The proxy address in \(variable) can't be used: \(what).",
                hint:
                    "Write \(variable) as http://HOST:PORT or socks5h://HOST:PORT, with USER:PASSWORD@ in front of the "
                    + "host if the proxy requires it (special characters percent-encoded).")
        }
        var rest = value[...]
        var form = Form.http
        if let end = value.firstRange(of: "://") {
            let scheme = value[..<end.lowerBound].lowercased()
            guard let named = Form(rawValue: scheme) else {
                throw fault(
                    "the scheme is not supported: “\(HTTPFieldRules.printable(String(scheme.prefix(20))))”")
            }
            form = named
            rest = value[end.upperBound...]
        }
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard rest[authority.endIndex...].allSatisfy({ $0 == "/" }) else { throw fault("it has a path") }
        let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        guard !host.isEmpty else { throw fault("it has no host") }
        // Hosts and ports follow the same rules as in any URL.
        guard let place = try? HTTPAddress("http://\(host)") else { throw fault("its host or port can't be read") }
        self.form = form
        self.variable = variable
        hasUser = host.startIndex != authority.startIndex
        url = "\(form.rawValue)://\(authority)"
        display = "\(form.rawValue)://\(place.origin)"
    }
}
