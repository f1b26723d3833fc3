import MMCore
import MMDesk
import MMGuard
import MMIdentity

/// Checks whether the groups to which Exchange cmdlets add members are security groups: members of a security-enabled
/// group get the group's rights, whichever service added them.
struct SecurityGroups: Sendable {
    /// The result of a check.
    enum Sight: Sendable, Hashable {
        case plain
        case security
        /// The group could not be read.
        case unknown
    }

    let identity: IdentityService
    let connection: Connection

    /// The maximum duration of a check.
    private static let patience = Duration.seconds(15)
    /// The maximum number of groups that are checked for one script; further ones are treated as unknown.
    private static let most = 20

    /// Returns the findings on a script's groups.
    func findings(on groups: MemberCmdlets.Groups, until deadline: Deadline) async -> [GuardFinding] {
        var found: [GuardFinding] = []
        if groups.hasOthers || groups.named.count > Self.most {
            found.append(Self.finding(of: nil, .unknown))
        }
        let named = groups.named.sorted().prefix(Self.most)
        for (group, sight) in zip(named, await sights(of: Array(named), until: deadline)) where sight != .plain {
            found.append(Self.finding(of: group, sight))
        }
        return found
    }

    /// Returns the findings on a request's group.
    func findings(on group: String?, until deadline: Deadline) async -> [GuardFinding] {
        guard let group else { return [Self.finding(of: nil, .unknown)] }
        let sight = await sights(of: [group], until: deadline).first ?? .unknown
        return sight == .plain ? [] : [Self.finding(of: group, sight)]
    }

    private func sights(of groups: [String], until deadline: Deadline) async -> [Sight] {
        let unknown = Array(repeating: Sight.unknown, count: groups.count)
        guard !groups.isEmpty,
            let client = try? GuardedExchange(identity: identity, connection: connection, service: .exchange),
            case .signedIn = await identity.state(of: connection, resource: client.service.resource)
        else { return unknown }
        let commands = groups.map { group in
            var command = ExchangeCommand("Get-DistributionGroup", ["Identity": .string(group)])
            command.properties = ["GroupType", "RecipientTypeDetails"]
            return command
        }
        let limit = min(deadline, .after(Self.patience))
        guard let readings = try? await client.readings(of: commands, deadline: limit) else { return unknown }
        return readings.map { reading in
            switch reading {
            case .success(let rows): Self.sight(rows.compactMap { try? JSONParser.parse(Array($0)) })
            // A group that doesn't exist gets no members.
            case .failure(let fault):
                fault.mmError(of: connection.name, client.service).code == .notFound ? .plain : .unknown
            }
        }
    }

    private static func sight(_ rows: [JSONValue]) -> Sight {
        guard !rows.isEmpty else { return .plain }
        let words = rows.flatMap { row in
            ["GroupType", "RecipientTypeDetails"].compactMap { row[$0]?.string?.lowercased() }
        }
        guard !words.isEmpty else { return .unknown }
        return words.contains { $0.contains("security") } ? .security : .plain
    }

    private static func finding(of group: String?, _ sight: Sight) -> GuardFinding {
        let name = group.map { "\u{201C}\(VisibleText.exact(String($0.prefix(80))))\u{201D}" }
        return GuardFinding(
            rule: "security-group", classes: .privilege,
            reason: sight == .security
                ? "\(name ?? "The group") is security-enabled: members get the group's permissions."
                : "Whether \(name ?? "the group") is security-enabled is unknown: members may get its permissions.",
            instead: group == nil ? "Name the group in the script, so that the guard can look it up." : nil,
            subject: group)
    }
}
