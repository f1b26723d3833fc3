import MMCore

/// An HTTP answer, for whatever server sends it.
public struct MCPHTTPResponse: Sendable {
    /// What the answer carries.
    public enum Body: Sendable {
        /// These bytes.
        case bytes([UInt8])
        /// Server-Sent Events, as they come.
        case events(EventStream)
        /// One answer, made while it is sent.
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

    static func error(_ error: MCPError, status: Int, id: RequestID? = nil) -> MCPHTTPResponse {
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

    func with(_ name: String, _ value: String) -> MCPHTTPResponse {
        var copy = self
        copy.headers.append((name, value))
        return copy
    }
}
