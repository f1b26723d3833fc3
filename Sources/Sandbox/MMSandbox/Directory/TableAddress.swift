/// The address of a collection. Owners are object ids.
enum TableAddress: Hashable, Sendable {
    case users, groups, applications, servicePrincipals, permissionGrants, directoryRoles, organization, domains,
        subscribedSkus
    case signIns, directoryAudits, deletedUsers, deletedGroups, deletedApplications, deletedServicePrincipals
    case messages(String), mailFolders(String), events(String), calendars(String), contacts(String)
    case attachments(owner: String, message: String)
    case drives, driveItems(String)
    case sites, lists(String), listItems(site: String, list: String)
    case channels(String), channelMessages(team: String, channel: String)
    case chats(String), chatMessages(String)
    case devices, managedDevices, deviceConfigurations, deviceCompliancePolicies, settingsCatalog
    case conditionalAccessPolicies, riskyUsers, registrations, authenticationMethods(String)
    case serviceIssues, serviceHealth
    case permissions(drive: String, item: String)
    case namedLocations, authenticationStrengths, authenticationMethodsPolicy, authorizationPolicy
    case securityDefaults, crossTenantAccess, crossTenantPartners, consentPolicies, consentRequests
    case administrativeUnits
    case appRoleAssignments(String)
    case appRoleAssignedTo(String)
    case configurationMonitors
    /// Searches of the audit log.
    case auditQueries
}

extension TableAddress {
    /// The collections of deleted objects, kept for 30 days, with the collections to which they can be restored.
    static let deleted: [TableAddress: TableAddress] = [
        .deletedUsers: .users, .deletedGroups: .groups, .deletedApplications: .applications,
        .deletedServicePrincipals: .servicePrincipals,
    ]
}

/// A list of references from one object to others.
struct LinkAddress: Hashable, Sendable {
    enum Relation: String, Sendable {
        case members, owners
    }

    let owner: String
    let relation: Relation
}

/// The additions to and removals from a list of references.
struct LinkChanges: Sendable {
    var added: [String] = []
    var removed: Set<String> = []
}
