import MMCore

/// The meaning of a module's failure for the sign-in.
enum ModuleFault: Sendable, Hashable {
    /// The sign-in is over, or was refused.
    case signIn
    /// The service or the network is temporarily unavailable or busy: a later attempt may succeed.
    case passing
    /// Any other fault, such as a missing cmdlet or permission, which says nothing about the sign-in.
    case other

    /// Classifies an error of this program, or of a module as reported by it.
    init(_ error: MMError) {
        switch error.code {
        case .signInNeeded: self = .signIn
        case .unavailable, .throttled, .deadlineExceeded, .cancelled: self = .passing
        default: self.init(words: [error.message, error.cause].compactMap(\.self).joined(separator: "\n"))
        }
    }

    /// Classifies a command that failed.
    init(_ answer: PowerShellAnswer) {
        self.init(words: ([answer.problem] + answer.errors.map(\.message)).compactMap(\.self).joined(separator: "\n"))
    }

    /// Classifies the text of a module's errors, by HTTP status, the sign-in service's error number, and the name of
    /// the sign-in cmdlet. Signs of a temporary fault take precedence, because it must not make a person sign in.
    init(words text: String) {
        let text = text.lowercased()
        let numbers = Set(text.split { !$0.isASCII || !($0.isLetter || $0.isNumber) })
        if !numbers.isDisjoint(with: Self.passingStatuses) || Self.passingWords.contains(where: { text.contains($0) }) {
            self = .passing
        } else if numbers.contains("401") || Self.signInWords.contains(where: { text.contains($0) }) {
            self = .signIn
        } else {
            self = .other
        }
    }

    private static let passingStatuses: Set<Substring> = ["408", "429", "500", "502", "503", "504"]

    private static let passingWords = [
        "timed out", "timeout", "temporar", "transient", "too many requests", "service unavailable",
        "serviceunavailable",
        "internal server error", "bad gateway", "connection refused", "connection reset", "name or service not known",
        "no such host", "requests are ended", "try again later",
    ]

    private static let signInWords = [
        "aadsts", "unauthorized", "invalidauthenticationtoken", "expiredauthenticationtoken", "invalid_grant",
        "interaction_required", "continuous access evaluation", "token is expired", "token has expired",
        "token is not valid", "connect-azaccount", "connect-exchangeonline", "connect-microsoftteams",
        "connect-pnponline", "connect-mggraph", "auth create",
    ]
}
