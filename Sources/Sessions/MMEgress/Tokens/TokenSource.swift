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

    /// Another token in the place of one that a service has refused. Many may ask at once for the same.
    /// - Throws: `.signInNeeded` where only a person can get one.
    func token(for need: TokenNeed, insteadOf refusal: TokenRefusal) async throws(MMError) -> Secret
}

extension TokenSource {
    /// A source that knows nothing of refusals has no other.
    package func token(for need: TokenNeed, insteadOf refusal: TokenRefusal) async throws(MMError) -> Secret {
        try await token(for: need)
    }
}

/// A service's refusal of a token.
package struct TokenRefusal: Sendable {
    /// The token that it refused.
    package let token: Secret
    /// When the request with it was sent.
    package let sent: Timestamp
    /// The claims that it demands of another one, as JSON.
    package let claims: String?

    package init(of token: Secret, sent: Timestamp, claims: String?) {
        self.token = token
        self.sent = sent
        self.claims = claims
    }
}
