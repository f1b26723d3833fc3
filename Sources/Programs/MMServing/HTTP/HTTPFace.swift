import Glibc
import MMCore
import MMHTTP
import MMMCP

/// A server of the Model Context Protocol at an address: the protocol engine's transport, joined to an HTTP listener.
final class HTTPFace: Sendable {
    private let engine: StreamableHTTP
    private let listener: HTTPListener
    private let watching: WatchingStreams
    private let probes: FaceProbes

    /// The address of the endpoint.
    let url: String

    /// Starts to listen.
    /// - Parameters:
    ///   - server: the server to serve.
    ///   - options: the address, and who may connect.
    ///   - secret: the secret that clients present.
    ///   - gate: admits requests by access tokens; `nil` if the secret or the peer decides.
    ///   - log: receives a warning if a whole network is trusted.
    ///   - engineOptions: the options of the protocol engine.
    ///   - pages: pages to serve besides the protocol, by path; they are public, so they must hold no private data.
    /// - Throws: `MMError` if the address can't be used.
    static func start(
        _ server: MCPServer, _ options: HTTPFaceOptions, secret: Secret?, gate: OAuthGate?, log: Log,
        engineOptions given: HTTPOptions = HTTPOptions(), pages: [String: @Sendable () async -> JSONValue] = [:]
    ) throws(MMError) -> HTTPFace {
        var engineOptions = given
        engineOptions.allowedHosts = options.hostNames
        engineOptions.allowsIPAddressHosts = options.trustsNetwork
        engineOptions.secret = secret
        engineOptions.requiresPrincipal = gate != nil
        // With access tokens, several people share the server, so the number of sessions of each is limited.
        engineOptions.maxSessionsPerPrincipal = gate.map { _ in 100 }
        let places = gate.map { _ in RequestPlaces(most: 200) }
        let engine = StreamableHTTP(server, options: engineOptions)
        let watching = WatchingStreams()
        let open = Set(pages.keys).union(gate?.metadataPaths ?? [])
        let probes = FaceProbes()
        var chain: [any HTTPMiddleware<MCPHTTPRequest>] = [probes, pageRoutes(pages)]
        if let gate { chain += [metadataRoutes(gate), OAuthStep(gate: gate, open: open)] }
        let listener = try HTTPListener.start(
            .tcp(host: options.host, port: options.port),
            // An access token alone may have thousands of bytes.
            limits: HTTPServerLimits(
                maxHeaderBytes: gate == nil ? 32 << 10 : 64 << 10, maxBodyBytes: engineOptions.bodyBytes),
            certificate: options.certificate,
            authenticator: MCPAuthenticator(
                options.pageRule, SenderRule(options, hasSecret: secret != nil), engine, gate: gate, open: open),
            chain: HTTPChain(chain + [MCPEndpoint(engine, watching, places: places)]))
        let face = HTTPFace(engine, listener, watching, probes, options)
        if options.trustsNetwork {
            log.warning("THE NETWORK IS TRUSTED: everyone who can reach \(face.url) can use every connection it shows")
        }
        return face
    }

    private init(
        _ engine: StreamableHTTP, _ listener: HTTPListener, _ watching: WatchingStreams, _ probes: FaceProbes,
        _ options: HTTPFaceOptions
    ) {
        self.probes = probes
        self.engine = engine
        self.listener = listener
        self.watching = watching
        let host = options.host.contains(":") ? "[\(options.host)]" : options.host
        url = "\(options.scheme)://\(host):\(listener.port)/mcp"
    }

    /// Accepts no more requests, lets running calls finish within the limit, then cancels them.
    func stop(graceful: Duration) async {
        probes.stop()
        watching.end()
        await listener.stop(graceful: graceful)
        engine.stop()
    }

    private static func metadataRoutes(_ gate: OAuthGate) -> Router<MCPHTTPRequest> {
        var router = Router<MCPHTTPRequest>(.problems)
        for path in gate.metadataPaths {
            router.get(path) { routed in .json(JSONWriter.bytes(await gate.metadata(for: routed.http))) }
        }
        return router
    }

