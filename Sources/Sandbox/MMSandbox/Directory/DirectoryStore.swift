import MMCore

/// All collections of the tenant. Unchanged rows are generated for every request; only writes are stored.
final class DirectoryStore {
    let users: UserDirectory
    let groups: GroupDirectory
    let files: FileContent
    let sites: SiteContent
    let teams: TeamContent
    let apps: AppContent
    let administration: AdministrationContent
    let mixing: Mixing
    private(set) var written: [TableAddress: EntityTable] = [:]
    private(set) var links: [LinkAddress: LinkChanges] = [:]
    /// The number of writes so far, for delta queries and etags.
    private(set) var sequence = 0
    /// The texts of the secrets that apps have been given, by the ids of their keys; no answer lists them.
    var secretTexts: [String: String] = [:]
    /// The number of the next new item of a list, above those of the initial data.
    var nextListItemID: String { "\(1000 + sequence)" }
    /// Small collections, which are generated once.
    private let small: [TableAddress: EntityTable]
    private let usersTable: EntityTable
    private let groupsTable: EntityTable

    init(
        users: UserDirectory, mixing: Mixing, organization: SandboxOrganization, certificates: [[UInt8]]
    ) {
        self.users = users
        self.mixing = mixing
        let groups = GroupDirectory(users: users, mixing: mixing)
        self.groups = groups
        files = FileContent(users: users, groups: groups, mixing: mixing)
        let sites = SiteContent(now: users.now, mixing: mixing)
        self.sites = sites
        teams = TeamContent(users: users, mixing: mixing)
        let apps = AppContent(
            users: users, mixing: mixing, organization: organization, certificates: certificates)
        self.apps = apps
        administration = AdministrationContent(users: users, mixing: mixing)
        usersTable = EntityTable(
            .user, count: users.count, base: { .user(users.row($0)) }, index: { users.index(of: $0) })
        groupsTable = EntityTable(
            .group, count: groups.count, base: { .object(groups.row($0)) },
            index: { groups.ids.index(ofGuid: $0).flatMap { $0 < groups.count ? $0 : nil } })
        let principals = apps.servicePrincipals()
        small = [
            .applications: Self.byAppID(.application, apps.applications()),
            .servicePrincipals: Self.byAppID(.servicePrincipal, principals),
            .directoryRoles: EntityTable(
                .directoryRole, count: DirectoryRoleName.allCases.count, base: { .object(apps.directoryRoles()[$0]) },
                index: { key in apps.role(ofID: key).flatMap { DirectoryRoleName.allCases.firstIndex(of: $0) } }),
            .sites: EntityTable(
                .site, count: SiteContent.count, base: { .object(sites.row($0)) }, index: { sites.index(of: $0) }),
        ]
    }

    private static func byAppID(_ kind: EntityKind, _ rows: [JSONObject]) -> EntityTable {
        EntityTable(
            kind, count: rows.count, base: { .object(rows[$0]) },
            index: { key in
                let key = key.lowercased()
                return rows.firstIndex { $0["id"]?.string == key || $0["appId"]?.string == key }
            })
    }

    /// Returns the collection at an address.
    func table(_ address: TableAddress) -> EntityTable {
        if let table = written[address] { return table }
        switch address {
        case .users: return usersTable
        case .groups: return groupsTable
        default: return small[address] ?? made(address)
        }
    }

    /// Changes the collection at an address.
    func change<Result>(_ address: TableAddress, _ body: (inout EntityTable, Int) -> Result) -> Result {
        sequence += 1
        var table = written.removeValue(forKey: address) ?? table(address)
        defer { written[address] = table }
        return body(&table, sequence)
    }

    /// Adds a row to the collection at an address.
    func insert(_ row: JSONObject, into address: TableAddress) { change(address) { $0.insert(row, sequence: $1) } }

    /// Replaces a row of the collection at an address.
    func replace(_ key: String, with row: JSONObject, in address: TableAddress) {
        change(address) { $0.replace(key, with: row, sequence: $1) }
    }

    /// Deletes a row of the collection at an address.
    func remove(_ key: String, from address: TableAddress) { change(address) { _ = $0.remove(key, sequence: $1) } }

