import MMCore
import MMIdentity

/// The service that a sign-in is for first, as a person names it: one that `graph_request` takes, the full address of
/// one, a service of the cloud by its own name, or an API of the connection's own.
struct SignInResource: Sendable {
    private let text: String

    /// Reads the argument; Graph where there is none.
    init(from reader: InputReader) throws(MMError) { text = try reader.text("resource") ?? "graph" }

    /// Returns the service for a connection.
    /// - Throws: `.invalidInput` for what neither the connection nor its cloud has.
    func resource(of connection: Connection, in identity: IdentityService) throws(MMError) -> ServiceResource {
        let cloud = try identity.cloud(of: connection)
        if let word = RequestResource(rawValue: text.lowercased()) {
            let place = try RequestResource.place(word, of: "/", connection: connection, cloud: cloud)
            if let resource = ServiceResource(place.service, sharePointLabel: place.sharePointLabel) { return resource }
            throw MMError(
                .invalidInput, "\(connection.name) doesn't say which SharePoint is its tenant's.",
                hint: "mm connections edit \(ShellWord.quoted(connection.name)) sharepoint_host=contoso, or give its "
                    + "address: --resource https://contoso.sharepoint.com.",
                details: ["connection": .string(connection.name), "field": "sharepoint_host"])
        }
        if let address = WebAddress(text),
            let place = RequestResource.place(of: address, among: RequestResource.allCases, connection, cloud),
            let resource = ServiceResource(place.service, sharePointLabel: place.sharePointLabel)
        {
            return resource
        }
        return try connection.resource(named: text)
    }
}
