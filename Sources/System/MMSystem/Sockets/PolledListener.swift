import CMMSystem
import Glibc
package import MMCore

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

    /// Takes ownership of a socket that listens for TCP connections already, for example in another network.
    /// - Throws: `.unavailable` when the loop can't be started.
    package init(owning raw: Int32, port: UInt16) throws(MMError) {
        self.port = port
        file = nil
        source = try PolledDescriptor(FileDescriptor(owning: raw), for: .read)
    }

    deinit { close() }

    /// Waits for the next connection. Supports one caller at a time.
    /// - Throws: `.cancelled`; `.unavailable` after `close`; otherwise the system's error.
    package func accept() async throws(MMError) -> FileDescriptor {
        let accepted: Int32 = try await source.perform("Accepting") { descriptor in
            guard let descriptor else { return .failed(MMError(.unavailable, "The listener was closed.")) }
            let accepted = mm_accept(descriptor)
            if accepted >= 0 { return .done(accepted) }
            return errno == EAGAIN ? .wait : .failed(SystemError.error("Accepting a connection"))
        }
        // Send small messages at once (TCP_NODELAY); has no effect on a Unix socket.
        mm_send_at_once(accepted)
        return FileDescriptor(owning: accepted)
    }

    /// Stops accepting connections and removes the socket's file.
    package func close() {
        source.close()
        file?.remove()
    }
}
