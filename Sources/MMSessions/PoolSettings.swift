/// Limits and times of a pool.
public struct PoolSettings: Sendable {
    /// Most sessions at once; the longest idle one makes room.
    public var mostSessions = 500
    /// Most sessions of one owner, which is the connection unless the factory has keys of its own; `nil`: no limit.
    public var mostSessionsOfOwner: Int?
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
    /// How long a start may take; `nil`: as long as it wants.
    public var startLimit: Duration? = .seconds(60)
    /// Whether an opening goes on when nobody waits for it any more, since a person may be signing in; what fails is then kept
    /// for the reports.
    package var opensUnattended = true
    /// Most sessions that are started ahead of their first use.
    public var mostSpares = 8
    /// How long a session that could not be started ahead is left alone.
    public var spareRest: Duration = .seconds(300)
    /// How often the pool looks after its sessions.
    public var tick: Duration = .seconds(15)

    /// The limits of a call that brings none of its own.
    var limits: SessionLimits {
        SessionLimits(all: mostSessions, ofOwner: mostSessionsOfOwner, idle: idleLimit, rest: .zero)
    }

    /// The standard settings.
    public init() {}
}
