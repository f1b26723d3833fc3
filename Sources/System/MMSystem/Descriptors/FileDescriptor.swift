import CMMSystem
import Glibc
package import MMCore

/// An open file descriptor with a single owner, closed when the owner is destroyed.
package struct FileDescriptor: ~Copyable, Sendable {
    /// The descriptor's number, for calls that don't retain it.
    package let raw: Int32

    /// Takes ownership of a descriptor that nothing else closes.
    package init(owning raw: Int32) {
        self.raw = raw
    }

    deinit {
        // Linux closes the descriptor even if close(2) reports an interruption, so it is not retried.
        if raw >= 0 { Glibc.close(raw) }
    }

    /// Releases ownership; the caller must close the returned descriptor.
    package consuming func release() -> Int32 {
        let raw = raw
        discard self
        return raw
    }

    /// Duplicates the descriptor for the same open file, closed on exec.
    /// - Throws: `.unavailable` when there are no descriptors left.
    package borrowing func duplicate() throws(MMError) -> FileDescriptor {
        let copy = mm_duplicate(raw)
        guard copy >= 0 else { throw SystemError.error("Duplicating a descriptor") }
        return FileDescriptor(owning: copy)
    }

    /// Returns the number of unread bytes in a pipe (from either end), socket or terminal; nil where it can't be
    /// determined.
    package static func pendingInput(_ raw: Int32) -> Int? {
        let count = mm_pending_input(raw)
        return count < 0 ? nil : Int(count)
    }

    /// Opens a file, closed on exec.
    /// - Parameters:
    ///   - path: the file's path.
    ///   - flags: open(2) flags such as `O_RDONLY`.
    ///   - mode: the mode of a newly created file.
    /// - Throws: `.invalidInput` for a NUL character in the path, otherwise the system's error with the path.
    package static func open(_ path: String, _ flags: Int32, mode: UInt32 = 0o600) throws(MMError) -> FileDescriptor {
        guard !path.utf8.contains(0) else {
            throw MMError(.invalidInput, "The path “\(path.prefix { $0 != "\0" })…” contains a NUL character.")
        }
        let raw = mm_open(path, flags, mode)
        guard raw >= 0 else { throw SystemError.error("Opening \(path)") }
        return FileDescriptor(owning: raw)
    }

    /// Creates a pipe, both ends closed on exec.
    /// - Throws: `.unavailable` when there are no descriptors left.
    package static func pipe() throws(MMError) -> Pipe {
        var readEnd: Int32 = -1
        var writeEnd: Int32 = -1
        guard mm_pipe(&readEnd, &writeEnd) == 0 else { throw SystemError.error("Creating a pipe") }
        return Pipe(readEnd: FileDescriptor(owning: readEnd), writeEnd: FileDescriptor(owning: writeEnd))
    }

    /// Creates two connected stream sockets, both closed on exec.
    /// - Throws: `.unavailable` when there are no descriptors left.
    package static func socketPair() throws(MMError) -> SocketPair {
        var left: Int32 = -1
        var right: Int32 = -1
        guard mm_socketpair(&left, &right) == 0 else { throw SystemError.error("Creating a socket pair") }
        return SocketPair(left: FileDescriptor(owning: left), right: FileDescriptor(owning: right))
    }
}

/// The two ends of a pipe.
package struct Pipe: ~Copyable, Sendable {
    /// The end to read from.
    package let readEnd: FileDescriptor
    /// The end to write to.
    package let writeEnd: FileDescriptor

    /// Releases ownership of both ends; the caller must close them.
    package consuming func ends() -> (readEnd: Int32, writeEnd: Int32) {
        (readEnd.release(), writeEnd.release())
    }
}

/// Two connected sockets.
package struct SocketPair: ~Copyable, Sendable {
    /// One end.
    package let left: FileDescriptor
    /// The other end.
    package let right: FileDescriptor

    /// Releases ownership of both ends; the caller must close them.
    package consuming func ends() -> (left: Int32, right: Int32) {
        (left.release(), right.release())
    }
}
