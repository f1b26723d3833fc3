import MMCore
import MMEgress
import MMIdentity

/// The tokens that a session's placeholders stand for: those of whom it is for, fresh each time.
struct FreshTokens: TokenSource {
    /// For whom.
    let bearer: SessionBearer
    /// The cloud, which knows what an audience belongs to.
    let cloud: Cloud

    /// A token that is good now, of the account that the placeholder was made for.
    func token(for need: TokenNeed) async throws(MMError) -> Secret {
        try checked(try await bearer.token(for: try resource(need), until: .after(.seconds(60))), need)
    }

    /// Another one in the place of one that a service has refused.
    func token(for need: TokenNeed, insteadOf refusal: TokenRefusal) async throws(MMError) -> Secret {
        let token = try await bearer.token(
            for: try resource(need), insteadOf: refusal.token, at: refusal.sent, claims: refusal.claims,
            until: .after(.seconds(60)))
        return try checked(token, need)
    }

    private func resource(_ need: TokenNeed) throws(MMError) -> ServiceResource {
        if let resource = cloud.resource(withAudience: need.audience) { return resource }
        if let api = try? ConnectionAPI(need.audience) { return .api(api) }
        throw MMError(.unsupported, "The connection \(bearer.connection.name) has no tokens for \(need.audience).")
    }

    private func checked(_ token: AccessToken, _ need: TokenNeed) throws(MMError) -> Secret {
        let name = bearer.connection.name
        guard token.account.objectID == need.account else {
            throw MMError(
                .signInNeeded, "Another account has signed in for \(name) since this session began.",
                hint: "End the session; the next call starts one for that account: mm reset \(ShellWord.quoted(name))")
        }
        return token.secret
    }
}
