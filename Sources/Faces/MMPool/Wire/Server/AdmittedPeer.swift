package import MMHTTP

/// What the listener established about the sender of a request.
package enum AdmittedPeer: Sendable, Hashable {
    /// A process of the same user over a Unix socket: a front-end of this product or another program of the owner.
    case process(pid: Int32)
    /// A client that presented the pool's secret.
    case bearer
    /// A program of the same user over TCP, without the secret.
    case sameUser
    /// Any client on a network that is trusted as a whole.
    case network

    /// Whether its statements about its caller count: that a person is present, and which face the call came through.
    var speaksForOwner: Bool {
        switch self {
        case .process, .bearer: true
        case .sameUser, .network: false
        }
    }

    /// Whether it may see what is reserved for the owner.
    package var isOwn: Bool { self != .network }
}

/// A request with its admitted sender.
package typealias AdmittedRequest = RoutedRequest<AdmittedPeer>
