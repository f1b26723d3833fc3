package import MMCore

/// The tenant behind a stand-in: where its modules sign in, and what their cmdlets read.
package protocol StandInTenant: Sendable {
    /// Signs in by device code, and waits until a person has approved.
    /// - Parameters:
    ///   - app: id of the app that signs in.
    ///   - tenant: the tenant, by id or name.
    ///   - prompt: gets the code and the page where a person enters it, once.
    /// - Returns: an access token that every service of the tenant takes.
    /// - Throws: what the sign-in service refuses with; `cancelled`.
    func signIn(
        app: String, tenant: String, prompt: @escaping @Sendable (_ code: String, _ page: String) -> Void
    ) async throws(MMError) -> Secret

    /// Reads from a service of the tenant.
    /// - Parameters:
    ///   - path: path and query, from the tenant's own address on.
    ///   - body: what is posted there, for services that are asked so; `nil` for a plain read.
    ///   - token: who reads.
    /// - Returns: the items of a list, else the one object.
    /// - Throws: what the service refuses with; `cancelled`.
    func rows(of path: String, body: JSONValue?, token: Secret) async throws(MMError) -> [JSONValue]

    /// Sends any request to a service of the tenant.
    /// - Parameters:
    ///   - method: the method.
    ///   - path: path and query, from the tenant's own address on, or a whole address.
    ///   - body: what it carries.
    ///   - token: whose request it is.
    /// - Returns: the status and the text of the answer, whatever they are.
    /// - Throws: when there is no answer; `cancelled`.
    func send(
        _ method: String, _ path: String, body: String?, token: Secret?
    ) async throws(MMError) -> (status: Int, text: String)
}
