import Glibc
import MMCore

/// A listening socket that systemd hands over (sd_listen_fds(3)): the pool starts when somebody connects.
struct HandedSocket: Sendable {
    /// The listening descriptor.
    let descriptor: Int32
    /// Its path.
    let path: String

    /// The first descriptor that is handed over.
    private static let first: Int32 = 3

    /// The socket that was handed to this process; `nil` when there is none.
    init?(_ environment: [String: String]) {
        guard environment["LISTEN_PID"].flatMap({ pid_t($0) }) == getpid(),
            let count = environment["LISTEN_FDS"].flatMap({ Int32($0) }), count > 0
        else { return nil }
        var address = sockaddr_un()
        var length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let isNamed = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(Self.first, $0, &length) == 0 }
        }
        guard isNamed, Int32(address.sun_family) == AF_UNIX else { return nil }
        path = withUnsafeBytes(of: &address.sun_path) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        // Our children are not to hold it.
        _ = fcntl(Self.first, F_SETFD, FD_CLOEXEC)
        descriptor = Self.first
    }
}
