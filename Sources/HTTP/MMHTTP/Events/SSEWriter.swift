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

    /// Sends a comment, which clients skip. Line breaks in it become spaces.
    package func comment(_ text: String) async throws(HTTPError) {
        let line = text.utf8.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }
        try await writer.write([UInt8(ascii: ":"), UInt8(ascii: " ")] + line + [0x0A, 0x0A])
    }
}
