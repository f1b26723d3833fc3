internal import MMCore

/// Channels, chats and their messages.
struct TeamContent: Sendable {
    let users: UserDirectory
    private let mixing: Mixing

    init(users: UserDirectory, mixing: Mixing) {
        self.users = users
        self.mixing = mixing.branch(12)
    }

    private static let channelNames = ["General", "Announcements", "Planning", "Random"]
    private static let sentences = [
        "Has anybody seen the latest numbers?", "The build is green again.", "I will be ten minutes late.",
        "Thanks, that solved it!", "Let us talk about it tomorrow.", "The customer said yes.",
        "Please review before noon.",
    ]

    /// The property of a group in which the changed settings of its team are kept. No answer contains it.
    static let settingsKey = "\u{1}team"

    /// Returns the team of a group, with the settings that were changed.
    static func team(of group: JSONObject) -> JSONObject {
        var team = ordinaryTeam(of: group)
        for (name, value) in group[settingsKey]?.object ?? [:] { team[name] = value }
        return team
    }

    private static func ordinaryTeam(of group: JSONObject) -> JSONObject {
        let id = group["id"] ?? .null
        return [
            "id": id, "createdDateTime": group["createdDateTime"] ?? .null,
            "displayName": group["displayName"] ?? .null,
            "description": group["description"] ?? .null, "classification": .null, "specialization": "none",
            "visibility": .string((group["visibility"]?.string ?? "Private").lowercased()),
            "webUrl": .string("https://teams.microsoft.com/l/team/\(id.string ?? "")"), "isArchived": false,
            "memberSettings": [
                "allowCreateUpdateChannels": true, "allowCreatePrivateChannels": true, "allowDeleteChannels": true,
                "allowAddRemoveApps": true, "allowCreateUpdateRemoveTabs": true,
                "allowCreateUpdateRemoveConnectors": true,
            ],
            "internalId": .string("19:\((id.string ?? "").filter { $0 != "-" })@thread.tacv2"),
            "guestSettings": ["allowCreateUpdateChannels": false, "allowDeleteChannels": false],
            "messagingSettings": [
                "allowUserEditMessages": true, "allowUserDeleteMessages": true, "allowOwnerDeleteMessages": true,
                "allowTeamMentions": true, "allowChannelMentions": true,
            ],
            "funSettings": [
                "allowGiphy": true, "giphyContentRating": "moderate", "allowStickersAndMemes": true,
                "allowCustomMemes": true,
            ],
            "discoverySettings": ["showInTeamsSearchAndSuggestions": true],
        ]
    }

    /// Returns the apps of every team, with the properties for `$expand`.
    static func installedApps(of id: String) -> [JSONObject] {
        [("com.microsoft.teamspace.tab.planner", "Planner"), ("com.microsoftstream.embed.skypeteamstab", "Stream")].map
        {
            key, name in
            [
                "id": .string("\(id)##\(key)"),
                "teamsApp": [
                    "id": .string(key), "externalId": .null, "displayName": .string(name),
                    "distributionMethod": "store",
                ],
                "teamsAppDefinition": [
                    "teamsAppId": .string(key), "displayName": .string(name), "version": "1.0.3",
                    "publishingState": "published",
                ],
            ]
        }
    }

    private func place(_ id: String) -> Mixing {
        mixing.branch(id.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
    }

    func channels(ofTeam id: String) -> [JSONObject] {
        Self.channelNames.enumerated().map { index, name in
            let thread = "19:\(Guid.text(place(id).number(index), 1).filter { $0 != "-" })@thread.tacv2"
            return [
                "id": .string(thread), "createdDateTime": .string(ServiceTime.text(users.now - 86_400 * 355)),
                "displayName": .string(name),
                "description": .string(index == 0 ? "The channel for everything." : "All about \(name.lowercased())."),
                "email": .string("\(name.lowercased()).\(id.prefix(8))@amer.teams.ms"),
                "webUrl": .string("https://teams.microsoft.com/l/channel/\(thread)"), "membershipType": "standard",
                "isArchived": false,
            ]
        }
    }

    /// Returns the chats of a user, each with one colleague. The id of a chat contains both people.
    func chats(of user: Int) -> [JSONObject] {
        var seen: Set<Int> = [user]
        return (0..<8).compactMap { index in
            let other = mixing.branch(UInt64(user)).number(index, 3, below: users.count)
            guard seen.insert(other).inserted else { return nil }
            return chat(users.ids.guid(user), users.ids.guid(other), index: index)
        }
    }

    private func chat(_ one: String, _ other: String, index: Int) -> JSONObject {
        let id = "19:\(min(one, other))_\(max(one, other))@unq.gbl.spaces"
        return [
            "id": .string(id), "topic": .null, "createdDateTime": .string(ServiceTime.text(users.now - 86_400 * 214)),
            "lastUpdatedDateTime": .string(ServiceTime.text(users.now - Int64(index) * 90_000)),
            "chatType": "oneOnOne",
            "webUrl": .string("https://teams.microsoft.com/l/chat/\(id)/0"), "tenantId": .string(TenantIdentity.id),
        ]
    }

    /// Returns the chat with an id, if both of its people exist.
    func chat(id: String) -> JSONObject? {
        guard id.hasPrefix("19:"), id.hasSuffix("@unq.gbl.spaces") else { return nil }
        let pair = id.dropFirst(3).dropLast("@unq.gbl.spaces".count).split(separator: "_").map(String.init)
        guard pair.count == 2, pair[0] < pair[1],
            pair.allSatisfy({ users.ids.index(ofGuid: $0).map { $0 < users.count } ?? false })
        else { return nil }
        return chat(pair[0], pair[1], index: 0)
    }

    func people(inChat id: String) -> [Int] {
        id.dropFirst(3).dropLast("@unq.gbl.spaces".count).split(separator: "_").compactMap {
            users.ids.index(ofGuid: String($0))
        }
    }

    func messages(inConversation id: String, count: Int, isChat: Bool) -> [JSONObject] {
        let place = place(id)
        let speakers = isChat ? people(inChat: id) : []
        return (0..<count).map { index in
            let speaker =
                speakers.isEmpty ? place.number(index, 1, below: users.count) : speakers[index % speakers.count]
            let at = users.now - Int64(index) * 5_400
            return Self.message(
                id: "\(at)000", at: at, from: users.row(speaker).id, name: users.row(speaker).displayName,
                body: [
                    "contentType": "text",
                    "content": .string(Self.sentences[place.number(index, 2, below: Self.sentences.count)]),
                ],
                chat: isChat ? id : nil)
        }
    }

    static func message(id: String, at: Int64, from: String, name: String, body: JSONValue, chat: String?) -> JSONObject
    {
        [
            "id": .string(id), "replyToId": .null, "etag": .string(id), "messageType": "message",
            "createdDateTime": .string(ServiceTime.zonelessText(at) + ".000Z"),
            "lastModifiedDateTime": .string(ServiceTime.zonelessText(at) + ".000Z"), "deletedDateTime": .null,
            "subject": .null,
            "summary": .null, "chatId": chat.map { .string($0) } ?? .null, "importance": "normal", "locale": "en-us",
            "webUrl": .null,
            "from": [
                "user": [
                    "id": .string(from), "displayName": .string(name), "userIdentityType": "aadUser",
                    "tenantId": .string(TenantIdentity.id),
                ]
            ],
            "body": body, "channelIdentity": .null, "attachments": [], "mentions": [], "reactions": [],
        ]
    }
}
