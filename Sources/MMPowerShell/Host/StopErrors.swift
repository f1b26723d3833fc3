package import MMCore

/// The errors of commands that were stopped.
package enum StopErrors {
    /// The command was stopped when its time was over.
    /// - Parameter restarted: whether the stop took the whole process.
    package static func deadline(restarted: Bool) -> MMError {
        MMError(
            .deadlineExceeded,
            restarted
                ? "The time was over and the command didn't stop: the session is restarted."
                : "The time was over and the command was stopped. The session goes on.",
            hint: "Allow more time, or ask for less at once. Part of the work may have been done.",
            details: ["sessionRestarted": .bool(restarted)])
    }

    static let cancelled = MMError(.cancelled, "The command was called off and stopped.")
    static let closing = MMError(.cancelled, "The session was closed while the command ran.")
    static let stoppedHard = MMError(
        .sessionLost, "The command was asked to stop and didn't: its process was ended, and the session is restarted.",
        hint: "Part of the work may have been done: look before you run it again.",
        details: ["sessionRestarted": true])
}
