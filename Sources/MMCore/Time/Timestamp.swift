import Glibc

/// A moment of the calendar, with the texts that files and answers use.
public struct Timestamp: Sendable, Hashable, Comparable {
    /// Seconds since 1970-01-01T00:00:00Z.
    public let seconds: Int64
    /// The part of the second, 0 to 999,999,999.
    public let nanoseconds: Int

    /// A moment.
    /// - Parameters:
    ///   - seconds: since 1970-01-01T00:00:00Z.
    ///   - nanoseconds: the part of the second.
    public init(seconds: Int64, nanoseconds: Int = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// The moment it is.
    public static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: time.tv_nsec)
    }

    /// Earlier than.
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    /// This moment moved by a duration, to the full nanosecond.
    public static func + (moment: Timestamp, wait: Duration) -> Timestamp {
        let parts = wait.components
        var nanoseconds = Int64(moment.nanoseconds) + parts.attoseconds / 1_000_000_000
        var seconds = moment.seconds + parts.seconds
        if nanoseconds < 0 { (seconds, nanoseconds) = (seconds - 1, nanoseconds + 1_000_000_000) }
        if nanoseconds >= 1_000_000_000 { (seconds, nanoseconds) = (seconds + 1, nanoseconds - 1_000_000_000) }
        return Timestamp(seconds: seconds, nanoseconds: Int(nanoseconds))
    }

    /// The time from another moment to this one.
    public static func - (left: Timestamp, right: Timestamp) -> Duration {
        .seconds(left.seconds - right.seconds) + .nanoseconds(left.nanoseconds - right.nanoseconds)
    }
}
