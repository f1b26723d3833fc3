import MMCore

/// What a module's failure says of the sign-in behind it.
enum ModuleFault: Sendable, Hashable {
    /// The sign-in is over, or was refused.
    case signIn
    /// The service is away or busy, or the way to it: the same may succeed a minute later.
    case passing
    /// Anything else: a missing cmdlet or permission, which say nothing of the sign-in.
    case other

    /// The fault of an error of ours, or of a module's in our words.
    init(_ error: MMError) {
        switch error.code {
        case .signInNeeded: self = .signIn
        case .unavailable, .throttled, .deadlineExceeded, .cancelled: self = .passing
        default: self.init(words: [error.message, error.cause].compactMap(\.self).joined(separator: "\n"))
        }
    }

    /// The fault of a command that failed.
    init(_ answer: PowerShellAnswer) {
        self.init(words: ([answer.problem] + answer.errors.map(\.message)).compactMap(\.self).joined(separator: "\n"))
    }

    /// Modules tell of faults in sentences alone: by the status that a service answered, the sign-in service's number, and
    /// the cmdlet to sign in with. What speaks for a passing fault counts more: nobody is asked to sign in for that.
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
