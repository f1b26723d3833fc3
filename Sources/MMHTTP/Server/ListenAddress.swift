/// Where a listener listens.
package enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// A TCP address: an IP literal or `localhost`, and a port; 0 takes any free one.
    case tcp(host: String, port: UInt16)
    /// A Unix socket at this path: 0600, in a folder that only its owner enters.
    case unix(path: String)
    /// A listening Unix socket that somebody else made and hands over, such as systemd; its file stays when we stop.
    case inherited(descriptor: Int32, path: String)

    /// The address as people write it.
    package var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path), .inherited(_, let path): path
        }
    }
}
