public import MMCore

/// How a server behaves over HTTP.
public struct HTTPOptions: Sendable {
    /// The one path that is served, with or without a slash at its end.
    public var path = "/mcp"
    /// Names beside `localhost`, `127.0.0.1` and `[::1]` under which clients may reach the server.
    public var allowedHosts: [String] = []
    /// Whether any numeric address is good as well: for a network that is trusted as a whole.
    public var admitsNumericHosts = false
    /// What clients prove themselves with (`Authorization: Bearer`); `nil` admits everybody whom the network lets in.
    public var secret: Secret?
    /// Where the protected resource's metadata (RFC 9728) is, when there is an authorization server.
    public var resourceMetadata: String?
    /// Most bytes of a request's body.
    public var bodyBytes = 16 << 20
    /// Most legacy sessions at a time.
    public var maxSessions = 2000
    /// How long a legacy session is kept without a request or an open stream.
    public var sessionIdle: Duration = .seconds(1800)
    /// How long a call may take to be answered by one JSON object; then a stream of events begins.
    public var patience: Duration = .seconds(1)
    /// Most bytes that are kept for a stream's client that was cut off.
    public var replayBytes = 1 << 20

    /// Told the name of a legacy session that has ended: its client said so, was idle for too long, or the server stops.
    public var sessionEnded: (@Sendable (String) -> Void)?

    /// The options that suit a server of one person.
    public init() {}
}
