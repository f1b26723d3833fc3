package import MMCore

/// The managed identity for a session's programs, found as on a machine of Azure: its endpoint is a path on the proxy's
/// own port, and it issues only placeholders.
///
/// Every Microsoft library uses one of three protocols, which differ only in names: App Service (`IDENTITY_ENDPOINT`),
/// the older `MSI_ENDPOINT`, and the instance metadata service.
package struct ProgramIdentity: Sendable {
    /// An issued placeholder and its stated expiry.
    package struct Issued: Sendable {
        /// The placeholder.
        package let text: String
        /// The expiry that is reported to the program.
        package let expiresAt: Timestamp

        package init(text: String, expiresAt: Timestamp) {
            self.text = text
            self.expiresAt = expiresAt
        }
    }

    /// The ids of the identity's app and account. A program may ask for it by one of them.
    let names: Set<String>
    /// The client id that answers contain; `nil` if there is none.
    let clientID: String?
    /// Returns a placeholder for a token of an audience.
    let issue: @Sendable (_ audience: String) async throws(MMError) -> Issued
    /// The secret that the endpoint requires, passed to programs as `IDENTITY_HEADER`.
    let header = Secret(RandomBytes.text(bytes: 24))

    /// Creates an identity.
    /// - Parameters:
    ///   - clientID: the id of its app.
    ///   - names: further ids by which programs may ask for it.
    ///   - issue: returns a placeholder for a token of an audience.
    package init(
        clientID: String?, names: [String],
        issue: @escaping @Sendable (_ audience: String) async throws(MMError) -> Issued
    ) {
        self.clientID = clientID
        self.names = Set((names + [clientID].compactMap(\.self)).map { $0.lowercased() })
        self.issue = issue
    }

    /// The address of Azure's instance metadata service.
    static let metadataHost = "169.254.169.254"
    /// The path of the endpoint.
    static let path = "/metadata/identity/oauth2/token"

    /// Returns the environment variables by which programs find the endpoint.
    func variables(port: UInt16) -> [String: String] {
        let origin = "http://127.0.0.1:\(port)"
        return [
            "IDENTITY_ENDPOINT": origin + Self.path, "IDENTITY_HEADER": header.reveal(),
            "MSI_ENDPOINT": origin + Self.path, "MSI_SECRET": header.reveal(),
            "AZURE_POD_IDENTITY_AUTHORITY_HOST": origin,
        ]
    }
}
