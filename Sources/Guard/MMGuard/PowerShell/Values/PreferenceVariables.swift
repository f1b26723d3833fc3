/// PowerShell's preference variables, which control error handling and output, and the parameters that do so for one
/// command: with the listed values they have no other effect.
enum PreferenceVariables {
    /// What PowerShell does with an error or a message, in the order of its numbers.
    private static let allActions = [
        "silentlycontinue", "stop", "continue", "inquire", "ignore", "suspend", "break",
    ]

    /// Those that neither wait for an answer nor stop in the debugger.
    private static let actions = ["silentlycontinue", "stop", "continue", "ignore"]

    private static let actionVariables: Set<String> = [
        "erroractionpreference", "warningpreference", "verbosepreference", "informationpreference",
        "progresspreference",
    ]

    /// Returns whether a script may set the variable (in lower case) to this value.
    static func mayBe(_ name: String, _ value: ConstantValue) -> Bool {
        guard let text = value.text?.asciiLowercased else { return false }
        if actionVariables.contains(name) { return isAction(text) }
        return name == "formatenumerationlimit" && Int(text) != nil
    }

    /// Returns all values that a variable (in lower case) may have, as far as scripts may set it; `nil` for variables
    /// of other kinds.
    static func values(of name: String) -> [String]? { actionVariables.contains(name) ? actions : nil }

    /// Returns whether a text means one of the listed actions: its name, the beginning of only one name, or its number.
    static func isAction(_ text: String) -> Bool {
        let word = text.asciiLowercased
        if let number = Int(word) {
            return allActions.indices.contains(number) && actions.contains(allActions[number])
        }
        let meant = allActions.filter { $0.hasPrefix(word) }
        return meant.count == 1 && actions.contains(meant[0])
    }
}
