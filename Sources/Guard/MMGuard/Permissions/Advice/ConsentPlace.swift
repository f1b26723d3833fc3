internal import MMCore

/// Where a connection's app gets permissions: its sign-in service, tenant and app.
package struct ConsentPlace: Sendable, Hashable {
    /// The name of the connection.
    package let connection: String
    /// The base address of the cloud's sign-in service.
    package let login: String
    /// The address of Microsoft Graph in that cloud, which scopes begin with.
    package let graph: String
    /// The tenant's id or domain.
    package let tenant: String
    /// The connection's own app; `nil` where it signs in with one of Microsoft's, to which nothing can be added.
    package let appID: String?

    package init(connection: String, login: String, graph: String, tenant: String, appID: String?) {
        self.connection = connection
        self.login = login
        self.graph = graph
        self.tenant = tenant
        self.appID = appID
    }

    /// Microsoft Graph's own app id, the same in every tenant.
    private static let graphApp = "00000003-0000-0000-c000-000000000000"
    /// What every app registration for `mm` has.
    private static let redirect = "http://localhost"

    /// The page on which an administrator consents to delegated permissions; `nil` without an app of the connection's own.
    package func consentLink(to permissions: [String]) -> String? {
        guard let appID else { return nil }
        let scope = permissions.map { "\(graph)/\($0)" }.joined(separator: " ")
        func encoded(_ text: String) -> String { PercentCoding.encode(text, isPlain: PercentCoding.isQueryByte) }
        let place = PercentCoding.encode(tenant, isPlain: PercentCoding.isSegmentByte)
        return "\(login)/\(place)/v2.0/adminconsent?client_id=\(encoded(appID))&scope=\(encoded(scope))"
            + "&redirect_uri=\(Self.redirect)"
    }

    /// The command that asks a person to add delegated permissions to the connection, and adds them.
    package func addCommand(_ permissions: [String]) -> String {
        "mm connect --name \(ShellWord.quoted(connection)) --scope \(permissions.joined(separator: ","))"
    }

    /// The commands that add a permission to the app and consent to it; `nil` without an app or an id.
    package func grantCommand(_ permission: Permission, for kind: SignInKind) -> String? {
        guard let appID, let id = permission.id(for: kind) else { return nil }
        let type = kind == .application ? "Role" : "Scope"
        return "az ad app permission add --id \(appID) --api \(Self.graphApp) --api-permissions \(id)=\(type) && "
            + "az ad app permission admin-consent --id \(appID)"
    }

    /// How a new token is had, which carries what was granted meanwhile.
    package var renewal: String { "mm login \(connection) --renew" }
}
