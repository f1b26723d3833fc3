package import MMCore

/// The identity that programs of a session find, as those on a machine of Azure find the machine's: its endpoint is a path
/// on the wire's own port, and all that it gives out are placeholders.
///
/// Every library of Microsoft's asks one of three protocols, which differ in names alone: App Service (`IDENTITY_ENDPOINT`),
/// the older `MSI_ENDPOINT`, and the instance metadata service.
package struct ProgramIdentity: Sendable {
    /// A placeholder, and when it says that it ends.
    package struct Issued: Sendable {
        /// The placeholder.
        package let text: String
        /// When it says that it ends.
        package let expiresAt: Timestamp

        package init(text: String, expiresAt: Timestamp) {
            self.text = text
            self.expiresAt = expiresAt
        }
    }

    /// What names the identity: the ids of its app and of its account. A program may ask for it by one of them.
    let names: Set<String>
    /// The id that answers name; nil where there is none.
    let clientID: String?
    /// A placeholder for a token of an audience.
    let issue: @Sendable (_ audience: String) async throws(MMError) -> Issued
    /// What the endpoint wants to be shown, as `IDENTITY_HEADER`.
    let header = Secret(RandomBytes.text(bytes: 24))

    /// An identity.
    /// - Parameters:
    ///   - clientID: the id of its app.
    ///   - names: further ids by which programs may ask for it.
    ///   - issue: gives a placeholder for a token of an audience.
    package init(
        clientID: String?, names: [String] = [],
        issue: @escaping @Sendable (_ audience: String) async throws(MMError) -> Issued
    ) {
        self.clientID = clientID
        self.names = Set((names + [clientID].compactMap(\.self)).map { $0.lowercased() })
        self.issue = issue
    }

    /// The address at which machines of Azure find their own.
    static let metadataHost = "169.254.169.254"
    /// The endpoint's path.
    static let path = "/metadata/identity/oauth2/token"

    /// The variables by which programs find it.
    func variables(port: UInt16) -> [String: String] {
        let origin = "http://127.0.0.1:\(port)"
        return [
            "IDENTITY_ENDPOINT": origin + Self.path, "IDENTITY_HEADER": header.reveal(),
            "MSI_ENDPOINT": origin + Self.path, "MSI_SECRET": header.reveal(),
            "AZURE_POD_IDENTITY_AUTHORITY_HOST": origin,
        ]
    }
}
