/// The right to run one command in a session. One caller holds it at a time.
public struct SessionLease<Factory: SessionFactory>: Sendable {
    /// The session's name.
    public let key: Factory.Key
    /// The session.
    public let session: Factory.Session
    /// The account that is signed in.
    public let account: String
    /// Whether the session was started for this lease because the previous one was lost.
    public let isFresh: Bool

    /// Whether the session has never been used before.
    let isFirst: Bool
    let generation: Int
    let turn: TurnQueue.Turn
}
