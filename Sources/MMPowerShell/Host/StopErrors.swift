package import MMCore

/// The errors of stopped commands.
package enum StopErrors {
    /// Returns the error of a command that was stopped at its deadline.
    /// - Parameter restarted: whether stopping it required ending the whole process.
    package static func deadline(restarted: Bool) -> MMError {
        MMError(
            .deadlineExceeded,
            restarted
                ? "The time was over and the command didn't stop: the session is restarted."
                : "The deadline passed and the command was stopped. The session stays open.",
            hint: "Allow more time, or ask for less at once. Part of the work may have been done.",
            details: ["sessionRestarted": .bool(restarted)])
    }

    static let cancelled = MMError(.cancelled, "The command was cancelled and stopped.")
    static let closing = MMError(.cancelled, "The session was closed while the command ran.")
    static let stoppedHard = MMError(
        .sessionLost, "The command was asked to stop and didn't: its process was ended, and the session is restarted.",
        hint: "Part of the work may have been done: check before you run it again.",
        details: ["sessionRestarted": true])
}
