import MMCore

/// A stream of Server-Sent Events on its way to one client.
///
/// Whoever sends it takes piece after piece with ``next()`` and calls ``close()`` when the client is gone or the stream is
/// sent; ``forEach(_:)`` does both. Heart-beats are the sender's: any comment line between two pieces, every 15 seconds.
public final class EventStream: Sendable {
    private let buffer: EventBuffer
    private let connection: Int
    private let place: Mutex<(number: Int, isOver: Bool)>
    private let onClose: @Sendable () -> Void

    init(_ buffer: EventBuffer, connection: Int, from number: Int, onClose: @escaping @Sendable () -> Void) {
        self.buffer = buffer
        self.connection = connection
        self.place = Mutex((number, false))
        self.onClose = onClose
    }

    deinit { close() }

    /// The next piece to send; `nil` at the end, or when the task is cancelled. For one reader.
    public func next() async -> [UInt8]? {
        let (number, isOver) = place.withLock { $0 }
        guard !isOver, let event = await buffer.next(connection, from: number) else { return nil }
        place.withLock { $0 = (event.next, event.isLast) }
        return event.bytes
    }

    /// The client is gone, or everything was sent. In the modern era this calls off what was not answered yet.
    public func close() {
        buffer.disconnect(connection)
        onClose()
    }

    /// Hands every piece to `send` and closes the stream, however that ends.
    /// - Throws: what `send` throws.
    public func forEach<Failure: Error>(_ send: ([UInt8]) async throws(Failure) -> Void) async throws(Failure) {
        defer { close() }
        while let piece = await next() { try await send(piece) }
    }
}
