import MMCore
import MMHTTP

/// Resolves the paths of Graph.
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
        if let place = ObservedPaths(store: store, isBeta: call.version == "beta").place(segments) { return place }
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
                if call.request.method == "PUT", rest.count == 1, rest.first?.name.lowercased() == "team",
                    let record = store.table(.groups).find(id)
                {
                    return teams.newTeam(of: record)
                }
                return try group(id, rest)
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
                switch rest.first?.name.lowercased() {
                case "approleassignments":
                    return .plain(.appRoleAssignments(id), "appRoleAssignments", .applications, rest.dropFirst())
                case "approleassignedto":
                    return .plain(.appRoleAssignedTo(id), "appRoleAssignments", .applications, rest.dropFirst())
                case "memberof", "transitivememberof":
                    return .references(
                        store.groups(of: id) + store.roles(of: id).map { store.apps.roleID($0) }, nil,
                        rest.dropFirst(), area: .groups)
                case "oauth2permissiongrants":
                    let rows = store.table(.permissionGrants).all.filter { $0["clientId"]?.string == id }
                    return GraphPlace(
                        .made(.permissionGrant, rows), "oauth2PermissionGrants", .consents, rest.dropFirst())
                default: break
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
            // `getAllSites` returns the same as a search for everything.
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
            // Graph has the settings catalogue only in its beta version.
            if rest.first?.name.lowercased() == "configurationpolicies", call.version != "beta" {
                throw .unknownSegment("configurationPolicies")
            }
            if let place = ConfigurationPaths(store: store).place(first.name, rest) { return place }
            return try AdministrationPaths.place(first.name, rest)
        }
    }

    /// Resolves a collection of the directory, or one of its objects by id or by `(name='value')`.
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
            let inner = below.dropFirst().first?.name.lowercased()
            if let key = below.first?.name, inner == "events" || inner == "calendarview" {
                guard store.table(.calendars(id)).find(key) != nil else { throw .mailItemMissing }
                return mail.calendar(id, label, below.dropFirst())
            }
            return .plain(.calendars(id), "\(label)/calendars", .calendars, below, owner: id)
        case "contacts": return .plain(.contacts(id), "\(label)/contacts", .contacts, below, owner: id)
        case "mailboxsettings":
            if let name = below.first?.name, let part = settings[id][name] {
                let shown: JSONObject = part.object ?? ["value": part]
                return GraphPlace(
                    .single(nil, .object(shown)), "\(label)/mailboxSettings/\(name)", .mailboxSettings,
                    below.dropFirst(), owner: id)
            }
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
        case "photo", "photos": return GraphPlace(.row(.users, key: id), "\(label)/photo", .users, rest, owner: id)
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
        case "photo", "photos":
            return GraphPlace(
                .row(.groups, key: record.id), "groups('\(record.id)')/photo", .groups, rest, owner: record.id)
        default: return itself
        }
    }
}

/// Resolves the paths of read-only content for administrators.
struct ObservedPaths {
    let store: DirectoryStore
    var isBeta = false

    private var content: ObservedContent { ObservedContent(store: store) }

    /// Resolves a path; returns `nil` for all others.
    func place(_ segments: ArraySlice<GraphSegment>) -> GraphPlace? {
        if let below = below(segments) { return below }
        let words = segments.prefix(4).map { $0.name.lowercased() }
        for count in stride(from: words.count, through: 1, by: -1) {
            let path = words.prefix(count).joined(separator: "/")
            let rest = segments.dropFirst(count)
            if let (kind, area, rows) = list(path) { return made(kind, area, rows, path, rest) }
            if let (kind, area, object) = single(path), rest.isEmpty {
                return GraphPlace(.single(Self.kind(kind, [object]), .object(object)), path, area, rest)
            }
        }
        return nil
    }

