import MMCore

/// The state of one connection, as a value without input or output: the legacy handshake and the ids in use. Every
/// message passes through ``receive(_:server:principal:)``, which decides how to handle it.
///
/// Modern requests touch nothing but the ids: they are self-contained and may come in any order on the same connection.
struct ProtocolState: Sendable {
    /// The outcome of the handshake.
    struct Handshake: Sendable {
        var version: ProtocolVersion
        var capabilities: ClientCapabilities
        var clientInfo: ClientInfo
    }

    /// How to handle a message.
    enum Action: Sendable {
        /// Answer at once.
        case answer(Answer)
        /// Carry out the call, which is now registered.
        case start(PlannedCall)
    }

    private(set) var handshake: Handshake?
    /// The lowest level of log messages that a legacy client wants.
    private(set) var logLevel = LogLevel.info
    private(set) var watched: Set<String> = []
    private var openIDs: Set<RequestID> = []
    /// The number of calls being carried out, answered or not; an open subscription counts as one.
    private(set) var workCount = 0
    private var workBytes = 0

    /// Whether another call may be opened, given the size of its message in bytes.
    func hasRoom(bytes: Int, within limits: ServerLimits) -> Bool {
        workCount < limits.openCalls && workBytes + bytes <= limits.openCallBytes
    }

    /// Whether enough room is free again for a blocked reader to continue.
    func isRelieved(within limits: ServerLimits) -> Bool {
        workCount <= limits.openCalls / 4 * 3 && workBytes <= limits.openCallBytes / 4 * 3
    }

    /// Whether batches are accepted, which only one revision has.
    var takesBatches: Bool { handshake?.version == .v2025_03_26 }

    /// Handles one request; a call that requires work is registered before the work begins.
    mutating func receive(_ request: IncomingRequest, server: MCPServer, principal: Principal) -> Action {
        do throws(MCPError) {
            if request.isModern { return try receiveModern(request, server: server, principal: principal) }
            return try receiveLegacy(request, server: server, principal: principal)
        } catch {
            return .answer(.failure(error))
        }
    }

    /// Frees the id of a call that was answered or cancelled.
    mutating func free(_ id: RequestID) {
        openIDs.remove(id)
    }

    /// Releases the room of a call whose work has ended. Work that continues after its cancellation keeps its room, so
    /// that cancelling is no way around the limits.
    mutating func workEnded(_ call: PlannedCall) {
        workCount -= 1
        workBytes -= call.size
    }

    private mutating func receiveModern(
        _ request: IncomingRequest, server: MCPServer, principal: Principal
    ) throws(MCPError) -> Action {
        let profile = try CallProfile(modern: request, principal: principal)
        guard let method = Method(rawValue: request.method), method.exists(in: .modern) else {
            throw .methodNotFound(request.method)
        }
        return try act(on: request, method, profile, server: server)
    }

    private mutating func receiveLegacy(
        _ request: IncomingRequest, server: MCPServer, principal: Principal
    ) throws(MCPError) -> Action {
        let method = Method(rawValue: request.method)
        if method == .initialize { return .answer(.success(try initialize(request.params, server: server))) }
        if method == .ping { return .answer(.success([:])) }
        guard let handshake else {
            throw .invalidRequest("the connection is not initialized; send \"initialize\" first")
        }
        guard let method, method.exists(in: .legacy) else { throw .methodNotFound(request.method) }
        switch method {
        case .setLevel:
            try setLevel(request.params)
            return .answer(.success([:]))
        case .subscribe:
            let uri = try server.watchedURI(method, request.params)
            try checkRoom(toWatch: uri, within: server.options.limits)
            let action = try act(on: request, method, profile(of: request, handshake, principal), server: server)
            watched.insert(uri)
            return action
        case .unsubscribe:
            watched.remove(try server.watchedURI(method, request.params))
            return .answer(.success([:]))
        default: break
        }
        return try act(on: request, method, profile(of: request, handshake, principal), server: server)
    }

    private func profile(of request: IncomingRequest, _ handshake: Handshake, _ principal: Principal) -> CallProfile {
        CallProfile(
            era: .legacy, version: handshake.version, capabilities: handshake.capabilities,
            clientInfo: handshake.clientInfo, logLevel: logLevel, principal: principal, meta: request.meta ?? [:]
        )
    }

    private mutating func act(
        on request: IncomingRequest, _ method: Method, _ profile: CallProfile, server: MCPServer
    ) throws(MCPError) -> Action {
        guard !openIDs.contains(request.id) else {
            throw .invalidRequest("the id \(request.id.json) belongs to a call that is still open")
        }
        switch try server.plan(method, request.params, profile) {
        case .answer(let result): return .answer(.success(server.finished(result, of: method, for: profile.era)))
        case .work(let work):
            let limits = server.options.limits
            guard hasRoom(bytes: request.size, within: limits) else {
                throw .internalError("Too many calls are open on this connection; wait for answers.")
            }
            openIDs.insert(request.id)
            workCount += 1
            workBytes += request.size
            return .start(
                PlannedCall(
                    id: request.id, method: method, profile: profile, params: request.params, size: request.size,
                    work: work
                )
            )
        }
    }
}

