/// The kind of failure of an `MMError`: a stable word that scripts and models may compare.
///
/// Deliberately not an enum, so that adding a code breaks nobody's `switch`.
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
    /// The named thing does not exist; the message lists what does.
    public static let notFound = MMErrorCode("not_found")
    /// A person must sign in first; the details hold the code and the address.
    public static let signInNeeded = MMErrorCode("sign_in_needed")
    /// The service or this machine refuses, whoever is signed in.
    public static let forbidden = MMErrorCode("forbidden")
    /// The guard refuses; nothing was started or sent.
    public static let denied = MMErrorCode("denied")
    /// The guard requires a person's confirmation first; nothing was started or sent.
    public static let confirmationNeeded = MMErrorCode("confirmation_needed")
    /// The service asked to slow down, and the retries are used up.
    public static let throttled = MMErrorCode("throttled")
    /// Something else has changed the object first, or holds it.
    public static let conflict = MMErrorCode("conflict")
    /// The deadline passed.
    public static let deadlineExceeded = MMErrorCode("deadline_exceeded")
    /// The caller cancelled the call.
    public static let cancelled = MMErrorCode("cancelled")
    /// The session's process ended while it ran the command.
    public static let sessionLost = MMErrorCode("session_lost")
    /// The service or command answered with an error of its own.
    public static let remoteFailed = MMErrorCode("remote_failed")
    /// The pool, service or network can't be reached.
    public static let unavailable = MMErrorCode("unavailable")
    /// A size, depth or count is over its limit.
    public static let limitExceeded = MMErrorCode("limit_exceeded")
    /// This build, platform or service can't do it.
    public static let unsupported = MMErrorCode("unsupported")
    /// A bug in this program.
    public static let internalError = MMErrorCode("internal")

    /// All of them, for lists that name what there can be.
    package static let known: [MMErrorCode] = [
        .invalidInput, .notFound, .signInNeeded, .forbidden, .denied, .confirmationNeeded, .throttled, .conflict,
        .deadlineExceeded, .cancelled, .sessionLost, .remoteFailed, .unavailable, .limitExceeded, .unsupported,
        .internalError,
    ]
}
