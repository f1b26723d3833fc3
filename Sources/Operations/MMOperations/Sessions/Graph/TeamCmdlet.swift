import MMCore
import MMNative

/// The cmdlets of the Teams module that only read what Graph has. The module itself reads it there, so that they run as requests
/// to Graph, without the module.
///
/// Parameters and what filters mean are those of the module's documentation (learn.microsoft.com/powershell/module/microsoftteams);
/// properties and their order are those of the module's objects.
enum TeamCmdlet: String, CaseIterable, Sendable {
    case team = "get-team"
    case user = "get-teamuser"
    case channel = "get-teamchannel"
    case allChannels = "get-teamallchannel"
    case channelUser = "get-teamchanneluser"
    case associated = "get-associatedteam"

    /// Returns the cmdlet with a name, in any case; `nil` for all others.
    init?(named name: String) { self.init(rawValue: name.lowercased()) }

    /// The parameters, including the common ones that are supported.
    var parameters: [GraphBinder.Parameter] {
        let own: [String] =
            switch self {
            case .team: ["groupid", "user", "archived", "visibility", "displayname", "mailnickname", "numberofthreads"]
            case .user: ["groupid", "role"]
            case .channel, .allChannels: ["groupid", "membershiptype"]
            case .channelUser: ["groupid", "displayname", "role"]
            case .associated: ["user"]
            }
        return own.map { GraphBinder.Parameter(name: $0) } + GraphBinder.common
    }

    /// The parameters without which it doesn't run, in the module's spelling.
    var mandatory: [String] {
        switch self {
        case .team, .associated: []
        case .channelUser: ["GroupId", "DisplayName"]
        default: ["GroupId"]
        }
    }

    /// Paths of the requests that it makes, with examples of ids, by which its permissions are found.
    var paths: [String] {
        switch self {
        case .team: ["/v1.0/groups", "/v1.0/teams/id"]
        case .user: ["/v1.0/groups/id/owners", "/v1.0/groups/id/members"]
        case .channel: ["/v1.0/teams/id/channels"]
        case .allChannels: ["/v1.0/teams/id/allChannels"]
        case .channelUser: ["/v1.0/teams/id/channels", "/v1.0/teams/id/channels/id/members"]
        case .associated: ["/v1.0/users/id/teamwork/associatedTeams"]
        }
    }

    /// The parameters that properties of piped objects give.
    var piped: [String] { self == .associated ? ["User"] : mandatory }
}

/// A call of a cmdlet of the Teams module, with its arguments.
struct TeamCall: Sendable {
    let cmdlet: TeamCmdlet
    /// The cmdlet as written.
    let name: String
    private var texts: [String: String] = [:]
    private var isArchived: Bool?

    /// Binds the arguments of a call.
    init(_ cmdlet: TeamCmdlet, _ call: CmdletCall) throws(GraphBinder.Fault) {
        self.cmdlet = cmdlet
        name = call.name
        var given = try GraphBinder.given(in: call, cmdlet.parameters)
        if let positional = given.positional.first {
            throw GraphBinder.fault(
                "PositionalParameterNotFound",
                "A positional parameter cannot be found that accepts argument '\(positional.text)'.", call)
        }
        if let input = call.input {
            let fitting = cmdlet.piped.filter { Self.property($0, of: input) != nil }
            guard !fitting.isEmpty else {
                throw GraphBinder.fault(
                    "InputObjectNotBound",
                    "The input object cannot be bound to any parameters for the command either because the command does not "
                        + "take pipeline input or the input and its properties do not match any of the parameters that "
                        + "take pipeline input.", call)
            }
            for name in fitting where given.named[name.lowercased()] == nil {
                given.named[name.lowercased()] = Self.property(name, of: input)
            }
        }
        let missing = cmdlet.mandatory.filter { given.named[$0.lowercased()] == nil }
        guard missing.isEmpty || call.takesInput && call.input == nil else {
            throw GraphBinder.fault(
                "MissingMandatoryParameter",
                "Cannot process command because of one or more missing mandatory parameters: "
                    + "\(missing.joined(separator: " ")).", call)
        }
        for (name, value) in given.named {
            switch value {
            case .bool(let flag) where name == "archived": isArchived = flag
            case .null, .nothing: continue
            case .array, .list, .table, .object, .block:
                throw .beyond("a \(value.typeName) for -\(name) of \(call.name)")
            default: texts[name] = value.text
            }
        }
        guard texts["archived"] == nil else {
            throw GraphBinder.fault(
                "CannotConvertArgumentNoMessage",
                "Cannot process argument transformation on parameter 'Archived'. Cannot convert value "
                    + "\"System.String\" to type \"System.Boolean\".", call)
        }
        for name in cmdlet.mandatory where given.named[name.lowercased()] != nil && (self[name] ?? "").isEmpty {
            throw GraphBinder.fault(
                "ParameterArgumentValidationErrorEmptyStringNotAllowed",
                "Cannot bind argument to parameter '\(name)' because it is an empty string.", call)
        }
    }