    /// Resolves lists below one object of a collection: `collection/{id}/list`.
    private func below(_ segments: ArraySlice<GraphSegment>) -> GraphPlace? {
        let all = Array(segments)
        let words = all.map { $0.name.lowercased() }
        func at(_ path: String) -> ArraySlice<GraphSegment>? {
            let parts = path.split(separator: "/")
            guard words.count >= parts.count, zip(parts, words).allSatisfy({ $0 == "{}" || $0 == $1 }) else {
                return nil
            }
            return segments.dropFirst(parts.count)
        }
        if let rest = at("identityprotection/riskyusers/{}/history") {
            return made("riskyUserHistoryItem", .risks, content.riskHistory(all[2].name), "history", rest)
        }
        if let rest = at("groups/{}/planner/plans") {
            return made("plannerPlan", .groups, content.plans(of: all[1].name), "planner/plans", rest)
        }
        if let rest = at("planner/plans/{}/tasks") {
            return made("plannerTask", .groups, content.plannerTasks(all[2].name), "planner/tasks", rest)
        }
        if let rest = at("planner/plans/{}/buckets") {
            return made("plannerBucket", .groups, content.plannerBuckets(all[2].name), "planner/buckets", rest)
        }
        if let rest = at("users/{}/planner/plans") {
            return made("plannerPlan", .groups, [], "planner/plans", rest)
        }
        if let rest = at("users/{}/planner/tasks") {
            return made("plannerTask", .groups, [], "planner/tasks", rest)
        }
        if let rest = at("groups/{}/memberswithlicenseerrors/graph.group") ?? at("groups/{}/memberswithlicenseerrors") {
            return .references([], nil, rest, area: .groups)
        }
        if let rest = at("deviceappmanagement/mobileapps/{}/assignments") {
            return made("mobileAppAssignment", .devices, content.assignments(ofApp: words[2]), "assignments", rest)
        }
        if isBeta, let rest = at("deviceappmanagement/mobileapps/{}/devicestatuses") {
            return made("mobileAppInstallStatus", .devices, content.installations, "deviceStatuses", rest)
        }
        for (policies, type) in [
            ("deviceconfigurations", "deviceConfigurationDeviceStatus"),
            ("devicecompliancepolicies", "deviceComplianceDeviceStatus"),
        ] {
            guard let rest = at("devicemanagement/\(policies)/{}/devicestatuses") else { continue }
            return made(type, .devices, content.policyStates, "deviceStatuses", rest)
        }
        if isBeta, let rest = at("devicemanagement/manageddevices/{}/detectedapps") {
            return made("detectedApp", .devices, content.detectedApps(on: all[2].name), "detectedApps", rest)
        }
        if let rest = at("groups/{}/photos"), rest.isEmpty { return made("profilePhoto", .groups, [], "photos", rest) }
        if let rest = at("groups/{}/approleassignments") {
            return made("appRoleAssignment", .groups, [], "appRoleAssignments", rest)
        }
        if let rest = at("groups/{}/events") ?? at("groups/{}/calendar/events") {
            return GraphPlace(.made(.event, []), "groups('\(all[1].name)')/events", .calendars, rest)
        }
        for name in ["daynotes", "timeoffrequests", "shifts", "timesoff", "openshifts"] {
            guard let rest = at("teams/{}/schedule/\(name)") else { continue }
            return made(all[3].name, .teams, [], "schedule/\(all[3].name)", rest)
        }
        if let rest = at("devicemanagement/devicecompliancepolicies/getdevicesscheduledtoretire") {
            return made("retireScheduledManagedDevice", .devices, [], "getDevicesScheduledToRetire", rest)
        }
        if let rest = at("administrativeunits/{}/members") ?? at("directory/administrativeunits/{}/members") {
            return .references(content.unitMembers, nil, rest, area: .users)
        }
        if let rest = at("directory/administrativeunits/{}/scopedrolemembers") {
            return made("scopedRoleMembership", .roles, [], "scopedRoleMembers", rest)
        }
        return nil
    }

