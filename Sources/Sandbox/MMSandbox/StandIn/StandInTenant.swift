package import MMCore

/// The tenant behind a stand-in, at which its modules sign in and from which their cmdlets read.
package protocol StandInTenant: Sendable {
    /// Signs in by device code and waits until a person has approved.
    /// - Parameters:
    ///   - app: the id of the app that signs in.
    ///   - tenant: the tenant, by id or name.
    ///   - prompt: receives the code and the page where a person enters it; called once. What it throws ends the sign-in.
    /// - Returns: an access token that every service of the tenant accepts.
    /// - Throws: the sign-in service's error; `cancelled`.
    func signIn(
        app: String, tenant: String,
        prompt: @escaping @Sendable (_ code: String, _ page: String) throws(MMError) -> Void
    ) async throws(MMError) -> Secret

    /// Reads from a service of the tenant.
    /// - Parameters:
    ///   - path: the path and query, relative to the tenant's own address, or a full address.
    ///   - body: the body to post, for services that read in this way; `nil` for a plain read.
    ///   - token: the reader's token.
    /// - Returns: the items of a list, otherwise the single object.
    /// - Throws: the service's error; `cancelled`.
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
