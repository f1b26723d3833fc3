internal import MMCore

/// Resolves the paths to teams, channels and chats.
struct TeamPaths {
    let store: DirectoryStore

    func team(_ key: String, _ rest: ArraySlice<GraphSegment>) throws(GraphFailure) -> GraphPlace {
        guard let group = store.table(.groups).find(key),
            group["resourceProvisioningOptions"]?.array?.contains("Team") == true
        else {
            throw GraphFailure(404, "NotFound", "No team found with Group Id \(key)")
        }
        let row = TeamContent.team(of: group.members(of: .group))
        let label = "teams('\(group.id)')"
        switch rest.first?.name.lowercased() {
        case "allchannels":
            return GraphPlace(.collection(.channels(group.id)), "\(label)/allChannels", .teams, rest.dropFirst())
        // No other tenant or team shares a channel with one here.
        case "incomingchannels":
            return GraphPlace(.made(.channel, []), "\(label)/incomingChannels", .teams, rest.dropFirst())
        case "channels":
            guard let channel = rest.dropFirst().first?.name, !channel.hasPrefix("$") else {
                return GraphPlace(.collection(.channels(group.id)), "\(label)/channels", .teams, rest.dropFirst())
            }
            let below = rest.dropFirst(2)
            if below.first?.name.lowercased() == "messages" {
                guard store.table(.channels(group.id)).find(channel) != nil else {
                    throw GraphFailure(404, "NotFound", "NotFound")
                }
                return .plain(
                    .channelMessages(team: group.id, channel: channel), "\(label)/channels('\(channel)')/messages",
                    .teams, below.dropFirst())
            }
            if below.first?.name.lowercased() == "members",
                let row = store.table(.channels(group.id)).find(channel)
            {
                // Everybody in the team is in its standard channels.
                let isOwn = ["private", "shared"].contains(row["membershipType"]?.string?.lowercased())
                let holder = isOwn ? row.id : group.id
                return GraphPlace(
                    .made(.conversationMember, members(of: holder)), "\(label)/channels('\(channel)')/members",
                    .teams, below.dropFirst(), owner: holder)
            }
            return GraphPlace(.row(.channels(group.id), key: channel), "\(label)/channels", .teams, below)
        case "primarychannel":
            let id = store.table(.channels(group.id)).first?.id ?? ""
            return GraphPlace(.row(.channels(group.id), key: id), "\(label)/channels", .teams, rest.dropFirst())
        case "installedapps":
            return GraphPlace(
                .made(.installedApp, TeamContent.installedApps(of: group.id).map { .object($0) }),
                "\(label)/installedApps", .teams, rest.dropFirst())
        case "members":
            return GraphPlace(
                .made(.conversationMember, members(of: group.id)), "\(label)/members", .teams, rest.dropFirst(),
                owner: group.id)
        default: return GraphPlace(.single(.team, .object(row)), "teams", .teams, rest, owner: group.id)
        }
    }

    /// Returns the place at which a group without a team gets one.
    func newTeam(of group: Record) -> GraphPlace {
        let row = TeamContent.team(of: group.members(of: .group))
        return GraphPlace(.single(.team, .object(row)), "teams", .teams, [], owner: group.id)
    }

    private func members(of id: String) -> [Record] {
        let owners = Set(store.linked(LinkAddress(owner: id, relation: .owners)))
        return store.linked(LinkAddress(owner: id, relation: .members)).compactMap { store.user($0) }
            .map { member($0, isOwner: owners.contains($0.id)) }
    }

    /// Returns the people of a chat.
    func members(ofChat id: String) -> [Record] {
        store.teams.people(inChat: id).compactMap { store.user(store.users.ids.guid($0)) }
            .map { member($0, isOwner: true) }
    }

    /// Returns a person's membership in a team or a channel.
    func member(_ user: Record, isOwner: Bool) -> Record {
        .object([
            "@odata.type": "#microsoft.graph.aadUserConversationMember",
            "id": .string(Base64.text(Array(user.id.utf8))),
            "roles": isOwner ? ["owner"] : [], "displayName": user["displayName"] ?? .null, "userId": .string(user.id),
            "email": user["mail"] ?? .null, "visibleHistoryStartDateTime": "0001-01-01T00:00:00Z",
        ])
    }

    func joinedTeams(_ user: String, _ rest: ArraySlice<GraphSegment>) throws(GraphFailure) -> GraphPlace {
        if let key = rest.first?.name, !key.hasPrefix("$") { return try team(key, rest.dropFirst()) }
        return list(store.groups(of: user).compactMap { store.table(.groups).find($0) }, rest)
    }

    /// Returns all teams of the tenant.
    func all(_ rest: ArraySlice<GraphSegment>) -> GraphPlace {
        var groups: [Record] = []
        store.table(.groups).scan { group in
            groups.append(group)
            return true
        }
        return list(groups, rest)
    }

    private func list(_ groups: [Record], _ rest: ArraySlice<GraphSegment>) -> GraphPlace {
        let rows = groups.filter { $0["resourceProvisioningOptions"]?.array?.contains("Team") == true }
            .map { Record.object(TeamContent.team(of: $0.members(of: .group))) }
        return GraphPlace(.made(.team, rows), "teams", .teams, rest)
    }

    func chats(_ user: String, _ rest: ArraySlice<GraphSegment>) throws(GraphFailure) -> GraphPlace {
        guard let id = rest.first?.name, !id.hasPrefix("$") else {
            return GraphPlace(.collection(.chats(user)), "chats", .chats, rest)
        }
        let below = rest.dropFirst()
        guard let chat = store.table(.chats(user)).find(id)?.members(of: .chat) ?? store.teams.chat(id: id),
            takesPart(user, chat: id)
        else {
            throw GraphFailure(404, "NotFound", "NotFound")
        }
        switch below.first?.name.lowercased() {
        case "messages": return .plain(.chatMessages(id), "chats('\(id)')/messages", .chats, below.dropFirst())
        case "members":
            return GraphPlace(
                .made(.conversationMember, members(ofChat: id)), "chats('\(id)')/members", .chats,
                below.dropFirst())
        default: return GraphPlace(.single(.chat, .object(chat)), "chats", .chats, below)
        }
    }

    private func takesPart(_ user: String, chat: String) -> Bool {
        chat.contains(user) || store.table(.chats(user)).find(chat) != nil
    }
}
