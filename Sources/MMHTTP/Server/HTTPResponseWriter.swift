/// Writes the body of a streamed answer.
package struct HTTPResponseWriter: Sendable {
    private let accept: @Sendable ([UInt8]) async throws(HTTPError) -> Void
    private let trail: @Sendable (String, String) -> Void

    /// A writer that hands its bytes to `accept`, and trailer fields to `trail`; tests make their own.
    package init(
        _ accept: @escaping @Sendable ([UInt8]) async throws(HTTPError) -> Void,
        trail: @escaping @Sendable (_ name: String, _ value: String) -> Void = { _, _ in }
    ) {
        self.accept = accept
        self.trail = trail
    }

    /// Sends these bytes, unsplit by heart-beats. Waits while the client is slower than the writer.
    /// - Throws: `.connectionLost` when the client is gone, `.cancelled` when the task or the listener ends.
    package func write(_ bytes: [UInt8]) async throws(HTTPError) {
        try await accept(bytes)
    }

    /// Sends this text.
    package func write(_ text: String) async throws(HTTPError) {
        try await accept(Array(text.utf8))
    }

    /// Adds a field behind the body (RFC 9110, section 6.5): for what is only known at its end, and what a client may
    /// well overlook, since many do.
    package func addTrailer(_ name: String, _ value: String) {
        trail(name, value)
    }
}
