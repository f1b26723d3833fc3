public import MMCore

/// How a server behaves over HTTP.
public struct HTTPOptions: Sendable {
    /// The one path that is served, with or without a trailing slash.
    public var path = "/mcp"
    /// Names under which clients may reach the server, besides `localhost`, `127.0.0.1` and `[::1]`.
    public var allowedHosts: [String] = []
    /// Whether any numeric address is accepted as well; for a network that is trusted as a whole.
    package var allowsIPAddressHosts = false
    /// The secret that clients present (`Authorization: Bearer`); `nil` admits everyone who can reach the server.
    public var secret: Secret?
    /// Whether each request must come with its sender (``MCPHTTPRequest/principal``), because the HTTP server around
    /// the engine authenticates clients, for example by access tokens.
    public var requiresPrincipal = false
    /// The URL of the protected resource metadata (RFC 9728), when there is an authorization server.
    public var resourceMetadata: String?
    /// The maximum size of a request's body, in bytes.
    package var bodyBytes = 16 << 20
    /// The maximum number of simultaneous legacy sessions.
    package var maxSessions = 2000
    /// The maximum number of simultaneous legacy sessions of one principal; `nil` for any number.
    package var maxSessionsPerPrincipal: Int?
    /// How long a legacy session is kept without a request or an open stream.
    package var sessionIdle: Duration = .seconds(1800)
    /// How long to wait for an answer before a stream of events begins instead of a single JSON object.
    package var streamingDelay: Duration = .seconds(1)
    /// The maximum number of bytes kept for a client that was cut off from its stream.
    package var replayBytes = 1 << 20

    /// Called with the name of a legacy session that has ended: the client ended it, it was idle for too long, or the
    /// server stops.
    package var sessionEnded: (@Sendable (String) -> Void)?

    /// Creates the options that suit a server for one person.
    public init() {}
}
