import MMCore
import MMHTTP
import MMMCP

/// A server of the Model Context Protocol at an address: the engine's transport, joined to a listener.
final class HTTPFace: Sendable {
    private let engine: StreamableHTTP
    private let listener: HTTPListener
    private let watching: WatchingStreams

    /// The address of the endpoint.
    let url: String

    /// Starts to listen.
    /// - Parameters:
    ///   - server: what is served.
    ///   - options: where, and for whom.
    ///   - secret: what clients prove themselves with.
    ///   - log: where a network that is trusted as a whole is told of.
    ///   - engineOptions: how the protocol behaves, where it isn't as usual.
    ///   - pages: what is served beside the protocol, by path, for everybody: it holds nothing of anybody's.
    /// - Throws: `MMError` when the address can't be had.
    static func start(
        _ server: MCPServer, _ options: HTTPFaceOptions, secret: Secret?, log: Log,
        engineOptions given: HTTPOptions = HTTPOptions(), pages: [String: @Sendable () async -> JSONValue] = [:]
    ) throws(MMError) -> HTTPFace {
        var engineOptions = given
        engineOptions.allowedHosts = options.hostNames
        engineOptions.admitsNumericHosts = options.trustsNetwork
        engineOptions.secret = secret
        let engine = StreamableHTTP(server, options: engineOptions)
        let door = HTTPDoor(options, hasSecret: secret != nil)
        let watching = WatchingStreams()
        let listener = try HTTPListener.start(
            .tcp(host: options.host, port: options.port),
            limits: HTTPServerLimits(maxBodyBytes: engineOptions.bodyBytes), certificate: options.certificate,
            admission: { request in
                if case .failure(let refusal) = admitted(request, door, engine) { refusal.response } else { nil }
            }
        ) { request in
            if let page = pages[request.path], ["GET", "HEAD"].contains(request.method) {
                return .json(JSONWriter.bytes(await page()))
            }
            return await answer(request, door, engine, watching)
        }
        let face = HTTPFace(engine, listener, watching, options)
        if options.trustsNetwork {
            log.warning("THE NETWORK IS TRUSTED: everybody who reaches \(face.url) may use every connection it shows")
        }
        return face
    }

    private init(
        _ engine: StreamableHTTP, _ listener: HTTPListener, _ watching: WatchingStreams, _ options: HTTPFaceOptions
    ) {
        self.engine = engine
        self.listener = listener
        self.watching = watching
        let host = options.host.contains(":") ? "[\(options.host)]" : options.host
        url = "\(options.scheme)://\(host):\(listener.port)/mcp"
    }

    /// Takes no more requests, lets calls under way finish for so long, then calls them off.
    func stop(graceful: Duration) async {
        watching.end()
        await listener.stop(graceful: graceful)
        engine.stop()
    }

    private static func answer(
        _ request: HTTPServerRequest, _ door: HTTPDoor, _ engine: StreamableHTTP, _ watching: WatchingStreams
    ) async -> HTTPServerResponse {
        let admitted: MCPHTTPRequest
        switch self.admitted(request, door, engine) {
        case .success(let known): admitted = known
        case .failure(let refusal): return refusal.response
        }
        let response = await engine.respond(to: admitted)
        let headers = Self.headers(of: response)
        switch response.body {
        case .bytes(let bytes):
            return HTTPServerResponse(status: response.status, headers: headers, body: .bytes(bytes))
        case .streamed(let streamed):
            return HTTPServerResponse(
                status: response.status, headers: headers,
                body: .stream(heartbeat: nil) { (writer) async throws(HTTPError) in
                    try await streamed.forEach { (piece) async throws(HTTPError) in try await writer.write(piece) }
                })
        case .events(let events):
            let token = request.method == "GET" ? watching.add(events) : nil
            return HTTPServerResponse(
                status: response.status, headers: headers,
                body: .stream(heartbeat: .seconds(15)) { (writer) async throws(HTTPError) in
                    defer { if let token { watching.remove(token) } }
                    try await events.forEach { (piece) async throws(HTTPError) in try await writer.write(piece) }
                })
        }
    }
}

extension HTTPFace {
    /// The answer to one who is not let in.
    private struct Refusal: Error {
        let response: HTTPServerResponse
    }

    /// The request as the engine takes it, with its sender, or the refusal; known by the head alone.
    private static func admitted(
        _ request: HTTPServerRequest, _ door: HTTPDoor, _ engine: StreamableHTTP
    ) -> Result<MCPHTTPRequest, Refusal> {
        var admitted = MCPHTTPRequest(
            method: request.method, path: request.path, headers: request.headers.map { ($0.name, $0.value) },
            body: request.body)
        switch door.judge(request) {
        case .known(let known): admitted.principal = known
        case .asked: break
        case .refused(let reason):
            let error: JSONValue = [
                "jsonrpc": "2.0", "id": nil, "error": ["code": -32600, "message": .string(reason)],
            ]
            return .failure(Refusal(response: .json(JSONWriter.bytes(error), status: 403)))
        }
        guard let refused = engine.refusal(byHeadOf: admitted), case .bytes(let bytes) = refused.body else {
            return .success(admitted)
        }
        return .failure(
            Refusal(
                response: HTTPServerResponse(
                    status: refused.status, headers: headers(of: refused), body: .bytes(bytes))))
    }

    private static func headers(of response: MCPHTTPResponse) -> HTTPHeaders {
        var headers = HTTPHeaders()
        for header in response.headers { headers.add(header.name, header.value) }
        return headers
    }
}

/// The streams that only wait for news: they never end by themselves, so a server that stops ends them first.
private final class WatchingStreams: Sendable {
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
