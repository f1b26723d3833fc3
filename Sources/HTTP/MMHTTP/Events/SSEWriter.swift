/// Writes server-sent events to a streamed response.
package struct SSEWriter: Sendable {
    private let writer: HTTPResponseWriter

    /// Creates a writer of events to `writer`.
    package init(_ writer: HTTPResponseWriter) {
        self.writer = writer
    }

    /// Sends an event in one piece.
    /// - Throws: `.connectionLost` when the client is gone; `.cancelled` when the task or the listener ends.
    package func send(_ event: SSEEvent) async throws(HTTPError) {
        try await writer.write(event.encoded)
    }
}
