import PowerShellSyntax

/// `$ErrorActionPreference`: the handling of errors for commands without `-ErrorAction`.
extension Evaluator {
    /// The variable's lower-case name.
    static let preferenceName = "erroractionpreference"
    /// The lower-case names of PowerShell's own variables that scripts may assign to.
    static let settable: Set<String> = [
        "_", "null", "profile", "transcript", "input", "matches", preferenceName, "warningpreference",
    ]

    /// The lower-case names of PowerShell's own variables that accept no value.
    static let readOnly: Set<String> = ["error"]

    /// The script's value, in lower case; `nil` if it has set none.
    var preferenceWord: String? {
        guard case .string(let word)? = variables[Self.preferenceName] else { return nil }
        return word
    }

    /// The current handling of errors.
    var preference: ErrorAction {
        switch preferenceWord {
        case "stop": .stop
        case "silentlycontinue": .silence
        default: .goOn
        }
    }

    /// Returns the form of an assigned value that the variable keeps. Scripts can't read it, because it would have a
    /// type of
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
