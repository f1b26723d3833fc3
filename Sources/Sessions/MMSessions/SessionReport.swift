package import MMCore

/// A report about one session.
public struct SessionReport<Key: PoolKey>: Sendable {
    /// Its name.
    public let key: Key
    /// Its state.
    public let state: SessionState
    /// The account that is signed in.
    public let account: String?
    /// When it was first requested.
    package let createdAt: Timestamp
    /// When a command last ended.
    package let lastUsed: Timestamp?
    /// The number of commands so far.
    public let commands: Int
    /// The number of waiting callers.
    package let waiting: Int
    /// The memory of its process in bytes.
    public let memory: Int?
    /// The name of the engine that carries out its commands, if there is a choice.
    public var engine: String?
    /// How long it has been unused.
    package var idle = Duration.zero
}
