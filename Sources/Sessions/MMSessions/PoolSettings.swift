/// The limits and timeouts of a pool.
public struct PoolSettings: Sendable {
    /// The maximum number of sessions; at the limit, the longest idle one is ended.
    public var maxSessions = 500
    /// The maximum number of sessions of one owner (the connection, unless the factory has its own keys); `nil` for no
    /// limit.
    package var maxSessionsPerOwner: Int?
    /// How long a session may be idle before its health is checked.
    package var keepAliveAfter: Duration = .seconds(300)
    /// The timeout of a health check.
    package var healthTimeout: Duration = .seconds(30)
    /// How long a session may take to stop a health check that has reached its timeout, before it is ended: longer than
    /// a PowerShell's own stop takes, which waits ten seconds for one that stalls.
    package var healthGrace: Duration = .seconds(20)
    /// When an unfinished sign-in or a failed session is removed.
    package var pendingTimeout: Duration = .seconds(900)
    /// When an unused session is ended.
    public var idleTimeout: Duration = .seconds(86_400)
    /// The timeout of a start; `nil` for none.
    package var startTimeout: Duration? = .seconds(60)
    /// Whether an opening continues when no caller waits for it any more, because a person may be signing in; its
    /// failure is then kept for the reports.
    package var opensUnattended = true
    /// The maximum number of sessions that are started ahead of their first use.
    package var maxSpares = 8
    /// How long to wait before starting a spare session again after a failure.
    package var spareRetryDelay: Duration = .seconds(300)
    /// The interval of the pool's maintenance.
    package var maintenanceInterval: Duration = .seconds(15)

    /// The limits of a call that specifies none of its own.
    var limits: SessionLimits {
        SessionLimits(total: maxSessions, perOwner: maxSessionsPerOwner, idle: idleTimeout, evictableAfter: .zero)
    }

    /// Creates the standard settings.
    public init() {}
}
