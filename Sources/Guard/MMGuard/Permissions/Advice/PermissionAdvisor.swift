import MMCore

/// Says why a service refused a request: which permission, role, licence or policy it was, and what grants it.
///
/// It never guesses: where no table knows the call, it says so.
package struct PermissionAdvisor: Sendable {
    let table: PermissionTable
    let roles: RoleTable
    let rights: TokenRights?
    let place: ConsentPlace

    /// An advisor for a connection.
    /// - Parameters:
    ///   - rights: what the token holds with which the request was sent; `nil` where it can't be read.
    ///   - place: where the connection's app gets permissions.
    package init(
        rights: TokenRights?, place: ConsentPlace, table: PermissionTable = .standard, roles: RoleTable = .standard
    ) {
        self.table = table
        self.roles = roles
        self.rights = rights
        self.place = place
    }

    /// Whether a refusal is one that this type speaks of: of permissions or of a licence.
    package static func concerns(_ refusal: Refusal) -> Bool {
        [401, 403].contains(refusal.status) || LicenceSigns.licence(in: refusal) != nil
    }

    /// The advice; `nil` where the answer tells no more than it says.
    package func advice(on refusal: Refusal) -> PermissionAdvice? {
        if let licence = LicenceSigns.licence(in: refusal) {
            return PermissionAdvice(
                .licence, "Missing: \(licence). No permission and no role replaces it.",
                details: ["licence": .string(licence)])
        }
        if isChallenge(refusal) {
            return PermissionAdvice(
                .conditionalAccess,
                "Conditional Access asks for a new or stronger sign-in: \(place.renewal). No permission is missing.")
        }
        guard refusal.service == .graph else {
            return ServiceRefusals(roles: roles, rights: rights, place: place).advice(on: refusal)
        }
        // A token that is refused as such says nothing of permissions.
        if refusal.status == 401, refusal.code == "InvalidAuthenticationToken" { return nil }
        guard let target = refusal.target else { return nil }
        guard let rights else { return unread(refusal, target) }
        guard let call = table.permissions(refusal.method, target) else { return unknown(refusal, target, rights) }
        let held = call.satisfied(by: rights.permissions, for: rights.kind)
        guard let held else { return missing(call, rights) }
        return beyondPermissions(refusal, call, held, rights)
    }

    private func isChallenge(_ refusal: Refusal) -> Bool {
        let message = refusal.message.lowercased()
        return message.contains("continuous access evaluation") || message.contains("interactionrequired")
            || message.contains("aadsts53003") || message.contains("aadsts50076")
            || refusal.code.lowercased() == "insufficient_claims"
    }

    private func unread(_ refusal: Refusal, _ target: RequestTarget) -> PermissionAdvice? {
        guard let call = table.permissions(refusal.method, target) else { return nil }
        let parts = [SignInKind.work, .application].compactMap { kind in
            call.choice(for: kind)?.advised.map { "\(kind.title) \($0.name)" }
        }
        guard !parts.isEmpty else { return nil }
        return PermissionAdvice(
            .permission, "This call needs \(parts.joined(separator: ", or ")). What the token holds can't be read.",
            details: ["least": .array(parts.map { .string($0) })])
    }

    private func unknown(_ refusal: Refusal, _ target: RequestTarget, _ rights: TokenRights) -> PermissionAdvice {
        PermissionAdvice(
            .unknown,
            "No table knows which permission \(refusal.method) \(target.path) needs. The token has \(Self.list(rights.permissions)).",
            details: ["has": Self.names(rights.permissions)])
    }

    private func missing(_ call: CallPermissions, _ rights: TokenRights) -> PermissionAdvice {
        guard let choice = call.choice(for: rights.kind), let wanted = advised(choice, call, rights) else {
            let others = [SignInKind.work, .application].filter { call.choice(for: $0)?.advised != nil }
            let other = others.first.map { kind in
                "sign in \(kind == .application ? "as an app" : "as a person") with "
                    + "\(call.choice(for: kind)?.advised?.name ?? "")"
            }
            return PermissionAdvice(
                .signInKind,
                "This call isn't open to \(rights.kind == .application ? "apps by themselves" : "such accounts")"
                    + (other.map { ": \($0)." } ?? "."),
                details: ["openTo": .array(others.map { .string($0.rawValue) })])
        }
        let needed = rights.permissions.contains(wanted.name) ? [] : [wanted]
        let besides = call.missingBesides(wanted, from: rights.permissions).prefix(1)
        let all = needed + besides
        let names = all.map(\.name).joined(separator: " and ")
        let plural = all.count > 1 ? "permissions" : "permission"
        var details: JSONObject = [
            "missing": .array(all.map { .string($0.name) }), "kind": .string(rights.kind.rawValue),
            "has": Self.names(rights.permissions),
        ]
        let others = choice.all.filter { !$0.isResourceSpecific && !all.contains($0) }.prefix(6)
        if !others.isEmpty { details["alternatives"] = .array(others.map { .string($0.name) }) }
        var hint = "Missing: the \(rights.kind.title) \(plural) \(names). "
        if let command = all.first.flatMap({ place.grantCommand($0, for: rights.kind) }) {
            details["command"] = .string(command)
        }
        if place.appID == nil {
            hint +=
                "The connection signs in with an app of Microsoft's, which can't be given more: add an app "
                + "registration of your own (mm connections edit \(place.connection) appId=…)."
        } else if rights.kind != .application, let link = place.consentLink(to: all.map(\.name)) {
            details["consent"] = .string(link)
            let who = all.contains { $0.needsAdministrator } ? "An administrator consents" : "Consent"
            hint += "\(who) at \(link) — then: \(place.renewal)."
        } else if let command = details["command"]?.string {
            hint += "Grant it: \(command) — then: \(place.renewal)."
        } else {
            hint += "Add it to the app registration and let an administrator consent."
        }
        return PermissionAdvice(.permission, hint, details: details)
    }

    /// The permission to ask for: one that is there already and lacks only what it needs besides, else the least.
    private func advised(
        _ choice: PermissionChoice, _ call: CallPermissions, _ rights: TokenRights
    ) -> Permission? {
        choice.all.first { rights.permissions.contains($0.name) } ?? choice.advised
    }

    private func beyondPermissions(
        _ refusal: Refusal, _ call: CallPermissions, _ held: Permission, _ rights: TokenRights
    ) -> PermissionAdvice {
        let area = area(of: refusal, call)
        var details: JSONObject = ["permission": .string(held.name)]
        let has = rights.roles(in: roles)
        if rights.knowsRoles { details["roles"] = .array(has.map { .string($0.name) }) }
        if rights.kind == .application {
            let isMailbox = area?.content == .mailbox
            return PermissionAdvice(
                .object,
                "The app has the permission \(held.name). "
                    + (isMailbox
                        ? "An application access policy of Exchange may keep it from this mailbox: Test-ApplicationAccessPolicy."
                        : "What it asked for needs more than that: administrators' accounts and role-assignable groups are open "
                            + "to apps only with a directory role of their own."),
                details: details)
        }
        if let area, let content = area.content,
            area.roles(reading: refusal.isRead).isEmpty || !isRoleMissing(area, refusal, rights)
        {
            return PermissionAdvice(.access, Self.access(content, held, rights), details: details)
        }
        if let area, isRoleMissing(area, refusal, rights), let role = area.roles(reading: refusal.isRead).first {
            let roles = area.roles(reading: refusal.isRead)
            details["role"] = .string(role.name)
            details["roleTemplateId"] = .string(role.id)
            details["alternatives"] = .array(roles.dropFirst().map { .string($0.name) })
            let whose = has.isEmpty ? "has no directory role" : "has \(has.map(\.name).joined(separator: ", "))"
            return PermissionAdvice(
                .directoryRole,
                "The permission \(held.name) is there; the account lacks a role of Entra ID. The one with the fewest rights is "
                    + "\(role.name)" + (rights.knowsRoles ? " (the account \(whose))" : "")
                    + ". Then: \(place.renewal).",
                details: details, wantedRoles: roles + (self.roles.globalAdministrator.map { [$0] } ?? []))
        }
        let roleText = has.isEmpty ? "" : " and the role \(has.map(\.name).joined(separator: ", "))"
        return PermissionAdvice(
            .object,
            "The permission \(held.name)\(roleText) \(has.isEmpty ? "is" : "are") there, so it lies with the object itself: an "
                + "administrator's account, a role-assignable group, a restricted administrative unit, or a policy.",
            details: details)
    }

    private func area(of refusal: Refusal, _ call: CallPermissions) -> RoleArea? {
        let path = refusal.target.map { "/" + $0.segments.joined(separator: "/") } ?? call.template
        return roles.area(of: call.template, method: refusal.method) ?? roles.area(of: path, method: refusal.method)
    }

    private func isRoleMissing(_ area: RoleArea, _ refusal: Refusal, _ rights: TokenRights) -> Bool {
        let enough = area.roles(reading: refusal.isRead) + (roles.globalAdministrator.map { [$0] } ?? [])
        return !enough.contains { rights.roleIDs.contains($0.id) }
    }

    private static func access(_ content: RoleArea.Content, _ held: Permission, _ rights: TokenRights) -> String {
        let who = rights.account ?? "the account"
        let rest =
            switch content {
            case .mailbox:
                "another's mailbox opens to a person with a right on it alone: Add-MailboxPermission MAILBOX -User \(who) "
                    + "-AccessRights FullAccess (and a permission that ends in .Shared), or an app with the application permission."
            case .site:
                "a person's sign-in reaches only files and sites that are open to \(who): let an owner share them, or use an app "
                    + "with the application permission."
            case .chat: "only members of the chat reach it: add \(who) to the chat."
            case .team: "only members of the team reach it, and only owners change it: add \(who) to the team."
            case .item: "a person's sign-in reaches only what belongs to \(who) or is shared with them."
            }
        return "The permission \(held.name) is there; \(rest)"
    }

    private static func names(_ permissions: Set<String>) -> JSONValue {
        .array(permissions.sorted().map { .string($0) })
    }

    private static func list(_ permissions: Set<String>) -> String {
        let sorted = permissions.sorted()
        if sorted.isEmpty { return "none" }
        return sorted.prefix(8).joined(separator: ", ") + (sorted.count > 8 ? " and \(sorted.count - 8) more" : "")
    }
}
