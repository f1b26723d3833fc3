import CMMSystem
import Glibc
package import MMCore

/// The one owner of an open descriptor, which is closed with it.
package struct FileDescriptor: ~Copyable, Sendable {
    /// The number, for calls that don't keep it.
    package let raw: Int32

    /// Takes over a descriptor that nobody else closes.
    package init(owning raw: Int32) {
        self.raw = raw
    }

    deinit {
        // Linux closes the descriptor even where close reports an interruption.
        if raw >= 0 { Glibc.close(raw) }
    }

    /// Hands the descriptor to an owner outside, who closes it.
    package consuming func release() -> Int32 {
        let raw = raw
        discard self
        return raw
    }

    /// Another descriptor for the same open file, closed on exec.
    /// - Throws: `.unavailable` when there are no descriptors left.
    package borrowing func duplicate() throws(MMError) -> FileDescriptor {
        let copy = mm_duplicate(raw)
        guard copy >= 0 else { throw SystemError.error("Duplicating a descriptor") }
        return FileDescriptor(owning: copy)
    }

    /// How many bytes lie in a pipe, socket or terminal unread; of a pipe both ends can tell. Nil where it can't be told.
    package static func pendingInput(_ raw: Int32) -> Int? {
        let count = mm_pending_input(raw)
        return count < 0 ? nil : Int(count)
    }

    /// Opens a file, closed on exec.
    /// - Parameters:
    ///   - path: the path.
    ///   - flags: `O_RDONLY` and its like.
    ///   - mode: the mode of a file that is made.
    /// - Throws: what the system says, with the path.
    package static func open(_ path: String, _ flags: Int32, mode: UInt32 = 0o600) throws(MMError) -> FileDescriptor {
        guard !path.utf8.contains(0) else {
            throw MMError(.invalidInput, "The path “\(path.prefix { $0 != "\0" })…” holds a NUL character.")
        }
        let raw = mm_open(path, flags, mode)
        guard raw >= 0 else { throw SystemError.error("Opening \(path)") }
        return FileDescriptor(owning: raw)
    }

    /// A pipe, both ends closed on exec.
    /// - Throws: `.unavailable` when there are no descriptors left.
    package static func pipe() throws(MMError) -> Pipe {
        var readEnd: Int32 = -1
        var writeEnd: Int32 = -1
        guard mm_pipe(&readEnd, &writeEnd) == 0 else { throw SystemError.error("Making a pipe") }
        return Pipe(readEnd: FileDescriptor(owning: readEnd), writeEnd: FileDescriptor(owning: writeEnd))
    }

    /// Two connected stream sockets, both closed on exec.
    /// - Throws: `.unavailable` when there are no descriptors left.
    package static func socketPair() throws(MMError) -> SocketPair {
        var left: Int32 = -1
        var right: Int32 = -1
        guard mm_socketpair(&left, &right) == 0 else { throw SystemError.error("Making a socket pair") }
        return SocketPair(left: FileDescriptor(owning: left), right: FileDescriptor(owning: right))
    }
}

/// The two ends of a pipe.
package struct Pipe: ~Copyable, Sendable {
    /// Where what was written is read.
    package let readEnd: FileDescriptor
    /// Where is written.
    package let writeEnd: FileDescriptor

    /// Hands both ends to owners outside, who close them.
    package consuming func ends() -> (readEnd: Int32, writeEnd: Int32) {
        (readEnd.release(), writeEnd.release())
    }
}

/// Two connected sockets.
package struct SocketPair: ~Copyable, Sendable {
    /// One end.
    package let left: FileDescriptor
    /// The other.
    package let right: FileDescriptor

    /// Hands both ends to owners outside, who close them.
    package consuming func ends() -> (left: Int32, right: Int32) {
        (left.release(), right.release())
    }
}
