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