    /// Resolves a path below a user.
    func place(ofUser id: String, _ segments: ArraySlice<GraphSegment>) -> GraphPlace? {
        let words = segments.prefix(2).map { $0.name.lowercased() }
        switch (words.first, words.dropFirst().first) {
        case ("todo", "lists"):
            return made(
                "todoTaskList", .mailboxSettings, content.todoLists(id), "todo/lists", segments.dropFirst(2), owner: id)
        case ("presence", nil):
            let row = content.presence(id)
            return GraphPlace(
                .single(Self.kind("presence", [row]), .object(row)), "users('\(id)')/presence", .chats,
                segments.dropFirst())
        case ("authentication", "requirements"):
            return whole(
                "strongAuthenticationRequirements",
                ["perUserMfaState": (store.users.index(of: id) ?? 0) % 7 == 3 ? "enforced" : "disabled"],
                "users('\(id)')/authentication/requirements", segments.dropFirst(2))
        case ("authentication", "signinpreferences"):
            return whole(
                "signInPreferences", store.administration.signInPreferences(store.users.index(of: id)),
                "users('\(id)')/authentication/signInPreferences", segments.dropFirst(2))
        case ("oauth2permissiongrants", _):
            let rows = store.table(.permissionGrants).all.filter { $0["principalId"]?.string == id }
            return GraphPlace(
                .made(store.table(.permissionGrants).kind, rows), "oauth2PermissionGrants", .consents,
                segments.dropFirst())
        case ("sponsors", _): return .references([], nil, segments.dropFirst(), area: .users)
        case ("approleassignments", _):
            return made("appRoleAssignment", .users, [], "appRoleAssignments", segments.dropFirst())
        case ("onlinemeetings", _):
            return made("onlineMeeting", .calendars, [], "onlineMeetings", segments.dropFirst(), owner: id)
        case ("photos", nil): return made("profilePhoto", .users, [], "photos", segments.dropFirst())
        case ("planner", "tasks"):
            let rows = content.plannerTasks("OwnPlan0").filter { $0["assignments"]?[id] != nil }
            return made("plannerTask", .groups, rows, "planner/tasks", segments.dropFirst(2))
        case ("planner", "plans"):
            return made("plannerPlan", .groups, content.ownPlans, "planner/plans", segments.dropFirst(2))
        case ("inferenceclassification", "overrides"):
            return made("inferenceClassificationOverride", .mail, [], "overrides", segments.dropFirst(2), owner: id)
        case ("calendar", "calendarpermissions"):
            return made(
                "calendarPermission", .calendars, content.calendarPermissions, "calendarPermissions",
                segments.dropFirst(2), owner: id)
        case ("teamwork", "associatedteams"):
            let rows = store.groups(of: id).compactMap { store.table(.groups).find($0)?.members(of: .group) }
                .filter { $0["resourceProvisioningOptions"]?.array?.contains("Team") == true }
                .map { group in
                    [
                        "id": group["id"] ?? .null, "displayName": group["displayName"] ?? .null,
                        "tenantId": .string(TenantIdentity.id),
                    ] as JSONObject
                }
            return made("associatedTeamInfo", .teams, rows, "associatedTeams", segments.dropFirst(2))
        case ("teamwork", "installedapps"):
            return made(
                "userScopeTeamsAppInstallation", .teams, TeamContent.installedApps(of: id), "installedApps",
                segments.dropFirst(2))
        case ("datasecurityandgovernance", "sensitivitylabels"):
            return made("sensitivityLabel", .policies, content.sensitivityLabels, "labels", segments.dropFirst(2))
        case ("authentication", let name?) where name.hasSuffix("methods") && name != "methods":
            let type = "#microsoft.graph.\(name.dropLast("methods".count))authenticationmethod"
            let rows = store.table(.authenticationMethods(id)).all.filter { $0.typeName?.lowercased() == type }
            return GraphPlace(
                .made(.authenticationMethod, rows), "users('\(id)')/authentication/\(name)", .authenticationMethods,
                segments.dropFirst(2))
        default: return nil
        }
    }

