/// What a pool has done so far.
public struct PoolCounters: Sendable, Hashable {
    /// Leases given out.
    public var commands = 0
    /// Leases that ended with an error of the session.
    public var errors = 0
    /// Sign-ins that succeeded.
    public var signIns = 0
    /// Sessions started.
    public var starts = 0
    /// Sessions started again after their process was lost.
    public var restarts = 0
    /// Health questions asked of idle sessions.
    public var keepAlives = 0
    /// Those that failed.
    public var keepAliveFailures = 0
    /// Sessions cleared away because nobody used or finished them.
    public var reaped = 0

    /// Nothing yet.
    public init() {}
}
