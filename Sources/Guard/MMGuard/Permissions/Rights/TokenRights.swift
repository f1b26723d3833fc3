package import MMCore

/// The rights that an access token states for its holder.
package struct TokenRights: Sendable, Hashable {
    /// The kind of sign-in: a person, or an app by itself.
    package let kind: SignInKind
    /// Delegated permissions (`scp`), or application permissions (`roles`).
    package let permissions: Set<String>
    /// The template ids of the active directory roles (`wids`).
    package let roleIDs: Set<String>
    /// Whether the token lists directory roles at all: without `wids` they are unknown.
    package let knowsRoles: Bool
    /// The object id of the person, or of the app's service principal.
    package let objectID: String?
    /// The person's sign-in name.
    package let account: String?

    /// Permissions that tell who a person is, and grant nothing else.
    private static let identity: Set<String> = ["openid", "profile", "email", "offline_access"]
    /// The tenant of all personal accounts.
    private static let consumers = "9188040d-6c67-4c5b-b112-36a304b66dad"

    /// Creates rights from known values.
    package init(
        kind: SignInKind, permissions: Set<String>, roleIDs: Set<String>? = nil, objectID: String? = nil,
        account: String? = nil
    ) {
        self.kind = kind
        self.permissions = permissions
        self.roleIDs = roleIDs ?? []
        knowsRoles = roleIDs != nil
        self.objectID = objectID
        self.account = account
    }

    /// Reads the claims of a token. They are used for advice only: the service decides what the token really permits.
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
            objectID: text("oid"), account: text("upn") ?? text("preferred_username") ?? text("unique_name"))
    }

    /// Returns the directory roles that the table knows by name.
    package func roles(in table: RoleTable) -> [EntraRole] {
        roleIDs.compactMap { table.role(id: $0) }.sorted { $0.name < $1.name }
    }
}
