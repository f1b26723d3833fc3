/// The one error that crosses the edges of the house: a sentence that a person or a model can act on.
///
/// Rooms have typed errors of their own inside; at an operation's edge they become this one.
public struct MMError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    public var code: MMErrorCode
    /// What happened, naming the field and the value (redacted).
    public var message: String
    /// What to do next.
    public var hint: String?
    /// Whether the same call may succeed later.
    public var retry: Retry
    /// Machine-readable context, such as the code and address of a sign-in.
    public var details: JSONObject
    /// The text of what lies below, for logs.
    public var cause: String?

    /// Whether calling again makes sense.
    public enum Retry: Sendable, Hashable {
        /// Only after something was changed.
        case never
        /// At once.
        case now
        /// After this time.
        case after(Duration)
    }

    /// An error.
    /// - Parameters:
    ///   - code: what kind of failure it is.
    ///   - message: what happened.
    ///   - hint: what to do next.
    ///   - retry: whether the same call may succeed later.
    ///   - details: machine-readable context.
    ///   - cause: the text of what lies below.
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

    /// Message and hint, as shown to people.
    public var description: String {
        guard let hint else { return message }
        return "\(message)\n\(hint)"
    }
}
