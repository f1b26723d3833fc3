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
            if methods.contains("GET"), !methods.contains("HEAD") { methods.append("HEAD") }
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
    ///   - method: the method; `OPTIONS` is handled automatically, and so is `HEAD` where it has no handler of its own.
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
        if asked.method == "HEAD", route.handler(of: "HEAD") == nil { asked.method = "GET" }
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

/// The path of a route: `/v1/jobs/{job}`, where `{job}` matches one segment, or `/files/{path...}`, where `{path...}`
/// matches any number of segments at the end.
struct RoutePath: Sendable {
    private enum Segment: Sendable {
        case literal(String)
        case name(String)
        case rest(String)
    }

    /// The maximum length of a name's value in a request's path, in bytes.
    private static let longestName = 200

    /// The path as written.
    let text: String
    private let segments: [Segment]
    private let ignoresCase: Bool

    /// Parses a path.
    /// - Parameters:
    ///   - text: the path.
    ///   - ignoresCase: whether its literal segments match those of a request in any case.
    /// - Precondition: it begins with a slash; a name that matches any number of segments comes last.
    init(_ text: String, ignoresCase: Bool) {
        precondition(text.hasPrefix("/"), "the path \(text) of a route does not begin with a slash")
        self.text = text
        self.ignoresCase = ignoresCase
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        segments = parts.enumerated().map { place, segment in
            guard segment.hasPrefix("{"), segment.hasSuffix("}") else {
                return .literal(ignoresCase ? segment.lowercased() : String(segment))
            }
            guard segment.hasSuffix("...}") else { return .name(String(segment.dropFirst().dropLast())) }
            precondition(place == parts.count - 1, "\(segment) is not the last segment of the route \(text)")
            return .rest(String(segment.dropFirst().dropLast(4)))
        }
    }

    /// Whether the path contains no names.
    var isPlain: Bool {
        segments.allSatisfy { if case .literal = $0 { true } else { false } }
    }

    /// Returns whether this path is more specific than another that matches the same request: at the first difference,
    /// a literal precedes a name, and either precedes a name for any number of segments.
    func isMoreExact(than other: RoutePath) -> Bool {
        for case (let mine, let others) in zip(segments, other.segments) {
            switch (mine, others) {
            case (.literal, .name), (.literal, .rest), (.name, .rest): return true
            case (.name, .literal), (.rest, .literal), (.rest, .name): return false
            default: continue
            }
        }
        return segments.count < other.segments.count
    }

    /// Matches the segments of a request's path and returns the values of the names: one segment decoded, several as
    /// sent; `nil` when it doesn't match.
    func names(in parts: [Substring]) -> [String: String]? {
        var named = segments[...]
        var names: [String: String] = [:]
        if case .rest(let name)? = segments.last {
            named.removeLast()
            guard parts.count >= named.count else { return nil }
            names[name] = parts[named.count...].joined(separator: "/")
        } else if parts.count != segments.count {
            return nil
        }
        for (part, segment) in zip(parts, named) {
            switch segment {
            case .rest: continue
            case .literal(let text):
                guard part == text || ignoresCase && part.lowercased() == text else { return nil }
            case .name(let name):
                guard let value = PercentCoding.decode(part.utf8), !value.isEmpty, value.utf8.count <= Self.longestName
                else { return nil }
                names[name] = value
            }
        }
        return names
    }
}

/// A request that matched a route.
package struct RoutedRequest<Peer: Sendable>: Sendable {
    /// The HTTP request; a `HEAD` without a handler of its own is passed as the corresponding `GET`.
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
