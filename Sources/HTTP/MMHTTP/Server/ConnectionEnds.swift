import CMMSystem
import Glibc
import MMCore
import MMSystem

/// The two ends of a connection, as the kernel reports them.
struct ConnectionEnds: Sendable {
    let peer: HTTPPeer
    let localAddress: String?
    /// The owner of the peer's end; looked up at most once, since it never changes.
    let owner: PeerOwner

    /// Reads the ends of a connected socket; nil when the peer is gone.
    init?(of descriptor: Int32) {
        guard let far = Self.end(of: descriptor, peer: true) else { return nil }
        if far.family == AF_UNIX {
            guard let who = try? UnixSocket.peer(of: descriptor) else { return nil }
            peer = .unix(uid: who.uid, pid: who.pid)
            localAddress = nil
            owner = PeerOwner(user: { who.uid }, processes: { [who.pid] })
        } else {
            guard let near = Self.end(of: descriptor, peer: false) else { return nil }
            peer = .tcp(address: far.address, port: far.port, localPort: near.port)
            localAddress = near.address
            owner = PeerOwner {
                LoopbackPeer.user(
                    address: far.address, port: far.port, localAddress: near.address, localPort: near.port)
            } processes: {
                LoopbackPeer.processes(
                    address: far.address, port: far.port, localAddress: near.address, localPort: near.port)
            }
        }
    }

    private static func end(of descriptor: Int32, peer: Bool) -> (family: Int32, address: String, port: UInt16)? {
        var text = [CChar](repeating: 0, count: 64)
        var port: UInt16 = 0
        let family = mm_socket_address(descriptor, peer ? 1 : 0, &text, text.count, &port)
        guard family >= 0 else { return nil }
        return (family, String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self), port)
    }
}
