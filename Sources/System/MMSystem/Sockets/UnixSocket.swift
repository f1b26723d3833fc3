import CMMSystem
import Glibc
package import MMCore

/// Stream sockets with a path, for processes on the same machine.
package enum UnixSocket {
    /// The peer of a socket, as the kernel recorded it when it connected.
    package struct Peer: Sendable, Hashable {
        /// The user id.
        package let uid: UInt32
        /// The group id.
        package let gid: UInt32
        /// The process id; the process may have ended since.
        package let pid: Int32
    }

    /// A listening socket and its file.
    package struct Listener: ~Copyable, Sendable {
        /// The listening descriptor.
        package let descriptor: FileDescriptor
        /// The socket's file, to be removed at the end unless another one has replaced it.
        package let file: SocketFile

        /// Releases ownership of the descriptor; the caller must close it.
        package consuming func take() -> (descriptor: Int32, file: SocketFile) {
            (descriptor.release(), file)
        }
    }

    /// The file of a listening socket.
    package struct SocketFile: Sendable, Hashable {
        /// The file's path.
        package let path: String
        fileprivate let device: UInt64
        fileprivate let inode: UInt64

        /// Whether the file is still there, and no other one has replaced it.
        package var isInPlace: Bool {
            var info = stat()
            return lstat(path, &info) == 0 && UInt64(info.st_dev) == device && UInt64(info.st_ino) == inode
        }

        /// Removes the file unless another one has replaced it.
        package func remove() {
            if isInPlace { unlink(path) }
        }
    }

    /// How many clients may wait until they are accepted.
    private static let backlog: Int32 = 512

    /// Listens at a path with a socket of mode 0600, creating its folder (0700) if missing. Replaces the file of a dead
    /// listener; if several processes start at once, one wins.
    /// - Throws: `.conflict` when another process listens there; `.forbidden` when the folder is open to others.
    package static func listen(at path: String) throws(MMError) -> Listener {
        let usable = try ListenerFolder.prepare(path)
        // Two processes that start at once must not mistake each other's new socket for a dead one.
        let lock = try FileDescriptor.open(path + ".lock", O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
        while flock(lock.raw, LOCK_EX) != 0 {
            guard errno == EINTR else { throw SystemError.error("Locking \(path).lock") }
        }
        var info = stat()
        if lstat(path, &info) == 0 {
            guard info.st_mode & S_IFMT == S_IFSOCK else {
                throw MMError(
                    .conflict, "\(path) exists and isn't a socket.", hint: "Remove it, or choose another path.")
            }
            guard try isDead(usable) else {
                throw MMError(.conflict, "Another process listens on \(path).")
            }
            unlink(path)
        }
        let raw = mm_unix_socket()
        guard raw >= 0 else { throw SystemError.error("Creating a socket") }
        let descriptor = FileDescriptor(owning: raw)
        // On Linux the file gets the mode that the socket has when it is bound.
        fchmod(raw, 0o600)
        guard mm_unix_bind(raw, usable.usable) == 0 else { throw SystemError.error("Binding to \(path)") }
        chmod(path, 0o600)
        guard Glibc.listen(raw, backlog) == 0, lstat(path, &info) == 0 else {
            let number = errno
            unlink(path)
            throw SystemError.error("Listening at \(path)", number)
        }
        let file = SocketFile(path: path, device: UInt64(info.st_dev), inode: UInt64(info.st_ino))
        return Listener(descriptor: descriptor, file: file)
    }

    /// Connects to a listener. Returns quickly unless the listener's queue is full.
    /// - Throws: `.unavailable` when nothing listens there.
    package static func connect(to path: String) throws(MMError) -> FileDescriptor {
        let usable = try UnixSocketPath(path)
        let raw = mm_unix_socket()
        guard raw >= 0 else { throw SystemError.error("Creating a socket") }
        let descriptor = FileDescriptor(owning: raw)
        while mm_unix_connect(raw, usable.usable) != 0 {
            let number = errno
            if number == EINTR { continue }
            guard number == ENOENT || number == ECONNREFUSED else {
                throw SystemError.error("Connecting to \(path)", number)
            }
            throw MMError(.unavailable, "Nobody listens at \(path).", retry: .now)
        }
        return descriptor
    }

    /// Connects to a listener without blocking a thread, even if its queue is full.
    /// - Throws: `.unavailable` when nothing listens there, `.deadlineExceeded`, `.cancelled`, `.invalidInput` if it
    ///   isn't a path.
    package static func connected(to path: String, until deadline: Deadline) async throws(MMError) -> FileDescriptor {
        let usable = try UnixSocketPath(path)
        let raw = mm_unix_socket()
        guard raw >= 0 else { throw SystemError.error("Creating a socket") }
        let descriptor = FileDescriptor(owning: raw)
        mm_set_nonblocking(raw, 1)
        while mm_unix_connect(raw, usable.usable) != 0 {
            switch errno {
            case EINTR: continue
            case EAGAIN:
                try deadline.check("connecting to \(path)")
                do { try await Task.sleep(for: .milliseconds(2)) } catch {
                    throw MMError(.cancelled, "Connecting to \(path) was cancelled.")
                }
            case ENOENT, ECONNREFUSED: throw MMError(.unavailable, "Nobody listens at \(path).", retry: .now)
            case let number: throw SystemError.error("Connecting to \(path)", number)
            }
        }
        return descriptor
    }

    /// Waits for the next connection; call it on a thread that may block.
    /// - Throws: the system's error, also when the listener was shut down.
    package static func accept(_ listener: Int32) throws(MMError) -> FileDescriptor {
        let raw = mm_accept(listener)
        guard raw >= 0 else { throw SystemError.error("Accepting a connection") }
        return FileDescriptor(owning: raw)
    }

    /// Returns the peer's credentials.
    /// - Throws: the system's error for anything but a connected Unix socket.
    package static func peer(of descriptor: Int32) throws(MMError) -> Peer {
        var uid: UInt32 = 0
        var gid: UInt32 = 0
        var pid: Int32 = 0
        guard mm_peer_credentials(descriptor, &uid, &gid, &pid) == 0 else {
            throw SystemError.error("Reading the peer's credentials")
        }
        return Peer(uid: uid, gid: gid, pid: pid)
    }

    private static func isDead(_ path: UnixSocketPath) throws(MMError) -> Bool {
        let raw = mm_unix_socket()
        guard raw >= 0 else { throw SystemError.error("Creating a socket") }
        let probe = FileDescriptor(owning: raw)
        // Don't wait for a full queue, which means that a listener is alive.
        mm_set_nonblocking(probe.raw, 1)
        return mm_unix_connect(probe.raw, path.usable) != 0 && (errno == ECONNREFUSED || errno == ENOENT)
    }
}

private enum ListenerFolder {
    /// Checks that the folder excludes other users: it, not the socket's mode, protects the interval between bind and
    /// chmod.
    static func prepare(_ path: String) throws(MMError) -> UnixSocketPath {
        guard path.hasPrefix("/"), let slash = path.lastIndex(of: "/"), path.index(after: slash) < path.endIndex,
            !path.utf8.contains(0)
        else {
            throw MMError(
                .invalidInput, "The socket path “\(path.prefix { $0 != "\0" })” is not an absolute path of a file.",
                hint: "Use a path such as /run/user/1000/mm/pool.sock.")
        }
        let folder = slash == path.startIndex ? "/" : String(path[..<slash])
        var info = stat()
        if lstat(folder, &info) != 0 {
            guard errno == ENOENT else { throw SystemError.error("Checking \(folder)") }
            guard mkdir(folder, 0o700) == 0 || errno == EEXIST, lstat(folder, &info) == 0 else {
                throw SystemError.error("Creating the folder \(folder)")
            }
        }
        guard info.st_mode & S_IFMT == S_IFDIR, info.st_uid == geteuid(), info.st_mode & 0o077 == 0 else {
            throw MMError(
                .forbidden, "The folder \(folder) of the socket is accessible to other users.",
                hint: "It must be a folder that you own with mode 0700 (chmod 700 \(folder)).")
        }
        return try UnixSocketPath(path)
    }
}

/// A path for a Unix socket that fits into the 107 bytes of its address, however long the original path is.
///
/// A longer path is reached through its folder's descriptor under `/proc/self/fd`, and is valid while this object
/// lives.
package final class UnixSocketPath: Sendable {
    /// The path to pass to bind or connect.
    package let usable: String
    private let folder: FileDescriptor?

    /// Creates a usable form of this path.
    /// - Throws: `.invalidInput` when it can't be a socket's path; `.notFound` when its folder doesn't exist.
    package init(_ path: String) throws(MMError) {
        guard !path.isEmpty, !path.utf8.contains(0), path.hasPrefix("/") else {
            throw MMError(
                .invalidInput, "The socket path “\(path.prefix { $0 != "\0" })” is not an absolute path.",
                hint: "Use a path that starts with /.")
        }
        let limit = Int(mm_unix_path_limit())
        if path.utf8.count <= limit {
            usable = path
            folder = nil
            return
        }
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        let name = path[path.index(after: slash)...]
        let descriptor = try FileDescriptor.open(String(path[..<slash]), O_DIRECTORY | O_RDONLY)
        usable = "/proc/self/fd/\(descriptor.raw)/\(name)"
        folder = consume descriptor
        guard usable.utf8.count <= limit, !name.isEmpty else {
            throw MMError(
                .invalidInput, "The socket's file name “\(name)” is too long.",
                hint: "Use a name of at most 80 bytes.")
        }
    }
}

/// Accepts connections without blocking a thread.
package final class PolledListener: Sendable {
    /// The TCP port that it listens on; 0 for a Unix socket.
    package let port: UInt16
    private let file: UnixSocket.SocketFile?
    private let source: PolledDescriptor

    /// Takes ownership of a listener, and removes its file when closed.
    /// - Throws: `.unavailable` when the loop can't be started.
    package init(_ listener: consuming UnixSocket.Listener) throws(MMError) {
        let (descriptor, file) = listener.take()
        source = try PolledDescriptor(FileDescriptor(owning: descriptor), for: .read)
        self.file = file
        port = 0
    }

    /// Listens for TCP connections from this machine on a free port of 127.0.0.1.
    /// - Throws: `.unavailable` when there is no port, descriptor or thread left.
    package init(loopback: Void) throws(MMError) {
        var port: UInt16 = 0
        let raw = mm_tcp_listen("127.0.0.1", &port, 256)
        guard raw >= 0 else { throw SystemError.error("Listening at 127.0.0.1") }
        self.port = port
        file = nil
        source = try PolledDescriptor(FileDescriptor(owning: raw), for: .read)
    }

    /// Takes ownership of a socket that is already listening for TCP connections, for example in another network.
    /// - Throws: `.unavailable` when the loop can't be started.
    package init(owning raw: Int32, port: UInt16) throws(MMError) {
        self.port = port
        file = nil
        source = try PolledDescriptor(FileDescriptor(owning: raw), for: .read)
    }

    deinit { close() }

    /// Waits for the next connection, also while no descriptor is left for it. Supports one caller at a time.
    /// - Throws: `.cancelled`; `.unavailable` after `close`; otherwise the system's error, with which no later call
    ///   would succeed either.
    package func accept() async throws(MMError) -> FileDescriptor {
        while true {
            let accepted: Int32? = try await source.perform("Accepting") { descriptor in
                guard let descriptor else { return .failed(MMError(.unavailable, "The listener was closed.")) }
                let accepted = mm_accept(descriptor)
                if accepted >= 0 { return .done(accepted) }
                if errno == EAGAIN { return .wait }
                return Self.mayPass(errno) ? .done(nil) : .failed(SystemError.error("Accepting a connection"))
            }
            if let accepted {
                // Send small messages at once (TCP_NODELAY); has no effect on a Unix socket.
                mm_send_at_once(accepted)
                return FileDescriptor(owning: accepted)
            }
            // The connection stays in the queue, so the loop would report it again at once.
            try? await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Returns whether accepting may succeed later: nothing is wrong with the listener, but descriptors or memory are
    /// used up, or the connection failed before it was accepted (accept(2)).
    static func mayPass(_ error: Int32) -> Bool { ![EBADF, EINVAL, ENOTSOCK, EOPNOTSUPP, EFAULT].contains(error) }

    /// Stops accepting connections and removes the socket's file.
    package func close() {
        source.close()
        file?.remove()
    }
}
