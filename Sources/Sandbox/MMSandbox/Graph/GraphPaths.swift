internal import MMCore

/// From a path to what it names.
struct GraphPaths {
    let store: DirectoryStore
    let drives: DrivePaths
    let sites: SitePaths
    let teams: TeamPaths
    let mail: MailPaths
    let settings: MailboxSettings

    func resolve(_ call: GraphCall) throws(GraphFailure) -> GraphPlace {
        let segments = call.segments[...]
        guard let first = segments.first else { throw .unknownSegment("") }
        let rest = segments.dropFirst()
        if let place = ObservedPaths(store: store).place(segments) { return place }
        switch first.name.lowercased() {
        case "me":
            guard !call.principal.isApp else {
                throw GraphFailure(400, "BadRequest", "/me request is only valid with delegated authentication flow.")
            }
            return try user(call.principal.objectID, rest)
        case "users":
            return try directory(.users, "users", .users, first, rest) { (id, rest) throws(GraphFailure) in
                try user(id, rest)
            }
        case "groups":
            return try directory(.groups, "groups", .groups, first, rest) { (id, rest) throws(GraphFailure) in
                try group(id, rest)
            }
        case "devices":
            return try directory(.devices, "devices", .directoryDevices, first, rest) {
                (id, rest) throws(GraphFailure) in
                device(id, rest)
            }
        case "applications":
            return try directory(.applications, "applications", .applications, first, rest) {
                (id, rest) throws(GraphFailure) in
                owned(.applications, id, rest, label: "applications", area: .applications)
            }
        case "serviceprincipals":
            return try directory(.servicePrincipals, "servicePrincipals", .applications, first, rest) {
                (id, rest) throws(GraphFailure) in
                if rest.first?.name.lowercased() == "approleassignments" {
                    return .plain(.appRoleAssignments(id), "appRoleAssignments", .applications, rest.dropFirst())
                }
                return owned(.servicePrincipals, id, rest, label: "servicePrincipals", area: .applications)
            }
        case "oauth2permissiongrants": return .plain(.permissionGrants, "oauth2PermissionGrants", .consents, rest)
        case "directoryroles":
            return try directory(.directoryRoles, "directoryRoles", .roles, first, rest) {
                (id, rest) throws(GraphFailure) in
                owned(.directoryRoles, id, rest, label: "directoryRoles", area: .roles)
            }
        case "directoryobjects":
            guard let id = rest.first?.name else { throw .unknownSegment("directoryObjects") }
            if id == "getByIds" { return GraphPlace(.collection(.users), "directoryObjects", .users, rest) }
            guard let (address, record) = store.object(id) else { throw .missing(id) }
            return GraphPlace(.row(address, key: record.id), "directoryObjects", .users, rest.dropFirst())
        case "directory" where rest.first?.name.lowercased() == "administrativeunits":
            guard let id = rest.dropFirst().first?.name, !id.hasPrefix("$") else {
                return .plain(.administrativeUnits, "directory/administrativeUnits", .roles, rest.dropFirst())
            }
            return owned(
                .administrativeUnits, id, rest.dropFirst(2), label: "directory/administrativeUnits", area: .roles)
        case "directory": return try deleted(rest)
        case "auditlogs":
            let address: TableAddress = rest.first?.name.lowercased() == "signins" ? .signIns : .directoryAudits
            guard let name = rest.first?.name, ["signins", "directoryaudits"].contains(name.lowercased()) else {
                throw .unknownSegment(rest.first?.name ?? "auditLogs")
            }
            return .plain(address, "auditLogs/\(name)", .logs, rest.dropFirst())
        case "subscribedskus": return .plain(.subscribedSkus, "subscribedSkus", .organization, rest)
        case "organization": return .plain(.organization, "organization", .organization, rest)
        case "domains": return .plain(.domains, "domains", .organization, rest)
        case "drives":
            guard let id = rest.first?.name else { return .plain(.drives, "drives", .files, rest) }
            return try drives.drive(id, rest.dropFirst())
        case "drive": return try drives.drive(drives.ownDrive(call.principal.objectID), rest)
        case "sites":
            // All sites of the tenant are those that a search for anything finds.
            let place = try sites.place(rest.first?.name.lowercased() == "getallsites" ? rest.dropFirst() : rest)
            guard case .made(let kind, let rows) = place.node, kind.name == "site",
                let wanted = call.options.other.first(where: { $0.name == "search" })?.value, wanted != "*"
            else { return place }
            var narrowed = place
            narrowed.node = .made(
                kind,
                rows.filter {
                    CaselessText.contains($0["displayName"]?.string ?? "", wanted)
                        || CaselessText.contains($0["name"]?.string ?? "", wanted)
                })
            return narrowed
        case "teams":
            guard let id = rest.first?.name, !id.hasPrefix("$") else { return teams.all(rest) }
            return try teams.team(id, rest.dropFirst())
        case "chats": return try teams.chats(call.principal.objectID, rest)
        default:
            // Graph has the settings catalogue in its beta version alone.
            if rest.first?.name.lowercased() == "configurationpolicies", call.version != "beta" {
                throw .unknownSegment("configurationPolicies")
            }
            if let place = ConfigurationPaths(store: store).place(first.name, rest) { return place }
            return try AdministrationPaths.place(first.name, rest)
        }
    }

