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
    package func refusal(forHeadOf request: MCPHTTPRequest) -> MCPHTTPResponse? {
        guard case .failure(let refusal) = admission.admit(request) else { return nil }
        return refusal.response
    }

    /// Ends all sessions and streams; later requests are refused.
    package func stop() {
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
        let type = request.value(of: "Content-Type")?.split(separator: ";").first?.trimmedOfSpacesAndTabs
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

/// The legacy era: calls within sessions, with streams that a client may resume.
extension StreamableHTTP {
    func postLegacy(
        _ request: MCPHTTPRequest, _ message: Message, _ principal: Principal
    ) async -> MCPHTTPResponse {
        var id: RequestID?
        if case .request(let incoming) = message { id = incoming.id }
        if case .malformed(let found, let error) = message { return .error(error, status: 400, id: found) }
        let session: HTTPSession
        var isNew = false
        switch find(request, principal) {
        case .success(let found): session = found
        case .failure(let refusal):
            guard refusal.status == 400, case .request(let incoming) = message, incoming.method == "initialize" else {
                return .error(MCPError(code: -32600, refusal.message), status: refusal.status, id: id)
            }
            do throws(NoRoom) { session = try open(principal) } catch {
                let told: MCPError =
                    switch error {
                    case .own: .tooManyCalls("You have as many sessions as one may have; end some first", seconds: 60)
                    case .all: .internalError("There are too many sessions; end some first.")
                    }
                return .error(told, status: error == .own ? 429 : 503, id: id).with("Retry-After", "60")
            }
            isNew = true
        }
        let response = await serveLegacy(session, message, size: request.body.count)
        guard isNew else { return response }
        guard session.session.version != nil else {
            // The handshake failed: there is no session.
            close(session)
            return response
        }
        return response.with("Mcp-Session-Id", session.id)
    }

    private func serveLegacy(_ session: HTTPSession, _ message: Message, size: Int) async -> MCPHTTPResponse {
        let (number, buffer) = session.openStream()
        // Kept from the start: the call continues when its client is cut off, and the client may come back for it.
        let isCall =
            switch message {
            case .request, .batch: true
            default: false
            }
        session.session.receive(message, size: size, via: buffer)
        guard isCall else { return MCPHTTPResponse(status: 202) }
        switch await buffer.firstOutcome(patience: options.streamingDelay) {
        case .answer(let bytes): return .json(bytes, status: Self.legacyStatus(buffer.errorCode))
        case .streamed(let reply):
            let body = StreamedBody(reply) { buffer.finishedSending() }
            return .streamed(body, status: Self.legacyStatus(buffer.errorCode))
        case .nothing:
            if case .batch = message { return MCPHTTPResponse(status: 202) }
            // The client cancelled its request and expects no answer, but HTTP requires one.
            return MCPHTTPResponse(status: 202)
        case .stream:
            session.keep(number, buffer)
            guard let stream = session.connect(buffer, after: nil) else { return Self.stopping(nil) }
            return .events(stream)
        }
    }

    private static func legacyStatus(_ code: Int?) -> Int {
        code == -32600 || code == -32700 ? 400 : 200
    }

    func get(_ request: MCPHTTPRequest, _ principal: Principal) -> MCPHTTPResponse {
        guard Accept(request).takes("text", "event-stream") else {
            return HTTPAdmission.Refusal(406, "Accept must name text/event-stream.").response
        }
        let session: HTTPSession
        switch find(request, principal) {
        case .success(let found): session = found
        // Some clients send GET before they have a session, and cope best with 405.
        case .failure(let refusal) where refusal.status == 400:
            return HTTPAdmission.Refusal(
                405, "GET opens the stream of a session, and this request names none: POST `initialize` first.",
                [("Allow", "POST")]
            ).response
        case .failure(let refusal): return refusal.response
        }
        if let last = request.value(of: "Last-Event-ID") {
            guard let (buffer, number) = session.place(of: last), let stream = session.connect(buffer, after: number)
            else { return HTTPAdmission.Refusal(400, "No stream of this session still has this event.").response }
            return .events(stream)
        }
        guard !session.home.isConnected else {
            return HTTPAdmission.Refusal(409, "This session has a stream already.").response
        }
        guard let stream = session.connect(session.home, after: nil) else { return Self.stopping(nil) }
        return .events(stream)
    }

    func delete(_ request: MCPHTTPRequest, _ principal: Principal) -> MCPHTTPResponse {
        switch find(request, principal) {
        case .success(let session):
            close(session)
            // Not 204: some clients accept only 200 as success here.
            return MCPHTTPResponse(status: 200)
        case .failure(let refusal): return refusal.response
        }
    }
}

/// The sessions of the legacy era: finds, opens and closes them, and ends abandoned ones.
extension StreamableHTTP {
    /// Returns the session that a request names, or 400 for a request that names none and 404 for a session that
    /// doesn't exist or belongs to another principal.
    func find(_ request: MCPHTTPRequest, _ principal: Principal) -> Result<HTTPSession, HTTPAdmission.Refusal> {
        let names = request.values(of: "Mcp-Session-Id")
        guard let name = names.first, names.count == 1 else {
            return .failure(
                HTTPAdmission.Refusal(
                    400,
                    names.isEmpty
                        ? "The header Mcp-Session-Id is missing: send initialize first, then the id that its answer names."
                        : "The header Mcp-Session-Id came \(names.count) times: send it once."))
        }
        guard let session = state.withLock({ $0.sessions[name] }), session.principal == principal else {
            return .failure(HTTPAdmission.Refusal(404, "There is no such session; initialize a new one."))
        }
        session.touch(at: .now)
        return .success(session)
    }

    /// Why there is no session for a client.
    enum NoRoom: Error, Sendable {
        /// Its principal has as many as one may have.
        case own
        /// All together have as many as there may be.
        case all
    }

    /// Opens a session. Where there are too many, one goes that nobody has finished to open, else the one that was idle for
    /// longest, a minute at least: a client that never ends its sessions must lock out neither itself nor others.
    func open(_ principal: Principal) throws(NoRoom) -> HTTPSession {
        let now = ContinuousClock.now
        let session = HTTPSession(
            id: RandomBytes.text(bytes: 24), server: server, principal: principal, replayBytes: options.replayBytes,
            now: now, ended: options.sessionEnded
        )
        let (refusal, evicted): (NoRoom?, HTTPSession?) = state.withLock { state in
            guard !state.isStopped else { return (.all, nil) }
            var evicted: HTTPSession?
            let own = options.maxSessionsPerPrincipal.map { most in
                (most, state.sessions.values.filter { $0.principal == principal })
            }
            if let (most, sessions) = own, sessions.count >= most {
                evicted = Self.idlest(of: sessions, at: now)
                guard evicted != nil else { return (.own, nil) }
            } else if state.sessions.count >= options.maxSessions {
                evicted = Self.idlest(of: Array(state.sessions.values), at: now)
                guard evicted != nil else { return (.all, nil) }
            }
            if let evicted { state.sessions[evicted.id] = nil }
            state.sessions[session.id] = session
            startSweeper(&state)
            return (nil, evicted)
        }
        evicted?.close()
        if let refusal { throw refusal }
        return session
    }

    /// The session that was idle for longest: of those whose clients never came back after the first answer, if that is a second,
    /// else of all, if that is a minute.
    private static func idlest(of sessions: [HTTPSession], at now: ContinuousClock.Instant) -> HTTPSession? {
        func idlest(_ sessions: [HTTPSession], _ least: Duration) -> HTTPSession? {
            let idlest = sessions.max { $0.idleTime(at: now) < $1.idleTime(at: now) }
            return idlest.flatMap { $0.idleTime(at: now) >= least ? $0 : nil }
        }
        return idlest(sessions.filter { !$0.isUsed }, .seconds(1)) ?? idlest(sessions, .seconds(60))
    }

    func close(_ session: HTTPSession) {
        _ = state.withLock { $0.sessions.removeValue(forKey: session.id) }
        session.close()
    }

    private func startSweeper(_ state: inout State) {
        guard state.sweeper == nil else { return }
        let pause = options.sessionIdle / 4
        state.sweeper = Task { [weak self] in
            while (try? await Task.sleep(for: pause)) != nil {
                guard let self, self.sweep() else { return }
            }
        }
    }

    /// Ends the sessions that have been idle for too long.
    /// - Returns: whether any sessions remain.
    private func sweep() -> Bool {
        let now = ContinuousClock.now
        let (idle, goesOn): ([HTTPSession], Bool) = state.withLock { state in
            let idle = state.sessions.values.filter { $0.idleTime(at: now) >= options.sessionIdle }
            for session in idle { state.sessions[session.id] = nil }
            if state.sessions.isEmpty { state.sweeper = nil }
            return (idle, !state.sessions.isEmpty)
        }
        for session in idle { session.close() }
        return goesOn
    }
}
