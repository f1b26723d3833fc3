/// Writes the body of a streamed answer.
package struct HTTPResponseWriter: Sendable {
    private let accept: @Sendable ([UInt8]) async throws(HTTPError) -> Void

    /// A writer that hands its bytes to `accept`; tests make their own.
    package init(_ accept: @escaping @Sendable ([UInt8]) async throws(HTTPError) -> Void) {
        self.accept = accept
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
}
