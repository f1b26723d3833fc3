internal import MMCore
internal import MMHTTP

/// Creates, changes and deletes objects.
struct GraphWriter {
    let context: TenantContext
    let store: DirectoryStore
    let issuer: TokenIssuer
    let answers: GraphAnswers
    let accounts: NewAccounts
    let apps: NewApps
    let settings: MailboxSettings
    let mail: GraphMail
    let teams: GraphTeams
    let files: GraphFiles
    let references: GraphReferences

    func create(_ call: GraphCall, _ place: GraphPlace) throws(GraphFailure) -> HTTPServerResponse {
        switch place.node {
        case .collection(let address, _): return try create(call, place, in: address)
        case .made(let kind, _) where kind.name == "mailFolder":
            guard let owner = place.owner else { throw .notAllowed("POST") }
            return try create(call, place, in: .mailFolders(owner))
        default: throw .notAllowed(call.request.method)
        }
    }

    private func create(_ call: GraphCall, _ place: GraphPlace, in address: TableAddress) throws(GraphFailure)
        -> HTTPServerResponse
    {
        var body = try call.object()
        let kind = store.table(address).kind
        let people = try teams.people(inNew: kind, &body)
        var row = try kind.checked(body, isNew: true)
        let id: String
        switch address {
        case .users:
            try accounts.checkNewUser(row)
            id = RandomBytes.uuid()
            accounts.finishUser(&row, id: id)
        case .groups:
            try accounts.checkNewGroup(row)
            id = RandomBytes.uuid()
            accounts.finishGroup(&row, id: id)
            accounts.linkNewGroup(body, id: id, principal: call.principal)
        case .applications:
            id = RandomBytes.uuid()
            apps.finishApplication(&row)
        case .servicePrincipals:
            id = RandomBytes.uuid()
            try apps.finishPrincipal(&row)
        case .permissionGrants:
            id = RandomBytes.text(bytes: 32)
            try apps.checkGrant(row)
        case .directoryRoles:
            id = RandomBytes.uuid()
            row["deletedDateTime"] = .null
        case .domains: id = row["id"]?.string ?? ""
        case .conditionalAccessPolicies, .namedLocations, .deviceConfigurations, .deviceCompliancePolicies,
            .settingsCatalog, .appRoleAssignments, .consentPolicies, .administrativeUnits:
            id = RandomBytes.uuid()
        case .crossTenantPartners: id = row["tenantId"]?.string ?? RandomBytes.uuid()
        case .configurationMonitors:
            id = RandomBytes.uuid()
            row["status"] = "active"
            row["mode"] = "monitorOnly"
            row["monitorRunFrequencyInHours"] = 6
            row["tenantId"] = .string(TenantIdentity.id)
        case .auditQueries:
            id = RandomBytes.uuid()
            // The real service takes minutes.
            row["status"] = "succeeded"
        case .messages(let owner):
            id = "AAMkAN\(RandomBytes.text(bytes: 24))AAA="
            mail.finishMessage(&row, owner: owner, folder: place)
        case .events:
            id = "AAMkAN\(RandomBytes.text(bytes: 24))AAA="
            guard row["start"]?.object != nil, row["end"]?.object != nil else {
                throw GraphFailure(
                    400, "ErrorInvalidRequest",
                    "Your request can't be completed. The start and end of an event are required.")
            }
            row["organizer"] =
                store.user(place.owner ?? "").map {
                    ["emailAddress": ["name": $0["displayName"] ?? "", "address": $0["mail"] ?? ""]]
                } ?? .null
            row = MailContent.event(try CalendarTime.kept(row, of: nil))
        case .channelMessages, .chatMessages:
            return try teams.post(call, body, address)
        case .contacts, .mailFolders, .calendars, .attachments: id = "AAMkAN\(RandomBytes.text(bytes: 24))AAA="
        case .lists: id = RandomBytes.uuid()
        case .listItems: id = store.nextListItemID
        case .driveItems(let drive): return try files.createFolder(call, body, drive: drive, parent: place.owner)
        case .channels:
            id = "19:\(RandomBytes.uuid().filter { $0 != "-" })@thread.tacv2"
            if row["membershipType"] == nil { row["membershipType"] = "standard" }
            teams.open(channel: id, for: people, by: call.principal)
        default: throw .notAllowed("POST")
        }
        var stored: JSONObject = ["id": .string(id)]
        for (name, value) in row where name != "id" { stored[name] = value }
        if kind.types["createdDateTime"] != nil { stored["createdDateTime"] = .string(ServiceTime.text(context.now)) }
        if kind.types["lastModifiedDateTime"] != nil {
            stored["lastModifiedDateTime"] = .string(ServiceTime.text(context.now))
        }
        if case .attachments(let owner, let message) = address {
            mail.noteAttachment(&stored, owner: owner, message: message)
        }
        store.insert(stored, into: address)
        return try answers.created(call, stored, in: address, label: place.label)
    }

