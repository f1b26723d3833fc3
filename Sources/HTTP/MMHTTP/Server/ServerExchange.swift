import CMicroHTTPD
import Glibc
import MMCore
import MMSystem

/// One request, from its first byte to the last byte of its response.
///
/// The server's thread and the handler's task meet here. The suspension of the connection and the queue are guarded by
/// one lock, so that no wake-up is lost and only a suspended connection is resumed.
final class ServerExchange: Sendable {
    /// libmicrohttpd's connection.
    struct Connection: @unchecked Sendable {
        // `@unchecked Sendable`: used on the server's thread. Other threads only resume it, under the exchange's lock
        // and while it is suspended, when the library doesn't touch it.
        let raw: UnsafeMutableRawPointer
    }

    /// libmicrohttpd's response.
    struct Answer: @unchecked Sendable {
        // `@unchecked Sendable`: used only on the server's thread, while the library reads from it and so retains it.
        let raw: UnsafeMutableRawPointer
    }

    enum Phase {
        case head
        case body
        case handling
        case answering
        case over
    }

    struct State {
        var phase = Phase.head
        var connection: Connection
        var isSuspended = false
        /// Whether the client has left or the listener is ending, so that nothing more is sent.
        var isGone = false
        var method = ""
        /// Whether the end of a stream is the end of the connection, as for a client of HTTP/1.0.
        var endsByClosing = false
        var headers = HTTPHeaders()
        var body: [UInt8] = []
        var receiver: (any HTTPBodyReceiver)?
        var dropped = 0
        var response: HTTPServerResponse?
        var task: Task<Void, Never>?
        var out: [UInt8] = []
        var outStart = 0
        var outEnd: Bool?
        var answer: Answer?
        var trailers = HTTPHeaders()
        var hasWritten = false
        var writer: OneShot<Void>?
    }

    /// The buffer size at which a writer waits for the client.
    static let highWater = 64 << 10

    let target: String
    /// Whether the request line contains no NUL, which would hide the rest of it.
    private let isWhole: Bool
    private let listener: ListenerCore
    let state: Mutex<State>

    init(target: String, isWhole: Bool, connection: Connection, listener: ListenerCore) {
        self.target = target
        self.isWhole = isWhole
        self.listener = listener
        state = Mutex(State(connection: connection))
    }

    // MARK: On the server's thread

    /// Continues with the request: its headers, chunks of its body, its end, and each resumption.
    /// - Returns: false to close the connection.
    func access(method: String, version: String, bytes: UnsafePointer<CChar>?, count: inout Int) -> Bool {
        let phase = state.withLock { $0.phase }
        switch phase {
        case .head: return readHead(method: method, version: version)
        case .body where count > 0:
            let piece = UnsafeRawBufferPointer(start: bytes, count: count)
            count = 0
            listener.pieceArrived(state.withLock { $0.connection }.raw)
            return accept(piece)
        case .body: return endBody()
        case .handling: return answer()
        case .answering:
            count = 0
            return true
        case .over: return false
        }
    }

    private func readHead(method: String, version: String) -> Bool {
        let connection = state.withLock { $0.connection }
        let shortage = listener.headArrived(connection.raw)
        var headers = HTTPHeaders()
        let headersAreWhole = withUnsafeMutablePointer(to: &headers) { headers in
            mm_httpd_headers(connection.raw, headers) { context, name, nameLength, value, valueLength in
                context?.assumingMemoryBound(to: HTTPHeaders.self).pointee
                    .add(ServerExchange.text(name, nameLength), ServerExchange.value(value, valueLength))
            }
        }
        var refusal: HTTPServerResponse? = RequestRules.hidden
        let receiver = listener.limits.receiver?(method, target, headers)
        if isWhole, headersAreWhole == 1 {
            refusal =
                shortage
                ?? RequestRules.refusal(
                    method: method, target: target, headers: headers, limits: listener.limits,
                    isReceived: receiver != nil)
                ?? listener.refusal(
                    method: method, target: target, headers: headers, connection.raw,
                    mm_httpd_descriptor(connection.raw))
        }
        if let refusal {
            state.withLock { $0.phase = .answering }
            listener.refused(connection.raw)
            return queue(refusal, closing: true)
        }
        state.withLock { state in
            state.method = method
            state.endsByClosing = version == "HTTP/1.0"
            state.headers = headers
            state.receiver = receiver
            state.phase = .body
        }
        return true
    }

