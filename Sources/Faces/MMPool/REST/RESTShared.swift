package import MMOperations

/// The state shared by the routers of one process, however many addresses it listens on.
package final class RESTShared: Sendable {
    /// The metrics of all calls.
    package let metrics = PoolMetrics()
    /// The dashboard's lock: a token obtained through the socket unlocks a page that was loaded over TCP.
    let lock = DashboardLock()
    /// The passkeys that pages are being asked for: a link made through the socket is used by a page loaded over TCP.
    let ceremonies: PasskeyCeremonies
    /// What current calls have asked their clients for.
    let open = CallQuestions()

    /// Creates state with nothing counted, asked or unlocked.
    /// - Parameter challenges: what nodes share, where this process is one of several.
    package init(sharing challenges: (any SharedChallenges)? = nil) {
        ceremonies = PasskeyCeremonies(sharing: challenges)
    }
}
