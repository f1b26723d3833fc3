import CMMSystem
import Glibc
import MMCore
import MMSystem

/// A listening socket that no server has taken over yet.
struct ListeningSocket: ~Copyable {
    let descriptor: FileDescriptor
    let file: UnixSocket.SocketFile?
    let address: ListenAddress
    let port: UInt16

    /// Opens a socket at an address.
    /// - Throws: `.invalidInput` for a host that isn't an IP literal; `.conflict` when the address is taken.
    static func open(_ address: ListenAddress) throws(MMError) -> ListeningSocket {
        switch address {
        case .unix(let path):
            let (descriptor, file) = try UnixSocket.listen(at: path).take()
            return ListeningSocket(
                descriptor: FileDescriptor(owning: descriptor), file: file, address: address, port: 0)
        case .inherited(let raw, _):
            return ListeningSocket(descriptor: FileDescriptor(owning: raw), file: nil, address: address, port: 0)
        case .tcp(let host, let wanted):
            let literal = HTTPHeaders.sameName(host, "localhost") ? "127.0.0.1" : host
            var port = wanted
            let raw = mm_tcp_listen(literal, &port, 512)
            guard raw >= 0 else {
                let number = errno
                switch number {
                case EINVAL:
                    throw MMError(
                        .invalidInput, "The listen address “\(HTTPFieldRules.printable(host))” isn't an IP address.",
                        hint: "Give 127.0.0.1, ::1, 0.0.0.0 or another address of this machine.")
                case EADDRINUSE:
                    throw MMError(
                        .conflict, "The address \(address) is already in use.",
                        hint: "Choose another port (0 takes any free one), or stop the other server.")
                case EADDRNOTAVAIL:
                    throw MMError(.invalidInput, "\(HTTPFieldRules.printable(host)) isn't an address of this machine.")
                default: throw SystemError.error("Listening at \(address)", number)
                }
            }
            return ListeningSocket(
                descriptor: FileDescriptor(owning: raw), file: nil, address: .tcp(host: host, port: port), port: port)
        }
    }

    /// Releases ownership of the descriptor; the caller must close it.
    consuming func take() -> Int32 { descriptor.release() }
}