    private static func pageRoutes(_ pages: [String: @Sendable () async -> JSONValue]) -> Router<MCPHTTPRequest> {
        var router = Router<MCPHTTPRequest>(.problems)
        for (path, page) in pages { router.get(path) { _ in .json(JSONWriter.bytes(await page())) } }
        return router
    }
}

/// The probes that supervisors send to `mm-mcp` at an address: `/healthz`, whether it answers, and `/readyz`, whether
/// it accepts calls.
///
/// Any client may send them, under any host name: a supervisor has no secret and calls a container by its address. The
/// responses reveal nothing else.
final class FaceProbes: HTTPMiddleware, Sendable {
    /// Their paths.
    static let paths: Set<String> = ["/healthz", "/readyz"]

    private let stopping = Mutex(false)

    /// Reports from now on that no more calls are accepted.
    func stop() { stopping.withLock { $0 = true } }

    /// Returns whether a request is a supervisor's probe, which needs no secret.
    static func isProbe(_ request: HTTPServerRequest) -> Bool {
        ["GET", "HEAD"].contains(request.method) && paths.contains(request.path)
    }

    func respond(
        to request: HTTPServerRequest, from peer: MCPHTTPRequest, next: HTTPResponder<MCPHTTPRequest>
    ) async -> HTTPServerResponse {
        guard Self.isProbe(request) else { return await next(request, peer) }
        guard request.path == "/readyz" else { return .json(Array("{\"status\":\"healthy\"}\n".utf8)) }
        return stopping.withLock { $0 }
            ? .json(Array("{\"status\":\"draining\"}\n".utf8), status: 503)
            : .json(Array("{\"status\":\"ready\"}\n".utf8))
    }
}

/// The streams that only wait for news. They never end by themselves, so a stopping server ends them first.
final class WatchingStreams: Sendable {
    private struct State {
        var streams: [Int: EventStream] = [:]
        var next = 0
        var isOver = false
    }
    private let state = Mutex(State())

    func add(_ stream: EventStream) -> Int {
        let (token, isOver) = state.withLock { state in
            state.next += 1
            if !state.isOver { state.streams[state.next] = stream }
            return (state.next, state.isOver)
        }
        if isOver { stream.close() }
        return token
    }

    func remove(_ token: Int) {
        // This may release the stream, which must happen outside the lock.
        _ = state.withLock { $0.streams.removeValue(forKey: token) }
    }

    func end() {
        let streams = state.withLock { state in
            state.isOver = true
            defer { state.streams = [:] }
            return Array(state.streams.values)
        }
        for stream in streams { stream.close() }
    }
}

/// The authenticator of `mm-mcp` at an address. Programs of this machine's own user are recognized by their sockets;
/// everybody else is admitted by the protocol engine. It passes on the request in the engine's form, with its sender.
struct MCPAuthenticator: HTTPAuthenticator {
    private let pages: PageRule
    private let senders: SenderRule
    private let engine: StreamableHTTP
    private let gate: OAuthGate?
    private let open: Set<String>

    /// Creates an authenticator.
    /// - Parameters:
    ///   - pages: decides about host names and web pages.
    ///   - senders: decides about senders.
    ///   - engine: checks the host name and the secret.
    ///   - gate: checks access tokens, if they alone decide about admission.
    ///   - open: the paths of public pages.
    init(
        _ pages: PageRule, _ senders: SenderRule, _ engine: StreamableHTTP, gate: OAuthGate?, open: Set<String>
    ) {
        self.pages = pages
        self.gate = gate
        self.senders = senders
        self.engine = engine
        self.open = open
    }

