/// The right to run one command in a session, held by one caller at a time.
public struct SessionLease<Session: PooledSession>: Sendable {
    /// Whose session it is.
    public let key: SessionKey
    /// The session.
    public let session: Session
    /// The account that signed in.
    public let account: String
    /// Whether the session was started for this lease, after the one before was lost.
    public let isFresh: Bool

    let generation: Int
    let turn: TurnQueue.Turn
}
