import MMCore

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
