import CMMSystem
import Glibc
import MMCore
import MMSystem

/// Connections whose requests were refused by their heads, and whose clients may still be sending the bodies.
///
/// Each is read to its end and thrown away, within bounds, so that a client which reads only after it has sent everything
/// finds its answer and no reset (RFC 9112, section 9.6).
final class LingeringClose: Sendable {
    private let limits: HTTPServerLimits
    private let count = Mutex(0)

    /// More are closed at once, so that nobody can keep descriptors open by being refused.
    private static let maxConnections = 100

    init(limits: HTTPServerLimits) {
        self.limits = limits
    }

    /// Keeps a connection that the server is about to close, as its own copy of the descriptor.
    func take(_ descriptor: Int32) {
        let hasRoom = count.withLock { count in
            guard count < Self.maxConnections else { return false }
            count += 1
            return true
        }
        guard hasRoom else { return }
        let copy = mm_duplicate(descriptor)
        guard copy >= 0, let rest = try? PolledReader(FileDescriptor(owning: copy)) else { return leave() }
        // The answer is complete; its end must not wait for the end of this connection.
        shutdown(descriptor, Int32(SHUT_WR))
        Task {
            await rest.discard(within: limits.discardTime, upTo: limits.discardedBytes)
            leave()
        }
    }

    private func leave() {
        count.withLock { $0 -= 1 }
    }
}
