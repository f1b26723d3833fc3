/// What kind of failure an `MMError` is: a stable word that scripts and models may compare.
///
/// Open on purpose: a new code breaks nobody's `switch`.
public struct MMErrorCode: Sendable, Hashable, CustomStringConvertible {
    /// The word, as it appears in JSON answers.
    public let word: String

    public init(_ word: String) {
        self.word = word
    }

    /// The word itself.
    public var description: String { word }

    /// A field, file or command line is wrong; the message names it.
    public static let invalidInput = MMErrorCode("invalid_input")
    /// What was named does not exist; the message lists what does.
    public static let notFound = MMErrorCode("not_found")
    /// A person must sign in first; the details hold code and address.
    public static let signInNeeded = MMErrorCode("sign_in_needed")
    /// The service or this machine refuses, signed in or not.
    public static let forbidden = MMErrorCode("forbidden")
    /// The guard refuses; nothing was started or sent.
    public static let denied = MMErrorCode("denied")
    /// The guard wants a person's confirmation first; nothing was started or sent.
    public static let confirmationNeeded = MMErrorCode("confirmation_needed")
    /// The service asks to slow down and our patience ended.
    public static let throttled = MMErrorCode("throttled")
    /// Something else changed it first, or holds it.
    public static let conflict = MMErrorCode("conflict")
    /// The deadline passed.
    public static let deadlineExceeded = MMErrorCode("deadline_exceeded")
    /// Somebody called it off.
    public static let cancelled = MMErrorCode("cancelled")
    /// The session's process ended under the command.
    public static let sessionLost = MMErrorCode("session_lost")
    /// The service or command answered with an error of its own.
    public static let remoteFailed = MMErrorCode("remote_failed")
    /// The pool, service or network can't be reached.
    public static let unavailable = MMErrorCode("unavailable")
    /// A size, depth or count is over its limit.
    public static let limitExceeded = MMErrorCode("limit_exceeded")
    /// This build, platform or service can't do it.
    public static let unsupported = MMErrorCode("unsupported")
    /// A fault of ours.
    public static let internalError = MMErrorCode("internal")
}