    /// A collection of the directory, or one of its objects by id or by `(name='value')`.
    private func directory(
        _ address: TableAddress, _ label: String, _ area: GraphArea, _ first: GraphSegment,
        _ rest: ArraySlice<GraphSegment>,
        _ below: (String, ArraySlice<GraphSegment>) throws(GraphFailure) -> GraphPlace
    ) throws(GraphFailure) -> GraphPlace {
        if let arguments = first.arguments, let key = arguments.values.first { return try below(key, rest) }
        guard let key = rest.first?.name, !key.hasPrefix("$"),
            !["delta", "getByIds", "validateProperties"].contains(key)
        else {
            return GraphPlace(.collection(address), label, area, rest)
        }
        return try below(key, rest.dropFirst())
    }

    private func device(_ key: String, _ rest: ArraySlice<GraphSegment>) -> GraphPlace {
        if ["registeredowners", "registeredusers"].contains(rest.first?.name.lowercased()),
            let record = store.table(.devices).find(key)
        {
            return .references(store.owners(ofDevice: record.id), nil, rest.dropFirst(), area: .users)
        }
        if ["memberof", "transitivememberof"].contains(rest.first?.name.lowercased()),
            store.table(.devices).find(key) != nil
        {
            return .references([], nil, rest.dropFirst(), area: .groups)
        }
        return GraphPlace(.row(.devices, key: key), "devices", .directoryDevices, rest)
    }

    private func owned(
        _ address: TableAddress, _ key: String, _ rest: ArraySlice<GraphSegment>, label: String, area: GraphArea
    ) -> GraphPlace {
        if let record = store.table(address).find(key),
            let relation = rest.first.flatMap({ LinkAddress.Relation(rawValue: $0.name) })
        {
            return links(LinkAddress(owner: record.id, relation: relation), rest.dropFirst(), area: area)
        }
        return GraphPlace(.row(address, key: key), label, area, rest)
    }

    private func links(_ address: LinkAddress, _ rest: ArraySlice<GraphSegment>, area: GraphArea) -> GraphPlace {
        .references(store.linked(address), address, rest, area: area)
    }

    private func deleted(_ rest: ArraySlice<GraphSegment>) throws(GraphFailure) -> GraphPlace {
        guard rest.first?.name.lowercased() == "deleteditems" else {
            throw .unknownSegment(rest.first?.name ?? "directory")
        }
        guard let name = rest.dropFirst().first?.name else {
            throw .badRequest("Please specify a type, such as microsoft.graph.user.")
        }
        switch name.lowercased() {
        case "microsoft.graph.user", "graph.user": return .plain(.deletedUsers, "users", .users, rest.dropFirst(2))
        case "microsoft.graph.group", "graph.group": return .plain(.deletedGroups, "groups", .groups, rest.dropFirst(2))
        case "microsoft.graph.administrativeunit", "graph.administrativeunit":
            return GraphPlace(
                .made(.administrativeUnit, []), "directory/administrativeUnits", .roles, rest.dropFirst(2))
        case "microsoft.graph.device", "graph.device":
            return GraphPlace(.made(.device, []), "devices", .directoryDevices, rest.dropFirst(2))
        case "microsoft.graph.application", "graph.application":
            return .plain(.deletedApplications, "applications", .applications, rest.dropFirst(2))
        case "microsoft.graph.serviceprincipal", "graph.serviceprincipal":
            return .plain(.deletedServicePrincipals, "servicePrincipals", .applications, rest.dropFirst(2))
        default:
            let address = TableAddress.deleted.keys.first { store.table($0).find(name) != nil } ?? .deletedUsers
            return GraphPlace(.row(address, key: name), "directoryObjects", .users, rest.dropFirst(2))
        }
    }