    private static func property(_ name: String, of input: PSValue) -> PSValue? {
        guard case .object(let object) = input else { return nil }
        return object[name]
    }

    /// The error action, in lower case.
    var errorAction: String? { self["ErrorAction"]?.lowercased() }

    private subscript(_ parameter: String) -> String? { texts[parameter.lowercased()] }

    private var group: String { Self.segment(self["GroupId"] ?? "") }

    private static func segment(_ text: String) -> String {
        PercentCoding.encode(text, isPlain: PercentCoding.isSegmentByte)
    }

    // MARK: What it returns

    /// Returns the cmdlet's objects.
    func objects(from source: GraphSource) async throws(MMError) -> [PSValue] {
        switch cmdlet {
        case .team: try await teams(source)
        case .user: try await users(source)
        case .channel, .allChannels: try await channels(source).compactMap(channel)
        case .channelUser: try await channelUsers(source)
        case .associated: try await associated(source)
        }
    }

    /// The properties of a group that a team shows.
    private static let ofGroup = "id,displayName,description,visibility,mailNickname,classification"

    private func teams(_ source: GraphSource) async throws(MMError) -> [PSValue] {
        var groups: [JSONObject] = []
        if self["GroupId"] != nil {
            groups = try await source.objects("/v1.0/groups/\(group)", [("$select", Self.ofGroup)], for: name)
        } else if let user = self["User"] {
            let joined = try await source.objects("/v1.0/users/\(Self.segment(user))/joinedTeams", [], for: name)
            for result in await source.objects(
                of: joined.map { "/v1.0/groups/\($0["id"]?.string ?? "")" }, [("$select", Self.ofGroup)], for: name)
            {
                groups += try result.get()
            }
        } else {
            groups = try await source.objects(
                "/v1.0/groups",
                [("$filter", "resourceProvisioningOptions/Any(x:x eq 'Team')"), ("$select", Self.ofGroup)], for: name)
        }
        groups = groups.filter(fits)
        let results = await source.objects(of: groups.map { "/v1.0/teams/\($0["id"]?.string ?? "")" }, [], for: name)
        var teams: [PSValue] = []
        for (group, result) in zip(groups, results) {
            // A group may have lost its team, or not have it yet.
            if case .failure(let error) = result, error.code == .notFound, self["GroupId"] == nil { continue }
            guard let team = try result.get().first else { continue }
            if let isArchived, isArchived != (team["isArchived"]?.bool ?? false) { continue }
            if let object = Self.team(group, team) { teams.append(object) }
        }
        return teams
    }

    /// Returns whether a group passes the filters. Those for names match parts of them, and case counts.
    private func fits(_ group: JSONObject) -> Bool {
        for (parameter, property) in [("DisplayName", "displayName"), ("MailNickName", "mailNickname")] {
            guard let wanted = self[parameter] else { continue }
            // Scripts escape names with special characters, as the documentation tells them.
            guard (group[property]?.string ?? "").contains(PercentCoding.decode(wanted.utf8) ?? wanted) else {
                return false
            }
        }
        guard let visibility = self["Visibility"] else { return true }
        return group["visibility"]?.string?.lowercased() == visibility.lowercased()
    }

