import MMCore

/// A pool's entry for one key. It lives inside the pool's actor.
final class Slot<Session: PooledSession> {
    /// A caller that waits for its turn.
    struct Caller {
        let place: TurnQueue.Place
        /// Called when a person must sign in, if the caller keeps waiting meanwhile.
        let onPrompt: (@Sendable (JSONObject) -> Void)?
        /// Whether no person is present who could be asked (``Attendance``).
        let isUnattended: Bool
    }

    var life: SessionLife<JSONObject, String>
    /// The only queue of its callers. The task that opens the session or checks its health holds the turn.
    let turns = TurnQueue()
    var callers: [Caller] = []
    var session: Session?
    var opening: Task<Void, Never>?
    /// The account that signed in last.
    var account: String?
    /// The error of a failed sign-in for which a person had been shown a code, and the session that was to sign in;
    /// kept until a caller has been told.
    var untold: (error: MMError, session: Session?)?
    /// The message of a failed sign-in that a new code can repair; shown together with that code.
    var reason: String?
    /// The error that says why a person must sign in again, after the session was given up for that reason.
    var missing: MMError?
    /// Whether a person has been shown a code for this opening.
    var wasShown = false
    var isFresh = false
    /// Whether the session hasn't been used yet.
    var isFirst = false
    var commands = 0
    var createdAt: Timestamp
    var lastUsed: Timestamp?
    /// When it last passed a health check without being used.
    var lastPing: Timestamp?
    /// When it last changed its state or was used, on the pool's clock.
    var touched: Duration
    /// How long it may stay unused before it is ended.
    var idleLimit: Duration
    /// When it was last checked or used.
    var checked: Duration

    init(life: SessionLife<JSONObject, String>, createdAt: Timestamp, touched: Duration, idleLimit: Duration) {
        (self.life, self.createdAt, self.touched, self.idleLimit) = (life, createdAt, touched, idleLimit)
        checked = touched
    }

    /// The session if it is ready, and no caller uses it or waits for it.
    var idle: (session: Session, generation: Int)? {
        guard life.identity != nil, !turns.isTaken, let session else { return nil }
        return (session, life.generation)
    }

    /// The state that reports show.
    var standing: SessionState {
        switch life.state {
        case .off, .starting: .starting
        case .signingIn(let prompt): .signingIn(prompt: prompt)
        case .ready: turns.isTaken ? .busy : .ready
        case .failed(let error): .failed(error)
        // A pool removes the entry of a session that it closes.
        case .lost, .closed: missing.map { SessionState.failed($0) } ?? .lost
        }
    }
}
