import Glibc
import MMCore
import MMHTTP
import MMMCP

/// A server of the Model Context Protocol at an address: the engine's transport, joined to a listener.
final class HTTPFace: Sendable {
    private let engine: StreamableHTTP
    private let listener: HTTPListener
    private let watching: WatchingStreams
    private let probes: FaceProbes

    /// The address of the endpoint.
    let url: String

    /// Starts to listen.
    /// - Parameters:
    ///   - server: what is served.
    ///   - options: where, and for whom.
    ///   - secret: what clients prove themselves with.
    ///   - gate: admits by access tokens; `nil` where the secret or the peer do.
    ///   - log: where a network that is trusted as a whole is told of.
    ///   - engineOptions: how the protocol behaves, where it isn't as usual.
    ///   - pages: what is served beside the protocol, by path, for everybody: it holds nothing of anybody's.
    /// - Throws: `MMError` when the address can't be had.
    static func start(
        _ server: MCPServer, _ options: HTTPFaceOptions, secret: Secret?, gate: OAuthGate? = nil, log: Log,
        engineOptions given: HTTPOptions = HTTPOptions(), pages: [String: @Sendable () async -> JSONValue] = [:]
    ) throws(MMError) -> HTTPFace {
        var engineOptions = given
        engineOptions.allowedHosts = options.hostNames
        engineOptions.allowsIPAddressHosts = options.trustsNetwork
        engineOptions.secret = secret
        engineOptions.requiresPrincipal = gate != nil
        // A server that several people share leaves room for each.
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
            log.warning("THE NETWORK IS TRUSTED: everybody who reaches \(face.url) may use every connection it shows")
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

    /// Takes no more requests, lets calls under way finish for so long, then calls them off.
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

/// What supervisors ask `mm-mcp` at an address again and again: `/healthz`, whether it answers, and `/readyz`, whether it takes
/// calls.
///
/// Whoever reaches the address may ask, under any name: a supervisor has no secret and calls a container by its address. It
/// learns nothing else.
final class FaceProbes: HTTPMiddleware, Sendable {
    /// Their paths.
    static let paths: Set<String> = ["/healthz", "/readyz"]

    private let stopping = Mutex(false)

    /// Says that no more calls are taken.
    func stop() { stopping.withLock { $0 = true } }

    /// Whether a request is a supervisor's question, which needs no secret.
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

/// The streams that only wait for news: they never end by themselves, so a server that stops ends them first.
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
        // The stream may go with it: let it go outside the lock.
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

/// The authenticator of `mm-mcp` at an address: this machine's own user is known by the socket's other end, everybody else as the
/// engine admits them. What is let in is the request as the engine takes it, with its sender.
struct MCPAuthenticator: HTTPAuthenticator {
    private let pages: PageRule
    private let senders: SenderRule
    private let engine: StreamableHTTP
    private let gate: OAuthGate?
    private let open: Set<String>

    /// Creates an authenticator.
    /// - Parameters:
    ///   - pages: judges names and web pages.
    ///   - senders: judges who sent a request.
    ///   - engine: judges the names under which it is reached, and the secret.
    ///   - gate: judges access tokens, where they and nothing else admit.
    ///   - open: the paths of pages that hold nothing of anybody's.
    init(
        _ pages: PageRule, _ senders: SenderRule, _ engine: StreamableHTTP, gate: OAuthGate? = nil, open: Set<String>
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

    /// Where access tokens admit, pages of this server are open under its own names alone: what they say of it depends on
    /// the name.
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

    /// The engine's refusal of a request's head.
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
    /// The header fields of an answer of the engine.
    init(of response: MCPHTTPResponse) {
        self.init()
        for header in response.headers { add(header.name, header.value) }
    }
}

/// The end of the way at an address of `mm-mcp`: the engine's one path, whose methods and refusals are the protocol's own.
struct MCPEndpoint: HTTPMiddleware {
    private let engine: StreamableHTTP
    private let watching: WatchingStreams
    private let places: RequestPlaces?

    /// The engine's path.
    /// - Parameters:
    ///   - engine: answers.
    ///   - watching: keeps the streams that only wait for news.
    ///   - places: limits each caller; `nil` where one person has the server.
    init(_ engine: StreamableHTTP, _ watching: WatchingStreams, places: RequestPlaces? = nil) {
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

/// How many requests of each caller are under way, streams that only wait for news among them: each holds a connection, and who
/// held them all would keep everybody else out.
final class RequestPlaces: Sendable {
    /// A request's place, which is free again when nothing holds it any more, however the request ended.
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

    /// No requests yet.
    /// - Parameter most: how many one caller may have.
    init(most: Int) { self.most = most }

    /// Takes a place.
    /// - Returns: `nil` where the caller has as many as one may have.
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

    /// The answer to a request that found no place.
    var refusal: MCPHTTPResponse {
        let seconds = 5
        let error = MCPError.tooManyCalls(
            "\(most) of your requests are under way, as many as may at once", seconds: seconds)
        return .error(error, status: 429).with("Retry-After", "\(seconds)")
    }
}

/// Judges who sent a request to an address: one rule for the pool's addresses and for those of `mm-mcp`.
///
/// This machine's own user is known by the socket's other end; everybody else needs the secret. What a browser sends for a
/// page is judged before (`PageRule`): a page is nobody's program, whoever sits before it.
struct SenderRule: Sendable {
    /// What is known of a request's sender.
    enum Entry: Sendable {
        /// It is this one.
        case known(Principal)
        /// The secret decides; without one everybody is admitted.
        case asked
        /// Nobody we know.
        case refused(String)
    }

    private let user: UInt32
    private let hasSecret: Bool
    private let trustsNetwork: Bool
    private let judgesPeers: Bool

    /// A rule.
    /// - Parameters:
    ///   - options: who may connect.
    ///   - hasSecret: whether there is a secret to ask for.
    ///   - user: the user whose programs are let in.
    init(_ options: HTTPFaceOptions, hasSecret: Bool, user: UInt32 = geteuid()) {
        self.user = user
        self.hasSecret = hasSecret
        trustsNetwork = options.trustsNetwork
        judgesPeers = !options.isBehindProxy
    }

    /// Judges one request.
    func judge(_ request: HTTPServerRequest) -> Entry {
        // A secret that is given must be right, also from one who would not need it.
        if hasSecret, request.headers["Authorization"] != nil { return .asked }
        if judgesPeers, !isForwarded(request), request.peerUser() == user { return .known(Principal("uid:\(user)")) }
        if hasSecret || trustsNetwork { return .asked }
        return .refused(
            "Only programs of the user who started this server may connect; others need a secret (--token-file).")
    }

    /// Behind a proxy the peer is the proxy, even where nobody told us of one.
    private func isForwarded(_ request: HTTPServerRequest) -> Bool {
        ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"].contains { request.headers[$0] != nil }
    }
}