    /// Returns the place of an object without an id, below a user.
    private func whole(
        _ kind: String, _ object: JSONObject, _ path: String, _ rest: ArraySlice<GraphSegment>
    ) -> GraphPlace {
        GraphPlace(.single(Self.kind(kind, [object]), .object(object)), path, .authenticationMethods, rest)
    }

    private func made(
        _ kind: String, _ area: GraphArea, _ rows: [JSONObject], _ path: String, _ rest: ArraySlice<GraphSegment>,
        owner: String? = nil
    ) -> GraphPlace {
        let kind = Self.kind(kind, rows)
        guard let key = rest.first?.name, !key.hasPrefix("$") else {
            return GraphPlace(.made(kind, rows.map { .object(Self.listed($0)) }), path, area, rest, owner: owner)
        }
        // A cast such as graph.room was handled with the path.
        guard let row = rows.first(where: { $0["id"]?.string?.lowercased() == key.lowercased() }) else {
            return GraphPlace(.made(kind, []), path, area, rest, owner: owner)
        }
        return GraphPlace(.single(kind, .object(row)), path, area, rest.dropFirst(), owner: owner)
    }

    /// Returns a row as lists show it, without secrets, which are returned one at a time.
    private static func listed(_ row: JSONObject) -> JSONObject {
        var row = row
        for name in ["key", "credentials"] { row[name] = nil }
        return row
    }

