package import MMCore

/// A report about a job.
package struct JobReport: Sendable {
    /// The state of a job.
    package enum State: String, Sendable {
        /// It is running.
        case running
        /// It succeeded.
        case done
        /// It failed.
        case failed
        /// It was cancelled.
        case cancelled
    }

    /// The handle by which it is found.
    package let handle: String
    /// What is being done, such as an operation's name.
    package let label: String
    /// Its owner.
    package let owner: String
    /// Its state.
    package let state: State
    /// When it began.
    package let started: Timestamp
    /// How long it has been running, or ran.
    package let elapsed: Duration
    /// Its last progress report.
    package let progress: JobProgress?
    /// Why it failed.
    package let error: MMError?

    /// Creates a report.
    /// - Parameters:
    ///   - handle: the handle by which the job is found.
    ///   - label: what is being done.
    ///   - owner: the job's owner.
    ///   - state: the job's state.
    ///   - started: when it began.
    ///   - elapsed: how long it has been running, or ran.
    ///   - progress: its last progress report.
    ///   - error: why it failed.
    package init(
        handle: String, label: String, owner: String, state: State, started: Timestamp, elapsed: Duration,
        progress: JobProgress?, error: MMError?
    ) {
        self.handle = handle
        self.label = label
        self.owner = owner
        self.state = state
        self.started = started
        self.elapsed = elapsed
        self.progress = progress
        self.error = error
    }
}
