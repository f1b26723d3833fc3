package import MMCore

/// Maps paths and methods to handlers. Requests for unknown paths are passed on.
///
/// `HEAD` is handled by the handler for `GET`. `OPTIONS`, and methods that a path doesn't support, get a response with
/// `Allow`.
package struct Router<Peer: Sendable>: HTTPMiddleware {
    /// Handles the requests of a route.
    package typealias Handler = @Sendable (RoutedRequest<Peer>) async throws(MMError) -> HTTPServerResponse

    /// Creates the responses for requests that the router refuses.
    package struct ErrorResponses: Sendable {
        /// Called with the request and the supported methods when a path doesn't support the method. `Allow` is added
        /// to the response.
        package let wrongMethod: @Sendable (HTTPServerRequest, [String]) -> HTTPServerResponse
        /// Called when a handler throws.
        package let failure: @Sendable (MMError) -> HTTPServerResponse

        /// Creates refusals.
        /// - Parameters:
        ///   - wrongMethod: returns the response when a path doesn't support the method.
        ///   - failure: returns the response when a handler throws.
        package init(
            wrongMethod: @escaping @Sendable (HTTPServerRequest, [String]) -> HTTPServerResponse,
            failure: @escaping @Sendable (MMError) -> HTTPServerResponse
        ) {
            self.wrongMethod = wrongMethod
            self.failure = failure
        }
    }

    private struct Route: Sendable {
        let path: RoutePath
        var handlers: [(method: String, handler: Handler)] = []

        /// The methods that the path supports, as `Allow` lists them (RFC 9110, section 10.2.1).
        var methods: [String] {
            var methods = handlers.map(\.method)
            if methods.contains("GET") { methods.append("HEAD") }
            return methods + ["OPTIONS"]
        }

        func handler(of method: String) -> Handler? { handlers.first { $0.method == method }?.handler }
    }

    private let refusals: ErrorResponses
    private let ignoresCase: Bool
    /// Routes without names, by path.
    private var plain: [String: Route] = [:]
    /// Routes with names, most specific first.
    private var named: [Route] = []

    /// Creates a router without routes.
    /// - Parameters:
    ///   - refusals: creates the responses for refused requests.
    ///   - ignoresCase: whether literal segments of its paths match those of a request in any case.
    package init(_ refusals: ErrorResponses, ignoresCase: Bool = false) {
        self.refusals = refusals
        self.ignoresCase = ignoresCase
    }

    /// Adds a handler for a method of a path.
    /// - Parameters:
    ///   - method: the method; `HEAD` and `OPTIONS` are handled automatically.
    ///   - path: a path such as `/v1/jobs/{job}`, where `{job}` matches one segment, or `/files/{path...}`, where
    ///     `{path...}` matches any number of segments, including none.
    ///   - handler: handles the requests.
    /// - Precondition: the method of this path has no handler yet.
    package mutating func on(_ method: String, _ path: String, _ handler: @escaping Handler) {
        let path = RoutePath(path, ignoresCase: ignoresCase)
        let known = path.isPlain ? plain[key(path.text)] : named.first { $0.path.text == path.text }
        var route = known ?? Route(path: path)
        precondition(route.handler(of: method) == nil, "two routes answer \(method) \(path.text)")
        route.handlers.append((method, handler))
        if path.isPlain {
            plain[key(path.text)] = route
        } else if let index = named.firstIndex(where: { $0.path.text == path.text }) {
            named[index] = route
        } else {
            named.insert(route, at: named.firstIndex { path.isMoreExact(than: $0.path) } ?? named.endIndex)
        }
    }

    /// Adds a handler for `GET` and `HEAD`.
    package mutating func get(_ path: String, _ handler: @escaping Handler) { on("GET", path, handler) }

    /// Adds a handler for `POST`.
    package mutating func post(_ path: String, _ handler: @escaping Handler) { on("POST", path, handler) }

    /// Adds a handler for `DELETE`.
    package mutating func delete(_ path: String, _ handler: @escaping Handler) { on("DELETE", path, handler) }

    /// Handles a request that matches a route, and passes on all others.
    package func respond(
        to request: HTTPServerRequest, from peer: Peer, next: HTTPResponder<Peer>
    ) async -> HTTPServerResponse {
        guard let (route, names) = find(request.path) else { return await next(request, peer) }
        var asked = request
        if asked.method == "HEAD" { asked.method = "GET" }
        guard let handler = route.handler(of: asked.method) else {
            var answer =
                request.method == "OPTIONS"
                ? HTTPServerResponse(status: 204) : refusals.wrongMethod(request, route.methods)
            answer.headers.set("Allow", route.methods.joined(separator: ", "))
            return answer
        }
        do throws(MMError) {
            return try await handler(RoutedRequest(http: asked, peer: peer, names: names))
        } catch {
            return refusals.failure(error)
        }
    }

    private func find(_ path: String) -> (Route, [String: String])? {
        if let route = plain[key(path)] { return (route, [:]) }
        guard !named.isEmpty else { return nil }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        for route in named {
            if let names = route.path.names(in: parts) { return (route, names) }
        }
        return nil
    }

    private func key(_ path: String) -> String { ignoresCase ? path.lowercased() : path }
}
