internal import MMCore

/// Provides a token that another program keeps in a file or a variable.
struct KeptToken: AccessTokenProvider {
    let source: SecretSource
    let environment: [String: String]

    func accessToken(for request: AccessTokenRequest) async throws -> ProvidedAccessToken {
        ProvidedAccessToken(
            try await source.read("the token", of: request.connection, environment: environment))
    }
}
