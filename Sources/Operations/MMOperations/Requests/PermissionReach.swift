import MMCore
import MMGuard

/// Determines whether a token's permissions and roles allow a call.
struct PermissionReach: Sendable {
    /// The result of the check.
    enum Outcome: String, Sendable {
        /// The call is allowed.
        case yes
        /// The permission is granted, but a role is missing.
        case role
        /// A permission is missing.
        case no
        /// The call isn't possible with this kind of sign-in.
        case never = "not possible"
    }

    let outcome: Outcome
    /// The granted permission, or the least one that is missing.
    let permission: String?
    /// The least privileged role that is sufficient, where a role is missing.
    let role: String?

    /// Determines whether a token allows a call such as `GET /users`; `nil` where no table contains the call.
    init?(_ request: String, of rights: TokenRights) {
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
        let roles = RoleTable.standard
        // A person's own content is a matter of access, not of a role.
        let area = roles.area(of: call.template, method: String(words[0]))
        let enough = area?.content == nil ? area?.roles(reading: isRead) ?? [] : []
        let all = enough + (roles.globalAdministrator.map { [$0] } ?? [])
        let isBound = rights.kind == .work && rights.knowsRoles && !enough.isEmpty
        // All members of a tenant can read the directory itself.
        let isOpenToMembers = isRead && enough.first?.name == "Directory Readers"
        guard isBound, !isOpenToMembers, !all.contains(where: { rights.roleIDs.contains($0.id) }) else {
            (outcome, role) = (.yes, nil)
            return
        }
        (outcome, role) = (.role, enough.first?.name)
    }
}
