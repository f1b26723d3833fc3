import MMCore

/// The output of a session's background jobs that was taken from the session but hasn't arrived at a reader.
final class UnreadOutput: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        /// How many bytes were dropped before these.
        var start = 0
    }

    private let state = Mutex(State())
    /// The number of bytes that are kept, the newest.
    private static let most = 512 << 10

    /// Adds output.
    /// - Returns: all output that hasn't arrived, and the place where it ends.
    func adding(_ more: [UInt8]) -> (bytes: [UInt8], end: Int) {
        state.withLock { state in
            state.bytes += more
            let excess = max(0, state.bytes.count - Self.most)
            state.bytes.removeFirst(excess)
            state.start += excess
            return (state.bytes, state.start + state.bytes.count)
        }
    }

    /// Drops the output up to a place, because it has arrived.
    func drop(until end: Int) {
        state.withLock { state in
            let count = min(max(0, end - state.start), state.bytes.count)
            state.bytes.removeFirst(count)
            state.start += count
        }
    }
}
