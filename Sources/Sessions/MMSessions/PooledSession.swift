public import MMCore

/// A step of a session's sign-in that involves a person.
public enum SignInStep: Sendable {
    /// A person must sign in; the value is the details of a `sign_in_needed` error.
    case personNeeded(JSONObject)
    /// The person has finished; the remaining steps need no person.
    case approved
}

/// A long-lived session that runs commands, as the pool sees it: it can be connected, checked and closed.
public protocol PooledSession: Sendable {
    /// Signs in, and waits for the person if one must act.
    /// - Parameter report: receives the steps.
    /// - Returns: the account that signed in, for display.
    /// - Throws: `MMError` if the sign-in failed or the account isn't the expected one.
    func connect(report: @escaping @Sendable (SignInStep) -> Void) async throws(MMError) -> String

    /// Checks whether the session still works. The check is cancelled at its timeout.
    /// - Throws: `signInNeeded`, `forbidden` or `sessionLost` if the session doesn't work and must be ended; any other
    ///   error for a temporary fault.
    func checkHealth() async throws(MMError)

    /// Whether the session can still run a command.
    var isUsable: Bool { get async }

    /// The memory of its process in bytes, if it has one.
    var memory: Int? { get async }

    /// Whether the session was started and is ready for its first sign-in.
    var isSpare: Bool { get async }

    /// Starts what otherwise starts with the first command, in a session that is kept ready for its first caller.
    /// - Throws: `MMError` if it can't be started; the error says what to install or repair.
    func warmUp() async throws(MMError)

    /// Signs out of the service within a time limit, so that no state remains with which the next session could sign
    /// in.
    func signOut() async

    /// The reason why a person has to sign in before the session can run a command; `nil` if none is known.
    var missingSignIn: MMError? { get async }

    /// Whether the step that a person was shown serves no more: somebody has signed in for this session in another way
    /// meanwhile, or it would sign in differently by now.
    var isPromptObsolete: Bool { get async }

    /// The name of the engine that runs its commands, for display, if there is a choice.
    var engine: String? { get async }

    /// Ends the session and its process, even while it is connecting or running a command.
    func close() async
}

extension PooledSession {
    /// The default, whether the session is usable: one that can run a command can also be signed in.
    public var isSpare: Bool { get async { await isUsable } }

    /// Does nothing by default, because everything has been started with the session.
    public func warmUp() async throws(MMError) {}

    /// Does nothing by default, because there is nothing to sign out of.
    public func signOut() async {}

    /// The default, `nil`: no end of a sign-in is known.
    public var missingSignIn: MMError? { get async { nil } }

    /// The default, `false`: only the step that was shown leads on.
    public var isPromptObsolete: Bool { get async { false } }

    /// The default, `nil`: there is no choice of engines.
    public var engine: String? { get async { nil } }
}

/// A session that a new one can take the place of.
package protocol ReplaceableSession: PooledSession {
    /// Whether a new session would do as well: its callers have left nothing in it.
    var isReplaceable: Bool { get async }
}

/// A session whose callers wait in its pool's queue alone.
package protocol LentSession: PooledSession {
    /// Passes the queue whose turn a user of the session must hold; called before the session is connected. Commands
    /// that continue after their caller has left, and health checks that may be cancelled, hold a share of the turn;
    /// the session's own maintenance takes the turn when it is free.
    func lend(through turns: TurnQueue) async
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
