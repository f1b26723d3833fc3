import MMCore

/// How a server behaves where the protocol leaves room.
package struct ServerOptions: Sendable {
    /// The maximum number of items on one page of a list. Generous, because many clients read only the first page.
    package var pageSize = 1000
    /// How long clients may cache the lists of tools, prompts and templates, and the answer to `server/discover`.
    package var listCache = CacheHint(.seconds(300), .public)
    /// How long clients may cache the list of resources and their contents.
    package var resourceCache = CacheHint(.zero, .private)
    /// The lists that can change while the server runs; the program announces changes through ``MCPServer/changes``.
    package var changingLists: Set<ListKind> = []
    /// Whether clients may subscribe to changes of single resources.
    package var offersResourceSubscriptions = false
    /// Whether log messages are sent to clients at all.
    package var offersLogging = true
    /// The level of log messages that a legacy client receives before it has set one itself; `nil` sends none.
    package var initialLogLevel: LogLevel? = .info
    /// How long a question to a legacy client stays open.
    package var questionTimeout: Duration = .seconds(300)
    /// The key that seals the state which modern clients keep between a question and its answer, at least 32 random
    /// bytes; `nil` creates one at start, which no other process knows.
    package var stateKey: [UInt8]?
    /// How long a modern client may take to return with the answer to a question.
    package var stateLifetime: Duration = .seconds(600)
    /// Whether structured results are validated against their tool's output schema before they are sent.
    package var checksResults = true
    /// The limits on each caller's tool calls, over all its connections; `nil` for none.
    package var callLimits: CallLimits?
    /// The limits on a client's traffic.
    package var limits = ServerLimits()

    /// Creates the options that suit most servers.
    package init() {}
}

/// A list that a server offers.
package enum ListKind: Sendable, Hashable, CaseIterable {
    case tools
    case prompts
    case resources
}

/// The limits on what a server accepts from a client it doesn't trust.
package struct ServerLimits: Sendable {
    /// The maximum size of a message on a pipe, in bytes.
    package var messageBytes = 64 << 20
    /// The maximum nesting depth of a message.
    package var nesting = 256
    /// The maximum number of open calls per connection.
    package var openCalls = 16_384
    /// The maximum size of the messages behind a connection's open calls, in bytes.
    package var openCallBytes = 256 << 20
    /// How long a pipe is left unread while those limits are reached and no open call ends; after that, further calls
    /// are refused.
    package var fullQueueTimeout: Duration = .seconds(5)
    /// The maximum number of resources that one client may watch.
    package var watchedResources = 1000
    /// The maximum number of bytes that may wait for a client that doesn't read; beyond it nothing more is read from
    /// that client.
    package var unreadBytes = 32 << 20
    /// How long a pipe's calls may continue after its end of input; longer as long as they keep ending steadily.
    /// Clients that want the program to end wait for two seconds before they send a signal.
    package var drainGracePeriod: Duration = .milliseconds(1_500)
    /// How long the last answers may take to be written after that, to a client that reads slowly or not at all.
    package var lastWrites: Duration = .seconds(1)

    /// Creates the limits that suit most servers.
    package init() {}
}

/// How long a modern client may cache an answer, and for whom.
package struct CacheHint: Sendable, Hashable {
    /// Who may share a cached answer.
    package enum Scope: String, Sendable, Hashable {
        /// The same for everybody.
        case `public`
        /// Only for the caller.
        case `private`
    }

    /// How long the answer stays fresh; zero means that the client has to ask every time.
    package var lifetime: Duration
    /// Who may share the cached answer.
    package var scope: Scope

    package init(_ lifetime: Duration, _ scope: Scope) {
        self.lifetime = lifetime
        self.scope = scope
    }

    func add(to result: inout JSONObject) {
        let (seconds, attoseconds) = lifetime.components
        let milliseconds = seconds.multipliedReportingOverflow(by: 1000)
        let whole = milliseconds.overflow ? Int64.max : milliseconds.partialValue + attoseconds / 1_000_000_000_000_000
        result["ttlMs"] = .int(max(0, whole))
        result["cacheScope"] = .string(scope.rawValue)
    }
}
