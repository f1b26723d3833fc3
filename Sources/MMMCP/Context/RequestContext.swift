public import MMCore

/// What a handler knows about the request it serves, and its ways to reach the client while it does.
///
/// The request's task is cancelled when the client calls it off; what is sent after that goes nowhere.
public struct RequestContext: Sendable {
    let profile: CallProfile
    let call: LiveCall
    let session: Session
    let replies: Replies?

    /// Whether the client negotiated a session or says everything with each request.
    package var era: Era { profile.era }
    /// The revision of the protocol that the request follows.
    public var protocolVersion: ProtocolVersion { profile.version }
    /// What the client can do.
    public var clientCapabilities: ClientCapabilities { profile.capabilities }
    /// Which program the client is.
    public var clientInfo: ClientInfo { profile.clientInfo }
    /// Who sent the request.
    public var principal: Principal { profile.principal }
    /// The name of the client's session, where the transport has named sessions; as secret as the session itself.
    public var sessionName: String? { session.name }
    /// The request's id.
    package var requestID: RequestID { call.id }
    /// The request's `_meta`.
    public var meta: JSONObject { profile.meta }

    /// Whether the client wants to hear of progress.
    public var wantsProgress: Bool { profile.progressToken != nil }

    /// Tells how far the work is, where the client wants to know.
    ///
    /// Cheap enough for every step of a loop: only increases are sent, a few at once and then about four a second;
    /// reaching the total is always sent.
    /// - Parameters:
    ///   - progress: how far the work is; must grow.
    ///   - total: how far it goes, if known.
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

    /// Sends a log message, where the client wants messages of this level. Never log secrets.
    /// - Parameters:
    ///   - level: how serious it is.
    ///   - data: a text or anything else.
    ///   - logger: which part of the program speaks.
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

    /// Lets the client's HTTP connection go while the work goes on; the client comes back for the rest. Where the
    /// revision has no way back, nothing happens.
    /// - Parameter wait: when the client is to come back.
    public func releaseConnection(retryAfter wait: Duration = .seconds(1)) { call.release(retryAfter: wait) }

    /// A legacy client may change its level while the call runs; a modern one said it with the request.
    private var wantedLogLevel: LogLevel? { era == .modern ? profile.logLevel : session.logLevel }

    private static func number(_ value: Double) -> JSONValue {
        Int64(exactly: value).map(JSONValue.int) ?? .double(value)
    }
}

/// What a tool's handler knows about its call.
public typealias ToolContext = RequestContext