    private func accept(_ piece: UnsafeRawBufferPointer) -> Bool {
        if let receiver = state.withLock({ $0.receiver }) {
            receiver.take(piece)
            return true
        }
        let limits = listener.limits
        return state.withLock { state in
            if state.dropped == 0, state.body.count + piece.count <= limits.maxBodyBytes {
                state.body.append(contentsOf: piece)
                return true
            }
            // A response can be sent only at the body's end. Until then, bytes over the limit are discarded, up to a
            // bound.
            state.body = []
            state.dropped += piece.count
            return state.dropped <= limits.discardedBytes
        }
    }

    private func endBody() -> Bool {
        let connection = state.withLock { $0.connection }
        let isTooLarge = state.withLock { $0.dropped > 0 }
        if isTooLarge || !listener.register(self) {
            state.withLock { $0.phase = .answering }
            return queue(
                isTooLarge ? RequestRules.tooLarge(listener.limits) : RequestRules.stopping, closing: true)
        }
        let descriptor = mm_httpd_descriptor(connection.raw)
        guard let ends = listener.received(connection.raw, descriptor) else { return false }
        let goesOn = state.withLock { state in
            // The listener may have ended since `register`, and would not resume a connection that is suspended now.
            if state.isGone { return false }
            var request = HTTPServerRequest(
                method: state.method, target: target, headers: state.headers, body: state.body, peer: ends.peer,
                localAddress: ends.localAddress)
            request.owner = ends.owner
            request.receiver = state.receiver
            state.receiver = nil
            state.body = []
            state.headers = HTTPHeaders()
            state.phase = .handling
            state.isSuspended = true
            mm_httpd_suspend(connection.raw)
            state.task = Task { await self.run(request) }
            return true
        }
        if goesOn { listener.attend(self, on: connection.raw, descriptor) }
        return goesOn
    }

    private func answer() -> Bool {
        let (response, isGone) = state.withLock { state in
            if state.response != nil { state.phase = .answering }
            defer { state.response = nil }
            return (state.response, state.isGone)
        }
        guard !isGone, let response else { return false }
        return queue(response, closing: listener.isStopping)
    }

    private func queue(_ response: HTTPServerResponse, closing: Bool) -> Bool {
        let (connection, method) = state.withLock { ($0.connection, $0.method) }
        guard let raw = ServerAnswer.make(response, for: self, closing: closing, isHead: method == "HEAD") else {
            return false
        }
        defer { mm_httpd_response_free(raw.response) }
        state.withLock { $0.answer = Answer(raw: raw.response) }
        return mm_httpd_queue(connection.raw, raw.status, raw.response) == 1
    }

    /// Gives the server's thread the next bytes of a stream, or suspends the connection until there are some.
    func read(into bytes: UnsafeMutablePointer<CChar>?, room: Int) -> Int {
        let (count, writer): (Int, OneShot<Void>?) = state.withLock { state in
            if state.isGone { return (Self.breakOff(state), nil) }
            let count = min(room, state.out.count - state.outStart)
            if count > 0, let bytes {
                state.out.withUnsafeBytes { source in
                    UnsafeMutableRawBufferPointer(start: bytes, count: count).copyMemory(
                        from: UnsafeRawBufferPointer(
                            rebasing: source[state.outStart..<(state.outStart + count)]))
                }
                state.outStart += count
                guard state.outStart == state.out.count else { return (count, nil) }
                state.out = []
                state.outStart = 0
                defer { state.writer = nil }
                return (count, state.writer)
            }
            if let succeeded = state.outEnd {
                if let answer = state.answer {
                    for field in state.trailers { _ = mm_httpd_response_trailer(answer.raw, field.name, field.value) }
                    state.trailers = HTTPHeaders()
                }
                return (succeeded ? Int(MM_HTTPD_END) : Self.breakOff(state), nil)
            }
            state.isSuspended = true
            mm_httpd_suspend(state.connection.raw)
            return (0, nil)
        }
        writer?.resolve(())
        return count
    }

