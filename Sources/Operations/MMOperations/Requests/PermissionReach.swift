import MMCore
import MMGuard

/// Whether a token's permissions and roles open a call.
struct PermissionReach: Sendable {
    /// What becomes of the call.
    enum Outcome: String, Sendable {
        /// It is open.
        case yes
        /// The permission is there, and a role is not.
        case role
        /// A permission is missing.
        case no
        /// This kind of sign-in can't make it.
        case never = "not possible"
    }

    let outcome: Outcome
    /// The permission that is there, or the least one that is missing.
    let permission: String?
    /// The role with the fewest rights that suffices, where one is missing.
    let role: String?

    /// The reach of a token for a call such as `GET /users`; `nil` where no table knows the call.
    init?(_ request: String, of rights: TokenRights, roles: RoleTable = .standard) {
        let words = request.split(separator: " ", maxSplits: 1)
        guard words.count == 2, let target = try? RequestTarget(parsing: String(words[1]), service: .graph),
            let call = PermissionTable.standard.permissions(String(words[0]), target)
        else { return nil }
        guard let choice = call.choice(for: rights.kind), let least = choice.advised else {
            (outcome, permission, role) = (.never, nil, nil)
            return
        }
        guard let held = call.satisfied(by: rights.permissions, for: rights.kind) else {
            (outcome, permission, role) = (.no, least.name, nil)
            return
        }
        permission = held.name
        let isRead = words[0] == "GET"
        // What belongs to somebody is a matter of access, not of a role.
        let area = roles.area(of: call.template, method: String(words[0]))
        let enough = area?.content == nil ? area?.roles(reading: isRead) ?? [] : []
        let all = enough + (roles.globalAdministrator.map { [$0] } ?? [])
        let isBound = rights.kind == .work && rights.knowsRoles && !enough.isEmpty
        // Everybody in a tenant reads the directory itself.
        let isOpenToMembers = isRead && enough.first?.name == "Directory Readers"
        guard isBound, !isOpenToMembers, !all.contains(where: { rights.roleIDs.contains($0.id) }) else {
            (outcome, role) = (.yes, nil)
            return
        }
        (outcome, role) = (.role, enough.first?.name)
    }
}
