/// How far long work has come.
public struct ProgressReport: Sendable, Hashable {
    /// Steps, items or bytes done so far; only grows within one call.
    public let done: Double
    /// The whole, where it is known.
    public let total: Double?
    /// What is being done.
    public let message: String

    /// A report.
    /// - Parameters:
    ///   - done: what is done so far.
    ///   - total: the whole, where it is known.
    ///   - message: what is being done.
    public init(done: Double, total: Double? = nil, message: String) {
        self.done = done
        self.total = total
        self.message = message
    }
}
