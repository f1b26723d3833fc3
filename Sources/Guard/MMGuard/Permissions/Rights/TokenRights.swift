package import MMCore

/// What an access token says that its holder may do.
package struct TokenRights: Sendable, Hashable {
    /// Whether a person or an app by itself.
    package let kind: SignInKind
    /// Delegated permissions (`scp`), or application permissions (`roles`).
    package let permissions: Set<String>
    /// The ids of the templates of directory roles that are active (`wids`).
    package let roleIDs: Set<String>
    /// Whether the token lists directory roles at all: without `wids` nothing is known of them.
    package let knowsRoles: Bool
    /// The app.
    package let appID: String?
    /// The tenant.
    package let tenantID: String?
    /// The person, or the app's service principal.
    package let objectID: String?
    /// The person's sign-in name.
    package let account: String?

    /// Permissions that say who somebody is, not what they may do.
    private static let identity: Set<String> = ["openid", "profile", "email", "offline_access"]
    /// The tenant of all personal accounts.
    private static let consumers = "9188040d-6c67-4c5b-b112-36a304b66dad"

    /// Rights that are known.
    package init(
        kind: SignInKind, permissions: Set<String>, roleIDs: Set<String>? = nil, appID: String? = nil,
        tenantID: String? = nil, objectID: String? = nil, account: String? = nil
    ) {
        self.kind = kind
        self.permissions = permissions
        self.roleIDs = roleIDs ?? []
        knowsRoles = roleIDs != nil
        self.appID = appID
        self.tenantID = tenantID
        self.objectID = objectID
        self.account = account
    }

    /// Reads the claims of a token. They are read for advice alone: what a token really opens its service decides.
    package init(claims: JSONObject) {
        func text(_ claim: String) -> String? { claims[claim]?.string.flatMap { $0.isEmpty ? nil : $0 } }
        let isApp = text("idtyp").map { $0 == "app" } ?? (text("scp") == nil)
        let names =
            isApp
            ? claims["roles"]?.array?.compactMap(\.string) ?? []
            : (text("scp") ?? "").split(separator: " ").map(String.init)
        self.init(
            kind: isApp ? .application : text("tid") == Self.consumers ? .personal : .work,
            permissions: Set(names).subtracting(Self.identity),
            roleIDs: claims["wids"]?.array.map { Set($0.compactMap { $0.string?.lowercased() }) },
            appID: text("appid") ?? text("azp"), tenantID: text("tid"), objectID: text("oid"),
            account: text("upn") ?? text("preferred_username") ?? text("unique_name"))
    }

    /// The directory roles that the table knows by name.
    package func roles(in table: RoleTable) -> [EntraRole] {
        roleIDs.compactMap { table.role(id: $0) }.sorted { $0.name < $1.name }
    }
}
