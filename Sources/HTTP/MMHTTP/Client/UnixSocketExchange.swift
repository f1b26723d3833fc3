import MMCore
import MMSystem

/// One exchange with a server of this machine, over a Unix socket and a connection of its own: HTTP/1.1 (RFC 9112).
///
/// Every command talks to the pool this way. Loading libcurl and its thirty libraries takes longer than such a call,
/// and none of its features (TLS, proxies, name look-ups, HTTP/2) is needed between two processes on one machine.
actor UnixSocketExchange {
    /// The status and the header fields.
    struct Head: Sendable {
        let status: Int
        let headers: HTTPHeaders
    }

    /// The rule by which the body's end is found (RFC 9112, section 6.3).
    private enum Framing {
        case length(Int)
        /// The bytes left of the current chunk; `nil` before the next chunk's size.
        case chunked(Int?)
        case untilClose
        case over
    }

    private struct Ending {
        var reason: HTTPError?
        var isOver = false
    }

    private static let maxHeaderBytes = 256 << 10
    private static let maxLineBytes = 16 << 10

    private let request: HTTPRequest
    /// The method and URL, as the start of a sentence.
    private let what: String
    private let reader: PolledReader
    private let writer: PolledWriter
    private let stallTimeout: Duration
    /// The reason why the connection was closed on this side.
    private let ending = Mutex(Ending())
    private var framing = Framing.over
    private var buffer: [UInt8] = []
    /// The offset of the unread part of the buffer.
    private var start = 0

    /// Connects and checks that the right user is listening; nothing is sent yet.
    /// - Parameters:
    ///   - request: the request, with the path of its socket.
    ///   - path: the path of the socket.
    ///   - address: the request's URL.
    ///   - configuration: the client's configuration.
    /// - Throws: `.connect`, `.invalidRequest` for an invalid socket path, `.timeout` when the listener accepts no more
    ///   connections.
    init(
        _ request: HTTPRequest, at path: String, _ address: HTTPAddress, _ configuration: HTTPClientConfiguration
    ) async throws(HTTPError) {
        let what = "\(request.method) \(address.display)"
        let connection: FileDescriptor
        do throws(MMError) {
            connection = try await UnixSocket.connected(to: path, until: .after(configuration.connectTimeout))
        } catch {
            throw switch error.code {
            case .invalidInput: HTTPError(.invalidRequest, error.message, hint: error.hint)
            case .cancelled: HTTPError(.cancelled, "\(what) was cancelled.", mayHaveBeenSent: false)
            case .deadlineExceeded: HTTPError(.timeout, "\(what): no connection in time.", mayHaveBeenSent: false)
            default: HTTPError(.connect, "\(what): could not connect to the socket \(path).")
            }
        }
        if let owner = request.unixSocketOwner, (try? UnixSocket.peer(of: connection.raw))?.uid != owner {
            throw HTTPError(.connect, "\(what): the process at \(path) belongs to another user.")
        }
        do throws(MMError) {
            let copy = try connection.duplicate()
            reader = try PolledReader(connection)
            writer = try PolledWriter(copy)
        } catch {
            throw HTTPError(.unavailable, error.message, hint: error.hint)
        }
        self.request = request
        self.what = what
        stallTimeout = request.stallTimeout ?? configuration.stallTimeout
    }

    /// Ends the exchange; waiting tasks get the reason as their error.
    nonisolated func close(_ reason: HTTPError? = nil) {
        ending.withLock { ending in
            if !ending.isOver, ending.reason == nil { ending.reason = reason }
            ending.isOver = true
        }
        reader.close()
        writer.close()
    }

    /// Sends the request and reads the answer's head, within the request's time limit.
    /// - Parameter userAgent: the user agent of requests that don't set one.
    func head(userAgent: String) async throws(HTTPError) -> Head {
        try await limited(by: request.timeout) { () async throws(HTTPError) in
            try await send(userAgent)
            return try await readHead()
        }
    }

    /// Sends the request and reads the whole answer, within the request's time limit.
    func whole(userAgent: String) async throws(HTTPError) -> HTTPResponse {
        defer { close() }
        return try await limited(by: request.timeout) { () async throws(HTTPError) in
            try await send(userAgent)
            let head = try await readHead()
            var body: [UInt8] = []
            while let piece = try await readPiece() {
                guard body.count + piece.count <= request.maxResponseBytes else {
                    throw HTTPError(
                        .tooLarge, "\(what): the answer is larger than \(request.maxResponseBytes) bytes.")
                }
                body += piece
            }
            return HTTPResponse(status: head.status, headers: head.headers, body: body)
        }
    }

    /// Returns the next piece of the body; `nil` at its end.
    func next() async throws(HTTPError) -> [UInt8]? {
        try await limited(by: stallTimeout > .zero ? stallTimeout : nil) { () async throws(HTTPError) in
            try await readPiece()
        }
    }

    /// Runs a part of the exchange with a time limit. A timeout or cancellation closes the connection and becomes the
    /// error.
    private func limited<Value: Sendable>(
        by limit: Duration?, _ work: () async throws(HTTPError) -> Value
    ) async throws(HTTPError) -> Value {
        let timeout = HTTPError(.timeout, "\(what): no complete answer in time.", mayHaveBeenSent: true)
        let watch = limit.map { DeadlineWatch.shared.watch(.now + $0) { [self] in close(timeout) } }
        let cancelled = HTTPError(.cancelled, "\(what) was cancelled.")
        let result = await withTaskCancellationHandler {
            await Result { () async throws(HTTPError) in try await work() }
        } onCancel: {
            close(cancelled)
        }
        if let watch { DeadlineWatch.shared.cancel(watch) }
        guard case .failure(let error) = result else { return try result.get() }
        let reason: HTTPError? = Task.isCancelled ? cancelled : ending.withLock { $0.reason }
        close()
        throw reason ?? error
    }

    private var lost: HTTPError {
        HTTPError(
            .connectionLost, "\(what): the connection ended before the answer was complete.", mayHaveBeenSent: true)
    }

    private func violation(_ why: String) -> HTTPError {
        HTTPError(.protocolViolation, "\(what): \(why)", mayHaveBeenSent: true)
    }
}

