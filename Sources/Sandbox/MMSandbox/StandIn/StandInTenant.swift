package import MMCore

/// The tokens that the sign-in service issued.
package struct StandInTokens: Sendable {
    /// The access token.
    package let access: Secret
    /// The refresh token; `nil` if the earlier one stays valid.
    package let refresh: Secret?

    package init(access: Secret, refresh: Secret?) {
        self.access = access
        self.refresh = refresh
    }
}

/// The tenant behind a stand-in, where its modules sign in and from which their cmdlets read.
package protocol StandInTenant: Sendable {
    /// Signs in by device code and waits until a person has approved.
    /// - Parameters:
    ///   - app: the id of the app that signs in.
    ///   - tenant: the tenant, by id or name.
    ///   - scope: the scope of the first token.
    ///   - prompt: receives the code and the page where a person enters it; called once. Its error ends the sign-in.
    /// - Returns: a token for the scope, and a refresh token.
    /// - Throws: the sign-in service's error; `cancelled`.
    func signIn(
        app: String, tenant: String, scope: String,
        prompt: @escaping @Sendable (_ code: String, _ page: String) throws(MMError) -> Void
    ) async throws(MMError) -> StandInTokens

    /// Gets another token with the refresh token of a sign-in.
    /// - Parameters:
    ///   - refresh: the refresh token.
    ///   - app: the id of the app that signed in.
    ///   - tenant: the tenant, by id or name.
    ///   - scope: the scope of the token.
    ///   - claims: the claims that a service demands of the token, as JSON.
    /// - Throws: the sign-in service's error; `cancelled`.
    func renew(
        _ refresh: Secret, app: String, tenant: String, scope: String, claims: String?
    ) async throws(MMError) -> StandInTokens

    /// Gets a token of this machine's identity.
    /// - Parameter audience: the audience of the token.
    /// - Returns: nil if the machine has none.
    /// - Throws: the error of the identity's endpoint; `cancelled`.
    func machineToken(for audience: String) async throws(MMError) -> Secret?

    /// Reads from a service of the tenant.
    /// - Parameters:
    ///   - path: the path and query, relative to the tenant's own address, or a full address.
    ///   - body: the body to post, for services that read in this way; `nil` for a plain read.
    ///   - token: the reader's token.
    /// - Returns: the items of a list, otherwise the single object.
    /// - Throws: the service's error, with the `claims` that it demands of another token; `cancelled`.
    func rows(of path: String, body: JSONValue?, token: Secret) async throws(MMError) -> [JSONValue]

    /// Sends any request to a service of the tenant.
    /// - Parameters:
    ///   - method: the HTTP method.
    ///   - path: the path and query, relative to the tenant's own address, or a full address.
    ///   - body: the request's body.
    ///   - token: the sender's token.
    /// - Returns: the answer's status and text, whatever they are.
    /// - Throws: an error when there is no answer; `cancelled`.
    func send(
        _ method: String, _ path: String, body: String?, token: Secret?
    ) async throws(MMError) -> (status: Int, text: String)
}

extension StandInTenant {
    /// Returns nil: a machine without an identity.
    package func machineToken(for audience: String) async throws(MMError) -> Secret? { nil }
}
