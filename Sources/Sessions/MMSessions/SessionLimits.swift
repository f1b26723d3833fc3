/// The limits of a pool's sessions, by number and idle time.
package struct SessionLimits: Sendable {
    /// The maximum number of sessions.
    package var total: Int
    /// The maximum number of sessions of one owner; `nil` for no separate limit.
    package var perOwner: Int?
    /// When an unused session is ended.
    package var idle: Duration
    /// How long a session must have been idle before it may be ended in favour of another one.
    package var evictableAfter: Duration
    /// How their owner knows the limits of the number, for errors.
    package var names = (total: "the limit", perOwner: "the limit")

    /// Creates limits.
    /// - Parameter evictableAfter: how long an idle session is safe from being ended in favour of another one.
    package init(total: Int, perOwner: Int?, idle: Duration, evictableAfter: Duration) {
        self.total = total
        self.perOwner = perOwner
        self.idle = idle
        self.evictableAfter = evictableAfter
    }
}