// MARK: - Sending

extension UnixSocketExchange {
    private func send(_ userAgent: String) async throws(HTTPError) {
        if let refusal = (request.permit ?? SendPermit.current)?.refusal() {
            throw HTTPError(.unavailable, "\(what): \(refusal)", mayHaveBeenSent: false)
        }
        // A server that answers before it has read everything may close its end; its answer is read nevertheless.
        guard await write(Self.headBytes(of: request, userAgent) + (request.body ?? [])) else { return }
        guard let upload = request.upload else { return }
        var pieces = upload.pieces.makeAsyncIterator()
        while let piece = try await pieces.next() {
            if piece.isEmpty { continue }
            let framed =
                upload.length == nil ? Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + [13, 10] : piece
            guard await write(framed) else { return }
        }
        if upload.length == nil { _ = await write(Array("0\r\n\r\n".utf8)) }
    }

    private func write(_ bytes: [UInt8]) async -> Bool {
        do throws(MMError) {
            try await writer.write(bytes)
            return true
        } catch {
            return false
        }
    }

    private static func headBytes(of request: HTTPRequest, _ userAgent: String) -> [UInt8] {
        let rest = request.url.firstRange(of: "://").map { request.url[$0.upperBound...] } ?? request.url[...]
        let origin = rest.prefix { $0 != "/" && $0 != "?" }
        let target = rest[origin.endIndex...]
        var text = "\(request.method) \(target.hasPrefix("/") ? "" : "/")\(target) HTTP/1.1\r\n"
        if !request.headers.contains("host") { text += "Host: \(origin)\r\n" }
        for field in request.headers where !HTTPHeaders.sameName(field.name, "content-length") {
            text += "\(field.name): \(field.value)\r\n"
        }
        if !request.headers.contains("user-agent") { text += "User-Agent: \(userAgent)\r\n" }
        if let upload = request.upload {
            text += upload.length.map { "Content-Length: \($0)\r\n" } ?? "Transfer-Encoding: chunked\r\n"
        } else if let count = request.body?.count ?? (["POST", "PUT", "PATCH"].contains(request.method) ? 0 : nil) {
            text += "Content-Length: \(count)\r\n"
        }
        return Array((text + "Connection: close\r\n\r\n").utf8)
    }
}

// MARK: - Reading

extension UnixSocketExchange {
    private func readHead() async throws(HTTPError) -> Head {
        while true {
            let head = try await readOneHead()
            // Interim answers (1xx) are followed by the final one.
            guard head.status >= 200 else { continue }
            framing = try framing(of: head)
            return head
        }
    }