    /// Changes a list of references.
    func changeLinks(_ address: LinkAddress, _ body: (inout LinkChanges) -> Void) {
        sequence += 1
        body(&links[address, default: LinkChanges()])
    }

    /// Returns the user with an object id or a user principal name.
    func user(_ key: String) -> Record? { table(.users).find(key) }

    /// The number of users who hold each licence, by the id of the product.
    private var consumedLicenses: [String: Int] {
        var consumed: [String: Int] = [:]
        table(.users).scan { user in
            switch user {
            case .user(let row): for license in row.licenses { consumed[License.all[license].sku, default: 0] += 1 }
            case .object(let members):
                for license in members["assignedLicenses"]?.array ?? [] {
                    if let sku = license["skuId"]?.string { consumed[sku, default: 0] += 1 }
                }
            }
            return true
        }
        return consumed
    }

    /// Returns the roles that a token's principal holds here.
    func roles(of principal: SignedInPrincipal) -> [DirectoryRoleName] {
        principal.delegatedRoles ?? roles(of: principal.objectID)
    }

    /// Returns the roles that a user holds.
    func roles(of userID: String) -> [DirectoryRoleName] {
        DirectoryRoleName.allCases.filter {
            linked(LinkAddress(owner: apps.roleID($0), relation: .members)).contains(userID)
        }
    }

    func servicePrincipalID(ofApp appID: String) -> String? { table(.servicePrincipals).find(appID)?.id }

    /// Returns the object ids in a list of references.
    func linked(_ address: LinkAddress) -> [String] {
        let changes = links[address]
        var ids = startLinks(address)
        if let changes {
            if !changes.removed.isEmpty { ids.removeAll(where: changes.removed.contains) }
            ids += changes.added
        }
        return ids
    }

    /// Returns whether an object is in a list of references.
    func isLinked(_ id: String, _ address: LinkAddress) -> Bool { linked(address).contains(id) }

    private func startLinks(_ address: LinkAddress) -> [String] {
        if let group = groups.ids.index(ofGuid: address.owner), group < groups.count {
            let indices = address.relation == .members ? groups.members(group) : groups.owners(group)
            return indices.map { users.ids.guid($0) }
        }
        if address.relation == .members, let role = apps.role(ofID: address.owner) {
            return apps.holders(role).map { users.ids.guid($0) }
        }
        if address.relation == .owners, let app = table(.applications).find(address.owner) {
            return app["displayName"]?.string == AppContent.withoutOwner ? [] : [users.ids.guid(0)]
        }
        return []
    }

    /// Returns the ids of the groups a user is in.
    func groups(of userID: String) -> [String] {
        let start =
            users.ids.index(ofGuid: userID).flatMap {
                $0 < users.count ? groups.groups(of: $0).map { groups.ids.guid($0) } : nil
            } ?? []
        var ids = start.filter { links[LinkAddress(owner: $0, relation: .members)]?.removed.contains(userID) != true }
        for (address, changes) in links where address.relation == .members && changes.added.contains(userID) {
            if table(.groups).find(address.owner) != nil { ids.append(address.owner) }
        }
        return ids
    }