    private func list(_ path: String) -> (String, GraphArea, [JSONObject])? {
        switch path {
        case "devicemanagement/windowsautopilotdeviceidentities":
            ("windowsAutopilotDeviceIdentity", .devices, content.autopilot)
        case "devicemanagement/detectedapps": ("detectedApp", .devices, content.detectedApps)
        case "deviceappmanagement/mobileapps": ("mobileApp", .devices, content.mobileApps(isBeta))
        case "deviceappmanagement/iosmanagedappprotections":
            ("iosManagedAppProtection", .devices, content.protection(of: "ios"))
        case "deviceappmanagement/androidmanagedappprotections":
            ("androidManagedAppProtection", .devices, content.protection(of: "android"))
        case "deviceappmanagement/managedapppolicies": ("managedAppPolicy", .devices, content.appProtection)
        case "informationprotection/bitlocker/recoverykeys": ("bitlockerRecoveryKey", .devices, content.bitLockerKeys)
        case "directory/devicelocalcredentials": ("deviceLocalCredentialInfo", .devices, content.localCredentials)
        case "security/securescores": ("secureScore", .risks, content.secureScores)
        case "security/securescorecontrolprofiles": ("secureScoreControlProfile", .risks, content.controls)
        case "security/alerts": ("alert", .risks, content.earlierAlerts)
        case "security/alerts_v2": ("security.alert", .risks, content.alerts)
        case "security/incidents": ("security.incident", .risks, content.incidents)
        case "security/cases/ediscoverycases": ("security.ediscoveryCase", .risks, content.cases)
        case "security/datasecurityandgovernance/sensitivitylabels", "security/informationprotection/sensitivitylabels",
            "informationprotection/sensitivitylabels", "informationprotection/policy/labels":
            ("sensitivityLabel", .policies, content.sensitivityLabels)
        case "identityprotection/riskdetections", "riskdetections": ("riskDetection", .risks, content.riskDetections)
        case "admin/serviceannouncement/messages": ("serviceUpdateMessage", .health, content.messages)
        case "places/graph.room", "places/microsoft.graph.room": ("room", .organization, content.rooms)
        case "identitygovernance/accessreviews/definitions":
            ("accessReviewScheduleDefinition", .policies, content.reviews)
        case "identitygovernance/entitlementmanagement/accesspackages":
            ("accessPackage", .policies, content.accessPackages)
        case "auditlogs/provisioning": ("provisioningObjectSummary", .logs, content.provisioning)
        case "print/printers": ("printer", .organization, content.printers)
        case "grouplifecyclepolicies": ("groupLifecyclePolicy", .groups, content.groupExpiration)
        case "groupsettings", "settings": ("groupSetting", .groups, content.groupSettings)
        case "schemaextensions": ("schemaExtension", .applications, [])
        case "contacts": ("orgContact", .organization, content.orgContacts)
        case "rolemanagement/directory/roleassignmentschedules",
            "rolemanagement/directory/roleassignmentscheduleinstances":
            ("unifiedRoleAssignmentSchedule", .roles, content.roleSchedules)
        case "deviceappmanagement/targetedmanagedappconfigurations":
            ("targetedManagedAppConfiguration", .devices, [])
        case "devicemanagement/deviceenrollmentconfigurations":
            ("deviceEnrollmentConfiguration", .devices, content.enrollment)
        case "directory/subscriptions": ("companySubscription", .organization, content.subscriptions)
        case "identity/conditionalaccess/deleteditems/policies": ("conditionalAccessPolicy", .policies, [])
        case "identity/conditionalaccess/deleteditems/namedlocations": ("namedLocation", .policies, [])
        case "reports/serviceprincipalsigninactivities":
            ("servicePrincipalSignInActivity", .logs, content.appActivities)
        case "reports/appcredentialsigninactivities": ("appCredentialSignInActivity", .logs, [])
        case "planner/plans": ("plannerPlan", .groups, [])
        case "rolemanagement/directory/roleeligibilityscheduleinstances",
            "rolemanagement/directory/roleeligibilityschedulerequests":
            ("unifiedRoleEligibilitySchedule", .roles, [])
        case "identity/authenticationeventsflows", "identity/authenticationeventlisteners":
            ("authenticationEventsFlow", .policies, [])
        case "subscriptions": ("subscription", .organization, [])
        case "communications/callrecords": ("callRecords.callRecord", .teams, [])
        case "solutions/backuprestore/restoresessions": ("restoreSessionBase", .organization, [])
        case "solutions/backuprestore/protectionpolicies": ("protectionPolicyBase", .organization, [])
        case "planner/tasks": ("plannerTask", .groups, content.plannerTasks("OwnPlan0"))
        case "identity/conditionalaccess/templates": ("conditionalAccessTemplate", .policies, content.accessTemplates)
        case "devicemanagement/auditevents": ("auditEvent", .devices, content.deviceEvents)
        case "admin/exchange/tracing/messagetraces", "messagetraces":
            ("exchangeMessageTrace", .organization, content.messageTraces)
        default: further(path)
        }
    }

    /// Resolves paths that are requested less often.
    private func further(_ path: String) -> (String, GraphArea, [JSONObject])? {
        switch path {
        case "admin/exchange/mailboxes": ("mailbox", .organization, content.exchangeMailboxes)
        case "admin/teams/telephonenumbermanagement/numberassignments":
            ("teamsAdministration.numberAssignment", .organization, content.phoneNumbers)
        case "appcatalogs/teamsapps": ("teamsApp", .teams, content.catalogApps)
        case "devicemanagement/devicehealthscripts": ("deviceHealthScript", .devices, content.healthScripts)
        case "devicemanagement/roledefinitions": ("roleDefinition", .devices, content.deviceRoles)
        case "devicemanagement/windowsautopilotdeploymentprofiles":
            ("windowsAutopilotDeploymentProfile", .devices, content.deploymentProfiles)
        case "directoryroletemplates": ("directoryRoleTemplate", .roles, content.roleTemplates)
        case "legacy/policies": ("directoryPolicy", .policies, [])
        case "reports/authenticationmethods/usermfasigninsummary":
            ("mfaUserSignInSummary", .authenticationMethods, content.secondFactors)
        case "domaindnsrecords": ("domainDnsRecord", .organization, content.dnsRecords)
        case "external/connections": ("externalConnectors.externalConnection", .organization, [])
        case "identitygovernance/entitlementmanagement/assignments":
            ("accessPackageAssignment", .policies, content.packageAssignments)
        case "places/graph.roomlist", "places/microsoft.graph.roomlist":
            ("roomList", .organization, content.roomLists)
        case "planner/plans": ("plannerPlan", .groups, content.ownPlans)
        case "policies/rolemanagementpolicies":
            ("unifiedRoleManagementPolicy", .policies, content.rolePolicies)
        case "policies/rolemanagementpolicyassignments":
            ("unifiedRoleManagementPolicyAssignment", .policies, content.rolePolicyAssignments)
        case "print/shares": ("printerShare", .organization, content.printers)
        case "rolemanagement/directory/roleeligibilityschedulerequests":
            ("unifiedRoleEligibilityScheduleRequest", .roles, [])
        case "security/labels/retentionlabels": ("security.retentionLabel", .policies, content.retentionLabels)
        default: nil
        }
    }

