/// A request that a route answers.
package struct RoutedRequest<Peer: Sendable>: Sendable {
    /// What came; a `HEAD` comes as the `GET` that it asks about.
    package let http: HTTPServerRequest
    /// Who sent it.
    package let peer: Peer
    private let names: [String: String]

    init(http: HTTPServerRequest, peer: Peer, names: [String: String]) {
        self.http = http
        self.peer = peer
        self.names = names
    }

    /// What stands in the request's path where the route's has this name in braces: one segment decoded, any number of
    /// them as they were sent.
    /// - Precondition: the route's path has the name.
    package func name(_ name: String) -> String {
        guard let value = names[name] else { preconditionFailure("the route's path has no {\(name)}") }
        return value
    }
}
