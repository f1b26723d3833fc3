package import MMCore
package import MMOperations

/// What is special about a profile where it is served by HTTP.
package struct ProfileHTTP: Sendable {
    /// A page beside the protocol, answered as JSON.
    package typealias Page = @Sendable (OperationServices) async -> JSONValue
    /// What is done when a client's session has ended.
    package typealias SessionEnd = @Sendable (_ owner: String, OperationServices) async -> Void

    /// The server's name, where it isn't the profile's.
    package var serverName: String?
    /// The server's version, where it isn't the product's.
    package var serverVersion: String?
    /// Whether what a client leaves behind is there for its next session too: it belongs to whoever has proven the same
    /// identity, not to one session of the protocol.
    package var outlivesSessions: Bool
    /// How long a client's session may be idle; nil as usual.
    package var sessionIdle: Duration?
    /// Pages by their paths, for everybody who may ask for them: they hold nothing of anybody's.
    package var pages: [String: Page]
    /// What whoever starts the server should know.
    package var warnings: [String]
    /// What is done when a client's session has ended: its owner, as `CallContext.shellOwner` names it.
    package var sessionEnded: SessionEnd?

    package init(
        serverName: String? = nil, serverVersion: String? = nil, outlivesSessions: Bool = false,
        sessionIdle: Duration? = nil, pages: [String: Page] = [:],
        warnings: [String] = [], sessionEnded: SessionEnd? = nil
    ) {
        self.warnings = warnings
        self.outlivesSessions = outlivesSessions
        self.serverName = serverName
        self.serverVersion = serverVersion
        self.sessionIdle = sessionIdle
        self.pages = pages
        self.sessionEnded = sessionEnded
    }
}
