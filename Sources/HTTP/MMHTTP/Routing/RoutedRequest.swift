/// A request that matched a route.
package struct RoutedRequest<Peer: Sendable>: Sendable {
    /// The HTTP request; a `HEAD` is passed as the corresponding `GET`.
    package let http: HTTPServerRequest
    /// The sender.
    package let peer: Peer
    private let names: [String: String]

    init(http: HTTPServerRequest, peer: Peer, names: [String: String]) {
        self.http = http
        self.peer = peer
        self.names = names
    }

    /// Returns the part of the path that a name in the route's path matched: one segment decoded, several as sent.
    /// - Precondition: the route's path has the name.
    package func name(_ name: String) -> String {
        guard let value = names[name] else { preconditionFailure("the route's path has no {\(name)}") }
        return value
    }
}
