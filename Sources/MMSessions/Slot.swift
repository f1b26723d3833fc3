import MMCore

/// What a pool keeps for one key. Lives inside the pool's actor.
struct Slot<Session: PooledSession> {
    /// A caller that waits for the session.
    struct Waiter {
        let id: Int
        /// Whether it waits while a person signs in, and how it is told.
        let onPrompt: (@Sendable (JSONObject) -> Void)?
        let resume: @Sendable (Result<SessionLease<Session>, MMError>) -> Void
    }

    /// Changes with every start, so that news of an older session is told apart.
    let generation: Int
    var state: SessionState = .starting
    var session: Session?
    var account: String?
    var bringUp: Task<Void, Never>?
    var waiters: [Waiter] = []
    /// Why the sign-in was refused, while nobody has been told.
    var untold: MMError?
    var isUnderCheck = false
    var isFresh: Bool
    var commands = 0
    let createdAt: Timestamp
    var lastUsed: Timestamp?
    /// When it last answered that it is well, without being used.
    var lastPing: Timestamp?
    /// When it last changed its state or was used, on the pool's clock.
    var touched: Duration
    /// When it was last asked how it is, or used.
    var checked: Duration
}