    private func readOneHead() async throws(HTTPError) -> Head {
        var left = Self.maxHeaderBytes
        let first = try await line(&left)
        let parts = first.split(separator: 0x20, maxSplits: 2)
        guard first.starts(with: "HTTP/1.".utf8), parts.count > 1,
            let status = Int(String(decoding: parts[1], as: UTF8.self)), (100..<1000).contains(status)
        else { throw violation("the server doesn't speak HTTP.") }
        var headers = HTTPHeaders()
        while true {
            let line = try await line(&left)
            if line.isEmpty { return Head(status: status, headers: headers) }
            guard headers.add(line: line) else { throw violation("the answer has a header without a colon.") }
        }
    }

    private func framing(of head: Head) throws(HTTPError) -> Framing {
        if request.method == "HEAD" || head.status == 204 || head.status == 304 { return .over }
        if let coding = head.headers["transfer-encoding"] {
            guard HTTPHeaders.sameName(coding, "chunked") else { throw violation("the answer is coded as \(coding).") }
            return .chunked(nil)
        }
        guard let said = head.headers["content-length"] else { return .untilClose }
        guard let length = Int(said), length >= 0 else { throw violation("the answer's length is not a number.") }
        return length == 0 ? .over : .length(length)
    }

    /// Reads the next piece of the body as it arrives.
    private func readPiece() async throws(HTTPError) -> [UInt8]? {
        while true {
            switch framing {
            case .over:
                close()
                return nil
            case .untilClose:
                guard try await fill() else {
                    framing = .over
                    continue
                }
                return take(.max)
            case .length(let left):
                guard try await fill() else { throw lost }
                let piece = take(left)
                framing = piece.count == left ? .over : .length(left - piece.count)
                return piece
            case .chunked(nil): framing = try await chunk()
            case .chunked(let left?):
                guard try await fill() else { throw lost }
                let piece = take(left)
                framing = .chunked(left - piece.count)
                if piece.count == left {
                    var room = 2
                    guard try await line(&room).isEmpty else { throw violation("a chunk is longer than its size.") }
                    framing = .chunked(nil)
                }
                return piece
            }
        }
    }

    /// Reads a chunk's size; after the last one, the trailers (RFC 9112, section 7.1).
    private func chunk() async throws(HTTPError) -> Framing {
        var room = Self.maxLineBytes
        let digits = try await line(&room).prefix { $0 != UInt8(ascii: ";") && $0 != 0x20 && $0 != 0x09 }
        guard (1...15).contains(digits.count), let size = Int(String(decoding: digits, as: UTF8.self), radix: 16),
            size >= 0
        else { throw violation("a chunk's size is not a number.") }
        guard size == 0 else { return .chunked(size) }
        room = Self.maxHeaderBytes
        while try await !line(&room).isEmpty {}
        return .over
    }

    /// Reads a line without its end.
    /// - Parameter room: the number of bytes that further lines may have.
    private func line(_ room: inout Int) async throws(HTTPError) -> [UInt8] {
        var looked = start
        while true {
            if let end = buffer[looked...].firstIndex(of: 0x0A) {
                var line = Array(buffer[start..<end])
                room -= line.count + 1
                start = end + 1
                if line.last == 0x0D { line.removeLast() }
                guard room >= 0 else { break }
                return line
            }
            guard buffer.count - start <= room else { break }
            let scanned = buffer.count - start
            guard try await fill(beyond: scanned) else { throw lost }
            looked = start + scanned
        }
        throw violation("the answer's headers are larger than 256 KiB.")
    }

    /// Reads until more than `count` unread bytes are available.
    /// - Returns: false at the end of the connection.
    private func fill(beyond count: Int = 0) async throws(HTTPError) -> Bool {
        while buffer.count - start <= count {
            let bytes: [UInt8]?
            do throws(MMError) { bytes = try await reader.read() } catch { throw lost }
            guard let bytes else {
                if let reason = ending.withLock({ $0.reason }) { throw reason }
                return false
            }
            if start == buffer.count { buffer = bytes } else { buffer = Array(buffer[start...]) + bytes }
            start = 0
        }
        return true
    }

    private func take(_ limit: Int) -> [UInt8] {
        let end = buffer.count - start <= limit ? buffer.count : start + limit
        let piece = start == 0 && end == buffer.count ? buffer : Array(buffer[start..<end])
        start = end
        if start == buffer.count {
            buffer = []
            start = 0
        }
        return piece
    }
}
