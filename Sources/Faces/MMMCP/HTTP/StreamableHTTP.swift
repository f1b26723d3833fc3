import MMCore

/// Serves any number of clients over HTTP: legacy ones in sessions, modern ones request by request.
///
/// This type has no sockets: pass requests in and send the responses that come out. The HTTP server around it limits
/// headers and connections, cancels the task of a request whose client disconnects, and closes the ``EventStream`` of a
/// client that disconnects later.
public final class StreamableHTTP: Sendable {
    let server: MCPServer
    let options: HTTPOptions
    private let admission: HTTPAdmission
    let state = Mutex(State())

    struct State: Sendable {
        var sessions: [String: HTTPSession] = [:]
        var modern: [ObjectIdentifier: Session] = [:]
        var isStopped = false
        var sweeper: Task<Void, Never>?
    }

    /// Creates a transport for a server.
    public init(_ server: MCPServer, options: HTTPOptions = HTTPOptions()) {
        self.server = server
        self.options = options
        admission = HTTPAdmission(options: options)
    }

    deinit {
        state.withLock { $0.sweeper }?.cancel()
    }

    /// The path that is served.
    package var path: String { options.path }

    /// Answers one request.
    ///
    /// The checks run in this order, and the first that fails decides the response: path, Host, Origin, bearer secret,
    /// method, content type, Accept, size, JSON, and then those of the message's era.
    public func respond(to request: MCPHTTPRequest) async -> MCPHTTPResponse {
        let principal: Principal
        switch admission.admit(request) {
        case .success(let admitted): principal = admitted
        case .failure(let refusal): return refusal.response
        }
        if request.method != "POST", let version = unknownVersion(request) { return .error(version, status: 400) }
        switch request.method {
        case "POST": return await post(request, principal)
        case "GET" where !isModern(request): return get(request, principal)
        case "DELETE" where !isModern(request): return delete(request, principal)
        default:
            let allowed = isModern(request) ? "POST" : "POST, GET, DELETE"
            return HTTPAdmission.Refusal(
                405, "This path is not for \(MCPError.quotable(request.method)).", [("Allow", allowed)]
            )
            .response
        }
    }

    /// Returns the refusal of a request that its head alone decides, so that no body is awaited from a client that
    /// isn't admitted; `nil` for one that is. ``respond(to:)`` repeats the check.
    public func refusal(forHeadOf request: MCPHTTPRequest) -> MCPHTTPResponse? {
        guard case .failure(let refusal) = admission.admit(request) else { return nil }
        return refusal.response
    }

    /// Ends all sessions and streams; later requests are refused.
    public func stop() {
        let (sessions, modern, sweeper) = state.withLock { state in
            state.isStopped = true
            defer {
                state.sessions = [:]
                state.modern = [:]
                state.sweeper = nil
            }
            return (Array(state.sessions.values), Array(state.modern.values), state.sweeper)
        }
        sweeper?.cancel()
        for session in sessions { session.close() }
        for session in modern { session.close() }
    }

    /// The number of open legacy sessions.
    package var sessionCount: Int { state.withLock { $0.sessions.count } }

    /// A version header that names no legacy revision makes a request modern.
    private func isModern(_ request: MCPHTTPRequest) -> Bool {
        request.values(of: "MCP-Protocol-Version").contains { !ProtocolVersion($0).isLegacy }
    }
}

// MARK: POST

extension StreamableHTTP {
    private func post(_ request: MCPHTTPRequest, _ principal: Principal) async -> MCPHTTPResponse {
        if let refusal = refusal(of: request) { return refusal.response }
        let limits = JSONLimits(bytes: options.bodyBytes, depth: server.options.limits.nesting)
        let message = Message.parse(request.body, limits: limits)
        if case .malformed(nil, let error) = message, error.code == -32700 { return .error(error, status: 400) }
        if case .request(let incoming) = message, incoming.isModern {
            return await postModern(request, message, principal)
        }
        if let version = unknownVersion(request) {
            var id: RequestID?
            if case .request(let incoming) = message { id = incoming.id }
            return .error(version, status: 400, id: id)
        }
        if isModern(request) { return await postModern(request, message, principal) }
        return await postLegacy(request, message, principal)
    }

    /// What is said of a version that this server doesn't speak: whoever names one gets the names of those that it does.
    private func unknownVersion(_ request: MCPHTTPRequest) -> MCPError? {
        let wrong = request.values(of: "MCP-Protocol-Version").first { text in
            let version = ProtocolVersion(text)
            return !version.isLegacy && !version.isModern
        }
        return wrong.map(MCPError.unsupportedVersion)
    }

