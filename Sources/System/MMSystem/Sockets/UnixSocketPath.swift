import CMMSystem
import Glibc
package import MMCore

/// A path for a Unix socket that fits into the 107 bytes of its address, however long the original path is.
///
/// A longer path is reached through its folder's descriptor under `/proc/self/fd`, and is valid while this object
/// lives.
package final class UnixSocketPath: Sendable {
    /// The path to pass to bind or connect.
    package let usable: String
    /// Whether `usable` differs from the original path.
    package let isShortened: Bool
    private let folder: FileDescriptor?

    /// Creates a usable form of this path.
    /// - Throws: `.invalidInput` when it can't be a socket's path; `.notFound` when its folder doesn't exist.
    package init(_ path: String) throws(MMError) {
        guard !path.isEmpty, !path.utf8.contains(0), path.hasPrefix("/") else {
            throw MMError(
                .invalidInput, "The socket path “\(path.prefix { $0 != "\0" })” is not an absolute path.",
                hint: "Give a path that starts with /.")
        }
        let limit = Int(mm_unix_path_limit())
        if path.utf8.count <= limit {
            usable = path
            isShortened = false
            folder = nil
            return
        }
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        let name = path[path.index(after: slash)...]
        let descriptor = try FileDescriptor.open(String(path[..<slash]), O_DIRECTORY | O_RDONLY)
        usable = "/proc/self/fd/\(descriptor.raw)/\(name)"
        isShortened = true
        folder = consume descriptor
        guard usable.utf8.count <= limit, !name.isEmpty else {
            throw MMError(
                .invalidInput, "The socket's file name “\(name)” is too long.",
                hint: "Give a name of at most 80 bytes.")
        }
    }
}
