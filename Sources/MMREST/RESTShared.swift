import MMPoolWire

/// What the routers of one process have in common, however many addresses it listens at.
package final class RESTShared: Sendable {
    /// Counts the calls of all of them.
    package let metrics = PoolMetrics()
    /// A token that came through the socket unlocks a page that came over TCP.
    let lock = DashboardLock()
    /// What calls under way have asked their clients for.
    let open = OpenCalls()

    /// Nothing counted, asked or unlocked yet.
    package init() {}
}
