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

    /// Returns the error for a request that names a version this server doesn't support; it lists the supported
    /// versions.
    private func unknownVersion(_ request: MCPHTTPRequest) -> MCPError? {
        let wrong = request.values(of: "MCP-Protocol-Version").first { text in
            let version = ProtocolVersion(text)
            return !version.isLegacy && !version.isModern
        }
        return wrong.map(MCPError.unsupportedVersion)
    }

    private func refusal(of request: MCPHTTPRequest) -> HTTPAdmission.Refusal? {
        if let coding = request.values(of: "Content-Encoding").first(where: { $0.lowercased() != "identity" }) {
            return HTTPAdmission.Refusal(
                415, "The body has the content coding `\(coding.prefix(60))`. Send it without Content-Encoding.")
        }
        let type = request.value(of: "Content-Type")?.split(separator: ";").first?.trimmedOfSpacesAndTabs
        guard type?.lowercased() == "application/json" else {
            return HTTPAdmission.Refusal(415, "The body must be application/json.")
        }
        let isAccepted = Accept(request).takes("application", "json") && Accept(request).takes("text", "event-stream")
        guard isAccepted else {
            return HTTPAdmission.Refusal(406, "Accept must name application/json and text/event-stream.")
        }
        guard request.body.count <= options.bodyBytes else {
            return HTTPAdmission.Refusal(413, "The body is larger than \(options.bodyBytes) bytes.")
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
                    case .own:
                        .tooManyCalls("You have reached the maximum number of sessions; end some first", seconds: 60)
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
                405,
                "GET opens the stream of a session, but the header Mcp-Session-Id is missing: POST `initialize` first.",
                [("Allow", "POST")]
            ).response
        case .failure(let refusal): return refusal.response
        }
        if let last = request.value(of: "Last-Event-ID") {
            guard let (buffer, number) = session.place(of: last), let stream = session.connect(buffer, after: number)
            else {
                return HTTPAdmission.Refusal(400, "This event is no longer available in any stream of this session.")
                    .response
            }
            return .events(stream)
        }
        guard !session.home.isConnected else {
            return HTTPAdmission.Refusal(409, "This session already has a stream.").response
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
                        ? "The header Mcp-Session-Id is missing: send initialize first, then the id from its answer."
                        : "The header Mcp-Session-Id was sent \(names.count) times: send it once."))
        }
        guard let session = state.withLock({ $0.sessions[name] }), session.principal == principal else {
            return .failure(HTTPAdmission.Refusal(404, "There is no such session; initialize a new one."))
        }
        session.touch(at: .now)
        return .success(session)
    }

    /// The reason why a client gets no session.
    enum NoRoom: Error, Sendable {
        /// Its principal has reached the maximum for one principal.
        case own
        /// The server has reached its maximum.
        case all
    }

    /// Opens a session. If there are too many, the longest idle one is closed to make room, provided that it has been
    /// idle long enough: a client that never ends its sessions must lock out neither itself nor others.
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

    /// Returns the session that has been idle for longest: among those whose clients never came back after the first
    /// answer, if it has been idle for a second; otherwise among all, if it has been idle for a minute.
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

/// A legacy session over HTTP: its connection state, the streams of its calls and the stream for everything else.
final class HTTPSession: Sendable {
    let id: String
    let principal: Principal
    let session: Session
    let home: EventBuffer
    private let state: Mutex<State>
    private let limit: Int
    private let ended: (@Sendable (String) -> Void)?

    private struct State: Sendable {
        var lastUse: ContinuousClock.Instant
        var isUsed = false
        var nextStream = 1
        var streams: [Int: EventBuffer] = [:]
        var connections = 0
        var isClosed = false
    }

    /// The maximum number of bytes of finished streams that are kept for a client that may come back.
    private static let keptBytes = 4 << 20
    private static let keptStreams = 64

    init(
        id: String, server: MCPServer, principal: Principal, replayBytes: Int, now: ContinuousClock.Instant,
        ended: (@Sendable (String) -> Void)?
    ) {
        self.ended = ended
        self.id = id
        self.principal = principal
        self.limit = replayBytes
        home = EventBuffer(.numbered(stream: 0), limit: replayBytes)
        session = Session(server: server, principal: principal, sessionChannel: home, name: id)
        state = Mutex(State(lastUse: now))
    }

    /// Notes that the client has just been active.
    func touch(at now: ContinuousClock.Instant) {
        state.withLock { state in
            state.lastUse = now
            state.isUsed = true
        }
    }

    /// Whether the client came back after the first answer, which a client does to finish the handshake.
    var isUsed: Bool { state.withLock { $0.isUsed } }

    /// How long the client has been inactive; zero while a stream is open.
    func idleTime(at now: ContinuousClock.Instant) -> Duration {
        state.withLock { $0.connections > 0 ? .zero : now - $0.lastUse }
    }

    /// Creates a buffer for the messages about one POST.
    func openStream() -> (number: Int, buffer: EventBuffer) {
        let primes = session.version.map { $0 >= .v2025_11_25 } ?? false
        return state.withLock { state in
            let number = state.nextStream
            state.nextStream += 1
            let buffer = EventBuffer(primes ? .primed(stream: number) : .numbered(stream: number), limit: limit)
            return (number, buffer)
        }
    }

