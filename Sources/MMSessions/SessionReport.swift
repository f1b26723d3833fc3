public import MMCore

/// What the pool tells about one session.
public struct SessionReport<Key: PoolKey>: Sendable {
    /// Its name.
    public let key: Key
    /// Where it stands.
    public let state: SessionState
    /// The account that signed in.
    public let account: String?
    /// When it was asked for first.
    public let createdAt: Timestamp
    /// When a command last ended.
    public let lastUsed: Timestamp?
    /// Commands so far.
    public let commands: Int
    /// Callers that wait for it.
    public let waiting: Int
    /// Memory of its process in bytes.
    public let memory: Int?
    /// What carries its commands out, where there is a choice.
    public var engine: String?
    /// How long nobody has used it.
    public var idle = Duration.zero
}