    private func made(_ address: TableAddress) -> EntityTable {
        switch address {
        case .organization: return EntityTable(.organization, rows: apps.organization())
        case .domains: return EntityTable(.domain, rows: apps.domains())
        case .subscribedSkus: return EntityTable(.subscribedSku, rows: apps.subscribedSkus(consumed: consumedLicenses))
        case .signIns:
            let (apps, users) = (apps, users)
            return EntityTable(
                .signIn, count: users.signIns.count, base: { .object(apps.signIn($0)) },
                index: { users.signIns.entry(ofID: $0) })
        case .directoryAudits: return EntityTable(.directoryAudit, rows: apps.directoryAudits())
        case .deletedUsers: return EntityTable(.user)
        case .deletedGroups: return EntityTable(.group)
        case .deletedApplications: return EntityTable(.application)
        case .deletedServicePrincipals: return EntityTable(.servicePrincipal)
        case .permissionGrants: return EntityTable(.permissionGrant, rows: apps.permissionGrants())
        case .messages(let owner): return mailTable(owner)
        case .mailFolders(let owner): return folderTable(owner)
        case .events(let owner): return eventTable(owner)
        case .calendars(let owner):
            let id = "AAMkAL\(owner.filter { $0 != "-" })AAA="
            return EntityTable(
                .calendar,
                rows: [
                    [
                        "id": .string(id), "name": "Calendar", "color": "auto", "changeKey": "CAL1", "canShare": true,
                        "canViewPrivateItems": true, "canEdit": true, "isDefaultCalendar": true,
                        "owner": user(owner).map { ["name": $0["displayName"] ?? "", "address": $0["mail"] ?? ""] }
                            ?? .null,
                    ]
                ])
        case .contacts(let owner): return EntityTable(.contact, rows: content(owner)?.contacts() ?? [])
        case .attachments(let owner, let message):
            let content = content(owner)
            let row = content?.messageIndex(message).flatMap { content?.attachment(of: $0) }
            return EntityTable(.attachment, rows: row.map { [$0] } ?? [])
        case .drives: return EntityTable(.drive)
        case .driveItems(let drive): return EntityTable(.driveItem, rows: files.items(ofDrive: drive))
        case .lists(let site): return EntityTable(.list, rows: sites.index(of: site).map { sites.lists($0) } ?? [])
        case .listItems(let site, let list):
            let place = sites.index(of: site).flatMap { index in
                sites.lists(index).firstIndex { $0["id"]?.string == list }.map { (index, $0) }
            }
            return EntityTable(.listItem, rows: place.map { sites.items(site: $0.0, list: $0.1) } ?? [])
        case .channels(let team): return EntityTable(.channel, rows: teams.channels(ofTeam: team))
        case .channelMessages(_, let channel):
            return EntityTable(
                .chatMessage, rows: teams.messages(inConversation: channel, count: 30, isChat: false), newestFirst: true
            )
        case .chats(let owner):
            return EntityTable(
                .chat, rows: users.ids.index(ofGuid: owner).map { $0 < users.count ? teams.chats(of: $0) : [] } ?? [])
        case .chatMessages(let chat):
            let exists = teams.chat(id: chat) != nil
            return EntityTable(
                .chatMessage, rows: exists ? teams.messages(inConversation: chat, count: 24, isChat: true) : [],
                newestFirst: true)
        case .users, .groups, .applications, .servicePrincipals, .directoryRoles, .sites: return usersTable
        case .devices, .managedDevices, .deviceConfigurations, .deviceCompliancePolicies, .settingsCatalog,
            .conditionalAccessPolicies, .riskyUsers, .registrations, .authenticationMethods, .serviceIssues,
            .serviceHealth, .permissions:
            return administrationTable(address)
        case .namedLocations, .authenticationStrengths, .authenticationMethodsPolicy, .authorizationPolicy,
            .appRoleAssignments, .appRoleAssignedTo, .configurationMonitors, .auditQueries, .securityDefaults,
            .crossTenantAccess,
            .crossTenantPartners,
            .consentPolicies, .consentRequests, .administrativeUnits:
            return configurationTable(address)
        }
    }

    /// Returns the initial content of a mailbox; `nil` for users who were added later and have an empty one.
    private func content(_ owner: String) -> MailContent? {
        users.ids.index(ofGuid: owner).flatMap {
            $0 < users.count ? MailContent(users: users, owner: $0, mixing: mixing.branch(5)) : nil
        }
    }

    private func mailTable(_ owner: String) -> EntityTable {
        guard let content = content(owner) else { return EntityTable(.message, newestFirst: true) }
        return EntityTable(
            .message, count: content.messageCount, newestFirst: true, base: { .object(content.message($0)) },
            index: { content.messageIndex($0).flatMap { $0 < content.messageCount ? $0 : nil } })
    }

    private func eventTable(_ owner: String) -> EntityTable {
        guard let content = content(owner) else { return EntityTable(.event) }
        return EntityTable(
            .event, count: MailContent.eventCount, base: { .object(content.event($0)) },
            index: { content.eventIndex($0).flatMap { $0 < MailContent.eventCount ? $0 : nil } })
    }