    private func user(_ key: String, _ rest: ArraySlice<GraphSegment>) throws(GraphFailure) -> GraphPlace {
        let itself = GraphPlace(.row(.users, key: key), "users", .users, rest)
        guard let step = rest.first, !step.name.hasPrefix("$") else { return itself }
        guard let record = store.user(key) else { throw .missing(key) }
        let id = record.id
        if let place = ObservedPaths(store: store).place(ofUser: id, rest) { return place }
        let below = rest.dropFirst()
        let label = "users('\(id)')"
        switch step.name.lowercased() {
        case "messages": return mail.mail(id, .messages(id), "\(label)/messages", below, nil)
        case "mailfolders": return try mail.mailFolders(id, label, below)
        case "sendmail":
            return GraphPlace(.row(.users, key: id), "users", .mail, rest, owner: id)
        case "events": return .plain(.events(id), "\(label)/events", .calendars, below, owner: id)
        case "calendarview":
            return GraphPlace(.collection(.events(id)), "\(label)/calendarView", .calendars, rest, owner: id)
        case "calendar": return mail.calendar(id, label, below)
        case "calendars":
            if below.count > 1, below.dropFirst().first?.name.lowercased() == "events" {
                return .plain(.events(id), "\(label)/events", .calendars, below.dropFirst(2), owner: id)
            }
            return .plain(.calendars(id), "\(label)/calendars", .calendars, below, owner: id)
        case "contacts": return .plain(.contacts(id), "\(label)/contacts", .contacts, below, owner: id)
        case "mailboxsettings":
            return GraphPlace(
                .single(nil, .object(settings[id])), "\(label)/mailboxSettings", .mailboxSettings, below, owner: id)
        case "manager":
            if below.first?.name == "$ref" {
                return GraphPlace(.row(.users, key: id), "users", .users, below)
            }
            guard let manager = store.managerID(id) else { throw .missing("manager") }
            return GraphPlace(.link(manager), "directoryObjects", .users, below)
        case "directreports": return .references(store.directReports(id), nil, below, area: .users)
        case "memberof", "transitivememberof":
            let roles = store.roles(of: id).map { store.apps.roleID($0) }
            return .references(store.groups(of: id) + roles, nil, below, area: .groups)
        case "owneddevices", "registereddevices":
            return .references(store.devices(of: id), nil, below, area: .directoryDevices)
        case "ownedobjects": return .references(store.ownedObjects(id), nil, below, area: .users)
        case "drive": return try drives.drive(drives.ownDrive(id), below)
        case "drives":
            guard let drive = below.first?.name else {
                return GraphPlace(
                    .made(.drive, [.object(try drives.driveRow(drives.ownDrive(id)))]), "drives", .files, below,
                    owner: id)
            }
            return try drives.drive(drive, below.dropFirst())
        case "licensedetails":
            return GraphPlace(
                .made(.licenseDetails, store.licenseDetails(record)), "\(label)/licenseDetails", .users, below)
        case "authentication" where below.first?.name.lowercased() == "methods":
            return .plain(
                .authenticationMethods(id), "\(label)/authentication/methods", .authenticationMethods,
                below.dropFirst())
        case "manageddevices":
            return GraphPlace(
                .collection(.managedDevices) { $0["userId"]?.string == id }, "\(label)/managedDevices", .devices, below)
        case "chats": return try teams.chats(id, below)
        case "joinedteams": return try teams.joinedTeams(id, below)
        case "photo":
            throw GraphFailure(
                404, "ImageNotFound",
                "Exception of type 'Microsoft.Fast.Profile.Core.Exception.ImageNotFoundException' was thrown.")
        default: return itself
        }
    }

    private func group(_ key: String, _ rest: ArraySlice<GraphSegment>) throws(GraphFailure) -> GraphPlace {
        let itself = GraphPlace(.row(.groups, key: key), "groups", .groups, rest)
        guard let step = rest.first, !step.name.hasPrefix("$") else { return itself }
        guard let record = store.table(.groups).find(key) else { throw .missing(key) }
        let below = rest.dropFirst()
        switch step.name.lowercased() {
        case "members", "transitivemembers":
            return links(LinkAddress(owner: record.id, relation: .members), below, area: .groups)
        case "owners": return links(LinkAddress(owner: record.id, relation: .owners), below, area: .groups)
        case "memberof", "transitivememberof": return .references([], nil, below, area: .groups)
        case "team": return try teams.team(record.id, below)
        case "drive":
            guard let index = store.groups.ids.index(ofGuid: record.id) else { throw .fileMissing }
            return try drives.drive(store.files.driveID(.group(index)), below)
        case "sites": return try sites.place(below)
        default: return itself
        }
    }
}
