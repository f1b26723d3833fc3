public import MMCore

/// A token that a service takes for a while.
public struct AccessToken: Sendable, Hashable {
    /// The token; it prints as `‹redacted›`.
    public let secret: Secret
    /// When it ends.
    public let expiresAt: Timestamp
    /// What it is for.
    public let resource: ServiceResource
    /// The connection it belongs to.
    public let connection: String
    /// Who signed in.
    public let account: SignedInAccount

    /// The value of the `Authorization` header that carries it (RFC 6750, section 2.1).
    public var authorization: String { "Bearer " + secret.reveal() }
}