    private static let settings: [(name: String, section: String, property: String)] = [
        ("AllowGiphy", "funSettings", "allowGiphy"), ("GiphyContentRating", "funSettings", "giphyContentRating"),
        ("AllowStickersAndMemes", "funSettings", "allowStickersAndMemes"),
        ("AllowCustomMemes", "funSettings", "allowCustomMemes"),
        ("AllowGuestCreateUpdateChannels", "guestSettings", "allowCreateUpdateChannels"),
        ("AllowGuestDeleteChannels", "guestSettings", "allowDeleteChannels"),
        ("AllowCreateUpdateChannels", "memberSettings", "allowCreateUpdateChannels"),
        ("AllowCreatePrivateChannels", "memberSettings", "allowCreatePrivateChannels"),
        ("AllowDeleteChannels", "memberSettings", "allowDeleteChannels"),
        ("AllowAddRemoveApps", "memberSettings", "allowAddRemoveApps"),
        ("AllowCreateUpdateRemoveTabs", "memberSettings", "allowCreateUpdateRemoveTabs"),
        ("AllowCreateUpdateRemoveConnectors", "memberSettings", "allowCreateUpdateRemoveConnectors"),
        ("AllowUserEditMessages", "messagingSettings", "allowUserEditMessages"),
        ("AllowUserDeleteMessages", "messagingSettings", "allowUserDeleteMessages"),
        ("AllowOwnerDeleteMessages", "messagingSettings", "allowOwnerDeleteMessages"),
        ("AllowTeamMentions", "messagingSettings", "allowTeamMentions"),
        ("AllowChannelMentions", "messagingSettings", "allowChannelMentions"),
        ("ShowInTeamsSearchAndSuggestions", "discoverySettings", "showInTeamsSearchAndSuggestions"),
    ]

    private static func team(_ group: JSONObject, _ team: JSONObject) -> PSValue? {
        let own: [(String, PSValue)] = [
            ("GroupId", value(group["id"])), ("InternalId", value(team["internalId"])),
            ("DisplayName", value(group["displayName"])), ("Description", value(group["description"])),
            ("Visibility", value(group["visibility"])), ("MailNickName", value(group["mailNickname"])),
            ("Classification", value(group["classification"])), ("Archived", value(team["isArchived"])),
        ]
        return object(own + settings.map { ($0.name, value(team[$0.section]?[$0.property])) }, "get-team")
    }

    private func users(_ source: GraphSource) async throws(MMError) -> [PSValue] {
        let query = [(name: "$select", value: "id,userPrincipalName,displayName,userType")]
        let owners = try await source.objects("/v1.0/groups/\(group)/owners", query, for: name)
        let isOwner = Set(owners.compactMap { $0["id"]?.string })
        var rows = owners.map { ($0, "owner") }
        if self["Role"]?.lowercased() != "owner" {
            let members = try await source.objects("/v1.0/groups/\(group)/members", query, for: name)
            for member in members where !isOwner.contains(member["id"]?.string ?? "") {
                rows.append((member, member["userType"]?.string == "Guest" ? "guest" : "member"))
            }
        }
        return rows.filter { isWanted($0.1) }.compactMap { user, role in
            Self.user(user["id"], user["userPrincipalName"], user["displayName"], role)
        }
    }

    private func isWanted(_ role: String) -> Bool { self["Role"].map { $0.lowercased() == role } ?? true }

    private static func user(_ id: JSONValue?, _ user: JSONValue?, _ name: JSONValue?, _ role: String) -> PSValue? {
        object([("UserId", value(id)), ("User", value(user)), ("Name", value(name)), ("Role", .string(role))], nil)
    }

