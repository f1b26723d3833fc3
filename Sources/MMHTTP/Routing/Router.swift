package import MMCore

/// Paths, their methods, and what answers them. What a router does not know it hands on.
///
/// `HEAD` is answered by what answers `GET`; `OPTIONS` and a method that a path has not are answered with `Allow`.
package struct Router<Peer: Sendable>: HTTPMiddleware {
    /// Answers the requests of a route.
    package typealias Handler = @Sendable (RoutedRequest<Peer>) async throws(MMError) -> HTTPServerResponse

    /// How a router words what it refuses.
    package struct Refusals: Sendable {
        /// The answer where a path has other methods: gets the request, and the methods. `Allow` is added to it.
        package let wrongMethod: @Sendable (HTTPServerRequest, [String]) -> HTTPServerResponse
        /// The answer to a request whose handler fails.
        package let failure: @Sendable (MMError) -> HTTPServerResponse

        /// A wording.
        /// - Parameters:
        ///   - wrongMethod: the answer where a path has other methods.
        ///   - failure: the answer to a request whose handler fails.
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

        /// What the path answers, as `Allow` lists it (RFC 9110, section 10.2.1).
        var methods: [String] {
            var methods = handlers.map(\.method)
            if methods.contains("GET") { methods.append("HEAD") }
            return methods + ["OPTIONS"]
        }

        func handler(of method: String) -> Handler? { handlers.first { $0.method == method }?.handler }
    }

    private let refusals: Refusals
    private let ignoresCase: Bool
    /// Routes without names, by their paths.
    private var plain: [String: Route] = [:]
    /// Routes with names, the most exact first.
    private var named: [Route] = []

    /// A router without routes.
    /// - Parameters:
    ///   - refusals: how it words what it refuses.
    ///   - ignoresCase: whether the words of its paths mean those of a request in any case.
    package init(_ refusals: Refusals, ignoresCase: Bool = false) {
        self.refusals = refusals
        self.ignoresCase = ignoresCase
    }

    /// Adds what answers a method of a path.
    /// - Parameters:
    ///   - method: the method; `HEAD` and `OPTIONS` are answered anyway.
    ///   - path: such as `/v1/jobs/{job}`, where `{job}` stands for one segment, or `/files/{path...}`, whose end stands for
    ///     any number of them, none included.
    ///   - handler: answers the requests.
    /// - Precondition: nothing else answers the method of this path.
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

    /// Adds what answers `GET` and `HEAD` of a path.
    package mutating func get(_ path: String, _ handler: @escaping Handler) { on("GET", path, handler) }

    /// Adds what answers `POST` of a path.
    package mutating func post(_ path: String, _ handler: @escaping Handler) { on("POST", path, handler) }

    /// Adds what answers `DELETE` of a path.
    package mutating func delete(_ path: String, _ handler: @escaping Handler) { on("DELETE", path, handler) }

    /// Answers a request of one of the routes; hands all others on.
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
