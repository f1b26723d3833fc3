/// The time by which work must have ended, passed down from the caller that waits for it.
///
/// It is an instant of the monotonic clock, so setting the system's time doesn't move it.
public struct Deadline: Sendable, Hashable, Comparable {
    /// The time since the clock's epoch; `nil` for no deadline.
    ///
    /// Not a `ContinuousClock.Instant`: its layout is unknown to the compiler, as is then the layout of every type that
    /// contains a deadline, so that each copy of such a value would need run-time calls.
    private let time: Duration?

    /// Creates a deadline at an instant.
    public init(at instant: ContinuousClock.Instant) {
        time = Self.epoch.duration(to: instant)
    }

    private init(time: Duration?) {
        self.time = time
    }

    /// Returns a deadline this far from now.
    public static func after(_ wait: Duration) -> Deadline {
        Deadline(time: now + wait)
    }

    /// No deadline at all.
    public static let never = Deadline(time: nil)

    /// The instant; `nil` for no deadline.
    public var instant: ContinuousClock.Instant? { time.map { Self.epoch.advanced(by: $0) } }

    /// The time left: negative once the deadline has passed, very long when there is none.
    public var remaining: Duration {
        time.map { $0 - Self.now } ?? .seconds(Int64(1) << 40)
    }

    private static var epoch: ContinuousClock.Instant { ContinuousClock().systemEpoch }
    private static var now: Duration { epoch.duration(to: .now) }

    /// Whether the deadline has passed.
    public var hasPassed: Bool { remaining <= .zero }

    /// Throws if the deadline has passed.
    /// - Parameter work: what was in progress, such as "waiting for the tenant's answer".
    /// - Throws: `deadlineExceeded`.
    public func check(_ work: @autoclosure () -> String) throws(MMError) {
        if hasPassed { throw exceeded(work()) }
    }

    /// Returns the error for a deadline that has passed.
    /// - Parameter work: what was in progress.
    public func exceeded(_ work: String) -> MMError {
        MMError(
            .deadlineExceeded, "The deadline passed while \(work).", hint: "Allow more time, or request less at once.")
    }

    /// Returns whether the left deadline is earlier than the right one; no deadline is the latest.
    public static func < (left: Deadline, right: Deadline) -> Bool {
        switch (left.time, right.time) {
        case (let left?, let right?): left < right
        case (_?, nil): true
        case (nil, _): false
        }
    }
}
