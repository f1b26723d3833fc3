/// How far a job has come, as it last said.
package struct JobProgress: Sendable, Hashable {
    /// Steps, items or bytes done so far.
    package let done: Double
    /// The whole, where it is known.
    package let total: Double?
    /// What is being done.
    package let message: String

    /// News of a job.
    /// - Parameters:
    ///   - done: what is done so far.
    ///   - total: the whole, where it is known.
    ///   - message: what is being done.
    package init(done: Double, total: Double?, message: String) {
        self.done = done
        self.total = total
        self.message = message
    }
}

/// What becomes of a job while somebody watches it.
package enum JobEvent: Sendable {
    /// It came further.
    case progress(JobProgress)
    /// It ended; nothing follows.
    case ended(JobReport)
}
