internal import MMCore
internal import MMHTTP

/// Obtains tokens for an app that authenticates to the token endpoint (RFC 6749, section 4.4).
struct ClientCredentialGrant: AppTokenSource {
    let credential: ClientCredential
    let entra: EntraClient
    let surroundings: CredentialContext

    func token(
        _ target: SignInTarget, _ resource: ServiceResource, claims: String?, deadline: Deadline
    ) async throws(MMError) -> TokenAnswer {
        var form = FormFields(["grant_type": "client_credentials", "client_id": target.clientID])
        try await credential.sign(&form, for: target, in: surroundings, deadline: deadline)
        let scope = target.authority.cloud.defaultScope(of: resource) ?? ""
        do {
            return try await entra.confidential(target, form, scopes: [scope], claims: claims, deadline: deadline)
        } catch {
            let what = "Signing \(target.connection) in as an app"
            switch error {
            case .refused(let error): throw error.mmError(for: what, connection: target.connection, by: .app)
            case .unreachable(let error): throw error.mmError(for: what)
            case .unexpected(let error): throw error
            }
        }
    }
}
