import MMCore
import MMNative

/// The cmdlets of the Teams module for teams, channels and their members. The module itself has them in Graph, so that
/// they run as requests to Graph, without the module.
///
/// Parameters and what filters mean are those of the module's documentation
/// (learn.microsoft.com/powershell/module/microsoftteams); properties and their order are those of the module's
/// objects.
enum TeamCmdlet: String, CaseIterable, Sendable {
    case team = "get-team"
    case user = "get-teamuser"
    case channel = "get-teamchannel"
    case allChannels = "get-teamallchannel"
    case channelUser = "get-teamchanneluser"
    case associated = "get-associatedteam"
    case newTeam = "new-team"
    case setTeam = "set-team"
    case removeTeam = "remove-team"
    case archive = "set-teamarchivedstate"
    case addUser = "add-teamuser"
    case removeUser = "remove-teamuser"
    case newChannel = "new-teamchannel"
    case setChannel = "set-teamchannel"
    case removeChannel = "remove-teamchannel"
    case addChannelUser = "add-teamchanneluser"
    case removeChannelUser = "remove-teamchanneluser"

    /// Returns a parameter in the module's spelling.
    func spelling(of parameter: String) -> String {
        let names =
            form.texts + form.mandatory + TeamCall.settings.map(\.name) + ["Archived", "SetSpoSiteReadOnlyForMembers"]
        return names.first { $0.lowercased() == parameter } ?? parameter
    }

    /// Returns the cmdlet with a name, in any case; `nil` for all others.
    init?(named name: String) { self.init(rawValue: name.lowercased()) }

    /// What a cmdlet takes, and the requests that it makes.
    private struct Form {
        /// The parameters for texts. Those of cmdlets that change something take their values from piped objects as
        /// well.
        let texts: [String]
        /// The parameters for truth values, in lower case.
        var flags: [String] = []
        /// The parameters without which it doesn't run.
        var mandatory: [String] = []
        /// The requests that it makes, with examples of ids, by which its permissions are found.
        let requests: [(method: String, path: String)]
    }

    /// The parameters for the properties of a new team.
    fileprivate static let ofTeam = ["DisplayName", "Description", "MailNickName", "Classification", "Visibility"]

    private var form: Form {
        let (team, channel) = ("/v1.0/teams/id", "/v1.0/teams/id/channels/id")
        let channels = ("GET", "/v1.0/teams/id/channels")
        return switch self {
        case .team:
            Form(
                texts: ["GroupId", "User", "Visibility", "DisplayName", "MailNickName", "NumberOfThreads"],
                flags: ["archived"], requests: [("GET", "/v1.0/groups"), ("GET", team)])
        case .user:
            Form(
                texts: ["GroupId", "Role"], mandatory: ["GroupId"],
                requests: [("GET", "/v1.0/groups/id/owners"), ("GET", "/v1.0/groups/id/members")])
        case .channel, .allChannels:
            Form(
                texts: ["GroupId", "MembershipType"], mandatory: ["GroupId"],
                requests: [self == .channel ? channels : ("GET", "\(team)/allChannels")])
        case .channelUser:
            Form(
                texts: ["GroupId", "DisplayName", "Role"], mandatory: ["GroupId", "DisplayName"],
                requests: [channels, ("GET", "\(channel)/members")])
        case .associated: Form(texts: ["User"], requests: [("GET", "/v1.0/users/id/teamwork/associatedTeams")])
        case .newTeam:
            Form(
                texts: ["GroupId", "Owner", "Template", "GiphyContentRating"] + Self.ofTeam,
                flags: TeamCall.settingFlags + ["retaincreatedgroup"], mandatory: ["DisplayName"],
                requests: [("POST", "/v1.0/teams"), ("POST", "/v1.0/groups"), ("PUT", "/v1.0/groups/id/team")])
        case .setTeam:
            Form(
                texts: ["GroupId", "GiphyContentRating"] + Self.ofTeam, flags: TeamCall.settingFlags,
                mandatory: ["GroupId"], requests: [("PATCH", "/v1.0/groups/id"), ("PATCH", team)])
        case .removeTeam: Form(texts: ["GroupId"], mandatory: ["GroupId"], requests: [("DELETE", "/v1.0/groups/id")])
        case .archive:
            Form(
                texts: ["GroupId"], flags: ["archived", "setspositereadonlyformembers"],
                mandatory: ["GroupId", "Archived"], requests: [("POST", "\(team)/archive")])
        case .addUser, .removeUser:
            Form(
                texts: ["GroupId", "User", "Role"], mandatory: ["GroupId", "User"],
                requests: [self == .addUser ? ("POST", "\(team)/members") : ("DELETE", "\(team)/members/id")])
        case .newChannel:
            Form(
                texts: ["GroupId", "DisplayName", "Description", "MembershipType", "Owner"],
                mandatory: ["GroupId", "DisplayName"], requests: [("POST", "\(team)/channels")])
        case .setChannel:
            Form(
                texts: ["GroupId", "CurrentDisplayName", "NewDisplayName", "Description"],
                mandatory: ["GroupId", "CurrentDisplayName"], requests: [channels, ("PATCH", channel)])
        case .removeChannel:
            Form(
                texts: ["GroupId", "DisplayName"], mandatory: ["GroupId", "DisplayName"],
                requests: [channels, ("DELETE", channel)])
        case .addChannelUser, .removeChannelUser:
            Form(
                texts: ["GroupId", "DisplayName", "User", "Role"], mandatory: ["GroupId", "DisplayName", "User"],
                requests: [
                    channels,
                    self == .addChannelUser ? ("POST", "\(channel)/members") : ("DELETE", "\(channel)/members/id"),
                ])
        }
    }

