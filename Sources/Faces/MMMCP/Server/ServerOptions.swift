import MMCore

/// How a server behaves where the protocol leaves room.
package struct ServerOptions: Sendable {
    /// The maximum number of items on one page of a list. Generous, because many clients read only the first page.
    package var pageSize = 1000
    /// The lists that can change while the server runs; the program announces changes through ``MCPServer/changes``.
    package var changingLists: Set<ListKind> = []
    /// Whether clients may subscribe to changes of single resources.
    package var offersResourceSubscriptions = false
    /// How long a question to a legacy client stays open.
    package var questionTimeout: Duration = .seconds(300)
    /// The key that seals the state which modern clients keep between a question and its answer, at least 32 random
    /// bytes; `nil` creates one at start, which no other process knows.
    package var stateKey: [UInt8]?
    /// How long a modern client may take to return with the answer to a question.
    package var stateLifetime: Duration = .seconds(600)
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
enum CacheHint {
    /// The lists of tools, prompts and templates, and the answer to `server/discover`: the same for everybody.
    case lists
    /// The list of resources and their contents: only for the caller, who has to ask every time.
    case resources

    func add(to result: inout JSONObject) {
        switch self {
        case .lists: (result["ttlMs"], result["cacheScope"]) = (300_000, "public")
        case .resources: (result["ttlMs"], result["cacheScope"]) = (0, "private")
        }
    }
}
