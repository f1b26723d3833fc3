package import MMCore

/// The errors of stopped commands.
package enum StopErrors {
    /// Returns the error of a command that was stopped at its deadline.
    /// - Parameter restarted: whether stopping it required ending the whole process.
    package static func deadline(restarted: Bool) -> MMError {
        MMError(
            .deadlineExceeded,
            restarted
                ? "The command exceeded its time limit and did not stop: the session is restarted."
                : "The command exceeded its time limit and was stopped. The session is kept.",
            hint: "Allow more time, or request less at once. Part of the work may have been done.",
            details: ["sessionRestarted": .bool(restarted)])
    }

    static let cancelled = MMError(.cancelled, "The command was cancelled and stopped.")
    /// The error of a command whose session was closed.
    package static let closing = MMError(.cancelled, "The session was closed while the command ran.")
    static let stoppedHard = MMError(
        .sessionLost,
        "The command did not stop when it was cancelled: its process was ended, and the session is restarted.",
        hint: "Part of the work may have been done: check before you run it again.",
        details: ["sessionRestarted": true])
}
