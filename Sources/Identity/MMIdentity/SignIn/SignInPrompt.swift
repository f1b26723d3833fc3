public import MMCore

/// The information that a person needs to approve a sign-in; show it unchanged.
public struct SignInPrompt: Sendable, Hashable {
    /// The connection that is signing in.
    public let connection: String
    /// The service that the first token is for.
    public let resource: ServiceResource
    /// The code to type; empty if a page is opened on this machine and nothing is typed.
    public let userCode: String
    /// The page to type it on, or the page to open.
    public let verificationURI: String
    /// The sign-in service's own instructions.
    public let message: String
    /// The account to use, if the connection expects one.
    public let account: String?
    /// The app that will act on the person's behalf, so that no one approves another one by mistake.
    package let appID: String
    /// The tenant that the app will act in.
    public let tenant: String
    /// When the code expires.
    public let expiresAt: Timestamp
    /// The minimum time between two polls.
    package let interval: Duration
    /// The reason why the last poll failed, if it did.
    package let lastError: String?
    /// The reason why the sign-in before this one ended, if there was one.
    package var reason: String? = nil
    /// The fate of the previous code, in a sentence.
    package var note: String? = nil

    /// Whether the page must be opened in a browser on this machine, and needs no code.
    package var opensBrowserHere: Bool { userCode.isEmpty }

    /// The sentence that reports why the last poll failed, for the end of the prompt.
    package var trouble: String? { lastError.map { "(The last request to the sign-in service failed: \($0))" } }

    /// Returns the prompt as the error for a call that needs a sign-in first.
    /// - Parameter now: the current time, for computing how long the code is valid.
    package func error(now: Timestamp) -> MMError {
        let left = max(0, expiresAt.seconds - now.seconds)
        let minutes = left >= 120 ? "\(left / 60) minutes" : "\(left) seconds"
        let person = account.map { " as \($0)" } ?? ""
        let before = reason.map { "The last sign-in of \(connection) ended (\($0)). " } ?? ""
        return MMError(
            .signInNeeded,
            before + (note.map { $0 + " " } ?? "")
                + "Sign-in needed for \(connection): open \(verificationURI), enter the code \(userCode) and sign in\(person). "
                + "The code is valid for \(minutes)." + (trouble.map { " " + $0 } ?? ""),
            hint:
                "Approve it in a browser, then repeat the same call, which continues with this sign-in. Meanwhile mm asks the "
                + "service every \(interval.components.seconds) seconds. "
                + "In a terminal: mm login \(ShellWord.quoted(connection)).",
            retry: .after(interval), details: details(left: left))
    }

    private func details(left: Int64) -> JSONObject {
        var details: JSONObject = [
            "connection": .string(connection), "resource": .string(resource.name),
            "verificationUri": .string(verificationURI),
            "message": .string([note, message, trouble].compactMap(\.self).joined(separator: " ")),
            "expiresAt": .string(expiresAt.iso8601), "expiresInSeconds": .int(left),
            "interval": .int(interval.components.seconds), "appId": .string(appID), "tenant": .string(tenant),
        ]
        if !opensBrowserHere { details["userCode"] = .string(userCode) }
        if let account { details["account"] = .string(account) }
        if let reason { details["reason"] = .string(reason) }
        if let note { details["note"] = .string(note) }
        if let trouble { details["trouble"] = .string(trouble) }
        return details
    }
}
