import MMCore
import MMGuard
import MMNative

/// The cmdlets of the Teams module that change teams, their channels and their members. Each is carried out by the
/// requests to Graph that do what its documentation says, judged as these requests.
extension TeamCall {
    /// Sends the requests, and returns the cmdlet's objects.
    func changed(through source: GraphSource) async throws(MMError) -> [PSValue] {
        switch cmdlet {
        case .newTeam: return try await newTeam(source)
        case .setTeam: return try await setTeam(source)
        case .removeTeam: try await send("DELETE", "/v1.0/groups/\(group)", nil, source)
        case .archive: try await archive(source)
        case .addUser: try await send("POST", "/v1.0/teams/\(group)/members", Self.member(user, role), source)
        case .removeUser: try await remove(from: "/v1.0/teams/\(group)/members", source)
        case .newChannel: return try await newChannel(source)
        case .setChannel:
            try await send("PATCH", try await channelPath("CurrentDisplayName", source), .object(renamed), source)
        case .removeChannel: try await send("DELETE", try await channelPath("DisplayName", source), nil, source)
        case .addChannelUser: try await addChannelUser(source)
        case .removeChannelUser:
            try await remove(from: try await channelPath("DisplayName", source) + "/members", source)
        default: break
        }
        return []
    }

    @discardableResult
    private func send(
        _ method: String, _ path: String, _ body: JSONValue?, _ source: GraphSource
    ) async throws(MMError) -> JSONObject? {
        try await source.change(method, path, body, for: name)
    }

    private var user: String { self["User"] ?? "" }
    private var role: String { self["Role"]?.lowercased() ?? "member" }

    /// Returns the body that makes a person a member.
    private static func member(_ user: String, _ role: String) -> JSONValue {
        [
            "@odata.type": "#microsoft.graph.aadUserConversationMember", "roles": role == "owner" ? ["owner"] : [],
            "user@odata.bind": .string(address(of: user)),
        ]
    }

