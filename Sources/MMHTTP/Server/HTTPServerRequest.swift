import MMSystem

/// A request that a listener received.
///
/// When its client goes away, the task that handles it is cancelled.
package struct HTTPServerRequest: Sendable {
    /// The method.
    package var method: String
    /// The target as it was sent, nothing decoded.
    package var target: String
    /// The header fields.
    package var headers: HTTPHeaders
    /// The body.
    package var body: [UInt8]
    /// Who sent it.
    package var peer: HTTPPeer
    /// The address of ours that a TCP peer reached; nil on a Unix socket.
    package var localAddress: String?
    /// Who made the connection, where the request came over one.
    var owner: PeerOwner?

    package init(
        method: String, target: String, headers: HTTPHeaders = [:], body: [UInt8] = [],
        peer: HTTPPeer = .unix(uid: 0, pid: 0), localAddress: String? = nil
    ) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.peer = peer
        self.localAddress = localAddress
    }

    /// The target before its first question mark, nothing decoded.
    package var path: String {
        target.firstIndex(of: "?").map { String(target[..<$0]) } ?? target
    }

    /// The target after its first question mark, nothing decoded; nil where there is none.
    package var query: String? {
        target.firstIndex(of: "?").map { String(target[target.index(after: $0)...]) }
    }
}

extension HTTPServerRequest {
    /// The processes at the far end: the one that opened a Unix socket, or those that hold a TCP peer's socket on this
    /// machine, as far as they can be seen.
    package func peerProcesses() -> [Int32] {
        if let owner { return owner.processes }
        return if case .unix(_, let process) = peer { [process] } else { [] }
    }

    /// The user at the far end: what a Unix socket says, or for a TCP peer within this machine the owner of its
    /// socket. Nil for anybody else.
    package func peerUser() -> UInt32? {
        if let owner { return owner.user }
        return switch peer {
        case .unix(let uid, _): uid
        case .tcp(let address, let port, let localPort):
            localAddress.flatMap {
                LoopbackPeer.user(address: address, port: port, localAddress: $0, localPort: localPort)
            }
        }
    }
}
