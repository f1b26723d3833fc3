/// The answer to a request that a listener received.
package struct HTTPServerResponse: Sendable {
    /// The body of an answer.
    package enum Body: Sendable {
        /// All of it.
        case bytes([UInt8])
        /// What the closure writes until it returns. It runs in the handler's task, which is cancelled when the client
        /// goes away. With a heart-beat, a Server-Sent Events comment is sent after so much silence.
        case stream(heartbeat: Duration?, @Sendable (HTTPResponseWriter) async throws(HTTPError) -> Void)
    }

    /// The status code.
    package var status: Int
    /// The header fields; `Content-Length`, `Transfer-Encoding` and `Date` are made here.
    package var headers: HTTPHeaders
    /// The body.
    package var body: Body

    package init(status: Int = 200, headers: HTTPHeaders = [:], body: Body = .bytes([])) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// An answer of this text.
    package static func text(
        _ text: String, status: Int = 200, type: String = "text/plain; charset=utf-8"
    )
        -> HTTPServerResponse
    {
        HTTPServerResponse(status: status, headers: ["Content-Type": type], body: .bytes(Array(text.utf8)))
    }

    /// An answer of these JSON bytes.
    package static func json(_ bytes: [UInt8], status: Int = 200) -> HTTPServerResponse {
        HTTPServerResponse(status: status, headers: ["Content-Type": "application/json"], body: .bytes(bytes))
    }

    /// A stream of Server-Sent Events, with a heart-beat comment in every silence.
    package static func events(
        headers: HTTPHeaders = [:], heartbeat: Duration = .seconds(12),
        _ write: @escaping @Sendable (SSEWriter) async throws(HTTPError) -> Void
    ) -> HTTPServerResponse {
        var all: HTTPHeaders = ["Content-Type": "text/event-stream", "Cache-Control": "no-store"]
        for field in headers { all.set(field.name, field.value) }
        return HTTPServerResponse(
            headers: all,
            body: .stream(heartbeat: heartbeat) { (writer) async throws(HTTPError) in
                try await write(SSEWriter(writer))
            })
    }
}

/// Answers requests; one task a request, cancelled when its client goes away.
package typealias HTTPHandler = @Sendable (HTTPServerRequest) async -> HTTPServerResponse

/// Judges a request by its head, before a large body is taken: the answer to who is not let in. It must be quick, since
/// the server's thread waits for it.
package typealias HTTPAdmission = @Sendable (HTTPServerRequest) -> HTTPServerResponse?
