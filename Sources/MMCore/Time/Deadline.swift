/// The time by which work must have ended, passed down from the caller that waits for it.
///
/// It is an instant of the monotonic clock, so setting the system's time doesn't move it.
public struct Deadline: Sendable, Hashable, Comparable {
    /// The instant; `nil` for no deadline.
    public let instant: ContinuousClock.Instant?

    /// Creates a deadline at an instant.
    public init(at instant: ContinuousClock.Instant) {
        self.instant = instant
    }

    private init(instant: ContinuousClock.Instant?) {
        self.instant = instant
    }

    /// Returns a deadline this far from now.
    public static func after(_ wait: Duration) -> Deadline {
        Deadline(instant: ContinuousClock.now.advanced(by: wait))
    }

    /// No deadline at all.
    public static let never = Deadline(instant: nil)

    /// The time left: negative once the deadline has passed, very long when there is none.
    public var remaining: Duration {
        instant.map { ContinuousClock.now.duration(to: $0) } ?? .seconds(Int64(1) << 40)
    }

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
            .deadlineExceeded, "The deadline passed while \(work).", hint: "Allow more time, or ask for less at once.")
    }

    /// Returns whether the left deadline is earlier than the right one; no deadline is the latest.
    public static func < (left: Deadline, right: Deadline) -> Bool {
        switch (left.instant, right.instant) {
        case (let left?, let right?): left < right
        case (_?, nil): true
        case (nil, _): false
        }
    }
}
