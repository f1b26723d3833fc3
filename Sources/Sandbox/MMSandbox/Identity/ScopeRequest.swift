/// What a `scope` parameter asks for.
struct ScopeRequest: Sendable {
    let resource: ServedResource
    /// The identifier of the resource as it was written, without a final slash too many.
    let audience: String
    /// The permissions that are granted.
    var permissions: [String]
    let isDefault: Bool
    let wantsRefreshToken: Bool
    let wantsIDToken: Bool
    /// `profile` and `email`, as asked for.
    let identityScopes: [String]

    private static let identityNames: Set<String> = ["openid", "profile", "email", "offline_access"]

    /// Reads a scope list.
    /// - Throws: `TokenFault` when it is empty, malformed, mixed, or names more than one resource.
    init(parsing text: String, app: RegisteredApp, base: String) throws(TokenFault) {
        let words = text.split(separator: " ").map(String.init)
        guard !words.isEmpty else { throw .missing("scope") }
        var audience: String?
        var names: [String] = []
        for word in words where !Self.identityNames.contains(word.lowercased()) {
            guard let (resource, name) = Self.halves(word) else { throw Self.invalid(word, text) }
            if let audience, audience != resource {
                throw TokenFault(
                    "invalid_scope", 700_022,
                    "Provided value for the input parameter scope is not valid because it contains more than one resource. Scope \(text)"
                )
            }
            audience = resource
            names.append(name)
        }
        self.audience = audience ?? "https://graph.microsoft.com"
        guard let resource = ServedResource.named(self.audience, base: base) else {
            throw TokenFault(
                "invalid_resource", 500_011,
                "The resource principal named \(self.audience) was not found in the tenant named \(TenantIdentity.name)."
            )
        }
        self.resource = resource
        isDefault = names.contains(".default")
        if isDefault, names.count > 1 {
            throw TokenFault(
                "invalid_scope", 70_011,
                "The provided value for the input parameter 'scope' is not valid. .default scope can't be combined with resource-specific scopes. The scope \(text) is not valid."
            )
        }
        let all = Self.permissions(of: resource, app: app)
        if isDefault || names.isEmpty {
            permissions = isDefault ? all : ["User.Read"]
        } else {
            for name in names where resource == .graph && !Self.looksLikePermission(name) {
                throw Self.invalid(name, text)
            }
            // Consent was given for the app's own list; what goes beyond needs an administrator.
            let excess = resource == .graph && app.delegated != nil ? names.filter { !all.contains($0) } : []
            guard excess.isEmpty else {
                throw TokenFault(
                    "invalid_grant", 65_001,
                    "The user or administrator has not consented to use the application with ID '\(app.id)' named '\(app.name)'. Send an interactive authorization request for this user and resource.",
                    suberror: "consent_required")
            }
            permissions = names
        }
        let small = Set(words.map { $0.lowercased() })
        wantsRefreshToken = small.contains("offline_access")
        wantsIDToken = small.contains("openid")
        identityScopes = ["email", "openid", "profile"].filter(small.contains)
    }

    private static func permissions(of resource: ServedResource, app: RegisteredApp) -> [String] {
        switch resource {
        case .graph, .sandbox: app.delegated ?? RegisteredApp.everything
        default: resource.delegatedPermissions
        }
    }

    private static func invalid(_ word: String, _ text: String) -> TokenFault {
        TokenFault(
            "invalid_scope", 70_011,
            "The provided request must include a valid 'scope' input parameter. The scope '\(word)' is not valid.")
    }

    /// The resource and the permission of one scope.
    private static func halves(_ word: String) -> (resource: String, name: String)? {
        guard word.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        guard let mark = word.lastIndex(of: "/") else { return ("https://graph.microsoft.com", word) }
        let name = String(word[word.index(after: mark)...])
        let resource = String(word[..<mark])
        guard !name.isEmpty, !resource.isEmpty else { return nil }
        return (resource, name)
    }

    /// Whether a text has the form of a permission of Graph, such as `Mail.Read` or `Sites.ReadWrite.All`.
    private static func looksLikePermission(_ name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        let verbs = [
            "Read", "Write", "Send", "Manage", "Create", "Invite", "Export", "Join", "Install", "Access", "Use",
            "Update", "Delete", "Edit", "Migrate", "Initiate", "Run", "Submit", "Full", "Selected", "Import", "Grant",
            "Enable", "Rename", "View", "Add", "List",
        ]
        guard parts.count >= 2,
            parts.allSatisfy({
                !$0.isEmpty && $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
            })
        else { return false }
        return parts.dropFirst().contains { part in verbs.contains { part.hasPrefix($0) } }
    }
}
