import Glibc

/// A point in calendar time, with the text forms that files and answers use.
public struct Timestamp: Sendable, Hashable, Comparable {
    /// Seconds since 1970-01-01T00:00:00Z.
    public let seconds: Int64
    /// The fraction of the second, 0 to 999,999,999 nanoseconds.
    public let nanoseconds: Int

    /// Creates a timestamp.
    /// - Parameters:
    ///   - seconds: seconds since 1970-01-01T00:00:00Z.
    ///   - nanoseconds: the fraction of the second, 0 to 999,999,999.
    public init(seconds: Int64, nanoseconds: Int = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// The current time.
    public static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: time.tv_nsec)
    }

    /// Returns whether the left timestamp is earlier than the right one.
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    /// Returns the timestamp moved by a duration; fractions of a nanosecond are dropped.
    public static func + (moment: Timestamp, wait: Duration) -> Timestamp {
        let parts = wait.components
        var nanoseconds = Int64(moment.nanoseconds) + parts.attoseconds / 1_000_000_000
        var seconds = moment.seconds + parts.seconds
        if nanoseconds < 0 { (seconds, nanoseconds) = (seconds - 1, nanoseconds + 1_000_000_000) }
        if nanoseconds >= 1_000_000_000 { (seconds, nanoseconds) = (seconds + 1, nanoseconds - 1_000_000_000) }
        return Timestamp(seconds: seconds, nanoseconds: Int(nanoseconds))
    }

    /// Returns the time from the right timestamp to the left one.
    public static func - (left: Timestamp, right: Timestamp) -> Duration {
        .seconds(left.seconds - right.seconds) + .nanoseconds(left.nanoseconds - right.nanoseconds)
    }
}
