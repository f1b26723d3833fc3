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
        store.insert(group, into: .groups)
        if !call.principal.isApp {
            let owner = call.principal.objectID
            for relation in [LinkAddress.Relation.members, .owners] {
                store.changeLinks(LinkAddress(owner: id, relation: relation)) { $0.added.append(owner) }
            }
        }
        return HTTPServerResponse(
            status: 202,
            headers: [
                "Content-Type": GraphAnswers.contentType,
                "Location": "/teams('\(id)')/operations('\(RandomBytes.uuid())')",
                "Content-Location": "/teams('\(id)')",
            ])
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
