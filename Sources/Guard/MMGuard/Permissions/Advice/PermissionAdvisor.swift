package import MMCore

/// Explains which permission, role, licence or policy made a service refuse a request, and what grants access.
///
/// It never guesses: if no table knows the call, it says so.
package struct PermissionAdvisor: Sendable {
    private let table = PermissionTable.standard
    private let roles = RoleTable.standard
    let rights: TokenRights?
    let place: ConsentPlace

    /// Creates an advisor for a connection.
    /// - Parameters:
    ///   - rights: the rights in the token with which the request was sent; `nil` if they can't be read.
    ///   - place: the tenant and app in which the connection gets permissions.
    package init(rights: TokenRights?, place: ConsentPlace) {
        self.rights = rights
        self.place = place
    }

    /// Returns whether a refusal is about permissions or a licence.
    package static func concerns(_ refusal: Refusal) -> Bool {
        [401, 403].contains(refusal.status) || LicenceSigns.licence(in: refusal) != nil
    }

    /// Returns the advice; `nil` if there is nothing to add to the service's answer.
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
            return ServiceRefusals(rights: rights, place: place).advice(on: refusal)
        }
        // A token that is rejected as invalid tells nothing about permissions.
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
            .permission,
            "This call needs \(parts.joined(separator: ", or ")). The permissions of the access token can't be read.",
            details: ["least": .array(parts.map { .string($0) })])
    }

    private func unknown(_ refusal: Refusal, _ target: RequestTarget, _ rights: TokenRights) -> PermissionAdvice {
        PermissionAdvice(
            .unknown,
            "The permission for \(refusal.method) \(target.path) is unknown. The token has \(Self.list(rights.permissions)).",
            details: ["has": Self.names(rights.permissions)])
    }

    private func missing(_ call: CallPermissions, _ rights: TokenRights) -> PermissionAdvice {
        guard let choice = call.choice(for: rights.kind), let wanted = advised(choice, rights) else {
            let others = [SignInKind.work, .application].filter { call.choice(for: $0)?.advised != nil }
            let other = others.first.map { kind in
                "sign in \(kind == .application ? "as an app" : "as a person") with "
                    + "\(call.choice(for: kind)?.advised?.name ?? "")"
            }
            return PermissionAdvice(
                .signInKind,
                "This call isn't available to \(rights.kind == .application ? "apps without a person" : "such accounts")"
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
        if rights.kind != .application {
            let command = place.addCommand(all.map(\.name))
            details["connect"] = .string(command)
            hint += "Add it: \(command)"
            if let link = place.consentLink(to: all.map(\.name)) {
                details["consent"] = .string(link)
                let who = all.contains { $0.needsAdministrator } ? "an administrator consents" : "consent"
                hint += "; or \(who) at \(link) — then: \(place.renewal)."
            } else {
                hint += " --app own. The connection signs in with Microsoft's app, which can't get more permissions."
            }
        } else if place.appID == nil {
            hint += "Use your own app registration: mm connections edit \(ShellWord.quoted(place.connection)) appId=…."
        } else if let command = details["command"]?.string {
            hint += "Grant it: \(command) — then: \(place.renewal)."
        } else {
            hint += "Add it to the app registration and get admin consent."
        }
        return PermissionAdvice(.permission, hint, details: details)
    }

    /// Returns the permission to ask for: one that is granted already and only lacks a second permission, otherwise the
    /// least one.
    private func advised(_ choice: PermissionChoice, _ rights: TokenRights) -> Permission? {
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
                        ? "An Exchange application access policy may deny access to this mailbox: check with Test-ApplicationAccessPolicy."
                        : "The request needs more than that: apps can change administrators' accounts and role-assignable groups "
                            + "only with their own directory role."),
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
                "The permission \(held.name) is granted, but the account lacks an Entra ID role. The least privileged role is "
                    + "\(role.name)" + (rights.knowsRoles ? " (the account \(whose))" : "") + ". \(place.wayToRole)",
                details: details, wantedRoles: roles + (self.roles.globalAdministrator.map { [$0] } ?? []))
        }
        let roleText = has.isEmpty ? "" : " and the role \(has.map(\.name).joined(separator: ", "))"
        return PermissionAdvice(
            .object,
            "The permission \(held.name)\(roleText) \(has.isEmpty ? "is" : "are") granted, so the object itself is protected: an "
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
                "a person needs a permission on another mailbox to open it: Add-MailboxPermission MAILBOX -User \(who) "
                    + "-AccessRights FullAccess (and a permission that ends in .Shared), or an app with the application permission."
            case .site:
                "a signed-in person reaches only files and sites that \(who) may open: let an owner share them, or use an app "
                    + "with the application permission."
            case .chat: "only members of the chat can access it: add \(who) to the chat."
            case .team: "only members of the team can access it, and only owners can change it: add \(who) to the team."
            case .item: "a signed-in person reaches only objects that belong to \(who) or are shared with them."
            }
        return "The permission \(held.name) is granted; \(rest)"
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

