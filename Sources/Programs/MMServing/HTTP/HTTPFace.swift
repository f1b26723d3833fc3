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
