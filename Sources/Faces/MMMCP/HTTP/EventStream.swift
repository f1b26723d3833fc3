import MMCore

/// A stream of Server-Sent Events on its way to one client.
///
/// The server that sends it takes piece after piece with ``next()`` and calls ``close()`` when the client disconnects
/// or the stream ends; ``forEach(_:)`` does both. Heartbeats are the server's task: any comment line between two
/// pieces, every 15 seconds.
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

    /// Returns the next piece to send, or `nil` at the end or when the task is cancelled. Supports one reader.
    public func next() async -> [UInt8]? {
        let (number, isOver) = place.withLock { $0 }
        guard !isOver, let event = await buffer.next(connection, from: number) else { return nil }
        place.withLock { $0 = (event.next, event.isLast) }
        return event.bytes
    }

    /// Ends the stream, sent whole or not. In the modern era this cancels whatever is still unanswered.
    public func close() {
        buffer.disconnect(connection)
        onClose()
    }

    /// Passes every piece to `send` and closes the stream, however that ends.
    /// - Throws: what `send` throws.
    public func forEach<Failure: Error>(_ send: ([UInt8]) async throws(Failure) -> Void) async throws(Failure) {
        defer { close() }
        while let piece = await next() { try await send(piece) }
    }
}
