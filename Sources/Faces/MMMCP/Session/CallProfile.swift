import MMCore

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
