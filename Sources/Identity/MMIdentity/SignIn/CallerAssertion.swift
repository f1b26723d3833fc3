package import MMCore

/// The access token of whoever makes the call that runs, for connections that act on behalf of their callers.
///
/// It belongs to the task of the call and to what that starts, so that no call can meet another's; where it is missing, such a
/// connection has no token at all.
package enum CallerAssertion {
    @TaskLocal package static var current: Secret?

    /// Runs work on behalf of a caller; with `nil` on behalf of nobody.
    package static func with<Value: Sendable>(
        _ assertion: Secret?, _ work: nonisolated(nonsending) () async throws(MMError) -> Value
    ) async throws(MMError) -> Value {
        let result = await $current.withValue(assertion) {
            await Result { () async throws(MMError) in try await work() }
        }
        return try result.get()
    }

    /// Whose the token is, as it says itself; for telling apart what is kept for its owner.
    static var owner: String? {
        guard let current, let claims = AccessTokenClaims(current) else { return nil }
        return [claims.tenantID, claims.objectID, claims.claims["iss"]?.string, claims.claims["sub"]?.string]
            .map { $0 ?? "" }.joined(separator: " ")
    }
}
