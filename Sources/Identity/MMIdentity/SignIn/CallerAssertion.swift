package import MMCore

/// The access token of the current call's caller, for connections that act on behalf of their callers.
///
/// It is bound to the call's task and the tasks that it starts, so that no call can see another's token. Without it,
/// such a connection has no token at all.
package enum CallerAssertion {
    @TaskLocal package static var current: Secret?

    /// Runs work on behalf of a caller; with `nil`, on behalf of no one.
    package static func with<Value: Sendable>(
        _ assertion: Secret?, _ work: nonisolated(nonsending) () async throws(MMError) -> Value
    ) async throws(MMError) -> Value {
        let result = await $current.withValue(assertion) {
            await Result { () async throws(MMError) in try await work() }
        }
        return try result.get()
    }

    /// The unverified owner of the current token, as a key for what is cached per owner.
    static var owner: String? {
        guard let current, let claims = AccessTokenClaims(current) else { return nil }
        return [claims.tenantID, claims.objectID, claims.claims["iss"]?.string, claims.claims["sub"]?.string]
            .map { $0 ?? "" }.joined(separator: " ")
    }
}
