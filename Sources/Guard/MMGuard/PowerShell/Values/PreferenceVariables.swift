/// PowerShell's preference variables, which control error handling and output: with the listed values they have no
/// other effect.
enum PreferenceVariables {
    /// Returns whether a script may set the variable (in lower case) to this value.
    static func mayBe(_ name: String, _ value: ConstantValue) -> Bool {
        guard let text = value.text?.asciiLowercased else { return false }
        switch name {
        case "erroractionpreference", "warningpreference", "verbosepreference", "informationpreference",
            "progresspreference":
            return ["stop", "continue", "silentlycontinue", "ignore"].contains(text)
        case "formatenumerationlimit": return Int(text) != nil
        default: return false
        }
    }
}
