/// Who sent a request, as the kernel says.
package enum HTTPPeer: Sendable, Hashable {
    /// A process of this machine over a Unix socket.
    case unix(uid: UInt32, pid: Int32)
    /// A TCP peer: its address and port, and the port of ours that it reached.
    case tcp(address: String, port: UInt16, localPort: UInt16)
}
