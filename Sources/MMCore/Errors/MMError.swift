/// The error type at every public boundary: a message that a person or a model can act on.
///
/// Modules may use typed errors of their own internally; at an operation's boundary they become this one.
public struct MMError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    public var code: MMErrorCode
    /// What happened, naming the field and the value (redacted).
    public var message: String
    /// What to do next.
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
    ///   - code: what kind of failure it is.
    ///   - message: what happened.
    ///   - hint: what to do next.
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
}