    /// Whether it changes something.
    var changes: Bool { form.requests.contains { $0.method != "GET" } }

    /// The parameters, including the common ones that are supported.
    var parameters: [GraphBinder.Parameter] {
        form.texts.map { GraphBinder.Parameter(name: $0.lowercased()) }
            + form.flags.map { GraphBinder.Parameter(name: $0, isSwitch: $0 == "retaincreatedgroup") }
            + GraphBinder.common
    }

    /// The parameters for truth values, in lower case.
    var flags: [String] { form.flags }

    /// The parameters without which it doesn't run, in the module's spelling.
    func mandatory(given named: [String: PSValue]) -> [String] {
        // A group that exists already has a name.
        self == .newTeam && named["groupid"] != nil ? ["GroupId"] : form.mandatory
    }

    /// The requests that it makes, with examples of ids, by which its permissions are found.
    var requests: [(method: String, path: String)] { form.requests }

    /// The parameters that properties of piped objects give.
    var piped: [String] {
        switch self {
        case .associated: ["User"]
        case _ where changes: form.texts
        default: form.mandatory
        }
    }

    /// The values that some parameters are limited to, by parameter in lower case.
    var choices: [String: [String]] {
        switch self {
        case .addUser, .removeUser, .addChannelUser, .removeChannelUser: ["role": ["Member", "Owner"]]
        case .newTeam, .setTeam:
            ["visibility": ["Public", "Private", "HiddenMembership"], "giphycontentrating": ["Strict", "Moderate"]]
        case .newChannel: ["membershiptype": ["Standard", "Private", "Shared"]]
        default: [:]
        }
    }
}

