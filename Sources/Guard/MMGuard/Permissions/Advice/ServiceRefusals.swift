internal import MMCore

/// Advice for services other than Microsoft Graph, from what their answers tell.
struct ServiceRefusals: Sendable {
    let roles: RoleTable
    let rights: TokenRights?
    let place: ConsentPlace

    /// The advice; `nil` where the answer tells no more than it says.
    func advice(on refusal: Refusal) -> PermissionAdvice? {
        switch refusal.service {
        case .arm: azure(refusal)
        case .exchange: exchange(refusal)
        case .sharePoint: sharePoint(refusal)
        case .flow, .bap, .powerApps, .powerPlatform: powerPlatform(refusal)
        default: nil
        }
    }

    /// Azure names the action and the scope between single quotes, after words of its own.
    private func azure(_ refusal: Refusal) -> PermissionAdvice? {
        let message = refusal.message
        func quoted(after words: String) -> String? {
            guard let start = message.firstRange(of: words + " '")?.upperBound,
                let end = message[start...].firstIndex(of: "'")
            else { return nil }
            let text = String(message[start..<end])
            // It goes into a command line that somebody may copy.
            return text.utf8.allSatisfy(Self.isPlain) ? text : nil
        }
        let linked = quoted(after: "perform action(s)")
        guard let action = linked ?? quoted(after: "perform action") else { return nil }
        let scope =
            linked == nil ? quoted(after: "over scope") ?? quoted(after: "on scope") : quoted(after: "linked scope(s)")
        let role = roles.azureRole(of: action)
        let who = quoted(after: "object id") ?? rights?.objectID ?? "OBJECT-ID"
        let boundary = scope ?? "SCOPE"
        let command = "az role assignment create --assignee \(who) --role \"\(role)\" --scope \(boundary)"
        return PermissionAdvice(
            .azureRole,
            "Missing in Azure: the action \(action) on \(boundary). The narrowest built-in role with it is \(role): \(command)",
            details: [
                "action": .string(action), "scope": .string(boundary), "role": .string(role),
                "command": .string(command),
            ])
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-_./@*".utf8.contains(byte)
        }
    }

    private func exchange(_ refusal: Refusal) -> PermissionAdvice? {
        if let rights {
            let wanted = rights.kind == .application ? "Exchange.ManageAsApp" : "Exchange.Manage"
            // Microsoft's own module has the third.
            if rights.permissions.isDisjoint(with: [wanted, wanted + "V2", "AdminApi.AccessAsUser.All"]) {
                return PermissionAdvice(
                    .permission,
                    "Missing: the \(rights.kind.title) permission \(wanted) of Office 365 Exchange Online. Add it to the app "
                        + "registration \(place.appID ?? "of the connection"), let an administrator consent, then: "
                        + "\(place.renewal).",
                    details: ["missing": [.string(wanted)]])
            }
        }
        guard let cmdlet = refusal.cmdlet else { return nil }
        let role = roles.exchangeRole(of: cmdlet)
        var details: JSONObject = [
            "cmdlet": .string(cmdlet), "role": .string(role.name), "roleGroup": .string(role.group),
        ]
        let member = rights?.account ?? rights?.objectID ?? "ACCOUNT"
        var command: String?
        if !role.group.hasPrefix("a group") {
            command = "Add-RoleGroupMember \"\(role.group)\" -Member \(member)"
            details["command"] = command.map { .string($0) }
        }
        var hint =
            "Missing in Exchange: the management role \(role.name) for \(cmdlet). The smallest role group with it is "
            + "\(role.group)" + (command.map { ": \($0)" } ?? "") + "."
        if let entra = role.entra { hint += " In Entra ID, \(entra.name) stands for it." }
        return PermissionAdvice(
            .exchangeRole, hint, details: details, wantedRoles: role.entra.map { [$0] } ?? [])
    }

    private func sharePoint(_ refusal: Refusal) -> PermissionAdvice? {
        if refusal.message.lowercased().contains("app only token") || refusal.message.lowercased().contains("app-only")
        {
            return PermissionAdvice(
                .signInKind,
                "SharePoint takes apps that sign in with a certificate alone: give the connection \"auth\": \"certificate\".",
                details: ["needs": "certificate"])
        }
        let isAdministration = refusal.target?.writtenOrigin?.contains("-admin.") ?? false
        if isAdministration, let role = roles.role(named: "SharePoint Administrator") {
            guard let rights, rights.kind != .application, !rights.roleIDs.contains(role.id) else { return nil }
            return PermissionAdvice(
                .directoryRole, "The administration of SharePoint needs the role \(role.name).",
                details: ["role": .string(role.name)], wantedRoles: [role])
        }
        guard rights?.kind != .application else {
            return PermissionAdvice(
                .permission,
                "Missing: an application permission of SharePoint for this, such as Sites.Selected with the site granted to the "
                    + "app, or Sites.Read.All (Sites.FullControl.All for settings). Add it to \(place.appID ?? "the app") and "
                    + "let an administrator consent.",
                details: ["missing": ["Sites.Selected"]])
        }
        return PermissionAdvice(
            .access,
            "A person's sign-in reaches only sites that are open to that person: let an owner of the site share it with "
                + "\(rights?.account ?? "the account"), or a SharePoint Administrator make it a site collection administrator.",
            details: [:])
    }

    private func powerPlatform(_ refusal: Refusal) -> PermissionAdvice? {
        let path = refusal.target?.path.lowercased() ?? ""
        let isAdministration = path.contains("/scopes/admin/") || path.contains("businessappplatform")
        guard isAdministration, let role = roles.role(named: "Power Platform Administrator") else {
            return PermissionAdvice(
                .environmentRole,
                "Missing: a role in the environment. Environment Maker makes flows, Environment Admin sees those of others; a "
                    + "flow's owner shares that flow alone.",
                details: ["role": "Environment Maker"])
        }
        return PermissionAdvice(
            .directoryRole,
            "The administration of all environments needs the role \(role.name); Environment Admin is enough for one of them.",
            details: ["role": .string(role.name)], wantedRoles: [role])
    }
}