extension ProtocolState {
    private mutating func initialize(_ params: JSONObject, server: MCPServer) throws(MCPError) -> JSONObject {
        guard case .string(let requested)? = params["protocolVersion"] else {
            throw .invalidParams("initialize needs the string \"protocolVersion\".")
        }
        guard case .object(let capabilities)? = params["capabilities"] else {
            throw .invalidParams("initialize needs the object \"capabilities\".")
        }
        guard case .object(let info)? = params["clientInfo"] else {
            throw .invalidParams("initialize needs the object \"clientInfo\".")
        }
        let version = ProtocolVersion.negotiated(for: requested)
        handshake = Handshake(
            version: version, capabilities: ClientCapabilities(capabilities), clientInfo: ClientInfo(info)
        )
        var result: JSONObject = [
            "protocolVersion": .string(version.text), "capabilities": .object(server.capabilities(for: version)),
            "serverInfo": .object(server.info.json),
        ]
        result["instructions"] = server.instructions.map(JSONValue.string)
        return result
    }

    private mutating func setLevel(_ params: JSONObject) throws(MCPError) {
        guard let level = params["level"]?.string.flatMap(LogLevel.init(word:)) else {
            throw ModernMeta.badLevel(params["level"])
        }
        logLevel = level
    }

    private func checkRoom(toWatch uri: String, within limits: ServerLimits) throws(MCPError) {
        guard watched.count < limits.watchedResources || watched.contains(uri) else {
            throw .invalidParams(
                "At most \(limits.watchedResources) resources can be watched; unsubscribe from some first.")
        }
    }
}

/// What is known about a call's client: in the legacy era from the handshake, in the modern era from the call alone.
struct CallProfile: Sendable {
    let era: Era
    let version: ProtocolVersion
    let capabilities: ClientCapabilities
    let clientInfo: ClientInfo
    /// The lowest level of log messages that the client wants; `nil` means none.
    var logLevel: LogLevel?
    let principal: Principal
    let meta: JSONObject

    /// The token under which the client wants progress reported, with the type it came with.
    var progressToken: JSONValue? {
        switch meta[MetaKey.progressToken] {
        case .string(let text): .string(text)
        case .int(let number): .int(number)
        case .number(let text): .number(text)
        default: nil
        }
    }
}

extension CallProfile {
    /// Reads a modern request's description of its client.
    /// - Throws: -32602 for a missing member or one of the wrong type, then -32022 for a version that isn't served.
    init(modern request: IncomingRequest, principal: Principal) throws(MCPError) {
        let checked = try ModernMeta(request.meta ?? [:])
        guard checked.version.isModern else { throw .unsupportedVersion(checked.version.text) }
        self.init(
            era: .modern, version: checked.version, capabilities: checked.capabilities,
            clientInfo: checked.clientInfo, logLevel: checked.logLevel, principal: principal,
            meta: request.meta ?? [:]
        )
    }
}

/// The members of `_meta` that every modern request carries, with their types checked.
struct ModernMeta: Sendable {
    let version: ProtocolVersion
    let capabilities: ClientCapabilities
    let clientInfo: ClientInfo
    let logLevel: LogLevel?

    /// Checks presence and types, but not whether the version is served: over HTTP the headers are compared in between.
    init(_ meta: JSONObject) throws(MCPError) {
        guard let version = meta[MetaKey.protocolVersion] else { throw Self.missing(MetaKey.protocolVersion) }
        guard case .string(let text) = version else { throw Self.wrong(MetaKey.protocolVersion, version, "a string") }
        guard let capabilities = meta[MetaKey.clientCapabilities] else {
            throw Self.missing(MetaKey.clientCapabilities)
        }
        guard case .object(let members) = capabilities else {
            throw Self.wrong(MetaKey.clientCapabilities, capabilities, "an object")
        }
        if let info = meta[MetaKey.clientInfo], info.object == nil {
            throw Self.wrong(MetaKey.clientInfo, info, "an object")
        }
        if let level = meta[MetaKey.logLevel] {
            guard let known = level.string.flatMap(LogLevel.init(word:)) else { throw Self.badLevel(level) }
            logLevel = known
        } else {
            logLevel = nil
        }
        self.version = ProtocolVersion(text)
        self.capabilities = ClientCapabilities(members)
        self.clientInfo = ClientInfo(meta[MetaKey.clientInfo]?.object)
    }

    private static func missing(_ key: String) -> MCPError {
        .invalidParams("Every request of this protocol version carries \"\(key)\" in params._meta.")
    }

    private static func wrong(_ key: String, _ value: JSONValue, _ wanted: String) -> MCPError {
        .invalidParams("params._meta[\"\(key)\"] must be \(wanted), not \(value.kindName).")
    }

    static func badLevel(_ value: JSONValue?) -> MCPError {
        let found = value?.string.map { "\"\(MCPError.quotable($0))\"" } ?? value?.kindName ?? "nothing"
        let known = LogLevel.allCases.map(\.word).joined(separator: ", ")
        return .invalidParams("The log level must be one of \(known), not \(found).")
    }
}
