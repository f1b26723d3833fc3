public import MMCore

/// What a handler knows about the request it serves, and its means of reaching the client meanwhile.
///
/// The request's task is cancelled when the client cancels the request; messages sent after that are dropped.
public struct RequestContext: Sendable {
    let profile: CallProfile
    let call: LiveCall
    let session: Session
    let replies: QuestionRounds?
    /// Whether the call may be answered with a task: then ``ToolResult/task(_:)`` may be its result.
    public internal(set) var taskWish = TaskWish.unwanted

    /// Whether the client negotiated a session (legacy) or describes itself in each request (modern).
    package var era: Era { profile.era }
    /// The protocol revision that the request follows.
    public var protocolVersion: ProtocolVersion { profile.version }
    /// The capabilities that the client declares.
    public var clientCapabilities: ClientCapabilities { profile.capabilities }
    /// The client program's name and version.
    public var clientInfo: ClientInfo { profile.clientInfo }
    /// The sender of the request.
    public var principal: Principal { profile.principal }
    /// The name of the client's session, where the transport names sessions. Treat it as a secret: it grants the
    /// session.
    public var sessionName: String? { session.name }
    /// The request's id.
    package var requestID: RequestID { call.id }
    /// The request's `_meta`.
    public var meta: JSONObject { profile.meta }

    /// Whether the client asked for progress notifications.
    public var wantsProgress: Bool { profile.progressToken != nil }

    /// Reports progress, if the client asked for it.
    ///
    /// Cheap enough for every step of a loop: only increases are sent, first in a small burst and then about four a
    /// second; reaching the total is always sent.
    /// - Parameters:
    ///   - progress: the amount of work done; must increase with every call.
    ///   - total: the amount of work in all, if known.
    ///   - message: what is being done.
    public func progress(_ progress: Double, of total: Double? = nil, _ message: String? = nil) {
        guard let token = profile.progressToken else { return }
        call.sendProgress(
            progress, of: total,
            {
                var params: JSONObject = ["progressToken": token, "progress": Self.number(progress)]
                params["total"] = total.map(Self.number)
                params["message"] = message.map(JSONValue.string)
                return Envelope.notification("notifications/progress", params)
            }()
        )
    }

    /// Sends a log message, if the client wants messages of this level. Never log secrets.
    /// - Parameters:
    ///   - level: how serious the message is.
    ///   - data: a text or any other JSON value.
    ///   - logger: the part of the program that logs.
    public func log(_ level: LogLevel, _ data: JSONValue, logger: String? = nil) {
        guard session.server.options.offersLogging, let wanted = wantedLogLevel, level >= wanted else { return }
        call.sendIfRoom(
            {
                var params: JSONObject = ["level": .string(level.word)]
                params["logger"] = logger.map(JSONValue.string)
                params["data"] = data
                return Envelope.notification("notifications/message", params)
            }()
        )
    }

    /// Closes the client's HTTP connection while the work continues; the client reconnects for the remaining messages.
    /// Does nothing where the revision has no way to reconnect.
    /// - Parameter wait: how long the client is asked to wait before it reconnects.
    public func releaseConnection(retryAfter wait: Duration = .seconds(1)) { call.release(retryAfter: wait) }

    /// A legacy client may change its level while the call runs; a modern one sets it in the request.
    private var wantedLogLevel: LogLevel? { era == .modern ? profile.logLevel : session.logLevel }

    private static func number(_ value: Double) -> JSONValue {
        Int64(exactly: value).map(JSONValue.int) ?? .double(value)
    }
}

/// The context of a tool call.
public typealias ToolContext = RequestContext
