/// Limits and times of a pool.
public struct PoolSettings: Sendable {
    /// Most sessions at once; the longest idle one makes room.
    public var mostSessions = 500
    /// Most memory of all sessions' processes in bytes; `nil`: no limit.
    public var mostMemory: Int?
    /// How long an idle session rests before it is asked how it is.
    public var keepAliveAfter: Duration = .seconds(300)
    /// How long that question may take.
    public var healthLimit: Duration = .seconds(30)
    /// How long a call waits for news of a sign-in whose code was shown before: the usual time between two questions to the
    /// service, and what a session needs then.
    public var approvalLimit: Duration = .seconds(8)
    /// When a sign-in that nobody finished, or a failed session, is cleared away.
    public var pendingLimit: Duration = .seconds(900)
    /// When a session that nobody used ends.
    public var idleLimit: Duration = .seconds(86_400)
    /// How long a start may take.
    public var startLimit: Duration = .seconds(60)
    /// Most sessions that are started ahead of their first use.
    public var mostSpares = 8
    /// How long a session that could not be started ahead is left alone.
    public var spareRest: Duration = .seconds(300)
    /// How often the pool looks after its sessions.
    public var tick: Duration = .seconds(15)

    /// The standard settings.
    public init() {}
}