    /// Returns what makes the library close the connection before the end of a stream.
    ///
    /// Where the connection's end is also the body's, as for nginx by default, the client would take the part for the
    /// whole; it gets a reset.
    private static func breakOff(_ state: State) -> Int {
        if state.endsByClosing {
            var nobody = sockaddr()
            nobody.sa_family = sa_family_t(AF_UNSPEC)
            connect(mm_httpd_descriptor(state.connection.raw), &nobody, socklen_t(MemoryLayout<sockaddr>.size))
        }
        return Int(MM_HTTPD_BROKEN)
    }

    /// Ends the exchange, whatever its outcome.
    func complete() {
        let (task, writer) = state.withLock { state in
            state.phase = .over
            state.isGone = true
            state.isSuspended = false
            state.out = []
            defer {
                state.writer = nil
                state.task = nil
            }
            return (state.task, state.writer)
        }
        task?.cancel()
        writer?.resolve(())
        listener.unregister(self)
    }

    // MARK: From other threads

    /// Cancels the handler and lets the server close the connection, because the client has left or the listener is
    /// ending.
    func abandon() {
        let (task, writer): (Task<Void, Never>?, OneShot<Void>?) = state.withLock { state in
            guard state.phase != .over else { return (nil, nil) }
            state.isGone = true
            resume(&state)
            defer { state.writer = nil }
            return (state.task, state.writer)
        }
        task?.cancel()
        writer?.resolve(())
    }

    /// Cancels the handler but leaves it time to respond.
    func cancelHandler() {
        state.withLock { $0.task }?.cancel()
    }

    func resume(_ state: inout State) {
        guard state.isSuspended else { return }
        state.isSuspended = false
        mm_httpd_resume(state.connection.raw)
    }

    private func run(_ request: HTTPServerRequest) async {
        let response = await listener.handler(request)
        state.withLock { state in
            guard !state.isGone else { return }
            state.response = response
            resume(&state)
        }
        if case .stream(let heartbeat, let write) = response.body {
            let succeeded = await stream(heartbeat: heartbeat, write)
            state.withLock { state in
                state.outEnd = succeeded
                if !state.isGone { resume(&state) }
            }
        }
    }

    private static func text(_ bytes: UnsafePointer<CChar>?, _ count: Int) -> String {
        String(decoding: UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : count), as: UTF8.self)
    }

    /// Returns a value without its trailing whitespace, which isn't part of it.
    private static func value(_ bytes: UnsafePointer<CChar>?, _ count: Int) -> String {
        var count = count
        while let bytes, count > 0, bytes[count - 1] == 0x20 || bytes[count - 1] == 0x09 { count -= 1 }
        return text(bytes, count)
    }
}

/// Passes what a handler writes to the server's thread.
extension ServerExchange {
    func stream(
        heartbeat: Duration?, _ write: @escaping @Sendable (HTTPResponseWriter) async throws(HTTPError) -> Void
    ) async -> Bool {
        let writer = HTTPResponseWriter(
            { (bytes) async throws(HTTPError) in try await self.write(bytes) },
            trail: { name, value in self.addTrailer(name, value) })
        guard let heartbeat else {
            return await Self.succeeds { () async throws(HTTPError) in try await write(writer) }
        }
        return await withTaskGroup(of: Bool?.self) { group in
            group.addTask { await Self.succeeds { () async throws(HTTPError) in try await write(writer) } }
            group.addTask {
                while (try? await Task.sleep(for: heartbeat)) != nil { self.sendHeartbeat() }
                return nil
            }
            for await outcome in group {
                if let outcome {
                    group.cancelAll()
                    return outcome
                }
            }
            return false
        }
    }

