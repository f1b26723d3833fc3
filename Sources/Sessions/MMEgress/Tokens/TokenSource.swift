package import MMCore

/// A request for the token of a placeholder.
package struct TokenNeed: Sendable, Hashable {
    /// The audience of the token's resource, such as `https://graph.microsoft.com`.
    package let audience: String
    /// The account that signed in, by object id or name: the value with which the placeholder was created.
    package let account: String

    /// Creates a request.
    package init(audience: String, account: String) {
        self.audience = audience
        self.account = account
    }
}

/// A source of the tokens that placeholders stand for: the holder of the connection's sign-in.
package protocol TokenSource: Sendable {
    /// Returns a valid token.
    /// - Throws: why there is none; the session's request fails with this error.
    func token(for need: TokenNeed) async throws(MMError) -> Secret

    /// Returns a token to replace one that a service has refused. Many callers may ask for the same one at once.
    /// - Throws: `.signInNeeded` if only a person can obtain one.
    func token(for need: TokenNeed, insteadOf refusal: TokenRefusal) async throws(MMError) -> Secret
}

extension TokenSource {
    /// By default, the same as without a refusal.
    package func token(for need: TokenNeed, insteadOf refusal: TokenRefusal) async throws(MMError) -> Secret {
        try await token(for: need)
    }
}

/// A service's refusal of a token.
package struct TokenRefusal: Sendable {
    /// The refused token.
    package let token: Secret
    /// When the request with the token was sent.
    package let sent: Timestamp
    /// The claims that the service requires of a new token, as JSON.
    package let claims: String?

    package init(of token: Secret, sent: Timestamp, claims: String?) {
        self.token = token
        self.sent = sent
        self.claims = claims
    }
}
