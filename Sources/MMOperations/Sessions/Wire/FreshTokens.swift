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
        let name = bearer.connection.name
        guard let resource = cloud.resource(withAudience: need.audience) else {
            throw MMError(.unsupported, "The connection \(name) has no tokens for \(need.audience).")
        }
        let token = try await bearer.token(for: resource, until: .after(.seconds(60)))
        guard token.account.objectID == need.account else {
            throw MMError(
                .signInNeeded, "Another account has signed in for \(name) since this session began.",
                hint: "End the session; the next call starts one for that account: mm reset \(ShellWord.quoted(name))")
        }
        return token.secret
    }
}
