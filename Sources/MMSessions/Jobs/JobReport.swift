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
}
