package import MMCore

/// Identifies the sender of a request from its head. Every listener has one, so that everything behind it knows the
/// sender.
package protocol HTTPAuthenticator<Peer>: Sendable {
    /// What is known about the sender of a request.
    associatedtype Peer: Sendable

    /// Returns the sender of a request, or the response that refuses it.
    func authenticate(_ request: HTTPServerRequest) -> AuthenticationResult<Peer>
}

/// The decision of an authenticator about a request.
package enum AuthenticationResult<Peer: Sendable>: Sendable {
    /// The request is admitted.
    case admitted(Peer)
    /// The request is refused with this response.
    case refused(HTTPServerResponse)
}

extension HTTPListener {
    /// Starts a listener whose requests are authenticated and then pass a chain.
    /// - Parameters:
    ///   - address: where to listen.
    ///   - limits: the listener's limits.
    ///   - certificate: the certificate for TLS; without one the listener speaks plain HTTP.
    ///   - authenticator: decides who is admitted, before a large body is received.
    ///   - chain: responds to admitted requests.
    /// - Throws: as `start(_:limits:certificate:admission:handler:)`.
    package static func start<Peer>(
        _ address: ListenAddress, limits: HTTPServerLimits = HTTPServerLimits(),
        certificate: ServerCertificate? = nil, authenticator: some HTTPAuthenticator<Peer>, chain: HTTPChain<Peer>
    ) throws(MMError) -> HTTPListener {
        try start(
            address, limits: limits, certificate: certificate,
            admission: { request in
                if case .refused(let answer) = authenticator.authenticate(request) { answer } else { nil }
            }
        ) { request in
            switch authenticator.authenticate(request) {
            case .admitted(let peer): await chain.respond(to: request, from: peer)
            case .refused(let answer): answer
            }
        }
    }
}
