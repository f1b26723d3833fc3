/// How a server behaves where the protocol leaves room.
public struct ServerOptions: Sendable {
    /// Most items on one page of a list. Many clients read only the first page, so this is generous.
    public var pageSize = 1000
    /// How long clients may keep the lists of tools, prompts and templates, and the answer to discovery.
    public var listCache = CacheHint(.seconds(300), .public)
    /// How long clients may keep the list of resources and what they read.
    public var resourceCache = CacheHint(.zero, .private)
    /// Which lists can change while the server runs; the program tells by ``MCPServer/changes``.
    public var changingLists: Set<ListKind> = []
    /// Whether clients may ask to hear of changes of single resources.
    public var offersResourceSubscriptions = false
    /// Whether log messages are sent to clients at all.
    public var offersLogging = true
    /// From which level on a legacy client gets log messages before it has set a level; `nil` means none.
    public var initialLogLevel: LogLevel? = .info
    /// How long a question to a legacy client's user stays open.
    public var questionTimeout: Duration = .seconds(300)
    /// The key that seals what modern clients keep between a question and its answer, at least 32 random bytes; `nil`
    /// makes one at start, which other processes don't know.
    public var stateKey: [UInt8]?
    /// How long a modern client may take to come back with the answer to a question.
    public var stateLifetime: Duration = .seconds(600)
    /// Whether structured results are checked against their tool's output schema before they are sent.
    public var checksResults = true
    /// How much of a client's traffic is taken.
    public var limits = ServerLimits()

    /// The options that suit most servers.
    public init() {}
}

/// A list that a server offers.
public enum ListKind: Sendable, Hashable, CaseIterable {
    case tools
    case prompts
    case resources
}

/// How much a server takes from a client that it doesn't trust.
public struct ServerLimits: Sendable {
    /// Most bytes of one message on a pipe.
    public var messageBytes = 64 << 20
    /// Deepest nesting of a message.
    public var nesting = 256
    /// Most calls of one connection that may be open at once.
    public var openCalls = 16_384
    /// Most bytes of the messages behind the open calls of one connection.
    public var openCallBytes = 256 << 20
    /// How long a pipe is not read when those limits are reached and no open call ends; then more calls are refused.
    public var patience: Duration = .seconds(5)
    /// Most resources that one client may watch.
    public var watchedResources = 1000
    /// Most bytes that may wait for a client that doesn't read; past them nothing more is read from it.
    public var unreadBytes = 32 << 20
    /// How long a pipe's calls may go on after its end of input, unless some still end all the time.
    public var drain: Duration = .milliseconds(400)

    /// The limits that suit most servers.
    public init() {}
}