    private static func address(of user: String) -> String {
        "https://graph.microsoft.com/v1.0/users('\(user.replacing("'", with: "''"))')"
    }

    // MARK: Teams

    /// The settings that the call names, in the sections of a team.
    private var teamSettings: JSONObject {
        var sections = JSONObject()
        for setting in Self.settings {
            let value: JSONValue
            if let flag = flags[setting.name.lowercased()] {
                value = .bool(flag)
            } else if let text = self[setting.name] {
                value = .string(text.lowercased())
            } else {
                continue
            }
            var section = sections[setting.section]?.object ?? [:]
            section[setting.property] = value
            sections[setting.section] = .object(section)
        }
        return sections
    }

    /// The properties of the group behind a team that the call names.
    private var groupProperties: JSONObject {
        var properties = JSONObject()
        for (parameter, property) in [
            ("DisplayName", "displayName"), ("Description", "description"), ("MailNickName", "mailNickname"),
            ("Classification", "classification"), ("Visibility", "visibility"),
        ] {
            if let text = self[parameter] { properties[property] = .string(text) }
        }
        return properties
    }

    private func newTeam(_ source: GraphSource) async throws(MMError) -> [PSValue] {
        if self["GroupId"] != nil {
            try await send("PUT", "/v1.0/groups/\(group)/team", .object(teamSettings), source)
            if self["Owner"] != nil {
                try await send(
                    "POST", "/v1.0/teams/\(group)/members", Self.member(self["Owner"] ?? "", "owner"), source)
            }
            return try await teams(source)
        }
        var properties = groupProperties
        if properties["visibility"] == nil { properties["visibility"] = "Private" }
        let id: JSONValue?
        if self["MailNickName"] == nil {
            // The service chooses the address.
            var team: JSONObject = [
                "template@odata.bind": "https://graph.microsoft.com/v1.0/teamsTemplates('standard')"
            ]
            for (name, value) in properties { team[name] = value }
            for (name, value) in teamSettings { team[name] = value }
            if let owner = self["Owner"] { team["members"] = [Self.member(owner, "owner")] }
            let made = try await send("POST", "/v1.0/teams", .object(team), source)
            id = made?["targetResourceId"] ?? made?["id"]
        } else {
            var group: JSONObject = ["groupTypes": ["Unified"], "mailEnabled": true, "securityEnabled": false]
            for (name, value) in properties { group[name] = value }
            if let owner = self["Owner"] {
                let people: JSONValue = [.string(Self.address(of: owner))]
                (group["owners@odata.bind"], group["members@odata.bind"]) = (people, people)
            }
            id = try await send("POST", "/v1.0/groups", .object(group), source)?["id"]
            if let id = id?.string {
                try await send("PUT", "/v1.0/groups/\(Self.segment(id))/team", .object(teamSettings), source)
            }
        }
        guard let id else { throw source.needsHeld }
        properties["id"] = id
        return Self.team(properties, teamSettings).map { [$0] } ?? []
    }

    private func setTeam(_ source: GraphSource) async throws(MMError) -> [PSValue] {
        let (properties, settings) = (groupProperties, teamSettings)
        if !properties.isEmpty { try await send("PATCH", "/v1.0/groups/\(group)", .object(properties), source) }
        if !settings.isEmpty { try await send("PATCH", "/v1.0/teams/\(group)", .object(settings), source) }
        guard !source.isRehearsed else { return [] }
        // The filters of Get-Team have the names of these properties.
        return try await TeamCall(teamWithId: self["GroupId"] ?? "").objects(from: source)
    }

    private func archive(_ source: GraphSource) async throws(MMError) {
        let isArchived = flags["archived"] ?? false
        let isReadOnly = flags["setspositereadonlyformembers"]
        try await send(
            "POST", "/v1.0/teams/\(group)/\(isArchived ? "archive" : "unarchive")",
            isArchived ? isReadOnly.map { ["shouldSetSpoSiteReadOnlyForMembers": .bool($0)] } : nil, source)
    }

    // MARK: Members

    /// Removes a person, or makes an owner a member.
    private func remove(from members: String, _ source: GraphSource) async throws(MMError) {
        let path = members + "/" + Self.segment(try await membership(in: members, source))
        if role == "owner" {
            let body: JSONValue = ["@odata.type": "#microsoft.graph.aadUserConversationMember", "roles": []]
            try await send("PATCH", path, body, source)
        } else {
            try await send("DELETE", path, nil, source)
        }
    }

    /// Returns the id of the membership of the person whom the call names.
    private func membership(in members: String, _ source: GraphSource) async throws(MMError) -> String {
        let people = try await source.objects("/v1.0/users/\(Self.segment(user))", [("$select", "id")], for: name)
        guard let person = people.first?["id"]?.string else { throw source.needsHeld }
        let found = try await source.objects(members, [], for: name).first { $0["userId"]?.string == person }
        if let id = found?["id"]?.string { return id }
        if source.isRehearsed, source.hasHeld { throw source.needsHeld }
        throw MMError(.notFound, "\(user) is not a member.")
    }

    private func addChannelUser(_ source: GraphSource) async throws(MMError) {
        let members = try await channelPath("DisplayName", source) + "/members"
        guard role == "owner" else {
            try await send("POST", members, Self.member(user, role), source)
            return
        }
        // Only a member can become an owner.
        let path = members + "/" + Self.segment(try await membership(in: members, source))
        let body: JSONValue = ["@odata.type": "#microsoft.graph.aadUserConversationMember", "roles": ["owner"]]
        try await send("PATCH", path, body, source)
    }

    // MARK: Channels

    private func newChannel(_ source: GraphSource) async throws(MMError) -> [PSValue] {
        var body: JSONObject = ["displayName": .string(self["DisplayName"] ?? "")]
        if let text = self["Description"] { body["description"] = .string(text) }
        if let type = self["MembershipType"] { body["membershipType"] = .string(type.lowercased()) }
        if let owner = self["Owner"] { body["members"] = [Self.member(owner, "owner")] }
        let made = try await send("POST", "/v1.0/teams/\(group)/channels", .object(body), source)
        return made.flatMap(channel).map { [$0] } ?? []
    }

    private var renamed: JSONObject {
        var properties = JSONObject()
        if let text = self["NewDisplayName"] { properties["displayName"] = .string(text) }
        if let text = self["Description"] { properties["description"] = .string(text) }
        return properties
    }

    /// Returns the path of the channel with the name that a parameter gives.
    private func channelPath(_ parameter: String, _ source: GraphSource) async throws(MMError) -> String {
        "/v1.0/teams/\(group)/channels/" + Self.segment(try await channelID(self[parameter] ?? "", source))
    }
}
