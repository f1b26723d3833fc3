/// A closure that gives access tokens.
public struct ClosureTokenProvider: AccessTokenProvider {
    private let give: @Sendable (AccessTokenRequest) async throws -> ProvidedAccessToken

    /// A provider.
    /// - Parameter give: gives a token that is good now.
    public init(_ give: @escaping @Sendable (AccessTokenRequest) async throws -> ProvidedAccessToken) {
        self.give = give
    }

    /// A token that is good now.
    public func accessToken(for request: AccessTokenRequest) async throws -> ProvidedAccessToken {
        try await give(request)
    }
}
