package import MMCore

/// The text that tells a person how to sign in, the same in every front-end.
package enum SignInText {
    /// Returns the instructions for a sign-in that waits, from the details of a `sign_in_needed` error.
    /// - Parameters:
    ///   - details: `userCode`, `verificationUri`, `connection`, `account`, `expiresAt`, `reason`, `note`, `trouble`;
    ///     without a code, `message`.
    ///   - emphasised: marks up the code and the address, if the front-end can.
    package static func waiting(_ details: JSONObject, emphasised: (String) -> String = { $0 }) -> String {
        // A sign-in in this machine's browser needs no code; the message says what to do if no browser opened.
        let warning = details["warning"]?.string.map { "\n" + $0 } ?? ""
        if details["userCode"] == nil, let message = details["message"]?.string { return message + warning }
        let code = details["userCode"]?.string ?? "?"
        let address = details["verificationUri"]?.string ?? "?"
        let before = details["reason"]?.string.map {
            $0.hasSuffix(".") ? "\($0)\n" : "The last sign-in ended: \($0).\n"
        }
        let note = details["note"]?.string.map { $0 + "\n" }
        var text =
            (before ?? "") + (note ?? "")
            + "To sign in, open \(emphasised(address)) and enter the code \(emphasised(code))"
        if let connection = details["connection"]?.string { text += " for the connection \(connection)" }
        text += "."
        if let account = details["account"]?.string { text += "\nSign in as \(emphasised(account))." }
        if let expiry = details["expiresAt"]?.string {
            let left = details["expiresInSeconds"]?.int.map { " (\(duration($0)))" } ?? ""
            text += "\nThe code expires at \(expiry)\(left)."
        }
        if let trouble = details["trouble"]?.string { text += "\n\(trouble)" }
        return text + warning
    }

    /// Returns the instructions for one of several sign-ins that wait.
    /// - Parameters:
    ///   - code: the code.
    ///   - address: the address at which it is entered.
    ///   - name: the connection or session that waits for it.
    ///   - account: the account that has to sign in, if that is known.
    static func waiting(_ code: String, at address: String, for name: String, as account: String?) -> String {
        "\(name): open \(address), enter the code \(code) and sign in\(account.map { " as \($0)" } ?? "")."
    }

    /// Returns the remaining time in words.
    private static func duration(_ seconds: Int) -> String {
        seconds >= 120 ? "\(seconds / 60) minutes" : "\(max(seconds, 0)) seconds"
    }
}
