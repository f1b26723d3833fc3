/// Counters of what a pool has done so far.
package struct PoolCounters: Sendable, Hashable {
    /// Leases given to callers.
    package var commands = 0
    /// Leases that ended with an error of the session.
    package var errors = 0
    /// Sign-ins that succeeded.
    package var signIns = 0
    /// Sessions started.
    package var starts = 0
    /// Sessions that were restarted after their process was lost.
    package var restarts = 0
    /// Health checks of idle sessions.
    package var keepAlives = 0
    /// Health checks that failed.
    package var keepAliveFailures = 0
    /// Sessions that were removed because they stayed unused or unfinished.
    package var reaped = 0

    /// Creates counters at zero.
    package init() {}
}
