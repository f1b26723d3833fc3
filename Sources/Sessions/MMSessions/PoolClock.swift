package import MMCore

/// The clocks of a pool: the system's, or a test's own.
package struct PoolClock: Sendable {
    /// The time since a fixed point, unaffected by changes of the system's time.
    package let now: @Sendable () -> Duration
    /// The time of day, for reports.
    package let wall: WallClock

    /// Creates a clock from these functions.
    /// - Parameters:
    ///   - now: the time passed since any fixed point.
    ///   - wall: the time of day.
    package init(now: @escaping @Sendable () -> Duration, wall: WallClock) {
        self.now = now
        self.wall = wall
    }

    /// The system's clocks.
    package static let system: PoolClock = {
        let start = ContinuousClock.now
        return PoolClock(now: { ContinuousClock.now - start }, wall: .system)
    }()
}
