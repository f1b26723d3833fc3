/// The right to run one command in a session, held by one caller at a time.
public struct SessionLease<Factory: SessionFactory>: Sendable {
    /// Whose session it is.
    public let key: Factory.Key
    /// The session.
    public let session: Factory.Session
    /// The account that signed in.
    public let account: String
    /// Whether the session was started for this lease, after the one before was lost.
    public let isFresh: Bool

    /// Whether nobody has had the session before.
    let isFirst: Bool
    let generation: Int
    let turn: TurnQueue.Turn
}
