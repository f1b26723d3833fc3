import MMCore

/// Work that may outlive the call which asked for it, and is found by its handle as long as the table keeps it.
package protocol LongWork: AnyObject, Sendable {
    /// The name to ask for it by, see ``WorkHandle``.
    var handle: String { get }
    /// Whose it is; nobody else may read or end it.
    var owner: String { get }
    /// Whether its call was answered while it went on: lists tell of it.
    var isDetached: Bool { get }
    /// When it ended; `nil` while it goes on.
    var ended: ContinuousClock.Instant? { get }
    /// What is told of it.
    var report: JobReport { get }
    /// What becomes of it from now on; ends with ``JobEvent/ended(_:)``.
    var events: AsyncStream<JobEvent> { get }

    /// Calls it off.
    func cancel()

    /// Waits for its end, but not longer than said, nor beyond the end of the waiting task.
    func finished(within limit: Duration) async
}

/// The names of long work: random, so that nobody can guess one.
package enum WorkHandle: String, CaseIterable, Sendable {
    /// A call.
    case call = "job-"
    /// A command of a shell session.
    case command = "cmd-"

    /// A new handle.
    package func new() -> String { rawValue + RandomBytes.text(bytes: 18) }

    /// Whether a text is a handle of long work, whoever's it is.
    package static func isOne(_ text: String) -> Bool { allCases.contains { text.hasPrefix($0.rawValue) } }
}
