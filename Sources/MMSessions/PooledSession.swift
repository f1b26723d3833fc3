public import MMCore

/// A long-lived place where commands run, as the pool sees it: it can be connected, asked how it is, and closed.
public protocol PooledSession: Sendable {
    /// Told before it is connected: whoever uses it has the turn of this queue. Commands that go on after their caller has
    /// left, and health checks that may be called off, hold a share in it; upkeep of its own takes it when it is free.
    func lend(through turns: TurnQueue) async

    /// Signs in.
    /// - Parameter prompt: called when a person is needed, with the details of a `sign_in_needed` error; the call goes on
    ///   waiting for the person.
    /// - Returns: the account that signed in, for people.
    /// - Throws: `MMError` when the sign-in failed or the account is a wrong one.
    func connect(prompt: @escaping @Sendable (JSONObject) -> Void) async throws(MMError) -> String

    /// Asks the far side whether the session still works. Cancelled when its time is over.
    /// - Throws: `MMError` when it does not.
    func checkHealth() async throws(MMError)

    /// Whether it can still take a command.
    var isUsable: Bool { get async }

    /// Memory of its process in bytes, where it has one.
    var memory: Int? { get async }

    /// Whether it was started and waits for its first sign-in.
    var isSpare: Bool { get async }

    /// Signs out of the service, so that nothing is left which would let the next session in; bounded in time.
    func signOut() async

    /// What carries its commands out, where there is a choice: a word for people.
    var engine: String? { get async }

    /// Ends it, also while it is connecting or running a command; its process is gone afterwards.
    func close() async
}

extension PooledSession {
    /// What can take a command can also be signed in.
    public var isSpare: Bool { get async { await isUsable } }

    /// Nothing of it waits for anything.
    public func lend(through turns: TurnQueue) async {}

    /// Nothing to sign out of.
    public func signOut() async {}

    /// There is no choice.
    public var engine: String? { get async { nil } }
}

/// Makes the sessions of a pool.
public protocol SessionFactory: Sendable {
    /// What names a session.
    associatedtype Key: PoolKey = SessionKey
    /// What it makes.
    associatedtype Session: PooledSession

    /// Starts a session that is not signed in yet.
    /// - Throws: `MMError` when it can't be started; the error says what to install or mend.
    func start(_ key: Key) async throws(MMError) -> Session
}
