public import MMCore

/// The time a pool lives by: the system's, or a test's own.
public struct PoolClock: Sendable {
    /// A point that setting the system's time does not move.
    public let now: @Sendable () -> Duration
    /// The time of day, for reports.
    public let wall: WallClock

    /// A clock of these functions.
    /// - Parameters:
    ///   - now: time passed since any fixed point.
    ///   - wall: the time of day.
    public init(now: @escaping @Sendable () -> Duration, wall: WallClock) {
        self.now = now
        self.wall = wall
    }

    /// The system's clocks.
    public static let system: PoolClock = {
        let start = ContinuousClock.now
        return PoolClock(now: { ContinuousClock.now - start }, wall: .system)
    }()
}
