internal import MMCore

/// The required properties and the default values of new app registrations, service principals and permission grants.
struct NewApps {
    let store: DirectoryStore

    func finishApplication(_ row: inout JSONObject) {
        let defaults: JSONObject = [
            "deletedDateTime": .null, "applicationTemplateId": .null, "description": .null, "identifierUris": [],
            "isFallbackPublicClient": false, "keyCredentials": [], "notes": .null, "passwordCredentials": [],
            "publisherDomain": .string(TenantIdentity.domain), "publicClient": ["redirectUris": []],
            "requiredResourceAccess": [], "signInAudience": "AzureADMyOrg", "tags": [],
            "web": ["redirectUris": [], "homePageUrl": .null], "spa": ["redirectUris": []],
        ]
        row["appId"] = .string(RandomBytes.uuid())
        for (name, value) in defaults where row[name] == nil { row[name] = value }
    }

    /// Completes the service principal of an app: one registered here, or a vendor's that this tenant lacked.
    func finishPrincipal(_ row: inout JSONObject) throws(GraphFailure) {
        let id = row["appId"]?.string?.lowercased() ?? ""
        guard store.table(.servicePrincipals).find(id) == nil else { throw .conflict }
        let own = store.table(.applications).find(id)
        guard let name = own?["displayName"]?.string ?? AppContent.vendorApps.first(where: { $0.id == id })?.name else {
            throw GraphFailure(
                400, "Request_BadRequest",
                "The appId '\(id)' of the service principal does not reference a valid application object.")
        }
        let made = store.apps.servicePrincipal(
            id: "", appID: id, name: name, owner: own == nil ? AppContent.vendor : TenantIdentity.id)
        for (name, value) in made where row[name] == nil && name != "id" { row[name] = value }
    }

    /// Checks a grant, which names an app, a service and, unless it is for everybody, a person. No two may name the
    /// same.
    func checkGrant(_ row: JSONObject) throws(GraphFailure) {
        let principals = store.table(.servicePrincipals)
        for name in ["clientId", "resourceId"] {
            let id = row[name]?.string ?? ""
            guard principals.find(id) != nil else { throw .missing(id) }
        }
        let person = row["principalId"]?.string
        switch row["consentType"]?.string {
        case "AllPrincipals": guard person == nil else { throw Self.wrongPerson }
        case "Principal": guard let person, store.user(person) != nil else { throw Self.wrongPerson }
        default:
            throw .badRequest("Invalid value specified for property 'consentType' of resource 'OAuth2PermissionGrant'.")
        }
        var isTaken = false
        store.table(.permissionGrants).scan { grant in
            isTaken =
                ["clientId", "resourceId", "consentType"].allSatisfy { grant[$0] == row[$0] }
                && grant["principalId"]?.string == person
            return !isTaken
        }
        guard !isTaken else {
            throw GraphFailure(409, "Request_MultipleObjectsWithSameKeyValue", "Permission entry already exists.")
        }
    }

    private static let wrongPerson = GraphFailure.badRequest(
        "Invalid value specified for property 'principalId' of resource 'OAuth2PermissionGrant'.")
}
