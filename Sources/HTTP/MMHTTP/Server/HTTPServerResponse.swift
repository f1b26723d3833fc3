/// The response to a request that a listener received.
package struct HTTPServerResponse: Sendable {
    /// The body of a response.
    package enum Body: Sendable {
        /// The complete body.
        case bytes([UInt8])
        /// The bytes that the closure writes until it returns. It runs in the handler's task, which is cancelled when
        /// the client goes away. With a heartbeat, a server-sent events comment is sent after that much silence.
        case stream(heartbeat: Duration?, @Sendable (HTTPResponseWriter) async throws(HTTPError) -> Void)
    }

    /// The status code.
    package var status: Int
    /// The header fields; `Content-Length`, `Transfer-Encoding` and `Date` are set automatically.
    package var headers: HTTPHeaders
    /// The body.
    package var body: Body

    package init(status: Int = 200, headers: HTTPHeaders = [:], body: Body = .bytes([])) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Returns a response with a text.
    package static func text(
        _ text: String, status: Int = 200, type: String = "text/plain; charset=utf-8"
    )
        -> HTTPServerResponse
    {
        HTTPServerResponse(status: status, headers: ["Content-Type": type], body: .bytes(Array(text.utf8)))
    }

    /// Returns a response with JSON.
    package static func json(_ bytes: [UInt8], status: Int = 200) -> HTTPServerResponse {
        HTTPServerResponse(status: status, headers: ["Content-Type": "application/json"], body: .bytes(bytes))
    }

    /// Returns a stream of server-sent events, with a heartbeat comment after each period of silence.
    package static func events(
        heartbeat: Duration = .seconds(12), _ write: @escaping @Sendable (SSEWriter) async throws(HTTPError) -> Void
    ) -> HTTPServerResponse {
        HTTPServerResponse(
            headers: ["Content-Type": "text/event-stream", "Cache-Control": "no-store"],
            body: .stream(heartbeat: heartbeat) { (writer) async throws(HTTPError) in
                try await write(SSEWriter(writer))
            })
    }
}

/// Handles requests, each in a task of its own that is cancelled when the client goes away.
package typealias HTTPHandler = @Sendable (HTTPServerRequest) async -> HTTPServerResponse

/// Checks a request's head before a large body is received, and returns the response if the request is refused. It must
/// be quick, because the server's thread waits for it.
package typealias HTTPAdmission = @Sendable (HTTPServerRequest) -> HTTPServerResponse?
