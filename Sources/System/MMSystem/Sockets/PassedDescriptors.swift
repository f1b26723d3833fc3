import CMMSystem
import Glibc
package import MMCore

/// Descriptors that one process passes to another over a Unix socket (unix(7), SCM_RIGHTS).
package enum PassedDescriptors {
    /// Creates two connected sockets, for this process and a child.
    /// - Throws: `.unavailable` when there are no descriptors left.
    package static func pair() throws(MMError) -> (own: Int32, child: Int32) {
        var (own, child): (Int32, Int32) = (-1, -1)
        guard mm_socketpair(&own, &child) == 0 else { throw SystemError.error("Creating a pair of sockets") }
        return (own, child)
    }

    /// Waits for descriptors, which the caller then owns. It blocks.
    /// - Parameters:
    ///   - socket: the own end.
    ///   - most: the maximum number; further ones are closed.
    /// - Returns: the descriptors; none if the other end has closed.
    package static func receive(from socket: Int32, most: Int) -> [Int32] {
        var found = [Int32](repeating: -1, count: most)
        let count = mm_receive_descriptors(socket, &found, Int32(most))
        return Array(found.prefix(max(Int(count), 0)))
    }
}
