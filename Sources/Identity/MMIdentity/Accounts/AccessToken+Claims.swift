package import MMCore

extension AccessToken {
    /// What the token says of its holder's rights, for advice alone: what it opens its service decides. `nil` for a token
    /// that can't be parsed.
    package var claims: JSONObject? { AccessTokenClaims(secret)?.claims }
}
