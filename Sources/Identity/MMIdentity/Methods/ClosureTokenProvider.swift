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
