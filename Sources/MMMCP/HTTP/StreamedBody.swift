import MMCore

/// One JSON answer with long texts in it, made while it is sent: it never lies in memory as a whole.
///
/// Whoever sends it calls ``forEach(_:)`` once, or ``close()`` when the client is gone before that.
public final class StreamedBody: Sendable {
    private let reply: StreamedReply
    private let onClose: Mutex<(@Sendable () -> Void)?>

    init(_ reply: StreamedReply, onClose: @escaping @Sendable () -> Void) {
        self.reply = reply
        self.onClose = Mutex(onClose)
    }

    deinit { close() }

    /// Hands every piece to `send`, in order, and closes the body, however that ends.
    /// - Throws: what `send` throws.
    public func forEach<Failure: Error>(_ send: ([UInt8]) async throws(Failure) -> Void) async throws(Failure) {
        defer { close() }
        try await reply.send(send)
    }

    /// Nobody will read it, or everything was sent: the call behind it is over.
    public func close() {
        let body = onClose.withLock { body in
            defer { body = nil }
            return body
        }
        body?()
    }
}
