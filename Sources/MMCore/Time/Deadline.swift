/// The moment by which something must have ended, passed all the way down from the one who waits.
///
/// It is a point on the monotonic clock: setting the system's time does not move it.
public struct Deadline: Sendable, Hashable, Comparable {
    /// The moment itself; `nil` for no deadline.
    public let instant: ContinuousClock.Instant?

    /// A deadline at a moment.
    public init(at instant: ContinuousClock.Instant) {
        self.instant = instant
    }

    private init(instant: ContinuousClock.Instant?) {
        self.instant = instant
    }

    /// A deadline this far from now.
    public static func after(_ wait: Duration) -> Deadline {
        Deadline(instant: ContinuousClock.now.advanced(by: wait))
    }

    /// No deadline at all.
    public static let never = Deadline(instant: nil)

    /// What is left; negative once it has passed, very long when there is none.
    public var remaining: Duration {
        instant.map { ContinuousClock.now.duration(to: $0) } ?? .seconds(Int64(1) << 40)
    }

    /// Whether the time is over.
    public var hasPassed: Bool { remaining <= .zero }

    /// Throws when the time is over.
    /// - Parameter work: what was going on, as in "waiting for the tenant's answer".
    /// - Throws: `deadlineExceeded`.
    public func check(_ work: @autoclosure () -> String) throws(MMError) {
        if hasPassed { throw exceeded(work()) }
    }

    /// The error for a deadline that passed.
    /// - Parameter work: what was going on.
    public func exceeded(_ work: String) -> MMError {
        MMError(
            .deadlineExceeded, "The time was over while \(work).", hint: "Allow more time, or ask for less at once.")
    }

    /// Whether one deadline comes before another; none comes last.
    public static func < (left: Deadline, right: Deadline) -> Bool {
        switch (left.instant, right.instant) {
        case (let left?, let right?): left < right
        case (_?, nil): true
        case (nil, _): false
        }
    }
}
