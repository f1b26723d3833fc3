public import MMCore

/// Provides access tokens for programs that already have a sign-in of their own.
///
/// It is called for each request that needs a token, so cache tokens that are still valid. A token is checked (tenant,
/// account or app, service, expiry) before it is used, and is never stored.
public protocol AccessTokenProvider: Sendable {
    /// Returns a currently valid token.
    /// - Parameter request: the service, the tenant, and what the service demanded when it refused the last token.
    /// - Throws: any error, which ends the request that needs the token; an `MMError` is reported unchanged.
    func accessToken(for request: AccessTokenRequest) async throws -> ProvidedAccessToken
}

/// A request for an access token.
public struct AccessTokenRequest: Sendable {
    /// The connection that needs the token.
    public let connection: String
    /// The service that the token is for.
    public let resource: ServiceResource
    /// The scope for everything granted there: `https://graph.microsoft.com/.default`.
    package let scope: String
    /// The tenant's id or domain.
    public let tenant: String
    /// The claims that the service demanded when it refused the last token, in the form of a sign-in request's
    /// `claims`.
    public let claims: String?
    /// Whether the service has just refused the last token, so that returning the same one is pointless.
    public let isAfterRefusal: Bool
}

/// A token from a provider.
public struct ProvidedAccessToken: Sendable {
    /// The token.
    public let secret: Secret
    /// When the token expires; read from the token if not given.
    public let expiresAt: Timestamp?

    /// Creates a provided token.
    /// - Parameters:
    ///   - secret: the token, without `Bearer`.
    ///   - expiresAt: when it expires; `nil` to read that from the token.
    public init(_ secret: Secret, expiresAt: Timestamp? = nil) {
        self.secret = secret
        self.expiresAt = expiresAt
    }
}

/// A token provider that calls a closure.
public struct ClosureTokenProvider: AccessTokenProvider {
    private let give: @Sendable (AccessTokenRequest) async throws -> ProvidedAccessToken

    /// Creates a provider.
    /// - Parameter give: returns a currently valid token.
    public init(_ give: @escaping @Sendable (AccessTokenRequest) async throws -> ProvidedAccessToken) {
        self.give = give
    }

    /// Returns a currently valid token.
    public func accessToken(for request: AccessTokenRequest) async throws -> ProvidedAccessToken {
        try await give(request)
    }
}

/// Provides a token that another program keeps in a file or a variable.
struct KeptToken: AccessTokenProvider {
    let source: SecretSource
    let environment: [String: String]

    func accessToken(for request: AccessTokenRequest) async throws -> ProvidedAccessToken {
        ProvidedAccessToken(
            try await source.read("the token", of: request.connection, environment: environment))
    }
}
