import MMCore

/// What a pool keeps for one key. Lives inside the pool's actor.
struct Slot<Session: PooledSession> {
    /// A caller that waits for its turn.
    struct Caller {
        let place: TurnQueue.Place
        /// Whether it waits while a person signs in, and how it is told.
        let onPrompt: (@Sendable (JSONObject) -> Void)?
    }

    var life: SessionLife<JSONObject, String>
    /// Where its callers wait, and nowhere else. Who opens the session has the turn, and so has who asks how it is.
    let turns = TurnQueue()
    var callers: [Caller] = []
    var session: Session?
    var opening: Task<Void, Never>?
    /// The account that signed in last.
    var account: String?
    /// Why the sign-in was refused, while nobody has been told.
    var untold: MMError?
    var isFresh = false
    /// Whether nobody has had the session yet.
    var isFirst = false
    var commands = 0
    var createdAt: Timestamp
    var lastUsed: Timestamp?
    /// When it last answered that it is well, without being used.
    var lastPing: Timestamp?
    /// When it last changed its state or was used, on the pool's clock.
    var touched: Duration
    /// When it ends if nobody uses it.
    var idleLimit: Duration
    /// When it was last asked how it is, or used.
    var checked: Duration

    /// A session that is ready and that nobody uses or waits for.
    var idle: (session: Session, generation: Int)? {
        guard life.identity != nil, !turns.isTaken, let session else { return nil }
        return (session, life.generation)
    }

    /// Where it stands, as reports tell it.
    var standing: SessionState {
        switch life.state {
        case .off, .starting: .starting
        case .signingIn(let prompt): .signingIn(prompt: prompt)
        case .ready: turns.isTaken ? .busy : .ready
        case .failed(let error): .failed(error)
        case .lost: .lost
        case .closed: .stopped
        }
    }
}