    func authenticate(_ request: HTTPServerRequest) -> AuthenticationResult<MCPHTTPRequest> {
        var admitted = MCPHTTPRequest(
            method: request.method, path: request.path, headers: request.headers.map { ($0.name, $0.value) },
            body: request.body)
        if FaceProbes.isProbe(request) { return .admitted(admitted) }
        if gate == nil, open.contains(request.path) { return .admitted(admitted) }
        if let refusal = pages.refusal(of: request) { return .refused(Self.foreign(refusal.message, refusal.status)) }
        if let gate { return admit(request, admitted, gate) }
        switch senders.judge(request) {
        case .known(let known): admitted.principal = known
        case .asked: break
        case .refused(let reason):
            return .refused(Self.foreign(reason))
        }
        return refusal(of: admitted).map { .refused($0) } ?? .admitted(admitted)
    }

    /// Admits a request by its access token. Public pages are then served under this server's own names only, because
    /// their content depends on the name.
    private func admit(
        _ request: HTTPServerRequest, _ given: MCPHTTPRequest, _ gate: OAuthGate
    ) -> AuthenticationResult<MCPHTTPRequest> {
        var looked = given
        looked.principal = Principal("unknown")
        if open.contains(request.path) { looked.path = engine.path }
        if let refused = refusal(of: looked) { return .refused(refused) }
        guard !open.contains(request.path) else { return .admitted(given) }
        var admitted = given
        switch gate.judge(request) {
        case .known(let principal): admitted.principal = principal
        case .open: break
        case .refused(let refusal): return .refused(gate.response(to: request, refusal))
        }
        return .admitted(admitted)
    }

    /// Returns the engine's refusal of a request's head; `nil` if it doesn't refuse the request.
    private func refusal(of request: MCPHTTPRequest) -> HTTPServerResponse? {
        guard let refused = engine.refusal(forHeadOf: request), case .bytes(let bytes) = refused.body else {
            return nil
        }
        return HTTPServerResponse(status: refused.status, headers: HTTPHeaders(of: refused), body: .bytes(bytes))
    }

    private static func foreign(_ reason: String, _ status: Int = 403) -> HTTPServerResponse {
        let error: JSONValue = ["jsonrpc": "2.0", "id": nil, "error": ["code": -32600, "message": .string(reason)]]
        return .json(JSONWriter.bytes(error), status: status)
    }
}

extension HTTPHeaders {
    /// Creates the header fields of a response of the engine.
    init(of response: MCPHTTPResponse) {
        self.init()
        for header in response.headers { add(header.name, header.value) }
    }
}

/// The last step of the chain of `mm-mcp` at an address: the engine's one path. The engine itself decides about methods
/// and refusals.
struct MCPEndpoint: HTTPMiddleware {
    private let engine: StreamableHTTP
    private let watching: WatchingStreams
    private let places: RequestPlaces?

    /// Creates the endpoint.
    /// - Parameters:
    ///   - engine: answers the requests.
    ///   - watching: keeps track of the streams that only wait for news.
    ///   - places: limits the requests of each caller; `nil` if the server has a single user.
    init(_ engine: StreamableHTTP, _ watching: WatchingStreams, places: RequestPlaces?) {
        self.engine = engine
        self.watching = watching
        self.places = places
    }

    func respond(
        to request: HTTPServerRequest, from admitted: MCPHTTPRequest, next: HTTPResponder<MCPHTTPRequest>
    ) async -> HTTPServerResponse {
        var place: RequestPlaces.Place?
        var refusal: MCPHTTPResponse?
        if let places, let principal = admitted.principal {
            place = places.take(principal)
            if place == nil { refusal = places.refusal }
        }
        let response: MCPHTTPResponse
        if let refusal { response = refusal } else { response = await engine.respond(to: admitted) }
        let headers = HTTPHeaders(of: response)
        switch response.body {
        case .bytes(let bytes):
            return HTTPServerResponse(status: response.status, headers: headers, body: .bytes(bytes))
        case .streamed(let streamed):
            return HTTPServerResponse(
                status: response.status, headers: headers,
                body: .stream(heartbeat: nil) { [place] (writer) async throws(HTTPError) in
                    defer { withExtendedLifetime(place) {} }
                    try await streamed.forEach { (piece) async throws(HTTPError) in try await writer.write(piece) }
                })
        case .events(let events):
            let token = request.method == "GET" ? watching.add(events) : nil
            return HTTPServerResponse(
                status: response.status, headers: headers,
                body: .stream(heartbeat: .seconds(15)) { [place] (writer) async throws(HTTPError) in
                    defer {
                        if let token { watching.remove(token) }
                        withExtendedLifetime(place) {}
                    }
                    try await events.forEach { (piece) async throws(HTTPError) in try await writer.write(piece) }
                })
        }
    }
}

