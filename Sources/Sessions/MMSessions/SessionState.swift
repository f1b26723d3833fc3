public import MMCore

/// The state of a session.
public enum SessionState: Sendable {
    /// Its process or connection is starting.
    case starting
    /// It is signing in; the prompt is set once a person is needed.
    case signingIn(prompt: JSONObject?)
    /// Signed in and free.
    case ready
    /// Signed in and lent to a caller.
    case busy
    /// The sign-in or the start failed.
    case failed(MMError)
    /// Its process ended unexpectedly; the next call starts another.
    case lost

    /// Whether the session is signed in.
    package var isSignedIn: Bool {
        switch self {
        case .ready, .busy: true
        case .starting, .signingIn, .failed, .lost: false
        }
    }

    /// The state in one word, as `mm status` shows it.
    public var word: String {
        switch self {
        case .starting: "starting"
        case .signingIn: "signing in"
        case .ready: "ready"
        case .busy: "busy"
        case .failed: "failed"
        case .lost: "lost"
        }
    }
}

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
