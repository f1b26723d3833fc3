import Glibc
package import MMCore

/// Reads a pipe, socket or pseudo-terminal without blocking a thread, and without holding a buffer while nothing
/// arrives. Nothing is read until a caller asks for it, which creates back-pressure on the peer.
package final class PolledReader: Sendable {
    private let source: PolledDescriptor

    /// Takes ownership of a descriptor and makes it non-blocking, which affects everyone who shares its open file.
    /// - Throws: `.unavailable` when the loop can't be started.
    package init(_ descriptor: consuming FileDescriptor) throws(MMError) {
        source = try PolledDescriptor(descriptor, for: .read)
    }

    /// Returns the available bytes, waiting until there are some. Supports one reader at a time.
    /// - Parameter limit: the maximum number of bytes to return.
    /// - Returns: nil at the end of the input and after `close`.
    /// - Throws: `.cancelled` when the task is cancelled; the system's error when reading fails.
    package func read(upTo limit: Int = 64 << 10) async throws(MMError) -> [UInt8]? {
        try await source.perform("Reading") { descriptor in
            guard let descriptor else { return .done(nil) }
            if let bytes = Self.take(from: descriptor, upTo: limit) { return .done(bytes.isEmpty ? nil : bytes) }
            switch errno {
            case EAGAIN: return .wait
            // The last user of a pseudo-terminal or the peer of a socket is gone.
            case EIO, ECONNRESET: return .done(nil)
            default: return .failed(SystemError.error("Reading"))
            }
        }
    }

    /// Closes the descriptor; a waiting reader gets nil.
    package func close() { source.close() }

    /// Returns the available bytes: empty at the end of the input, nil with `errno` when there are none yet.
    private static func take(from descriptor: Int32, upTo limit: Int) -> [UInt8]? {
        withUnsafeTemporaryAllocation(byteCount: max(1, limit), alignment: 16) { room in
            var count: Int
            repeat { count = Glibc.read(descriptor, room.baseAddress, room.count) } while count < 0 && errno == EINTR
            return count < 0 ? nil : Array(room.prefix(count))
        }
    }
}

extension PolledReader {
    /// Takes what a peer is still sending, throws it away, and closes the descriptor once the peer has ended.
    ///
    /// A peer that still sends when its connection is closed gets a reset, and might never read the answer that it was
    /// given before (RFC 9112, section 9.6).
    /// - Parameters:
    ///   - time: how long that may last.
    ///   - bytes: how much is taken.
    package func discard(within time: Duration, upTo bytes: Int) async {
        let watch = DeadlineWatch.shared.watch(.now + time) { self.close() }
        defer {
            DeadlineWatch.shared.cancel(watch)
            close()
        }
        var left = bytes
        while left > 0, let piece = try? await read(), !piece.isEmpty { left -= piece.count }
    }
}
