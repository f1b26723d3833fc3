package import MMCore

/// What a placeholder stands for when a fresh token is asked for.
package struct TokenNeed: Sendable, Hashable {
    /// The audience of the token's resource, such as `https://graph.microsoft.com`.
    package let audience: String
    /// The account that signed in, by its object id or name: whatever the source itself gave the placeholder for.
    package let account: String

    /// What is needed.
    package init(audience: String, account: String) {
        self.audience = audience
        self.account = account
    }
}

/// Gives the tokens that placeholders stand for: what holds the connection's sign-in.
package protocol TokenSource: Sendable {
    /// A token that is good now.
    /// - Throws: why there is none; the session's request fails with it.
    func token(for need: TokenNeed) async throws(MMError) -> Secret
}
