package import MMHTTP

/// What the listener's door found out about who sent a request.
package enum AdmittedPeer: Sendable, Hashable {
    /// A process of the same user over a Unix socket: a front-end of this product, or a program of the owner's.
    case process(pid: Int32)
    /// Somebody who proved to hold the pool's secret.
    case bearer
    /// A program of the same user over TCP, without the secret.
    case sameUser
    /// Anybody of a network that is trusted as a whole.
    case network

    /// Whether what it says of its caller counts: that a person sits there, and which face the call came through.
    var speaksForOwner: Bool {
        switch self {
        case .process, .bearer: true
        case .sameUser, .network: false
        }
    }

    /// Whether it may see what is meant for the owner alone.
    package var isOwn: Bool { self != .network }
}

/// One request on its way to its answer.
package typealias AdmittedRequest = RoutedRequest<AdmittedPeer>