    private func refusal(of request: MCPHTTPRequest) -> HTTPAdmission.Refusal? {
        let type = request.value(of: "Content-Type")?.split(separator: ";").first.map { MCPHTTPRequest.trimmed($0) }
        guard type?.lowercased() == "application/json" else {
            return HTTPAdmission.Refusal(415, "The body must be application/json.")
        }
        let isAccepted = Accept(request).takes("application", "json") && Accept(request).takes("text", "event-stream")
        guard isAccepted else {
            return HTTPAdmission.Refusal(406, "Accept must name application/json and text/event-stream.")
        }
        guard request.body.count <= options.bodyBytes else {
            return HTTPAdmission.Refusal(413, "The body has more than \(options.bodyBytes) bytes.")
        }
        return nil
    }

    // MARK: the modern era

    private func postModern(
        _ request: MCPHTTPRequest, _ message: Message, _ principal: Principal
    ) async -> MCPHTTPResponse {
        let incoming: IncomingRequest
        switch message {
        case .request(let found): incoming = found
        case .notification: return MCPHTTPResponse(status: 202)
        case .malformed(let id, let error): return .error(error, status: 400, id: id)
        case .batch: return .error(.invalidRequest("the body must be one message, not an array"), status: 400)
        case .response:
            return .error(.invalidRequest("this protocol version has no requests that a client answers"), status: 400)
        }
        do throws(MCPError) {
            let meta = try ModernMeta(incoming.meta ?? [:])
            let headers = RoutingHeaders(request: request)
            try headers.check(incoming, version: meta.version.text)
            guard meta.version.isModern else { throw .unsupportedVersion(meta.version.text) }
            if incoming.method == Method.callTool.rawValue, let name = incoming.params["name"]?.string,
                let tool = server.routes.tool(named: name)
            {
                try headers.check(tool.headers, arguments: incoming.params["arguments"]?.object ?? [:])
            }
        } catch {
            return .error(error, status: 400, id: incoming.id)
        }
        return await serveModern(incoming, size: request.body.count, principal)
    }

    private func serveModern(_ incoming: IncomingRequest, size: Int, _ principal: Principal) async -> MCPHTTPResponse {
        let buffer = EventBuffer(.plain, limit: options.replayBytes)
        let session = Session(server: server, principal: principal, sessionChannel: buffer)
        let isRunning = state.withLock { state in
            if !state.isStopped { state.modern[ObjectIdentifier(session)] = session }
            return !state.isStopped
        }
        guard isRunning else { return Self.stopping(incoming.id) }
        let end: @Sendable () -> Void = { [weak self] in
            session.close()
            self?.state.withLock { _ = $0.modern.removeValue(forKey: ObjectIdentifier(session)) }
        }
        session.receive(.request(incoming), size: size, via: buffer)
        let beginning = await buffer.firstOutcome(patience: options.streamingDelay)
        switch beginning {
        case .answer(let bytes):
            end()
            let response = MCPHTTPResponse.json(bytes, status: Self.modernStatus(buffer.errorCode))
            guard buffer.errorCode == MCPError.tooManyCallsCode,
                let seconds = (try? JSONParser.parse(bytes))?["error"]?["data"]?["retryAfterSeconds"]?.int
            else { return response }
            return response.with("Retry-After", "\(seconds)")
        case .streamed(let reply):
            let body = StreamedBody(reply) {
                buffer.finishedSending()
                end()
            }
            return .streamed(body, status: Self.modernStatus(buffer.errorCode))
        case .nothing:
            end()
            return Self.stopping(incoming.id)
        case .stream:
            guard !Task.isCancelled, let (connection, next) = buffer.connect(after: nil) else {
                // The client is gone, so nobody is left to answer.
                end()
                return Self.stopping(incoming.id)
            }
            return .events(EventStream(buffer, connection: connection, from: next, onClose: end))
        }
    }

    static func stopping(_ id: RequestID?) -> MCPHTTPResponse {
        .error(.internalError("The server is stopping."), status: 503, id: id)
    }

    private static func modernStatus(_ code: Int?) -> Int {
        switch code {
        case nil: 200
        case MCPError.tooManyCallsCode: 429
        case -32601: 404
        case -32603: 500
        default: 400
        }
    }
}
