import MMCore

/// The end of a session's sign-in in the middle of a call, and what its caller is told of it.
struct EndedSignIn: Sendable {
    private let end: MMError
    /// Whether the call had changed something before.
    let hasChanged: Bool

    /// The end that an error tells of; `nil` for other errors, and where the next sign-in is told of already.
    init?(_ error: MMError) {
        guard error.code == .signInNeeded, error.details["ended"] == true, error.details["userCode"] == nil else {
            return nil
        }
        end = error
        hasChanged = error.details["changed"] == true
    }

    private static let changes = "What the command changed before stays: look before you run it again."

    /// The error of the next sign-in, with why it is needed.
    func told(with next: MMError) -> MMError {
        var told = next
        if told.details["reason"] == nil { told.details["reason"] = .string(end.message) }
        if !next.message.contains(end.message) { told.message = "\(end.message) \(next.message)" }
        if hasChanged {
            told.details["changed"] = true
            told.message += " " + Self.changes
        }
        return told
    }

    /// The error where the session is signed in again, but its call must not be run twice.
    var afterChanges: MMError {
        MMError(
            .sessionLost, "\(end.message) The session is signed in again.", hint: Self.changes, details: end.details)
    }
}
