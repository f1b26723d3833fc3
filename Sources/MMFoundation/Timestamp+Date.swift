public import FoundationEssentials
public import MMCore

extension Timestamp {
    /// The moment of a date, to the nanosecond as far as the date has it.
    public init(_ date: Date) {
        let seconds = date.timeIntervalSince1970.rounded(.down)
        let nanoseconds = ((date.timeIntervalSince1970 - seconds) * 1_000_000_000).rounded()
        // What rounds up to a whole second is the next one.
        self = Timestamp(seconds: Int64(seconds)) + .nanoseconds(Int64(nanoseconds))
    }
}

extension Date {
    /// The date of a moment.
    public init(_ timestamp: Timestamp) {
        self.init(
            timeIntervalSince1970: Double(timestamp.seconds) + Double(timestamp.nanoseconds) / 1_000_000_000)
    }
}
