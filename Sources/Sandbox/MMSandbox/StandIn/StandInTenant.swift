package import MMCore

/// What the sign-in service gave.
package struct StandInTokens: Sendable {
    /// The access token.
    package let access: Secret
    /// What brings further ones; `nil` where the earlier one goes on serving.
    package let refresh: Secret?

    package init(access: Secret, refresh: Secret?) {
        self.access = access
        self.refresh = refresh
    }
}

/// The tenant behind a stand-in, at which its modules sign in and from which their cmdlets read.
package protocol StandInTenant: Sendable {
    /// Signs in by device code and waits until a person has approved.
    /// - Parameters:
    ///   - app: the id of the app that signs in.
    ///   - tenant: the tenant, by id or name.
    ///   - scope: what the first token is for.
    ///   - prompt: receives the code and the page where a person enters it; called once. What it throws ends the sign-in.
    /// - Returns: a token for the scope, and what brings others.
    /// - Throws: the sign-in service's error; `cancelled`.
    func signIn(
        app: String, tenant: String, scope: String,
        prompt: @escaping @Sendable (_ code: String, _ page: String) throws(MMError) -> Void
    ) async throws(MMError) -> StandInTokens

    /// Gets another token with what a sign-in left.
    /// - Parameters:
    ///   - refresh: the refresh token.
    ///   - app: the id of the app that signed in.
    ///   - tenant: the tenant, by id or name.
    ///   - scope: what the token is for.
    ///   - claims: what a service asks of the token, as JSON.
    /// - Throws: the sign-in service's error; `cancelled`.
    func renew(
        _ refresh: Secret, app: String, tenant: String, scope: String, claims: String?
    ) async throws(MMError) -> StandInTokens

    /// Gets a token of the identity that this machine has.
    /// - Parameter audience: what the token is for.
    /// - Returns: nil where the machine has none.
    /// - Throws: the words of the identity's endpoint; `cancelled`.
    func machineToken(for audience: String) async throws(MMError) -> Secret?

    /// Reads from a service of the tenant.
    /// - Parameters:
    ///   - path: the path and query, relative to the tenant's own address, or a full address.
    ///   - body: the body to post, for services that read in this way; `nil` for a plain read.
    ///   - token: the reader's token.
    /// - Returns: the items of a list, otherwise the single object.
    /// - Throws: the service's error, with the `claims` that it asks of another token; `cancelled`.
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
    /// Returns a machine without an identity.
    package func machineToken(for audience: String) async throws(MMError) -> Secret? { nil }
}
