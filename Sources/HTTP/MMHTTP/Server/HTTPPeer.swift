/// The sender of a request, as the kernel reports it.
package enum HTTPPeer: Sendable, Hashable {
    /// A process on this machine, over a Unix socket.
    case unix(uid: UInt32, pid: Int32)
    /// A TCP peer: its address and port, and the local port that it connected to.
    case tcp(address: String, port: UInt16, localPort: UInt16)
}
