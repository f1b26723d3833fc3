public import MMCore

/// Fetches access tokens in a program's own way, for programs that have a sign-in already.
///
/// It is asked for each request that needs a token: keep what is still good. What it gives is checked (tenant, account or
/// app, service, end) before it is used, and is never written down.
public protocol AccessTokenProvider: Sendable {
    /// A token that is good now.
    func accessToken(for request: AccessTokenRequest) async throws -> ProvidedAccessToken
}

/// What a token is wanted for.
public struct AccessTokenRequest: Sendable {
    /// The connection that asks.
    public let connection: String
    /// The service that is going to take it.
    public let resource: ServiceResource
    /// The scope that stands for everything granted there: `https://graph.microsoft.com/.default`.
    public let scope: String
    /// The tenant, by its id or its domain.
    public let tenant: String
    /// What the service asked for when it refused the last token, as the `claims` of a sign-in request.
    public let claims: String?
    /// Whether the service has just refused the token that was given last: the same one would help nobody.
    public let isAfterRefusal: Bool
}

/// A token that a provider gives.
public struct ProvidedAccessToken: Sendable {
    /// The token.
    public let secret: Secret
    /// When it ends; read from the token itself where it isn't given.
    public let expiresAt: Timestamp?

    /// A token.
    public init(_ secret: Secret, expiresAt: Timestamp? = nil) {
        self.secret = secret
        self.expiresAt = expiresAt
    }
}
