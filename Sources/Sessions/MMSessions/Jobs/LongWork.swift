import MMCore

/// Work that may outlive the call that started it. It can be found by its handle as long as the table keeps it.
package protocol LongWork: AnyObject, Sendable {
    /// The handle by which it is found, see ``WorkHandle``.
    var handle: String { get }
    /// Its owner; nobody else may read or end it.
    var owner: String { get }
    /// Whether its call was answered while it was running; only then do lists show it.
    var isDetached: Bool { get }
    /// When it ended; `nil` while it is running.
    var ended: ContinuousClock.Instant? { get }
    /// A report about the job.
    var report: JobReport { get }
    /// What happens to it from now on; ends with ``JobEvent/ended(_:)``.
    var events: AsyncStream<JobEvent> { get }

    /// Cancels it.
    func cancel()

    /// Waits for its end, for a limited time and at most until the waiting task ends.
    func finished(within limit: Duration) async
}

/// The handles of long work. They are random, so that nobody can guess one.
package enum WorkHandle: String, CaseIterable, Sendable {
    /// A call.
    case call = "job-"
    /// A command of a shell session.
    case command = "cmd-"

    /// Creates a handle.
    package func new() -> String { rawValue + RandomBytes.text(bytes: 18) }

    /// Returns whether a text has the form of a handle.
    package static func isValid(_ text: String) -> Bool { allCases.contains { text.hasPrefix($0.rawValue) } }
}
