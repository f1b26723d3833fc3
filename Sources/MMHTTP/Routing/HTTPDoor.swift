package import MMCore

/// Decides by a request's head who sent it. Every listener has one: what stands behind it knows who asks.
package protocol HTTPDoor<Peer>: Sendable {
    /// What is known of who sent a request.
    associatedtype Peer: Sendable

    /// Who sent a request, or the answer to one who is not let in.
    func admit(_ request: HTTPServerRequest) -> DoorVerdict<Peer>
}

/// What a door says of a request.
package enum DoorVerdict<Peer: Sendable>: Sendable {
    /// Its sender is let in.
    case admitted(Peer)
    /// Its sender is not, and is answered so.
    case refused(HTTPServerResponse)
}

extension HTTPListener {
    /// Starts to listen, with a door in front of the way that requests go.
    /// - Parameters:
    ///   - address: where.
    ///   - limits: what it puts up with.
    ///   - certificate: what it proves itself with over TLS; without one it speaks plain HTTP.
    ///   - door: decides who is let in, before a large body is waited for.
    ///   - chain: answers those who are.
    /// - Throws: as `start(_:limits:certificate:admission:handler:)`.
    package static func start<Peer>(
        _ address: ListenAddress, limits: HTTPServerLimits = HTTPServerLimits(),
        certificate: ServerCertificate? = nil, door: some HTTPDoor<Peer>, chain: HTTPChain<Peer>
    ) throws(MMError) -> HTTPListener {
        try start(
            address, limits: limits, certificate: certificate,
            admission: { request in
                if case .refused(let answer) = door.admit(request) { answer } else { nil }
            }
        ) { request in
            switch door.admit(request) {
            case .admitted(let peer): await chain.respond(to: request, from: peer)
            case .refused(let answer): answer
            }
        }
    }
}
