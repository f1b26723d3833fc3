/// An address to listen on.
package enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// A TCP address: an IP literal or `localhost`, and a port; 0 for any free port.
    case tcp(host: String, port: UInt16)
    /// A Unix socket at this path, with mode 0600 in a folder that only its owner may enter.
    case unix(path: String)
    /// A listening Unix socket passed in by someone else, such as systemd; its file is left in place when the listener
    /// stops.
    case inherited(descriptor: Int32, path: String)

    /// The address as people write it.
    package var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path), .inherited(_, let path): path
        }
    }
}