    private func channels(_ source: GraphSource) async throws(MMError) -> [JSONObject] {
        let path = cmdlet == .allChannels ? "allChannels" : "channels"
        let channels = try await source.objects("/v1.0/teams/\(group)/\(path)", [], for: name)
        guard let type = self["MembershipType"]?.lowercased() else { return channels }
        return channels.filter { $0["membershipType"]?.string?.lowercased() == type }
    }

    private func channel(_ channel: JSONObject) -> PSValue? {
        let type = channel["membershipType"]?.string ?? ""
        var pairs: [(String, PSValue)] = [
            ("Id", Self.value(channel["id"])), ("DisplayName", Self.value(channel["displayName"])),
            ("Description", Self.value(channel["description"])),
            ("MembershipType", .string(type.prefix(1).uppercased() + type.dropFirst())),
        ]
        if cmdlet == .allChannels {
            // The address of the channel names the team that hosts it.
            let host = channel["@odata.id"]?.string.flatMap { Self.team(inAddress: $0) } ?? self["GroupId"]
            pairs += [("HostTeamId", host.map { .string($0) } ?? .null), ("TenantId", Self.value(channel["tenantId"]))]
        }
        return Self.object(pairs, nil)
    }

    /// Returns the id in an address like `…/teams/ID/channels/…`.
    private static func team(inAddress address: String) -> String? {
        let parts = address.split(separator: "/")
        return parts.firstIndex(of: "teams").flatMap { $0 + 1 < parts.count ? String(parts[$0 + 1]) : nil }
    }

    private func associated(_ source: GraphSource) async throws(MMError) -> [PSValue] {
        let owner = self["User"].map { "users/\(Self.segment($0))" } ?? "me"
        return try await source.objects("/v1.0/\(owner)/teamwork/associatedTeams", [], for: name).compactMap { team in
            let pairs = [("displayName", "DisplayName"), ("id", "GroupId"), ("tenantId", "TenantId")]
            return Self.object(pairs.map { ($0.1, Self.value(team[$0.0])) }, nil)
        }
    }

    private func channelUsers(_ source: GraphSource) async throws(MMError) -> [PSValue] {
        let wanted = self["DisplayName"]?.lowercased()
        let named = try await channels(source).first { $0["displayName"]?.string?.lowercased() == wanted }
        guard let id = named?["id"]?.string else {
            throw MMError(.notFound, "The team has no channel “\(self["DisplayName"] ?? "")”.")
        }
        let path = "/v1.0/teams/\(group)/channels/\(Self.segment(id))/members"
        return try await source.objects(path, [], for: name).compactMap { member in
            let roles = member["roles"]?.array?.compactMap(\.string) ?? []
            let role = roles.first ?? "member"
            return isWanted(role) ? Self.user(member["userId"], member["email"], member["displayName"], role) : nil
        }
    }

    private static func value(_ json: JSONValue?) -> PSValue {
        switch json {
        case .string(let text)?: .string(text)
        case .bool(let flag)?: .bool(flag)
        default: .null
        }
    }

    private static func object(_ pairs: [(String, PSValue)], _ view: String?) -> PSValue? {
        guard var object = PSObject(pairs) else { return nil }
        object.view = view.flatMap { CmdletView.of($0) }
        return .object(object)
    }
}

/// The output of one call of a cmdlet of the Teams module.
struct TeamRows: CmdletRows {
    let source: GraphSource
    let call: TeamCall
    let errorAction: String?
    private var isOver = false

    init(source: GraphSource, call: TeamCall, errorAction: String?) {
        (self.source, self.call, self.errorAction) = (source, call, errorAction)
    }

    mutating func next() async throws(CmdletFault) -> CmdletBatch? {
        guard !isOver else { return nil }
        isOver = true
        do throws(MMError) {
            return CmdletBatch(try await call.objects(from: source))
        } catch {
            return try source.ended(GraphCmdletCall(cmdlet: call.name), by: error, errorAction: errorAction)
        }
    }
}
