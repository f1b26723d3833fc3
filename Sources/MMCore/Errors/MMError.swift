/// The error type at every public boundary: a message that a person or a model can act on.
///
/// Modules may use typed errors of their own internally; at an operation's boundary they become this one.
public struct MMError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure.
    public var code: MMErrorCode
    /// The failure in words, naming the field and the value (redacted).
    public var message: String
    /// The next step for the caller.
    public var hint: String?
    /// Whether the same call may succeed if repeated.
    public var retry: Retry
    /// Machine-readable context, such as the code and address of a sign-in.
    public var details: JSONObject
    /// The description of the underlying error, for logs.
    public var cause: String?

    /// Whether repeating the call makes sense.
    public enum Retry: Sendable, Hashable {
        /// Not until something has been changed.
        case never
        /// Immediately.
        case now
        /// After this delay.
        case after(Duration)
    }

    /// Creates an error.
    /// - Parameters:
    ///   - code: the kind of failure.
    ///   - message: the failure in words.
    ///   - hint: the next step for the caller.
    ///   - retry: whether the same call may succeed if repeated.
    ///   - details: machine-readable context.
    ///   - cause: the description of the underlying error.
    public init(
        _ code: MMErrorCode, _ message: String, hint: String? = nil, retry: Retry = .never, details: JSONObject = [:],
        cause: String? = nil
    ) {
        self.code = code
        self.message = message
        self.hint = hint
        self.retry = retry
        self.details = details
        self.cause = cause
    }

    /// The message and the hint, as shown to people.
    public var description: String {
        guard let hint else { return message }
        return "\(message)\n\(hint)"
    }

    /// Returns the error with a text before its message: what it is about, or what didn't succeed because of it.
    package func about(_ subject: String) -> MMError {
        var told = self
        told.message = "\(subject): \(message)"
        return told
    }
}

extension MMError {
    /// The exit code of a command that ends with this error.
    ///
    /// 1 failed, 2 usage, 3 sign-in needed, 4 denied by the guard, 5 confirmation needed, 6 deadline, 7 pool
    /// unavailable, 130 cancelled.
    public var exitCode: Int32 {
        switch code {
        // 2 and 4 promise that nothing was sent.
        case _ where details[Self.carriedOut] != nil: 1
        case .invalidInput: 2
        case .signInNeeded: 3
        case .denied: 4
        case .confirmationNeeded: 5
        case .deadlineExceeded: 6
        case .unavailable where details["pool"] != nil: 7
        case .cancelled: 130
        default: 1
        }
    }

    /// The JSON-RPC error code of a response that carries this error (JSON-RPC 2.0, section 5.1).
    public var jsonRPCCode: Int {
        switch code {
        // What the parameters name must exist.
        case .invalidInput, .notFound: -32602
        default: -32603
        }
    }

    /// The HTTP status of a response that carries this error (RFC 9110, section 15).
    public var httpStatus: Int {
        switch code {
        case .invalidInput: 400
        case .signInNeeded: 401
        case .forbidden, .denied: 403
        case .notFound: 404
        case .conflict: 409
        // A limit that is free again after a while was exceeded by too many requests, any other by something too large.
        case .limitExceeded: if case .after = retry { 429 } else { 413 }
        case .confirmationNeeded: 428
        case .throttled: 429
        case .cancelled: 499
        case .unsupported: 501
        case .remoteFailed, .sessionLost: 502
        case .unavailable: 503
        case .deadlineExceeded: 504
        default: 500
        }
    }

    /// The error as JSON: `code` and `message`, then `hint`, `retryAfterSeconds` and `details` where present.
    public var json: JSONObject {
        var object: JSONObject = ["code": .string(code.word), "message": .string(message)]
        if let hint { object["hint"] = .string(hint) }
        switch retry {
        case .never: break
        case .now: object["retryAfterSeconds"] = 0
        case .after(let wait): object["retryAfterSeconds"] = .int(wait.components.seconds)
        }
        if !details.isEmpty { object["details"] = .object(details) }
        return object
    }
}

extension MMError {
    private static let carriedOut = "carriedOut"

    /// The error for an answer that couldn't be shown as requested, although its call was carried out.
    package var ofCarriedOutCall: MMError {
        var error = self
        error.message = "The call was carried out, but its answer can't be shown as requested: \(message)"
        error.details[Self.carriedOut] = true
        return error
    }

    private static let sent = "sent"

    /// Whether it is certain that the request never reached the service: the same request may be sent again.
    package var isUnsent: Bool {
        get { details[Self.sent] == false }
        set { details[Self.sent] = newValue ? false : nil }
    }

    /// This error as that of work in several requests, of which earlier ones may have reached the service.
    package var ofLaterRequest: MMError {
        var error = self
        error.isUnsent = false
        return error
    }

    /// The output produced before the failure: rows of a script that threw halfway, or text printed before a deadline.
    /// Show it before the error; what was done by then stays done.
    package var output: JSONValue? {
        get { details["output"] }
        set { details["output"] = newValue }
    }

    /// Whether other people wrote that output.
    package var hasForeignOutput: Bool {
        get { details["foreign"] == true }
        set { details["foreign"] = newValue ? true : nil }
    }

    /// Returns this error with the output that preceded it; unchanged when `values` is empty or output is already
    /// attached.
    package func withOutput(_ values: [JSONValue]) -> MMError {
        guard !values.isEmpty, output == nil else { return self }
        var error = self
        error.output = .array(values)
        return error
    }
}

/// The kind of failure of an `MMError`: a stable word that scripts and models may compare.
///
/// Deliberately not an enum, so that adding a code breaks nobody's `switch`.
public struct MMErrorCode: Sendable, Hashable, CustomStringConvertible {
    /// The word, as it appears in JSON answers.
    public let word: String

    /// Creates a code with this word, such as one that a later version of a pool reports.
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

    /// All codes, for lists of the possible codes.
    package static let known: [MMErrorCode] = [
        .invalidInput, .notFound, .signInNeeded, .forbidden, .denied, .confirmationNeeded, .throttled, .conflict,
        .deadlineExceeded, .cancelled, .sessionLost, .remoteFailed, .unavailable, .limitExceeded, .unsupported,
        .internalError,
    ]
}
