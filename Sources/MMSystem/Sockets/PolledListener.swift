import CMMSystem
import Glibc
package import MMCore

/// Accepts connections without blocking a thread.
package final class PolledListener: Sendable {
    private let file: UnixSocket.SocketFile
    private let source: PolledDescriptor

    /// Takes over a listener. Its file is removed when it is closed.
    /// - Throws: `.unavailable` when the loop can't be started.
    package init(_ listener: consuming UnixSocket.Listener) throws(MMError) {
        let (descriptor, file) = listener.take()
        source = try PolledDescriptor(FileDescriptor(owning: descriptor), for: .read)
        self.file = file
    }

    deinit { close() }

    /// The next connection. For one caller at a time.
    /// - Throws: `.cancelled`, `.unavailable` after `close`, and what the system says.
    package func accept() async throws(MMError) -> FileDescriptor {
        let accepted: Int32 = try await source.perform("Accepting") { descriptor in
            guard let descriptor else { return .failed(MMError(.unavailable, "The listener was closed.")) }
            let accepted = mm_accept(descriptor)
            if accepted >= 0 { return .done(accepted) }
            return errno == EAGAIN ? .wait : .failed(SystemError.error("Accepting a connection"))
        }
        return FileDescriptor(owning: accepted)
    }

    /// Takes no more connections and removes the socket's file.
    package func close() {
        source.close()
        file.remove()
    }
}
