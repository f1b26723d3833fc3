internal import MMCore
internal import MMHTTP

/// Obtains tokens for an app that authenticates to the token endpoint (RFC 6749, section 4.4).
struct ClientCredentialGrant: AppTokenSource {
    let credential: ClientCredential
    let entra: EntraClient
    let surroundings: CredentialSurroundings

    func token(
        _ target: SignInTarget, _ resource: ServiceResource, claims: String?, deadline: Deadline
    ) async throws(AppTokenFault) -> TokenAnswer {
        var form = FormFields(["grant_type": "client_credentials", "client_id": target.clientID])
        do {
            try await credential.sign(&form, for: target, in: surroundings, deadline: deadline)
        } catch {
            throw AppTokenFault(error: error, isPassing: error.retry != .never)
        }
        let scope = target.authority.cloud.defaultScope(of: resource) ?? ""
        do {
            return try await entra.clientCredentials(target, form, scope: scope, claims: claims, deadline: deadline)
        } catch {
            let what = "Signing \(target.connection) in as an app"
            switch error {
            case .refused(let error):
                throw AppTokenFault(
                    error: error.mmError(for: what, connection: target.connection, by: .app),
                    isPassing: error.action.isTransient)
            case .unreachable(let error):
                throw AppTokenFault(error: error.mmError(for: what), isPassing: error.kind != .cancelled)
            case .odd(let error): throw AppTokenFault(error: error, isPassing: true)
            }
        }
    }
}