/// The words in services' answers that mean a missing licence.
enum LicenceSigns {
    private static let codes: [(code: String, licence: String)] = [
        ("Authentication_RequestFromNonPremiumTenantOrB2CTenant", "Microsoft Entra ID P1 in the tenant"),
        ("AadPremiumLicenseRequired", "Microsoft Entra ID P2 (or Governance) in the tenant"),
        ("MailboxNotEnabledForRESTAPI", "a licence with Exchange Online (and so a mailbox) for the account"),
        ("MailboxNotHostedInExchangeOnline", "a mailbox in Exchange Online for the account"),
        ("ErrorNonExistentMailbox", "a licence with Exchange Online (and so a mailbox) for the account"),
        ("MissingLicense", "a licence with the service for the account"),
        ("UserLicenseNotFound", "a licence with the service for the account"),
        ("TeamsLicenseMissing", "a licence with Teams for the account"),
    ]

    private static let sentences: [(text: String, licence: String)] = [
        ("does not have a spo license", "SharePoint Online in the tenant"),
        ("doesn't have premium license", "Microsoft Entra ID P1 in the tenant"),
        ("does not have a premium license", "Microsoft Entra ID P1 in the tenant"),
        ("request not applicable to target tenant", "Microsoft Intune in the tenant"),
        (
            "mailbox is either inactive, soft-deleted, or is hosted on-premise",
            "a mailbox in Exchange Online for the account"
        ),
        ("failed to get license information for the user", "a licence with Teams for the account"),
    ]

    /// Returns the licence that a refusal names; `nil` if it names none.
    static func licence(in refusal: Refusal) -> String? {
        let code = refusal.code.lowercased()
        if let found = codes.first(where: { code == $0.code.lowercased() }) { return found.licence }
        let message = refusal.message.lowercased()
        return sentences.first { message.contains($0.text) }?.licence
    }
}

/// Derives advice for services other than Microsoft Graph from their answers.
struct ServiceRefusals: Sendable {
    private let roles = RoleTable.standard
    let rights: TokenRights?
    let place: ConsentPlace

    /// Returns the advice; `nil` if there is nothing to add to the service's answer.
    func advice(on refusal: Refusal) -> PermissionAdvice? {
        switch refusal.service {
        case .arm: azure(refusal)
        case .exchange: exchange(refusal)
        case .sharePoint: sharePoint(refusal)
        case .flow, .bap, .powerApps, .powerPlatform: powerPlatform(refusal)
        default: nil
        }
    }