    private func folderTable(_ owner: String) -> EntityTable {
        let content = content(owner)
        func id(_ index: Int) -> String { content?.folderID(index) ?? MailContent.folders[index].name }
        let rows: [JSONObject] = MailContent.folders.enumerated().map { index, folder in
            [
                "id": .string(id(index)), "displayName": .string(folder.shown),
                "parentFolderId": .string("AAMkAR\(owner.filter { $0 != "-" })AAA="), "childFolderCount": 0,
                "isHidden": false,
            ]
        }
        return EntityTable(
            .mailFolder, count: rows.count, base: { .object(rows[$0]) },
            index: { key in
                content?.folderIndex(key) ?? MailContent.folders.firstIndex { $0.name == key.lowercased() }
            })
    }
}

/// Collections for monitoring by administrators.
extension DirectoryStore {
    func administrationTable(_ address: TableAddress) -> EntityTable {
        let (administration, users) = (administration, users)
        switch address {
        case .devices:
            return EntityTable(
                .device, count: administration.deviceCount, base: { .object(administration.directoryDevice($0)) },
                index: { administration.directoryDeviceIndex($0) })
        case .deviceConfigurations: return EntityTable(.deviceConfiguration, rows: administration.configurations())
        case .deviceCompliancePolicies:
            return EntityTable(.deviceCompliancePolicy, rows: administration.compliancePolicies())
        case .settingsCatalog: return EntityTable(.catalogPolicy, rows: administration.catalogPolicies())
        case .conditionalAccessPolicies:
            return EntityTable(.conditionalAccessPolicy, rows: administration.conditionalAccess())
        case .riskyUsers: return EntityTable(.riskyUser, rows: administration.riskyUsers())
        case .registrations:
            return EntityTable(
                .userRegistrationDetails, count: users.count, base: { .object(administration.registration($0)) },
                index: { users.index(of: $0) })
        case .authenticationMethods(let owner):
            let user = users.index(of: owner).map { users.row($0) }
            return EntityTable(.authenticationMethod, rows: user.map { administration.methods(of: $0) } ?? [])
        case .serviceIssues: return EntityTable(.serviceIssue, rows: administration.issues())
        case .serviceHealth: return EntityTable(.serviceHealth, rows: administration.health())
        case .permissions(let drive, let item):
            return EntityTable(.permission, rows: files.permissions(on: item, ofDrive: drive))
        default:
            return EntityTable(
                .managedDevice, count: administration.deviceCount, base: { .object(administration.device($0)) },
                index: { administration.deviceIndex($0) })
        }
    }
}

/// Collections that administrators configure.
extension DirectoryStore {
    func configurationTable(_ address: TableAddress) -> EntityTable {
        let content = ConfigurationContent(users: users, mixing: mixing)
        switch address {
        case .namedLocations: return EntityTable(.namedLocation, rows: content.namedLocations())
        case .authenticationStrengths:
            return EntityTable(.authenticationStrength, rows: content.authenticationStrengths())
        case .authenticationMethodsPolicy:
            return EntityTable(.authenticationMethodsPolicy, rows: content.authenticationMethods())
        case .authorizationPolicy: return EntityTable(.authorizationPolicy, rows: content.authorizationPolicy())
        case .securityDefaults: return EntityTable(.securityDefaults, rows: [TenantPolicyContent.securityDefaults])
        case .crossTenantAccess: return EntityTable(.crossTenantAccess, rows: [TenantPolicyContent.crossTenantAccess])
        case .crossTenantPartners:
            return EntityTable(.crossTenantPartner, rows: [TenantPolicyContent.crossTenantPartner])
        case .consentPolicies: return EntityTable(.consentPolicy, rows: TenantPolicyContent.consentPolicies)
        case .consentRequests: return EntityTable(.consentRequests, rows: [TenantPolicyContent.consentRequests])
        case .administrativeUnits:
            return EntityTable(.administrativeUnit, rows: TenantPolicyContent.administrativeUnits(mixing))
        case .configurationMonitors: return EntityTable(.configurationMonitor)
        case .auditQueries: return EntityTable(.auditQuery)
        case .appRoleAssignments(let owner): return EntityTable(.appRoleAssignment, rows: givenRoles(of: owner))
        case .appRoleAssignedTo(let resource):
            let given = table(.servicePrincipals).all.flatMap { givenRoles(of: $0.id) }
            return EntityTable(.appRoleAssignment, rows: given.filter { $0["resourceId"]?.string == resource })
        default: return EntityTable(.directoryObject)
        }
    }

