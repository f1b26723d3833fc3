import MMCore

/// What the routers of one process have in common, however many addresses it listens at.
package final class RESTShared: Sendable {
    /// Counts the calls of all of them.
    package let metrics = PoolMetrics()
    /// A token that came through the socket unlocks a page that came over TCP.
    let lock = DashboardLock()
    /// A question may be answered at another address than it was put at.
    let questions = OpenQuestions<Result<Bool, MMError>>()
    /// So may standard input that a call asks for.
    let inputs = OpenQuestions<[UInt8]>()

    /// Nothing counted, asked or unlocked yet.
    package init() {}
}