    /// Keeps a stream that its client may come back to, and drops the oldest finished ones.
    func keep(_ number: Int, _ buffer: EventBuffer) {
        state.withLock { state in
            state.streams[number] = buffer
            let finished = state.streams.filter { $0.value.isFinished }.sorted { $0.key < $1.key }
            var bytes = finished.reduce(0) { $0 + $1.value.size }
            var count = finished.count
            for (number, buffer) in finished where bytes > Self.keptBytes || count > Self.keptStreams {
                bytes -= buffer.size
                count -= 1
                state.streams[number] = nil
            }
        }
    }

    /// Returns the stream and the position in it that an event id names.
    func place(of eventID: String) -> (buffer: EventBuffer, number: Int)? {
        let parts = eventID.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let stream = Int(parts[0]), let number = Int(parts[1]), number >= 0 else { return nil }
        if stream == 0 { return (home, number) }
        return state.withLock { $0.streams[stream] }.map { ($0, number) }
    }

    /// Connects a new stream to this buffer's events.
    func connect(_ buffer: EventBuffer, after last: Int?) -> EventStream? {
        guard let (connection, next) = buffer.connect(after: last) else { return nil }
        state.withLock { $0.connections += 1 }
        let isOpen = Mutex(true)
        return EventStream(buffer, connection: connection, from: next) { [weak self] in
            let closes = isOpen.withLock { isOpen in
                defer { isOpen = false }
                return isOpen
            }
            guard closes, let self else { return }
            state.withLock { state in
                state.connections -= 1
                state.lastUse = .now
            }
        }
    }

    /// Ends the session: cancels its calls and ends its streams.
    func close() {
        session.close()
        home.finish(nil)
        let (streams, isFirst) = state.withLock { state in
            defer { state.isClosed = true }
            return (Array(state.streams.values), !state.isClosed)
        }
        for stream in streams { stream.finish(nil) }
        if isFirst { ended?(id) }
    }
}

/// The headers that repeat parts of a modern request, so that proxies can route without reading bodies.
struct RoutingHeaders: Sendable {
    let request: MCPHTTPRequest

    /// Compares version, method and name with the body.
    /// - Throws: -32020 for a header that is missing, repeated, malformed or different from the body.
    func check(_ message: IncomingRequest, version: String) throws(MCPError) {
        try require("MCP-Protocol-Version", is: version)
        try require("Mcp-Method", is: message.method)
        let key: String
        switch Method(rawValue: message.method) {
        case .callTool, .getPrompt: key = "name"
        case .readResource: key = "uri"
        case .getTask, .updateTask, .cancelTask: key = "taskId"
        default: return
        }
        let written = message.params[key]?.string
        // A missing name is an error of the body and is reported as such.
        if written == nil, request.values(of: "Mcp-Name").isEmpty { return }
        let found = try decoded("Mcp-Name", single("Mcp-Name"))
        guard found == written else { throw .headerMismatch("Mcp-Name differs from params.\(key) in the body.") }
    }

    /// Compares the headers of a tool's marked parameters with the arguments.
    /// - Throws: -32020, as above.
    func check(_ headers: ParameterHeaders, arguments: JSONObject) throws(MCPError) {
        for header in headers.headers {
            let name = "Mcp-Param-\(header.name)"
            guard let value = ParameterHeaders.value(at: header.path, in: arguments) else {
                guard request.values(of: name).isEmpty else {
                    throw .headerMismatch(
                        "\(name) is set, but the argument \(header.path.joined(separator: ".")) is missing.")
                }
                continue
            }
            let text = try decoded(name, single(name))
            guard Self.isSame(text, value) else {
                throw .headerMismatch("\(name) differs from the argument \(header.path.joined(separator: ".")).")
            }
        }
    }

    private func require(_ name: String, is wanted: String) throws(MCPError) {
        guard try single(name) == wanted else { throw .headerMismatch("\(name) differs from the body.") }
    }

    private func single(_ name: String) throws(MCPError) -> String {
        let values = request.values(of: name)
        guard let value = values.first else { throw .headerMismatch("The header \(name) is missing.") }
        guard values.count == 1 else { throw .headerMismatch("The header \(name) is given more than once.") }
        return value
    }

    /// Decodes a value: literal text, or base64 of UTF-8 between markers.
    private func decoded(_ name: String, _ value: String) throws(MCPError) -> String {
        guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 <= 0x7E }) else {
            throw .headerMismatch("The header \(name) has characters that must be sent as base64.")
        }
        guard value.hasPrefix("=?base64?"), value.hasSuffix("?="), value.utf8.count >= 11 else { return value }
        let inner = value.dropFirst(9).dropLast(2)
        guard inner.utf8.count % 4 == 0, let bytes = Base64.bytes(String(inner)),
            let text = String(validating: bytes, as: UTF8.self)
        else { throw .headerMismatch("The header \(name) is not base64 of UTF-8 text.") }
        return text
    }

    private static func isSame(_ text: String, _ value: JSONValue) -> Bool {
        switch value {
        case .string(let wanted): return text == wanted
        case .bool(let flag): return text == (flag ? "true" : "false")
        case .int, .double, .number:
            guard let number = try? JSONParser.parse(text) else { return false }
            if number == value { return true }
            switch (number.double, value.double) {
            case (let left?, let right?):
                // Beyond the integers that a double represents exactly, only identical digits are the same number.
                return left == right && abs(left) <= 9_007_199_254_740_992
            default: return false
            }
        // The body has a value here that no header can express; validation against the schema reports it.
        case .null, .array, .object: return true
        }
    }
}