/// A call of a cmdlet of the Teams module, with its arguments.
struct TeamCall: Sendable {
    let cmdlet: TeamCmdlet
    /// The cmdlet as written.
    let name: String
    private var texts: [String: String] = [:]
    /// The truth values, by parameter in lower case.
    private(set) var flags: [String: Bool] = [:]

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
        let mandatory = cmdlet.mandatory(given: given.named)
        let missing = mandatory.filter { given.named[$0.lowercased()] == nil }
        guard missing.isEmpty || call.takesInput && call.input == nil else {
            throw GraphBinder.fault(
                "MissingMandatoryParameter",
                "Cannot process command because of one or more missing mandatory parameters: "
                    + "\(missing.joined(separator: " ")).", call)
        }
        for (name, value) in given.named {
            switch value {
            case .bool(let flag) where cmdlet.flags.contains(name): flags[name] = flag
            case .int(let number) where cmdlet.flags.contains(name): flags[name] = number != 0
            case .null, .nothing: continue
            case .array, .list, .table, .object, .block:
                throw .beyond("a \(value.typeName) for -\(name) of \(call.name)")
            default: texts[name] = value.text
            }
        }
        try check(given.named, mandatory, call)
    }

    /// Throws for values that the module doesn't take.
    private func check(
        _ named: [String: PSValue], _ mandatory: [String], _ call: CmdletCall
    ) throws(GraphBinder.Fault) {
        if let name = cmdlet.flags.first(where: { texts[$0] != nil }) {
            throw GraphBinder.fault(
                "CannotConvertArgumentNoMessage",
                "Cannot process argument transformation on parameter '\(cmdlet.spelling(of: name))'. Cannot convert value "
                    + "\"System.String\" to type \"System.Boolean\".", call)
        }
        for (name, choices) in cmdlet.choices {
            guard let text = texts[name], !choices.contains(where: { $0.lowercased() == text.lowercased() }) else {
                continue
            }
            throw GraphBinder.fault(
                "ParameterArgumentValidationError",
                "Cannot validate argument on parameter '\(cmdlet.spelling(of: name))'. The argument \"\(text)\" does not "
                    + "belong to the set \"\(choices.joined(separator: ","))\" specified by the ValidateSet attribute. "
                    + "Supply an argument that is in the set and then try the command again.", call)
        }
        if texts["template"] != nil { throw .beyond("-Template of \(call.name)") }
        if cmdlet == .newTeam, named["groupid"] != nil,
            TeamCmdlet.ofTeam.contains(where: { self[$0] != nil }), call.input == nil
        {
            throw GraphBinder.fault(
                "AmbiguousParameterSet",
                "Parameter set cannot be resolved using the specified named parameters. One or more parameters issued "
                    + "cannot be used together or an insufficient number of parameters were provided.", call)
        }
        for name in mandatory.map({ $0.lowercased() })
        where flags[name] == nil && named[name] != nil && (texts[name] ?? "").isEmpty {
            throw GraphBinder.fault(
                "ParameterArgumentValidationErrorEmptyStringNotAllowed",
                "Cannot bind argument to parameter '\(cmdlet.spelling(of: name))' because it is an empty string.", call)
        }
    }

    private static func property(_ name: String, of input: PSValue) -> PSValue? {
        guard case .object(let object) = input else { return nil }
        return object[name]
    }

    /// The error action, in lower case.
    var errorAction: String? { self["ErrorAction"].map(ErrorAction.word) }

    /// The text of a parameter.
    subscript(_ parameter: String) -> String? { texts[parameter.lowercased()] }

    /// The id of the team as a segment of a path.
    var group: String { Self.segment(self["GroupId"] ?? "") }

    /// Creates a call that reads one team.
    init(teamWithId id: String) {
        (cmdlet, name, texts) = (.team, "Get-Team", ["groupid": id])
    }

    /// Returns a text as a segment of a path.
    static func segment(_ text: String) -> String {
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
        default: try await changed(through: source)
        }
    }

    /// The properties of a group that a team shows.
    private static let ofGroup = "id,displayName,description,visibility,mailNickname,classification"

    /// Returns the teams that the filters of the call let through.
    func teams(_ source: GraphSource) async throws(MMError) -> [PSValue] {
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
            if let isArchived = flags["archived"], isArchived != (team["isArchived"]?.bool ?? false) { continue }
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

    /// The settings of a team, by parameter.
    static let settings: [(name: String, section: String, property: String)] = [
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

    /// The parameters for settings that are truth values, in lower case.
    static let settingFlags = settings.map { $0.name.lowercased() }.filter { $0 != "giphycontentrating" }

    /// Returns the module's object of a team.
    static func team(_ group: JSONObject, _ team: JSONObject) -> PSValue? {
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

    /// Returns the module's object of a channel.
    func channel(_ channel: JSONObject) -> PSValue? {
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

    /// Returns the id of the channel with a name.
    func channelID(_ name: String, _ source: GraphSource) async throws(MMError) -> String {
        let named = try await channels(source).first { $0["displayName"]?.string?.lowercased() == name.lowercased() }
        if let id = named?["id"]?.string { return id }
        if source.hasHeld { throw source.needsHeld }
        throw MMError(.notFound, "The team has no channel “\(name)”.")
    }

    private func channelUsers(_ source: GraphSource) async throws(MMError) -> [PSValue] {
        let id = try await channelID(self["DisplayName"] ?? "", source)
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
            if error.code == .unsupported, error.message == NativeEngine.needsHeld {
                throw .handedOver(NativeEngine.needsHeld)
            }
            return try source.ended(GraphCmdletCall(cmdlet: call.name), by: error, errorAction: errorAction)
        }
    }
}