    func update(_ call: GraphCall, _ place: GraphPlace) throws(GraphFailure) -> HTTPServerResponse {
        if case .single(nil, let record) = place.node, place.label.hasSuffix("mailboxSettings"),
            call.request.method == "PATCH"
        {
            var settings = record.members(of: .directoryObject)
            for (name, value) in try call.object() where !name.contains("@") {
                guard settings[name] != nil else { throw .badRequest("Invalid property '\(name)'.") }
                settings[name] = Self.patched(settings[name], by: value)
            }
            if let owner = place.owner { self.settings[owner] = settings }
            return GraphAnswers.json(.object(settings))
        }
        guard case .row(let address, let key) = place.node else { throw .notAllowed(call.request.method) }
        let table = store.table(address)
        guard let record = table.find(key) else { throw place.area.missing ?? .missing(key) }
        guard call.request.method == "PATCH" else { throw .notAllowed(call.request.method) }
        if address == .groups, record.isKeptByExchange { throw .keptByExchange("Update") }
        try answers.checkETag(call, id: record.id, in: table)
        let body = try call.object()
        var changes = try table.kind.checked(body, isNew: false)
        if case .events = address { changes = try CalendarTime.kept(changes, of: record) }
        if case .driveItems(let drive) = address { try files.checkPlace(changes, of: record, drive: drive) }
        if address == .groups { try references.link(body, to: record.id) }
        if address == .users, let name = changes["userPrincipalName"]?.string, let other = store.user(name),
            other.id != record.id
        {
            throw .badRequest("Another object with the same value for property userPrincipalName already exists.")
        }
        if address == .users, changes["passwordProfile"] != nil { issuer.revoke(record.id) }
        var row = record.members(of: table.kind)
        for (name, value) in changes where name != "passwordProfile" { row[name] = Self.patched(row[name], by: value) }
        if table.kind.types["lastModifiedDateTime"] != nil {
            row["lastModifiedDateTime"] = .string(ServiceTime.text(context.now))
        }
        if changes["body"]?["content"]?.string != nil, table.kind.types["bodyPreview"] != nil {
            row["bodyPreview"] = .string(MessageText.preview(changes["body"]))
        }
        store.replace(record.id, with: row, in: address)
        // The directory answers a change without a body, the other services with the whole object.
        guard !table.kind.isDirectoryObject else { return HTTPServerResponse(status: 204) }
        var answer = try answers.created(call, row, in: address, label: place.label, status: 200)
        answer.headers.remove("Location")
        return answer
    }

    /// Returns a structured value with the changed members; members that a request omits are kept.
    private static func patched(_ old: JSONValue?, by new: JSONValue) -> JSONValue {
        guard var members = old?.object, let written = new.object else { return new }
        if let type = written["@odata.type"], type != members["@odata.type"] { return new }
        for (name, value) in written { members[name] = patched(members[name], by: value) }
        return .object(members)
    }

    func delete(_ call: GraphCall, _ place: GraphPlace) throws(GraphFailure) -> HTTPServerResponse {
        guard case .row(let address, let key) = place.node else { throw .notAllowed(call.request.method) }
        let table = store.table(address)
        guard let record = table.find(key) else { throw place.area.missing ?? .missing(key) }
        if address == .groups, record.isKeptByExchange { throw .keptByExchange("Delete") }
        try answers.checkETag(call, id: record.id, in: table)
        var kept = record.members(of: table.kind)
        kept["deletedDateTime"] = .string(ServiceTime.text(context.now))
        switch address {
        case .users: store.insert(kept, into: .deletedUsers)
        // Security groups are deleted at once.
        case .groups: if record.isUnifiedGroup { store.insert(kept, into: .deletedGroups) }
        case .applications: store.insert(kept, into: .deletedApplications)
        case .servicePrincipals: store.insert(kept, into: .deletedServicePrincipals)
        case .messages(let owner):
            try mail.moveToDeleted(record, owner: owner)
            return HTTPServerResponse(status: 204)
        default: break
        }
        store.remove(record.id, from: address)
        return HTTPServerResponse(status: 204)
    }
}