    /// Returns the application permissions that the app of a principal holds initially.
    private func givenRoles(of owner: String) -> [JSONObject] {
        guard let principal = table(.servicePrincipals).find(owner), let appID = principal["appId"]?.string,
            let app = RegisteredApp.find(appID),
            let graph = table(.servicePrincipals).find(ServedResource.graph.appID)
        else { return [] }
        let roles = graph["appRoles"]?.array ?? []
        return app.roles.enumerated().compactMap { place, name in
            guard let role = roles.first(where: { $0["value"]?.string == name }), let id = role["id"] else {
                return nil
            }
            return [
                "id": .string(Base64.text(Array("\(owner.prefix(13))\(place)".utf8), alphabet: .url)),
                "deletedDateTime": .null, "appRoleId": id, "createdDateTime": "2025-02-01T09:00:00Z",
                "principalDisplayName": principal["displayName"] ?? "", "principalId": .string(principal.id),
                "principalType": "ServicePrincipal", "resourceDisplayName": graph["displayName"] ?? "",
                "resourceId": .string(graph.id),
            ]
        }
    }

    /// The definitions of the directory roles.
    var roleDefinitions: [Record] {
        DirectoryRoleName.allCases.map { role in
            .object([
                "id": .string(role.rawValue), "description": .string(role.purpose), "displayName": .string(role.title),
                "isBuiltIn": true, "isEnabled": true, "resourceScopes": ["/"], "templateId": .string(role.rawValue),
                "version": "1",
                "rolePermissions": [
                    ["allowedResourceActions": ["microsoft.directory/users/standard/read"], "condition": .null]
                ],
            ])
        }
    }

    /// The role assignments.
    var roleAssignments: [Record] {
        DirectoryRoleName.allCases.flatMap { role in
            linked(LinkAddress(owner: apps.roleID(role), relation: .members)).map { holder in
                .object([
                    "id": .string(
                        Base64.text(Array("\(role.rawValue.prefix(8))-\(holder)".utf8), alphabet: .url) + "-1"),
                    "principalId": .string(holder), "roleDefinitionId": .string(role.rawValue),
                    "directoryScopeId": "/",
                ])
            }
        }
    }

    /// Returns the assignments of a device policy: everybody for the first of a kind, a department for the others.
    func assignments(of policy: String, in address: TableAddress) -> [Record] {
        let rows = table(address).all
        guard let place = rows.firstIndex(where: { $0.id == policy }) else { return [] }
        let group = groups.ids.guid(place)
        return [
            .object([
                "id": .string("\(policy)_\(group)"), "source": "direct", "sourceId": .string(policy),
                "target": [
                    "@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": .string(group),
                    "deviceAndAppManagementAssignmentFilterId": .null,
                    "deviceAndAppManagementAssignmentFilterType": "none",
                ],
            ])
        ]
    }
}

/// The service's monitoring of a tenant's configuration: monitors with a baseline, and the deviations from it.
extension DirectoryStore {
    /// Returns the baseline of a monitor.
    func baseline(of monitor: String) -> Record? {
        guard let row = table(.configurationMonitors).find(monitor), var baseline = row["baseline"]?.object else {
            return nil
        }
        baseline["id"] = .string(monitor)
        return .object(baseline)
    }

    /// The current deviations from the baselines of all monitors. The real service checks four times a day.
    var configurationDrifts: [Record] {
        table(.configurationMonitors).all.flatMap { monitor -> [Record] in
            (monitor["baseline"]?["resources"]?.array ?? []).enumerated().compactMap { place, resource in
                drift(of: resource, place, in: monitor).map { Record.object($0) }
            }
        }
    }

