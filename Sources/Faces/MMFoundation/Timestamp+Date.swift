public import FoundationEssentials
public import MMCore

extension Timestamp {
    /// Creates the timestamp of a date, to the nanosecond as far as the date is that precise.
    public init(_ date: Date) {
        let seconds = date.timeIntervalSince1970.rounded(.down)
        let nanoseconds = ((date.timeIntervalSince1970 - seconds) * 1_000_000_000).rounded()
        // A fraction that rounds up to 1,000,000,000 nanoseconds carries into the next second.
        self = Timestamp(seconds: Int64(seconds)) + .nanoseconds(Int64(nanoseconds))
    }
}

extension Date {
    /// Creates the date of a timestamp.
    public init(_ timestamp: Timestamp) {
        self.init(
            timeIntervalSince1970: Double(timestamp.seconds) + Double(timestamp.nanoseconds) / 1_000_000_000)
    }
}