    private func addTrailer(_ name: String, _ value: String) {
        let field: HTTPHeaders = [name: value]
        // A mistake in a handler must not produce a second response.
        guard HTTPFieldRules.fault(in: field) == nil else { return }
        state.withLock { $0.trailers.add(name, value) }
    }

    private static func succeeds(_ body: () async throws(HTTPError) -> Void) async -> Bool {
        do throws(HTTPError) {
            try await body()
            return true
        } catch {
            return false
        }
    }

    /// Sends a comment if nothing was written since the last heartbeat.
    private func sendHeartbeat() {
        state.withLock { state in
            if !state.hasWritten, state.out.isEmpty, !state.isGone, state.outEnd == nil {
                state.out = Array(": keep-alive\n\n".utf8)
                resume(&state)
            }
            state.hasWritten = false
        }
    }

    private func write(_ bytes: [UInt8]) async throws(HTTPError) {
        if bytes.isEmpty { return }
        var isAccepted = false
        while !isAccepted {
            if Task.isCancelled { throw HTTPError(.cancelled, "The answer was cancelled.") }
            let (isGone, turn): (Bool, OneShot<Void>?) = state.withLock { state in
                if state.isGone { return (true, nil) }
                if state.out.count - state.outStart < Self.highWater {
                    state.out.append(contentsOf: bytes)
                    state.hasWritten = true
                    // Before the head is queued, the connection is suspended for the handler, whose response resumes
                    // it.
                    if state.phase == .answering { resume(&state) }
                    isAccepted = true
                    return (false, nil)
                }
                let turn = OneShot<Void>()
                let earlier = state.writer
                state.writer = turn
                earlier?.resolve(())
                return (false, turn)
            }
            if isGone { throw HTTPError(.connectionLost, "The client disconnected.") }
            guard let turn else { continue }
            await withTaskCancellationHandler {
                await turn.wait()
            } onCancel: {
                turn.resolve(())
            }
        }
    }
}

/// Converts a response to libmicrohttpd's form.
enum ServerAnswer {
    /// Creates the library's response object, which the caller must free after queuing it. Nil when memory has run out.
    static func make(
        _ response: HTTPServerResponse, for exchange: ServerExchange, closing: Bool, isHead: Bool
    ) -> (status: UInt32, response: UnsafeMutableRawPointer)? {
        var response = response
        // A mistake in a handler must not produce a second header or a broken status line.
        if let fault = HTTPFieldRules.fault(in: response.headers) {
            response = Problem.response(MMError(.internalError, fault))
        } else if !(200...599).contains(response.status) {
            response = Problem.response(MMError(.internalError, "The handler gave the status \(response.status)."))
        }
        let hasNoBody = response.status == 204 || response.status == 304
        let raw: UnsafeMutableRawPointer?
        switch response.body {
        case .stream where !hasNoBody && !isHead:
            // nginx keeps what it relays until the response ends, unless this tells it to pass on each piece.
            response.headers.set("X-Accel-Buffering", "no")
            raw = mm_httpd_response_stream(
                { context, _, bytes, room in
                    guard let context else { return Int(MM_HTTPD_BROKEN) }
                    return Unmanaged<ServerExchange>.fromOpaque(context).takeUnretainedValue()
                        .read(into: bytes, room: room)
                }, Unmanaged.passRetained(exchange).toOpaque(),
                { context in
                    if let context { Unmanaged<ServerExchange>.fromOpaque(context).release() }
                })
        case .bytes(let bytes) where !hasNoBody && !bytes.isEmpty:
            guard let copy = malloc(bytes.count) else { return nil }
            bytes.withUnsafeBytes {
                copy.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(copy), byteCount: $0.count)
            }
            raw = mm_httpd_response_bytes(copy, bytes.count, copy) { free($0) }
        default:
            raw = mm_httpd_response_bytes(nil, 0, nil) { _ in }
        }
        guard let raw else { return nil }
        for field in response.headers where !isOurs(field.name) {
            _ = mm_httpd_response_header(raw, field.name, field.value)
        }
        if closing { _ = mm_httpd_response_header(raw, "Connection", "close") }
        return (UInt32(response.status), raw)
    }

    private static func isOurs(_ name: String) -> Bool {
        ["content-length", "transfer-encoding", "connection", "date"].contains { HTTPHeaders.sameName($0, name) }
    }
}