    private func drift(of resource: JSONValue, _ place: Int, in monitor: Record) -> JSONObject? {
        guard let type = resource["resourceType"]?.string?.lowercased(), let address = Self.watched[type],
            let wanted = resource["properties"]?.object, let name = wanted["DisplayName"]?.string
        else { return nil }
        let found = table(address).all.first { $0["displayName"]?.string == name }
        var drifted: [JSONValue] = []
        func note(_ property: String, _ current: JSONValue, _ desired: JSONValue) {
            drifted.append([
                "propertyName": .string(property), "currentValue": current, "desiredValue": desired,
            ])
        }
        let isWanted = wanted["Ensure"]?.string != "Absent"
        if isWanted != (found != nil) {
            note("Ensure", found == nil ? "Absent" : "Present", isWanted ? "Present" : "Absent")
        } else if let found {
            for (property, desired) in wanted where !["Ensure", "DisplayName"].contains(property) {
                let current = found[property.prefix(1).lowercased() + property.dropFirst()] ?? .null
                if current != desired { note(property, current, desired) }
            }
        }
        guard !drifted.isEmpty else { return nil }
        return [
            "id": .string(ObjectIDs(mixing.branch(monitor.id.utf8.reduce(7) { ($0 &* 31) &+ UInt64($1) })).guid(place)),
            "monitorId": .string(monitor.id), "tenantId": .string(TenantIdentity.id), "resourceType": .string(type),
            "baselineResourceDisplayName": resource["displayName"] ?? .null,
            "firstReportedDateTime": .string(ServiceTime.text(users.now)), "status": "active",
            "resourceInstanceIdentifier": ["DisplayName": .string(name)], "driftedProperties": .array(drifted),
        ]
    }

    private static let watched: [String: TableAddress] = [
        "microsoft.entra.conditionalaccesspolicy": .conditionalAccessPolicies, "microsoft.entra.group": .groups,
    ]
}

/// Relations of users that are derived from the initial data, and the changes to them.
extension DirectoryStore {
    /// Returns the object with an id, from any collection of the directory.
    func object(_ id: String) -> (TableAddress, Record)? {
        for address in [TableAddress.users, .groups, .servicePrincipals, .applications, .directoryRoles, .devices] {
            if let record = table(address).find(id) { return (address, record) }
        }
        return nil
    }

    /// Returns the object ids of the devices that a user has registered.
    func devices(of userID: String) -> [String] {
        guard let index = users.ids.index(ofGuid: userID), index < users.count, index.isMultiple(of: 2),
            administration.owner(ofDevice: index / 2) != nil
        else { return [] }
        let device = administration.objectID(ofDevice: index / 2)
        return table(.devices).find(device) == nil ? [] : [device]
    }

    /// Returns the object ids of the users who registered a device.
    func owners(ofDevice id: String) -> [String] {
        guard let index = administration.directoryDeviceIndex(id), let owner = administration.owner(ofDevice: index)
        else { return [] }
        return user(owner.id).map { [$0.id] } ?? []
    }

    /// Returns the object id of a user's manager.
    func managerID(_ id: String) -> String? {
        if let written = table(.users).find(id)?[Self.managerKey] { return written.string }
        guard let index = users.ids.index(ofGuid: id), index < users.count else { return nil }
        return users.row(index).managerIndex.map { users.ids.guid($0) }.flatMap { user($0)?.id }
    }

    /// The key under which a written manager is stored in a row; no property of the service has this name.
    static let managerKey = "\u{1}manager"

    func directReports(_ id: String) -> [String] {
        var reports: [String] = []
        if let index = users.ids.index(ofGuid: id), index < users.count {
            for below in (8 * index + 1)..<(8 * index + 9) where below < users.count {
                let report = users.ids.guid(below)
                if managerID(report) == id, user(report) != nil { reports.append(report) }
            }
        }
        for change in table(.users).changes where !change.isRemoval && !reports.contains(change.id) {
            if user(change.id) != nil, managerID(change.id) == id { reports.append(change.id) }
        }
        return reports
    }

    func ownedObjects(_ id: String) -> [String] {
        table(.groups).all.map(\.id).filter { isLinked(id, LinkAddress(owner: $0, relation: .owners)) }
    }

    func licenseDetails(_ user: Record) -> [Record] {
        let held = Set(user["assignedLicenses"]?.array?.compactMap { $0["skuId"]?.string } ?? [])
        return License.all.filter { held.contains($0.sku) }.map { license in
            .object([
                "id": .string(Base64.text(Array("\(user.id)\(license.sku)".utf8.prefix(24)), alphabet: .url)),
                "skuId": .string(license.sku), "skuPartNumber": .string(license.part),
                "servicePlans": license.servicePlans,
            ])
        }
    }

