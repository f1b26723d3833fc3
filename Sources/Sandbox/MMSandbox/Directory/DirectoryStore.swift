internal import MMCore

/// All collections of the tenant. What nobody wrote is made again for every request; only writes are kept.
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
    /// Counts every write, for delta queries and etags.
    private(set) var sequence = 0
    /// The kinds that hardly change are made once.
    private let small: [TableAddress: EntityTable]
    private let usersTable: EntityTable
    private let groupsTable: EntityTable

    init(users: UserDirectory, mixing: Mixing, organization: SandboxOrganization = .own) {
        self.users = users
        self.mixing = mixing
        let groups = GroupDirectory(users: users, mixing: mixing)
        self.groups = groups
        files = FileContent(users: users, groups: groups, mixing: mixing)
        let sites = SiteContent(now: users.now, mixing: mixing)
        self.sites = sites
        teams = TeamContent(users: users, mixing: mixing)
        let apps = AppContent(users: users, mixing: mixing, organization: organization)
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

    /// The collection at an address.
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

    /// Adds to and takes from a list of references.
    func changeLinks(_ address: LinkAddress, _ body: (inout LinkChanges) -> Void) {
        sequence += 1
        body(&links[address, default: LinkChanges()])
    }

    /// The user of an object id or a user principal name.
    func user(_ key: String) -> Record? { table(.users).find(key) }

    /// How many users hold each licence, by the id of the product.
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

    /// The roles that whoever a token speaks for holds here.
    func roles(of principal: SignedInPrincipal) -> [DirectoryRoleName] {
        principal.delegatedRoles ?? roles(of: principal.objectID)
    }

    /// The roles that a user holds.
    func roles(of userID: String) -> [DirectoryRoleName] {
        DirectoryRoleName.allCases.filter {
            linked(LinkAddress(owner: apps.roleID($0), relation: .members)).contains(userID)
        }
    }

    func servicePrincipalID(ofApp appID: String) -> String? { table(.servicePrincipals).find(appID)?.id }

    /// The object ids in a list of references.
    func linked(_ address: LinkAddress) -> [String] {
        let changes = links[address]
        var ids = startLinks(address)
        if let changes {
            if !changes.removed.isEmpty { ids.removeAll(where: changes.removed.contains) }
            ids += changes.added
        }
        return ids
    }

    /// Whether an object is in a list of references.
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

    /// The ids of the groups a user is in.
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
        case .devices, .managedDevices, .deviceConfigurations, .deviceCompliancePolicies, .conditionalAccessPolicies,
            .riskyUsers, .registrations, .authenticationMethods, .serviceIssues, .serviceHealth, .permissions:
            return administrationTable(address)
        case .namedLocations, .authenticationStrengths, .authenticationMethodsPolicy, .authorizationPolicy,
            .appRoleAssignments, .configurationMonitors, .securityDefaults, .crossTenantAccess, .crossTenantPartners,
            .consentPolicies, .consentRequests, .administrativeUnits:
            return configurationTable(address)
        }
    }

    /// The start content of a mailbox; `nil` for users who came later and have an empty one.
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
