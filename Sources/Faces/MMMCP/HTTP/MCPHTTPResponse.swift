import MMCore

/// An HTTP response, independent of the HTTP server that sends it.
public struct MCPHTTPResponse: Sendable {
    /// The content of the response.
    public enum Body: Sendable {
        /// The complete body.
        case bytes([UInt8])
        /// Server-Sent Events, sent as they occur.
        case events(EventStream)
        /// A single answer that is produced while it is sent.
        case streamed(StreamedBody)
    }

    /// The status code.
    public var status: Int
    /// The header fields.
    public var headers: [(name: String, value: String)]
    /// The body.
    public var body: Body

    public init(status: Int, headers: [(name: String, value: String)] = [], body: Body = .bytes([])) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    static func json(_ bytes: [UInt8], status: Int = 200) -> MCPHTTPResponse {
        MCPHTTPResponse(status: status, headers: [("Content-Type", "application/json")], body: .bytes(bytes))
    }

    static func streamed(_ body: StreamedBody, status: Int) -> MCPHTTPResponse {
        MCPHTTPResponse(status: status, headers: [("Content-Type", "application/json")], body: .streamed(body))
    }

    /// The answer to a request that is refused.
    package static func error(_ error: MCPError, status: Int, id: RequestID? = nil) -> MCPHTTPResponse {
        .json(Envelope.error(id, error).bytes, status: status)
    }

    static func events(_ stream: EventStream) -> MCPHTTPResponse {
        MCPHTTPResponse(
            status: 200,
            headers: [
                ("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache"), ("X-Accel-Buffering", "no"),
            ],
            body: .events(stream)
        )
    }

    /// The same answer with one header more.
    package func with(_ name: String, _ value: String) -> MCPHTTPResponse {
        var copy = self
        copy.headers.append((name, value))
        return copy
    }
}

/// A JSON answer with long texts, produced while it is sent, so that it is never in memory as a whole.
///
/// The HTTP server that sends it calls ``forEach(_:)`` once, or ``close()`` when the client disconnects before that.
public final class StreamedBody: Sendable {
    private let reply: StreamedReply
    private let onClose: Mutex<(@Sendable () -> Void)?>

    init(_ reply: StreamedReply, onClose: @escaping @Sendable () -> Void) {
        self.reply = reply
        self.onClose = Mutex(onClose)
    }

    deinit { close() }

    /// Passes every piece to `send`, in order, and closes the body, however that ends.
    /// - Throws: what `send` throws.
    public func forEach<Failure: Error>(_ send: ([UInt8]) async throws(Failure) -> Void) async throws(Failure) {
        defer { close() }
        try await reply.send(send)
    }

    /// Ends the body, sent whole or not, and with it the call behind it.
    public func close() {
        let body = onClose.withLock { body in
            defer { body = nil }
            return body
        }
        body?()
    }
}
