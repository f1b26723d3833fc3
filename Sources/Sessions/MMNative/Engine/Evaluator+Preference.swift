import PowerShellSyntax

/// `$ErrorActionPreference`: what becomes of errors where a command doesn't say it itself.
extension Evaluator {
    /// The variable's lower-case name.
    static let preferenceName = "erroractionpreference"
    /// The variables of PowerShell's own that scripts may assign to, by lower-case name.
    static let settable: Set<String> = [
        "_", "null", "profile", "transcript", "input", "matches", preferenceName, "warningpreference",
    ]

    /// The variables of PowerShell's own that refuse any value, by lower-case name.
    static let readOnly: Set<String> = ["error"]

    /// What the script has set, in lower case; `nil` where it has set nothing.
    var preferenceWord: String? {
        guard case .string(let word)? = variables[Self.preferenceName] else { return nil }
        return word
    }

    /// What becomes of errors.
    var preference: ErrorAction {
        switch preferenceWord {
        case "stop": .stop
        case "silentlycontinue": .silence
        default: .goOn
        }
    }

    /// Returns what the variable keeps of a value that is assigned to it. Scripts can't read it: it would be of a type of
    /// its own.
    static func preference(_ value: PSValue) throws(Interrupt) -> PSValue {
        guard case .string(let text) = value.plain else { throw .handOver("an unusual $ErrorActionPreference") }
        let word = text.lowercased()
        guard ["stop", "continue", "silentlycontinue"].contains(word) else {
            throw .handOver("an unusual $ErrorActionPreference")
        }
        return .string(word)
    }
}