/// The rules that a request must satisfy before a handler sees it.
///
/// The length of a body must be given exactly once; otherwise a proxy in front could see different requests than this
/// server does (RFC 9112, section 6.3 “Message Body Length”, and 11.2 “Request Smuggling”).
enum RequestRules {
    /// Returns the response for a request that is refused because of its head; nil if the head is acceptable.
    static func refusal(
        method: String, target: String, headers: HTTPHeaders, limits: HTTPServerLimits, isReceived: Bool
    ) -> HTTPServerResponse? {
        guard HTTPFieldRules.isToken(method) else { return bad("The method is not a token.") }
        let isOrigin = target.utf8.first == UInt8(ascii: "/")
        guard isOrigin || (target == "*" && method == "OPTIONS") else {
            return bad("The target must be a path of this server.")
        }
        guard target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            return bad("The target contains a character that must be percent-encoded.")
        }
        if let fault = HTTPFieldRules.fault(in: headers) { return bad(fault) }
        guard headers.values(for: "host").count <= 1 else { return bad("The header Host is given twice.") }

        let encodings = headers.values(for: "transfer-encoding")
        let lengths = headers.values(for: "content-length")
        guard encodings.count + lengths.count <= 1 else {
            return bad("The body's length is given more than once.")
        }
        if let encoding = encodings.first, !HTTPHeaders.sameName(encoding, "chunked") {
            return Problem.response(
                MMError(.unsupported, "The transfer encoding is `\(encoding.prefix(60))`.", hint: "Send chunked."))
        }
        if let length = lengths.first {
            guard !length.isEmpty, length.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
                return bad("The header Content-Length is not a number.")
            }
            guard let count = Int(length), isReceived || count <= limits.maxBodyBytes else { return tooLarge(limits) }
        }
        return nil
    }

    /// Returns the response for a body over the limit.
    static func tooLarge(_ limits: HTTPServerLimits) -> HTTPServerResponse {
        Problem.response(
            MMError(
                .limitExceeded, "The body is larger than \(limits.maxBodyBytes) bytes.",
                hint: "Send less in one request."))
    }

    /// The response for a head that is partly hidden.
    static var hidden: HTTPServerResponse {
        bad("The request head contains a NUL, or a line that doesn't end with CR LF.")
    }

    /// The response while the listener is stopping.
    static var stopping: HTTPServerResponse {
        Problem.response(
            MMError(.unavailable, "The server is stopping.", hint: "Repeat the request.", retry: .now))
    }

    private static func bad(_ text: String) -> HTTPServerResponse { Problem.response(MMError(.invalidInput, text)) }
}

/// Writes the body of a streamed response.
package struct HTTPResponseWriter: Sendable {
    private let accept: @Sendable ([UInt8]) async throws(HTTPError) -> Void
    private let trail: @Sendable (String, String) -> Void

    /// Creates a writer that passes its bytes to `accept` and trailer fields to `trail`; tests create their own.
    package init(
        _ accept: @escaping @Sendable ([UInt8]) async throws(HTTPError) -> Void,
        trail: @escaping @Sendable (_ name: String, _ value: String) -> Void = { _, _ in }
    ) {
        self.accept = accept
        self.trail = trail
    }

    /// Sends bytes without a heartbeat in between. Waits while the client is slower than the writer.
    /// - Throws: `.connectionLost` when the client is gone; `.cancelled` when the task or the listener ends.
    package func write(_ bytes: [UInt8]) async throws(HTTPError) {
        try await accept(bytes)
    }

    /// Sends a text.
    package func write(_ text: String) async throws(HTTPError) {
        try await accept(Array(text.utf8))
    }

    /// Adds a trailer field after the body (RFC 9110, section 6.5). Use it for what is known only at the end and isn't
    /// essential, because many clients ignore trailers.
    package func addTrailer(_ name: String, _ value: String) {
        trail(name, value)
    }
}
