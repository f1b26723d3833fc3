public import MMCore

/// A step of a session's sign-in in which a person has a part.
public enum SignInStep: Sendable {
    /// A person is needed: the details of a `sign_in_needed` error.
    case personNeeded(JSONObject)
    /// The person has done their part; what is left needs nobody.
    case approved
}

/// A long-lived place where commands run, as the pool sees it: it can be connected, checked and closed.
public protocol PooledSession: Sendable {
    /// Called before the session is connected: whoever uses the session holds the turn of this queue. Commands that
    /// continue after their caller has left, and health checks that may be cancelled, hold a share of it; the session's
    /// own upkeep takes the turn when it is free.
    func lend(through turns: TurnQueue) async

    /// Signs in, and keeps waiting for a person who is needed.
    /// - Parameter report: told how far it has come.
    /// - Returns: the account that signed in, for display.
    /// - Throws: `MMError` if the sign-in failed or the account isn't the expected one.
    func connect(report: @escaping @Sendable (SignInStep) -> Void) async throws(MMError) -> String

    /// Checks whether the session still works. It is cancelled at its timeout.
    /// - Throws: `signInNeeded`, `forbidden` or `sessionLost` if it doesn't, and is to be ended; anything else for a fault that
    ///   passes.
    func checkHealth() async throws(MMError)

    /// Whether the session can still take a command.
    var isUsable: Bool { get async }

    /// The memory of its process in bytes, if it has one.
    var memory: Int? { get async }

    /// Whether the session was started and waits for its first sign-in.
    var isSpare: Bool { get async }

    /// Starts what usually waits until a command needs it, in a session that is kept ready for its first caller.
    /// - Throws: `MMError` if it can't be started; the error says what to install or repair.
    func warmUp() async throws(MMError)

    /// Signs out of the service, so that no state is left with which the next session could sign in; limited in time.
    func signOut() async

    /// Why a person has to sign in before the session can take a command; `nil` where nothing of the kind is known.
    var missingSignIn: MMError? { get async }

    /// The name of the engine that carries out its commands, if there is a choice; for display.
    var engine: String? { get async }

    /// Ends the session, even while it is connecting or running a command. Its process is gone afterwards.
    func close() async
}

extension PooledSession {
    /// A session that can take a command can also be signed in.
    public var isSpare: Bool { get async { await isUsable } }

    /// The session has no use for the queue.
    public func lend(through turns: TurnQueue) async {}

    /// Everything was started with it.
    public func warmUp() async throws(MMError) {}

    /// There is nothing to sign out of.
    public func signOut() async {}

    /// Nothing is known of the end of a sign-in.
    public var missingSignIn: MMError? { get async { nil } }

    /// There is no choice of engines.
    public var engine: String? { get async { nil } }
}

/// Creates the sessions of a pool.
public protocol SessionFactory: Sendable {
    /// The type of the sessions' names.
    associatedtype Key: PoolKey = SessionKey
    /// The type of the sessions.
    associatedtype Session: PooledSession

    /// Starts a session that isn't signed in yet.
    /// - Throws: `MMError` if it can't be started; the error says what to install or repair.
    func start(_ key: Key) async throws(MMError) -> Session
}
