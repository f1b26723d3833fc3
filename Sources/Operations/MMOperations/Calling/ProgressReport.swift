/// The progress of long work.
public struct ProgressReport: Sendable, Hashable {
    /// Steps, items or bytes done so far; only grows within one call.
    public let done: Double
    /// The total, if it is known.
    public let total: Double?
    /// A message that says what is being done.
    public let message: String

    /// Creates a report.
    /// - Parameters:
    ///   - done: the steps, items or bytes done so far.
    ///   - total: the total, if it is known.
    ///   - message: a message that says what is being done.
    public init(done: Double, total: Double? = nil, message: String) {
        self.done = done
        self.total = total
        self.message = message
    }
}