    private func single(_ path: String) -> (String, GraphArea, JSONObject)? {
        switch path {
        case "networkaccess/settings/crosstenantaccess":
            ("networkAccess.crossTenantAccessSettings", .policies, ["networkPacketTaggingStatus": "disabled"])
        case "policies/crosstenantaccesspolicy":
            (
                "crossTenantAccessPolicy", .policies,
                [
                    "id": "crossTenantAccessPolicy", "displayName": "CrossTenantAccessPolicy",
                    "allowedCloudEndpoints": [],
                ]
            )
        case "policies/deviceregistrationpolicy":
            (
                "deviceRegistrationPolicy", .policies,
                [
                    "id": "deviceRegistrationPolicy", "displayName": "Device Registration Policy",
                    "description": "Tenant-wide policy that manages initial provisioning controls for devices.",
                    "userDeviceQuota": 50, "multiFactorAuthConfiguration": "notRequired",
                    "azureADRegistration": ["isAdminConfigurable": false],
                    "azureADJoin": ["isAdminConfigurable": true], "localAdminPassword": ["isEnabled": true],
                ]
            )
        case "devicemanagement/manageddeviceoverview":
            ("managedDeviceOverview", .devices, content.deviceOverview)
        case "devicemanagement/devicecompliancepolicydevicestatesummary":
            ("deviceCompliancePolicyDeviceStateSummary", .devices, content.complianceSummary)
        case "devicemanagement/deviceconfigurationdevicestatesummaries":
            ("deviceConfigurationDeviceStateSummary", .devices, content.configurationSummary)
        case "devicemanagement/softwareupdatestatussummary":
            ("softwareUpdateStatusSummary", .devices, content.updateSummary)
        case "devicemanagement":
            (
                "deviceManagement", .devices,
                [
                    "id": .string(TenantIdentity.id), "intuneAccountId": .string(TenantIdentity.id),
                    "subscriptionState": "active",
                    "settings": [
                        "deviceComplianceCheckinThresholdDays": 30, "isScheduledActionEnabled": true,
                        "secureByDefault": true,
                    ],
                    "intuneBrand": ["displayName": .string("Contoso Sandbox"), "showLogo": false],
                ]
            )
        case "admin/reportsettings":
            ("adminReportSettings", .reports, ["id": "reportSettings", "displayConcealedNames": false])
        case "reports/authenticationmethods/usersregisteredbymethod":
            ("userRegistrationMethodSummary", .authenticationMethods, content.registeredMethods)
        case "devicemanagement/applepushnotificationcertificate":
            (
                "applePushNotificationCertificate", .devices,
                [
                    "id": "apns", "appleIdentifier": .string("apple@\(TenantIdentity.domain)"),
                    "topicIdentifier": "com.apple.mgmt.External.sandbox",
                    "expirationDateTime": .string(ServiceTime.text(store.users.now + 86_400 * 120)),
                ]
            )
        default: nil
        }
    }

