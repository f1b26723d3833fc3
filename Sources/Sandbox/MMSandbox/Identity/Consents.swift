internal import MMCore

/// What a registered app may do in a person's name: what was granted to it for that person or for everybody.
struct Consents {
    let store: DirectoryStore

    /// What a scope comes to for a person.
    /// - Throws: 65001 where nothing of it was granted, or not all that was named.
    func granted(_ scope: ScopeRequest, to app: RegisteredApp, for userID: String) throws(TokenFault) -> ScopeRequest {
        guard app.needsConsent else { return scope }
        let held = permissions(of: app, for: userID, at: scope.resource)
        let wanted = scope.isDefault ? held : scope.permissions
        guard !wanted.isEmpty, wanted.allSatisfy(held.contains) else {
            throw TokenFault(
                "invalid_grant", 65_001,
                "The user or administrator has not consented to use the application with ID '\(app.id)' named '\(app.name)'. Send an interactive authorization request for this user and resource.",
                suberror: "consent_required")
        }
        var scope = scope
        scope.permissions = wanted
        return scope
    }

    private func permissions(of app: RegisteredApp, for userID: String, at resource: ServiceResource) -> [String] {
        guard let client = store.servicePrincipalID(ofApp: app.id),
            let service = store.servicePrincipalID(ofApp: resource.appID)
        else { return [] }
        var names: Set<String> = []
        store.table(.permissionGrants).scan { grant in
            let isTheirs = grant["clientId"]?.string == client && grant["resourceId"]?.string == service
            let isFor = grant["consentType"] == "AllPrincipals" || grant["principalId"]?.string == userID
            if isTheirs, isFor {
                names.formUnion((grant["scope"]?.string ?? "").split(separator: " ").map(String.init))
            }
            return true
        }
        return names.sorted()
    }
}