    /// Returns the folders of a mailbox with their counts.
    func mailFolderRows(_ owner: String) -> [Record] {
        var totals: [String: (all: Int64, unread: Int64, size: Int64)] = [:]
        table(.messages(owner)).scan { message in
            let folder = message["parentFolderId"]?.string ?? ""
            let unread: Int64 = message["isRead"]?.bool == false ? 1 : 0
            let size = Int64(message["body"]?["content"]?.string?.utf8.count ?? 0) + 2_000
            let before = totals[folder] ?? (0, 0, 0)
            totals[folder] = (before.all + 1, before.unread + unread, before.size + size)
            return true
        }
        return table(.mailFolders(owner)).all.map { folder in
            var row = folder.members(of: .mailFolder)
            let total = totals[folder.id] ?? (0, 0, 0)
            row["childFolderCount"] = 0
            row["unreadItemCount"] = .int(total.unread)
            row["totalItemCount"] = .int(total.all)
            row["sizeInBytes"] = .int(total.size)
            return .object(row)
        }
    }
}

/// The tenant-wide policies: security defaults, access to and from other tenants, consent, administrative units.
enum TenantPolicyContent {
    static let securityDefaults: JSONObject = [
        "id": "00000000-0000-0000-0000-000000000005", "displayName": "Security Defaults",
        "description": "Security defaults is a set of basic identity security mechanisms recommended by Microsoft.",
        "isEnabled": false,
    ]

    private static func access(_ type: String) -> JSONValue {
        [
            "usersAndGroups": [
                "accessType": .string(type), "targets": [["target": "AllUsers", "targetType": "user"]],
            ],
            "applications": [
                "accessType": .string(type), "targets": [["target": "AllApplications", "targetType": "application"]],
            ],
        ]
    }

    private static let trust: JSONValue = [
        "isMfaAccepted": false, "isCompliantDeviceAccepted": false, "isHybridAzureADJoinedDeviceAccepted": false,
    ]

    static let crossTenantAccess: JSONObject = [
        "id": "default", "isServiceDefault": true, "inboundTrust": trust,
        "b2bCollaborationInbound": access("allowed"), "b2bCollaborationOutbound": access("allowed"),
        "b2bDirectConnectInbound": access("blocked"), "b2bDirectConnectOutbound": access("blocked"),
    ]

    /// The tenant of fabrikam.example.
    private static let partner: JSONValue = "5a4db0c5-7e11-4c02-9d0e-fab41ca40001"

    static let crossTenantPartner: JSONObject = [
        "id": partner, "tenantId": partner, "isServiceProvider": false, "inboundTrust": trust,
        "b2bCollaborationInbound": access("allowed"), "b2bCollaborationOutbound": .null,
    ]

    static let consentPolicies: [JSONObject] = [
        [
            "id": "microsoft-user-default-low", "displayName": "Default User Low Risk Policy",
            "description": "Permissions consentable by default to member type users.",
            "includeAllPreApprovedApplications": false,
        ],
        [
            "id": "microsoft-company-admin", "displayName": "Company Admin Policy",
            "description": "Permissions consentable by Company Administrators.",
            "includeAllPreApprovedApplications": false,
        ],
    ]

    static let consentRequests: JSONObject = [
        "id": "adminConsentRequestPolicy", "isEnabled": true, "notifyReviewers": true, "remindersEnabled": true,
        "requestDurationInDays": 30, "version": 0, "reviewers": [],
    ]

    static func administrativeUnits(_ mixing: Mixing) -> [JSONObject] {
        let ids = ObjectIDs(mixing.branch(73))
        return [("Schools", "Everybody of the schools"), ("Head office", "Everybody of the head office")].enumerated()
            .map { place, unit in
                [
                    "id": .string(ids.guid(place)), "deletedDateTime": .null, "displayName": .string(unit.0),
                    "description": .string(unit.1), "visibility": .null, "isMemberManagementRestricted": false,
                ]
            }
    }
}