    /// Returns the type of read-only rows, derived from the rows.
    private static func kind(_ name: String, _ rows: [JSONObject]) -> EntityKind {
        var words: [String] = []
        for (property, value) in rows.first ?? ["id": ""] where !property.hasPrefix("@") {
            let type: String
            switch value {
            case .bool: type = ":b"
            case .int, .double, .number: type = ":n"
            case .array: type = ":c"
            case .object: type = ":o"
            case .string, .null: type = property.hasSuffix("DateTime") ? ":d" : ""
            }
            words.append(property + type)
        }
        var kind = EntityKind(name, words.joined(separator: " "), abstract: rows.first?["@odata.type"] != nil)
        kind.isOpen = rows.isEmpty
        return kind
    }
}

/// Resolves the paths to locations, authentication methods, roles and assignments.
struct ConfigurationPaths {
    let store: DirectoryStore

    /// Resolves a path; returns `nil` for all others.
    func place(_ name: String, _ rest: ArraySlice<GraphSegment>) -> GraphPlace? {
        let words = ([name] + rest.prefix(3).map(\.name)).map { $0.lowercased() }
        func after(_ count: Int) -> ArraySlice<GraphSegment> { rest.dropFirst(count) }
        let two = words.prefix(2).joined(separator: "/")
        let three = words.prefix(3).joined(separator: "/")
        switch (two, three) {
        case (let path, _) where path.hasPrefix("tenantrelationships/findtenantinformationbytenantid"):
            let asked = rest.first?.arguments?["tenantId"] ?? TenantIdentity.id
            let isOwn = asked.lowercased() == TenantIdentity.id
            return GraphPlace(
                .single(
                    nil,
                    .object([
                        "tenantId": .string(asked), "federationBrandName": .null,
                        "displayName": .string(isOwn ? TenantIdentity.name : "Another organization"),
                        "defaultDomainName": .string(isOwn ? TenantIdentity.initialDomain : "other.example"),
                    ])), "$metadata#microsoft.graph.tenantInformation", .organization, after(1))
        case (_, "identity/conditionalaccess/namedlocations"):
            return .plain(.namedLocations, "identity/conditionalAccess/namedLocations", .policies, after(2))
        case (_, "identity/conditionalaccess/authenticationstrength") where words.count > 3 && words[3] == "policies":
            return .plain(
                .authenticationStrengths, "identity/conditionalAccess/authenticationStrength/policies", .policies,
                after(3)
            )
        case ("policies/authenticationstrengthpolicies", _):
            return .plain(.authenticationStrengths, "policies/authenticationStrengthPolicies", .policies, after(1))
        case (_, "policies/authenticationmethodspolicy/authenticationmethodconfigurations") where words.count > 3:
            let policy = store.table(.authenticationMethodsPolicy).all.first
            let methods = policy?["authenticationMethodConfigurations"]?.array?.compactMap(\.object) ?? []
            return methods.first { $0["id"]?.string?.lowercased() == words[3] }.map { method in
                GraphPlace(
                    .single(
                        EntityKind("authenticationMethodConfiguration", "id state includeTargets:c"), .object(method)),
                    "policies/authenticationMethodsPolicy/authenticationMethodConfigurations", .policies,
                    after(3))
            }
        case ("policies/authenticationmethodspolicy", _):
            return single(.authenticationMethodsPolicy, "authenticationMethodsPolicy", after(1))
        case ("policies/authorizationpolicy", _): return single(.authorizationPolicy, "authorizationPolicy", after(1))
        case ("policies/identitysecuritydefaultsenforcementpolicy", _):
            return only(.securityDefaults, "identitySecurityDefaultsEnforcementPolicy", after(1))
        case (_, "policies/crosstenantaccesspolicy/default"):
            return only(.crossTenantAccess, "crossTenantAccessPolicy/default", after(2))
        case (_, "policies/crosstenantaccesspolicy/partners"):
            return .plain(.crossTenantPartners, "policies/crossTenantAccessPolicy/partners", .policies, after(2))
        case ("policies/permissiongrantpolicies", _):
            return .plain(.consentPolicies, "policies/permissionGrantPolicies", .policies, after(1))
        case ("policies/adminconsentrequestpolicy", _):
            return only(.consentRequests, "adminConsentRequestPolicy", after(1))
        case (_, "rolemanagement/directory/roledefinitions"):
            return GraphPlace(
                .made(.roleDefinition, store.roleDefinitions), "roleManagement/directory/roleDefinitions", .roles,
                after(2))
        case (_, "rolemanagement/directory/roleassignments"):
            return GraphPlace(
                .made(.roleAssignment, store.roleAssignments), "roleManagement/directory/roleAssignments", .roles,
                after(2))
        case ("devicemanagement/deviceconfigurations", _) where words.count == 4 && words[3] == "assignments":
            return assignments(of: words[2], in: .deviceConfigurations, after(3))
        case ("devicemanagement/devicecompliancepolicies", _) where words.count == 4 && words[3] == "assignments":
            return assignments(of: words[2], in: .deviceCompliancePolicies, after(3))
        case ("devicemanagement/configurationpolicies", _) where words.count == 4 && words[3] == "assignments":
            return assignments(of: words[2], in: .settingsCatalog, after(3))
        case ("devicemanagement/configurationpolicies", _) where words.count == 4 && words[3] == "settings":
            var settings: [JSONObject] = []
            if case .object(let policy)? = store.table(.settingsCatalog).find(words[2]) {
                settings = AdministrationContent.catalogSettings(of: policy)
            }
            return GraphPlace(
                .made(.catalogSetting, settings.map { .object($0) }),
                "deviceManagement/configurationPolicies/settings", .devices, after(3))
        case ("devicemanagement/configurationpolicies", _):
            return .plain(.settingsCatalog, "deviceManagement/configurationPolicies", .devices, after(1))
        case (_, "admin/configurationmanagement/configurationmonitors"):
            if let monitor = after(2).first?.name, after(3).first?.name.lowercased() == "baseline",
                let baseline = store.baseline(of: monitor)
            {
                return GraphPlace(
                    .single(.configurationBaseline, baseline), "admin/configurationManagement/baseline",
                    .monitoring, after(4))
            }
            return .plain(
                .configurationMonitors, "admin/configurationManagement/configurationMonitors", .monitoring, after(2))
        case (_, "security/auditlog/queries"):
            if let query = after(2).first?.name, after(3).first?.name.lowercased() == "records",
                let found = store.auditRecords(ofQuery: query)
            {
                return GraphPlace(
                    .made(.auditRecord, found), "security/auditLog/queries('\(query)')/records", .auditQueries,
                    after(4))
            }
            return .plain(.auditQueries, "security/auditLog/queries", .auditQueries, after(2))
        case (_, "admin/configurationmanagement/configurationdrifts"):
            return GraphPlace(
                .made(.configurationDrift, store.configurationDrifts),
                "admin/configurationManagement/configurationDrifts", .monitoring, after(2))
        default: return nil
        }
    }

    private func single(_ address: TableAddress, _ key: String, _ rest: ArraySlice<GraphSegment>) -> GraphPlace {
        GraphPlace(.row(address, key: key), "policies/\(key)", .policies, rest)
    }

    /// Returns the place of a table's only row, which has a path of its own.
    private func only(_ address: TableAddress, _ path: String, _ rest: ArraySlice<GraphSegment>) -> GraphPlace {
        let key = store.table(address).all.first?.id ?? ""
        return GraphPlace(.row(address, key: key), "policies/\(path)", .policies, rest)
    }

    private func assignments(
        of policy: String, in address: TableAddress, _ rest: ArraySlice<GraphSegment>
    ) -> GraphPlace {
        GraphPlace(
            .made(.deviceAssignment, store.assignments(of: policy, in: address)), "assignments", .devices, rest)
    }
}
