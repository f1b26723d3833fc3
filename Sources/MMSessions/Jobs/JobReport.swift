package import MMCore

/// What is told of a job.
package struct JobReport: Sendable {
    /// Where a job stands.
    package enum State: String, Sendable {
        /// It goes on.
        case running
        /// It ended well.
        case done
        /// It ended with an error.
        case failed
        /// It was called off.
        case cancelled
    }

    /// The name to ask for it by.
    package let handle: String
    /// What is done, such as an operation's name.
    package let label: String
    /// Whose it is.
    package let owner: String
    /// Where it stands.
    package let state: State
    /// When it began.
    package let started: Timestamp
    /// How long it has been going on, or went on.
    package let elapsed: Duration
    /// What it last said.
    package let progress: JobProgress?
    /// Why it failed.
    package let error: MMError?

    /// A report.
    /// - Parameters:
    ///   - handle: the name to ask for the job by.
    ///   - label: what is done.
    ///   - owner: whose it is.
    ///   - state: where it stands.
    ///   - started: when it began.
    ///   - elapsed: how long it has been going on, or went on.
    ///   - progress: what it last said.
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
