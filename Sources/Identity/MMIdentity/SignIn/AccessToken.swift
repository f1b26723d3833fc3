public import MMCore

/// A token that gives access to a service for a limited time.
public struct AccessToken: Sendable, Hashable {
    /// The token; it prints as `‹redacted›`.
    public let secret: Secret
    /// When the token expires.
    public let expiresAt: Timestamp
    /// The service that the token is for.
    public let resource: ServiceResource
    /// The connection that the token belongs to.
    public let connection: String
    /// The account that signed in.
    public let account: SignedInAccount

    /// The value of the `Authorization` header for the token (RFC 6750, section 2.1).
    public var authorization: String { "Bearer " + secret.reveal() }
}

extension AccessToken {
    /// The claims of the token about its holder's rights, for advice only: the service itself decides. `nil` for a
    /// token that can't be parsed.
    package var claims: JSONObject? { AccessTokenClaims(secret)?.claims }
}