    /// Reads the action and the scope from a message of Azure, in which both stand between single quotes after fixed
    /// words.
    private func azure(_ refusal: Refusal) -> PermissionAdvice? {
        let message = refusal.message
        func quoted(after words: String) -> String? {
            guard let start = message.firstRange(of: words + " '")?.upperBound,
                let end = message[start...].firstIndex(of: "'")
            else { return nil }
            let text = String(message[start..<end])
            // The text becomes part of a command line that a person may copy.
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
            // Microsoft's own module uses the third of these permissions.
            if rights.permissions.isDisjoint(with: [wanted, wanted + "V2", "AdminApi.AccessAsUser.All"]) {
                return PermissionAdvice(
                    .permission,
                    "Missing: the \(rights.kind.title) permission \(wanted) of Office 365 Exchange Online. Add it to the app "
                        + "registration \(place.appID ?? "of the connection"), get admin consent, then: "
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
        if let entra = role.entra { hint += " In Entra ID the role is \(entra.name)." }
        return PermissionAdvice(
            .exchangeRole, hint, details: details, wantedRoles: role.entra.map { [$0] } ?? [])
    }

    private func sharePoint(_ refusal: Refusal) -> PermissionAdvice? {
        if refusal.message.lowercased().contains("app only token") || refusal.message.lowercased().contains("app-only")
        {
            return PermissionAdvice(
                .signInKind,
                "SharePoint accepts apps only with a certificate: set \"auth\": \"certificate\" on the connection.",
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
                    + "get admin consent.",
                details: ["missing": ["Sites.Selected"]])
        }
        return PermissionAdvice(
            .access,
            "A signed-in person reaches only sites that this person may open: let an owner of the site share it with "
                + "\(rights?.account ?? "the account"), or a SharePoint Administrator make it a site collection administrator.",
            details: [:])
    }

    private func powerPlatform(_ refusal: Refusal) -> PermissionAdvice? {
        let path = refusal.target?.path.lowercased() ?? ""
        let isAdministration = path.contains("/scopes/admin/") || path.contains("businessappplatform")
        guard isAdministration, let role = roles.role(named: "Power Platform Administrator") else {
            return PermissionAdvice(
                .environmentRole,
                "Missing: a role in the environment. Environment Maker can create flows, Environment Admin can see those of others; a "
                    + "flow's owner can share only that flow.",
                details: ["role": "Environment Maker"])
        }
        return PermissionAdvice(
            .directoryRole,
            "The administration of all environments needs the role \(role.name); Environment Admin is enough for one of them.",
            details: ["role": .string(role.name)], wantedRoles: [role])
    }
}

/// The reason why a service refused a request, as far as it can be known, and the remedy.
package struct PermissionAdvice: Sendable {
    /// The kind of reason.
    package enum Reason: String, Sendable {
        /// The app lacks a permission.
        case permission
        /// The call isn't open to this kind of sign-in at all.
        case signInKind
        /// The person lacks a role of Entra ID.
        case directoryRole
        /// The person may take up a role and hasn't.
        case inactiveRole
        /// The account lacks a role of Exchange.
        case exchangeRole
        /// The account lacks an action of Azure.
        case azureRole
        /// The account lacks a role in an environment of Power Platform.
        case environmentRole
        /// The mailbox, site, chat or team belongs to other people, and the person was given no access to it.
        case access
        /// A licence is missing.
        case licence
        /// A policy requires a new or stronger sign-in.
        case conditionalAccess
        /// Permission and role are there: the object or a policy prevents it.
        case object
        /// No table knows the call.
        case unknown
    }

    /// The kind of reason.
    package var reason: Reason
    /// The missing right and the way to grant it, in one to three sentences.
    package var hint: String
    /// The same information for programs.
    package var details: JSONObject
    /// The roles of which one suffices and none is active, the one with the fewest rights first.
    package var wantedRoles: [EntraRole] = []

    package init(_ reason: Reason, _ hint: String, details: JSONObject = [:], wantedRoles: [EntraRole] = []) {
        self.reason = reason
        self.hint = hint
        self.details = details
        self.wantedRoles = wantedRoles
        self.details["reason"] = .string(reason.rawValue)
    }

    /// Returns the advice for a person whose eligible roles are known: if an eligible role suffices, it is named
    /// instead of the missing one.
    /// - Parameters:
    ///   - eligible: the template ids of the roles that the person may activate.
    ///   - place: the tenant and app in which the connection signs in.
    package func activating(_ eligible: Set<String>, at place: ConsentPlace) -> PermissionAdvice {
        guard let role = wantedRoles.first(where: { eligible.contains($0.id) }) else { return self }
        var details = details
        details["role"] = .string(role.name)
        details["roleTemplateId"] = .string(role.id)
        return PermissionAdvice(
            .inactiveRole,
            "Activate the role \(role.name) in Privileged Identity Management: the account is eligible for it, but it isn't "
                + "active now. Then: \(place.renewal).",
            details: details)
    }
}

/// A request that a service refused, with the contents of the answer.
package struct Refusal: Sendable, Hashable {
    /// The service.
    package let service: RequestService
    /// The method.
    package let method: String
    /// The target of the request; `nil` if only a cmdlet is known.
    package let target: RequestTarget?
    /// The cmdlet, for requests that carry one.
    package let cmdlet: String?
    /// The HTTP status.
    package let status: Int
    /// The service's error code; may be empty.
    package let code: String
    /// The service's message; may be empty.
    package let message: String
    /// Whether the request only reads.
    package let isRead: Bool

    package init(
        service: RequestService, method: String = "GET", target: RequestTarget? = nil, cmdlet: String? = nil,
        status: Int, code: String = "", message: String = "", isRead: Bool = true
    ) {
        self.service = service
        self.method = method
        self.target = target
        self.cmdlet = cmdlet
        self.status = status
        self.code = code
        self.message = message
        self.isRead = isRead
    }
}

/// The sign-in service, tenant and app in which a connection gets permissions.
package struct ConsentPlace: Sendable, Hashable {
    /// The name of the connection.
    package let connection: String
    /// The base address of the cloud's sign-in service.
    package let login: String
    /// The address of Microsoft Graph in that cloud, with which scopes begin.
    package let graph: String
    /// The tenant's id or domain.
    package let tenant: String
    /// The connection's own app; `nil` if it signs in with an app of Microsoft's, whose permissions can't be extended.
    package let appID: String?
    /// The partner's connection, if this one is a customer's.
    package let partner: String?

    package init(
        connection: String, login: String, graph: String, tenant: String, appID: String?, partner: String? = nil
    ) {
        self.partner = partner
        self.connection = connection
        self.login = login
        self.graph = graph
        self.tenant = tenant
        self.appID = appID
    }

    /// Microsoft Graph's own app id, the same in every tenant.
    private static let graphApp = "00000003-0000-0000-c000-000000000000"
    /// The redirect address that every app registration for `mm` has.
    private static let redirect = "http://localhost"

    /// Returns the page on which an administrator consents to delegated permissions; `nil` if the connection has no app
    /// of its own.
    package func consentLink(to permissions: [String]) -> String? {
        guard let appID else { return nil }
        let scope = permissions.map { "\(graph)/\($0)" }.joined(separator: " ")
        func encoded(_ text: String) -> String { PercentCoding.encode(text, isPlain: PercentCoding.isQueryByte) }
        let place = PercentCoding.encode(tenant, isPlain: PercentCoding.isSegmentByte)
        return "\(login)/\(place)/v2.0/adminconsent?client_id=\(encoded(appID))&scope=\(encoded(scope))"
            + "&redirect_uri=\(Self.redirect)"
    }

    /// Returns the command that asks a person to consent to delegated permissions and adds them to the connection.
    package func addCommand(_ permissions: [String]) -> String {
        "mm connect --name \(ShellWord.quoted(connection)) --scope \(permissions.joined(separator: ","))"
    }

    /// Returns the commands that add a permission to the app and consent to it; `nil` without an app or an id.
    package func grantCommand(_ permission: Permission, for kind: SignInKind) -> String? {
        guard let appID, let id = permission.id(for: kind) else { return nil }
        let type = kind == .application ? "Role" : "Scope"
        return "az ad app permission add --id \(appID) --api \(Self.graphApp) --api-permissions \(id)=\(type) && "
            + "az ad app permission admin-consent --id \(appID)"
    }

    /// How an account gets a role in the tenant that it lacks.
    var wayToRole: String {
        guard let partner else { return "Then: \(renewal)." }
        return "The relationship by which \(partner) administers this customer must contain the role and give it to a "
            + "group of the account."
    }

    /// The command that gets a new token, which contains newly granted permissions.
    package var renewal: String { "mm login \(ShellWord.quoted(connection)) --renew" }
}
