/// The progress of a job, as it last reported.
package struct JobProgress: Sendable, Hashable {
    /// Steps, items or bytes done so far.
    package let done: Double
    /// The total, if it is known.
    package let total: Double?
    /// What is being done.
    package let message: String

    /// Creates a progress report.
    /// - Parameters:
    ///   - done: what has been done so far.
    ///   - total: the total, if it is known.
    ///   - message: what is being done.
    package init(done: Double, total: Double?, message: String) {
        self.done = done
        self.total = total
        self.message = message
    }
}

/// An event of a job.
package enum JobEvent: Sendable {
    /// The job made progress.
    case progress(JobProgress)
    /// The job ended; no more events follow.
    case ended(JobReport)
}
