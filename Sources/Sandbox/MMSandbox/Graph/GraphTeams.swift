internal import MMCore
internal import MMHTTP

/// Creates teams, for which the service answers at once and continues working, and posts messages to chats and
/// channels.
struct GraphTeams {
    let context: TenantContext
    let store: DirectoryStore
    let outbox: Outbox
    let answers: GraphAnswers

    /// Returns the answer to `POST /teams` and to requests for its progress; `nil` for everything else.
    func creation(_ call: GraphCall) throws(GraphFailure) -> HTTPServerResponse? {
        let names = call.segments.map(\.name)
        if names.count == 4, names[2].lowercased() == "operations", call.request.method == "GET" {
            guard store.table(.groups).find(names[1]) != nil else { throw GraphFailure(404, "NotFound", "NotFound") }
            return GraphAnswers.json([
                "id": .string(names[3]), "operationType": "createTeam", "status": "succeeded",
                "targetResourceId": .string(names[1]),
                "targetResourceLocation": .string("/teams('\(names[1])')"), "error": .null,
            ])
        }
        guard names.count == 1, call.request.method == "POST" else { return nil }
        guard
            !call.principal.permissions.isDisjoint(with: [
                "Team.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All",
            ])
        else {
            throw GraphArea.teams.denied
        }
        let body = try call.object()
        guard let name = body["displayName"]?.string, !name.isEmpty else {
            throw GraphFailure(
                400, "BadRequest",
                "Failed to execute Templates backend request CreateTeamFromTemplateRequest: displayName is missing.")
        }
        let id = RandomBytes.uuid()
        let nickname = name.lowercased().filter { $0.isASCII && ($0.isLetter || $0.isNumber) }
        var group = JSONObject(
            EntityKind.group.properties.map { ($0, EntityKind.group.types[$0] == .collection ? .array([]) : .null) })
        group["id"] = .string(id)
        group["displayName"] = .string(name)
        group["description"] = body["description"] ?? .null
        group["createdDateTime"] = .string(ServiceTime.text(context.now))
        group["groupTypes"] = ["Unified"]
        group["mailEnabled"] = true
        group["securityEnabled"] = false
        group["mailNickname"] = .string(nickname)
        group["mail"] = .string("\(nickname)@\(TenantIdentity.domain)")
        group["resourceProvisioningOptions"] = ["Team"]
        group["visibility"] = body["visibility"] ?? "Public"
        group[TeamContent.settingsKey] = .object(try Self.settings(in: body))
        let owners = try (body["members"]?.array ?? []).map { (member) throws(GraphFailure) in
            try person(in: member.object ?? [:])
        }
        store.insert(group, into: .groups)
        if owners.isEmpty, !call.principal.isApp {
            join(call.principal.objectID, id, asOwner: true)
        }
        for owner in owners { join(owner.id, id, asOwner: true) }
        return HTTPServerResponse(
            status: 202,
            headers: [
                "Content-Type": GraphAnswers.contentType,
                "Location": "/teams('\(id)')/operations('\(RandomBytes.uuid())')",
                "Content-Location": "/teams('\(id)')",
            ])
    }

    /// Returns the answer to a change of a team, of its state or of its members; `nil` for everything else.
    func change(_ call: GraphCall, _ place: GraphPlace) throws(GraphFailure) -> HTTPServerResponse? {
        guard place.area == .teams, let id = place.owner, call.request.method != "GET" else { return nil }
        switch place.node {
        case .single(let kind?, _) where kind.name == EntityKind.team.name:
            switch place.rest.first?.name.lowercased() {
            case nil: return try changed(id, call)
            case "archive", "unarchive":
                try call.requirePost()
                try set(["isArchived": .bool(place.rest.first?.name.lowercased() == "archive")], of: id)
                return HTTPServerResponse(status: 202)
            default: return nil
            }
        case .made(let kind, let rows) where kind.name == EntityKind.conversationMember.name:
            return try membership(call, place, rows, of: id)
        default: return nil
        }
    }

    /// Changes a team's settings, or gives a group a team.
    private func changed(_ id: String, _ call: GraphCall) throws(GraphFailure) -> HTTPServerResponse {
        guard let group = store.table(.groups).find(id) else { throw .missing(id) }
        let body = try call.object()
        switch call.request.method {
        case "PUT":
            guard group["groupTypes"]?.array?.contains("Unified") == true else {
                throw .badRequest("Only Microsoft 365 groups can have a team.")
            }
            guard group["resourceProvisioningOptions"]?.array?.contains("Team") != true else { throw .conflict }
            try set(Self.settings(in: body), of: id, isNew: true)
            let row = store.table(.groups).find(id)?.members(of: .group) ?? [:]
            return GraphAnswers.json(.object(TeamContent.team(of: row)), status: 201)
        case "PATCH":
            try set(Self.settings(in: body), of: id)
            return HTTPServerResponse(status: 204)
        default: throw .notAllowed(call.request.method)
        }
    }

    /// Returns the settings that a body names.
    private static func settings(in body: JSONObject) throws(GraphFailure) -> JSONObject {
        let known = TeamContent.team(of: [:])
        var settings = JSONObject()
        for (name, value) in body where !name.contains("@") && name != "members" {
            guard let section = known[name] else { throw .badRequest("Invalid property '\(name)'.") }
            if let members = value.object {
                for key in members.keys where section[key] == nil {
                    throw .badRequest("Invalid property '\(key)'.")
                }
            }
            if !["displayName", "description", "visibility"].contains(name) { settings[name] = value }
        }
        return settings
    }

