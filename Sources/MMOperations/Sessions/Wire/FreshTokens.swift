import MMCore
import MMEgress
import MMIdentity

/// The tokens that a session's placeholders stand for: those of the connection's own sign-in, fresh each time.
struct FreshTokens: TokenSource {
    /// Whose.
    let connection: Connection
    /// The cloud, which knows what an audience belongs to.
    let cloud: Cloud
    /// Where they come from.
    let identity: IdentityService

    /// A token that is good now, of the account that the placeholder was made for.
    func token(for need: TokenNeed) async throws(MMError) -> Secret {
        guard let resource = cloud.resource(withAudience: need.audience) else {
            throw MMError(.unsupported, "The connection \(connection.name) has no tokens for \(need.audience).")
        }
        // The session is the connection's, whoever's call runs in it.
        let token = try await CallerAssertion.with(nil) { () async throws(MMError) in
            try await identity.token(
                for: connection, resource: resource, options: TokenOptions(interaction: .never),
                deadline: .after(.seconds(60)))
        }
        guard token.account.objectID == need.account else {
            throw MMError(
                .signInNeeded, "Another account has signed in for \(connection.name) since this session began.",
                hint:
                    "End the session; the next call starts one for that account: mm reset \(ShellWord.quoted(connection.name))"
            )
        }
        return token.secret
    }
}
