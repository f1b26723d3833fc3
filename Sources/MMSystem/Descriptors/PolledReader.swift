import Glibc
package import MMCore

/// Reads a pipe, socket or pseudo-terminal without blocking a thread and without holding a buffer while nothing comes.
/// Nothing is read before somebody asks, which holds the far end back.
package final class PolledReader: Sendable {
    private let source: PolledDescriptor

    /// Takes over a descriptor, which becomes non-blocking for everybody who shares its open file.
    /// - Throws: `.unavailable` when the loop can't be started.
    package init(_ descriptor: consuming FileDescriptor) throws(MMError) {
        source = try PolledDescriptor(descriptor, for: .read)
    }

    /// What is there, as soon as there is something. For one reader at a time.
    /// - Parameter limit: the most bytes to give.
    /// - Returns: nil at the end, and after `close`.
    /// - Throws: `.cancelled` when the task is cancelled; what the system says when reading fails.
    package func read(upTo limit: Int = 64 << 10) async throws(MMError) -> [UInt8]? {
        try await source.perform("Reading") { descriptor in
            guard let descriptor else { return .done(nil) }
            if let bytes = Self.take(from: descriptor, upTo: limit) { return .done(bytes.isEmpty ? nil : bytes) }
            switch errno {
            case EAGAIN: return .wait
            // The last user of a pseudo-terminal, or the far end of a socket, has gone.
            case EIO, ECONNRESET: return .done(nil)
            default: return .failed(SystemError.error("Reading"))
            }
        }
    }

    /// Closes the descriptor; a reader that waits gets the end.
    package func close() { source.close() }

    /// The bytes that are there; none at the end; nil with `errno` when there is nothing yet.
    private static func take(from descriptor: Int32, upTo limit: Int) -> [UInt8]? {
        withUnsafeTemporaryAllocation(byteCount: max(1, limit), alignment: 16) { room in
            var count: Int
            repeat { count = Glibc.read(descriptor, room.baseAddress, room.count) } while count < 0 && errno == EINTR
            return count < 0 ? nil : Array(room.prefix(count))
        }
    }
}