    private func set(_ changes: JSONObject, of id: String, isNew: Bool = false) throws(GraphFailure) {
        guard let record = store.table(.groups).find(id) else { throw .missing(id) }
        var group = record.members(of: .group)
        let team = TeamContent.team(of: group)
        var settings = group[TeamContent.settingsKey]?.object ?? [:]
        for (name, value) in changes {
            // A section keeps the settings that a change doesn't name.
            guard let named = value.object, var section = team[name]?.object else {
                settings[name] = value
                continue
            }
            for (key, value) in named { section[key] = value }
            settings[name] = .object(section)
        }
        group[TeamContent.settingsKey] = .object(settings)
        if isNew { group["resourceProvisioningOptions"] = ["Team"] }
        store.replace(record.id, with: group, in: .groups)
    }

    /// Adds, changes or removes a member of a team or a channel.
    private func membership(
        _ call: GraphCall, _ place: GraphPlace, _ rows: [Record], of id: String
    ) throws(GraphFailure) -> HTTPServerResponse? {
        guard let key = place.rest.first?.name else {
            try call.requirePost()
            let body = try call.object()
            let user = try person(in: body)
            let isOwner = body["roles"]?.array?.contains("owner") == true
            join(user.id, id, asOwner: isOwner)
            return GraphAnswers.json(
                .object(TeamPaths(store: store).member(user, isOwner: isOwner).members(of: .conversationMember)),
                status: 201)
        }
        guard place.rest.count == 1, ["PATCH", "DELETE"].contains(call.request.method) else { return nil }
        guard let row = rows.first(where: { $0.id == key }), let user = row["userId"]?.string else {
            throw GraphFailure(404, "NotFound", "NotFound")
        }
        let roles = call.request.method == "PATCH" ? try call.object()["roles"]?.array : nil
        let isOwner = roles?.contains("owner") == true
        leave(user, id, .owners)
        if call.request.method == "DELETE" {
            leave(user, id, .members)
            return HTTPServerResponse(status: 204)
        }
        join(user, id, asOwner: isOwner)
        let record = store.user(user).map { TeamPaths(store: store).member($0, isOwner: isOwner) } ?? row
        return GraphAnswers.json(.object(record.members(of: .conversationMember)))
    }

    /// Takes the people out of the body of a new channel.
    func people(inNew kind: EntityKind, _ body: inout JSONObject) throws(GraphFailure) -> [Record] {
        guard kind.name == EntityKind.channel.name, let members = body["members"]?.array else { return [] }
        body["members"] = nil
        return try members.map { (member) throws(GraphFailure) in try person(in: member.object ?? [:]) }
    }

    /// Lets people into a new channel, of which they are the owners; whoever makes it if there are none.
    func open(channel id: String, for people: [Record], by principal: SignedInPrincipal) {
        for person in people { join(person.id, id, asOwner: true) }
        if people.isEmpty, !principal.isApp { join(principal.objectID, id, asOwner: true) }
    }

    /// Returns the person whom a membership names.
    private func person(in member: JSONObject) throws(GraphFailure) -> Record {
        guard let key = member["user@odata.bind"]?.string.flatMap(NamedObject.key) else {
            throw .badRequest("Bad bind requests. 'user@odata.bind' is missing.")
        }
        guard let user = store.user(key) else {
            throw GraphFailure(404, "NotFound", "Failed to find the user \(key) in the tenant.")
        }
        return user
    }

    private func join(_ user: String, _ id: String, asOwner isOwner: Bool) {
        for relation in isOwner ? [LinkAddress.Relation.members, .owners] : [.members] {
            let address = LinkAddress(owner: id, relation: relation)
            guard !store.isLinked(user, address) else { continue }
            store.changeLinks(address) { if $0.removed.remove(user) == nil { $0.added.append(user) } }
        }
    }

    private func leave(_ user: String, _ id: String, _ relation: LinkAddress.Relation) {
        let address = LinkAddress(owner: id, relation: relation)
        guard store.isLinked(user, address) else { return }
        store.changeLinks(address) { changes in
            let count = changes.added.count
            changes.added.removeAll { $0 == user }
            if changes.added.count == count { changes.removed.insert(user) }
        }
    }

    /// Posts a message to a chat or a channel.
    func post(_ call: GraphCall, _ body: JSONObject, _ address: TableAddress) throws(GraphFailure)
        -> HTTPServerResponse
    {
        guard let content = body["body"]?["content"]?.string, !content.isEmpty else {
            throw GraphFailure(400, "BadRequest", "Missing body content")
        }
        let name = store.user(call.principal.objectID)?["displayName"]?.string ?? ""
        var chat: String?
        if case .chatMessages(let id) = address { chat = id }
        var message = body["body"]?.object ?? [:]
        message["contentType"] = message["contentType"] ?? "text"
        let row = TeamContent.message(
            id: "\(context.now)\(store.sequence % 1000 + 100)", at: context.now, from: call.principal.objectID,
            name: name,
            body: .object(message), chat: chat)
        outbox.add([
            "action": .string(chat == nil ? "channelMessage" : "chatMessage"), "message": .object(row),
            "sentDateTime": .string(ServiceTime.text(context.now)),
        ])
        store.insert(row, into: address)
        return try answers.created(call, row, in: address, label: chat.map { "chats('\($0)')/messages" } ?? "messages")
    }
}
