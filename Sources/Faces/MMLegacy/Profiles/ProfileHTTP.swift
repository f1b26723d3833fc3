package import MMCore
package import MMOperations

/// The peculiarities of a profile that is served over HTTP.
package struct ProfileHTTP: Sendable {
    /// A page beside the protocol, returned as JSON.
    package typealias Page = @Sendable (OperationServices) async -> JSONValue
    /// Called when a client's session has ended.
    package typealias SessionEnd = @Sendable (_ owner: String, OperationServices) async -> Void

    /// The server's name, if it differs from the profile's.
    package var serverName: String?
    /// The server's version, if it differs from the product's.
    package var serverVersion: String?
    /// Whether what a client leaves behind is available to its next session: it then belongs to everyone who has proved
    /// the same identity, not to one session of the protocol.
    package var outlivesSessions: Bool
    /// How long a client's session may be idle; nil for the default.
    package var sessionIdle: Duration?
    /// Pages by path, for everyone who may reach the server; they contain nothing private.
    package var pages: [String: Page]
    /// Warnings for the person who starts the server.
    package var warnings: [String]
    /// Called when a client's session has ended, with its owner as named by `CallContext.shellOwner`.
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