/// Limits how many requests of each caller run at the same time, including streams that only wait for news. Each
/// request holds a connection, so a caller with too many would keep all others out.
final class RequestPlaces: Sendable {
    /// A request's place, which becomes free when this value is released, however the request ended.
    final class Place: Sendable {
        private let places: RequestPlaces
        private let principal: Principal

        fileprivate init(_ places: RequestPlaces, _ principal: Principal) {
            (self.places, self.principal) = (places, principal)
        }

        deinit { places.leave(principal) }
    }

    private let most: Int
    private let taken = Mutex<[Principal: Int]>([:])

    /// Creates the table without requests.
    /// - Parameter most: the maximum number of requests of one caller.
    init(most: Int) { self.most = most }

    /// Takes a place.
    /// - Returns: `nil` if the caller has reached the maximum.
    func take(_ principal: Principal) -> Place? {
        let isFree = taken.withLock { taken in
            guard taken[principal, default: 0] < most else { return false }
            taken[principal, default: 0] += 1
            return true
        }
        return isFree ? Place(self, principal) : nil
    }

    private func leave(_ principal: Principal) {
        taken.withLock { taken in
            let left = taken[principal, default: 1] - 1
            taken[principal] = left > 0 ? left : nil
        }
    }

    /// The response to a request that got no place.
    var refusal: MCPHTTPResponse {
        let seconds = 5
        let error = MCPError.tooManyCalls(
            "\(most) of your requests are running, which is the limit", seconds: seconds)
        return .error(error, status: 429).with("Retry-After", "\(seconds)")
    }
}

/// Decides about the senders of requests to an address, by the same rule for the pool and for `mm-mcp`.
///
/// Programs of this machine's own user are recognized by their sockets; everybody else needs the secret. Requests that
/// a browser sends for a web page are checked before, by `PageRule`: a page is not the user's program, even in the
/// user's browser.
struct SenderRule: Sendable {
    /// The decision about a request's sender.
    enum Entry: Sendable {
        /// The sender is known.
        case known(Principal)
        /// The secret decides; without a secret, everybody is admitted.
        case asked
        /// The sender is refused, for this reason.
        case refused(String)
    }

    private let user: UInt32
    private let hasSecret: Bool
    private let trustsNetwork: Bool
    private let judgesPeers: Bool

    /// Creates a rule.
    /// - Parameters:
    ///   - options: who may connect.
    ///   - hasSecret: whether there is a secret to check.
    ///   - user: the user whose programs are admitted.
    init(_ options: HTTPFaceOptions, hasSecret: Bool, user: UInt32 = geteuid()) {
        self.user = user
        self.hasSecret = hasSecret
        trustsNetwork = options.trustsNetwork
        judgesPeers = !options.isBehindProxy
    }

    /// Decides about one request.
    func judge(_ request: HTTPServerRequest) -> Entry {
        // A secret that is given must be right, even if the sender wouldn't need one.
        if hasSecret, request.headers["Authorization"] != nil { return .asked }
        if judgesPeers, !isForwarded(request), request.peerUser() == user { return .known(Principal("uid:\(user)")) }
        if hasSecret || trustsNetwork { return .asked }
        return .refused(
            "Only programs of the user who started this server may connect; others need a secret (--token-file).")
    }

    /// Returns whether a proxy forwarded the request, even if none is configured: the peer is then the proxy, not the
    /// sender.
    private func isForwarded(_ request: HTTPServerRequest) -> Bool {
        ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"].contains { request.headers[$0] != nil }
    }
}
