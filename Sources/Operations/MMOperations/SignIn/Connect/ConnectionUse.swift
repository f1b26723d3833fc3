import MMCore

/// The uses of a connection, with the delegated permissions that each needs: the single table for `mm connect`, the
/// modules' sign-ins and messages about missing consent. A test verifies that the permissions are enough for the
/// recipes and the areas of `permissions check`.
enum ConnectionUse: String, CaseIterable, Sendable {
    case graph, users, mailbox, exchange, teams, sharepoint, security, devices, apps, reports, azure, flow,
        powerplatform

    /// A row of the table.
    private struct Row {
        /// A short description, for the question.
        let purpose: String
        /// The permissions, by service.
        let permissions: [(service: ServiceApp, names: [String])]
        /// The name of the module for which it needs PowerShell sessions.
        var module: String?

        /// Creates a use of Microsoft Graph alone.
        init(_ purpose: String, _ names: String) {
            self.init(purpose, [(.graph, names)])
        }

        init(_ purpose: String, _ permissions: [(service: ServiceApp, names: String)], module: String? = nil) {
            self.purpose = purpose
            self.permissions = permissions.map { ($0.service, $0.names.split(separator: " ").map(String.init)) }
            self.module = module
        }
    }

    private var row: Row {
        switch self {
        case .graph:
            Row(
                "read the directory: users, groups, roles, domains, licences, policies, sign-in logs",
                "User.Read.All Group.Read.All Organization.Read.All Domain.Read.All RoleManagement.Read.Directory "
                    + "AuditLog.Read.All Reports.Read.All Policy.Read.All")
        case .users:
            Row(
                "create and change users and groups, end their sessions",
                "User.ReadWrite.All Group.ReadWrite.All User.RevokeSessions.All User.Invite.All")
        case .mailbox:
            Row(
                "your own mail, calendar, files, tasks, notes and chats",
                "Mail.ReadWrite Mail.Send MailboxSettings.ReadWrite Calendars.ReadWrite Files.ReadWrite.All "
                    + "Sites.ReadWrite.All User.ReadBasic.All Contacts.ReadWrite Tasks.ReadWrite Notes.ReadWrite.All "
                    + "Chat.ReadWrite Team.ReadBasic.All Channel.ReadBasic.All ChannelMessage.Send")
        case .exchange:
            Row(
                "administer Exchange",
                [(.exchange, "Exchange.Manage"), (.graph, "User.Read.All MailboxSettings.Read")],
                module: "exo")
        case .teams:
            Row(
                "administer Teams",
                [
                    (
                        .graph,
                        "User.Read.All Group.ReadWrite.All AppCatalog.ReadWrite.All TeamSettings.ReadWrite.All "
                            + "Channel.Delete.All ChannelSettings.ReadWrite.All ChannelMember.ReadWrite.All "
                            + "TeamMember.ReadWrite.All"
                    ), (.teams, "user_impersonation"),
                ], module: "teams")
        case .sharepoint:
            Row(
                "administer SharePoint",
                [(.sharePoint, "AllSites.FullControl"), (.graph, "Sites.Read.All SharePointTenantSettings.Read.All")],
                module: "pnp")
        case .security:
            Row(
                "risky accounts, alerts, sign-in methods, consents, conditional access",
                "User.Read.All AuditLog.Read.All Policy.Read.All RoleManagement.Read.Directory IdentityRiskyUser.Read.All "
                    + "IdentityRiskEvent.Read.All SecurityAlert.Read.All SecurityIncident.Read.All "
                    + "UserAuthenticationMethod.Read.All Application.Read.All Directory.Read.All")
        case .devices:
            Row(
                "managed devices, their settings and apps",
                "Device.Read.All DeviceManagementManagedDevices.Read.All DeviceManagementConfiguration.Read.All "
                    + "DeviceManagementApps.Read.All")
        case .apps:
            Row(
                "app registrations, expiring secrets, owners, consents",
                "Application.Read.All Directory.Read.All")
        case .reports:
            Row(
                "usage, licences, service health, messages of the message centre",
                "Reports.Read.All Organization.Read.All AuditLog.Read.All ServiceHealth.Read.All ServiceMessage.Read.All"
            )
        case .azure: Row("Azure resources", [(.azure, "user_impersonation")], module: "azure")
        case .flow: Row("Power Automate", [(.flow, "Flows.Read.All Flows.Manage.All User"), (.graph, "User.Read.All")])
        case .powerplatform:
            Row("Power Platform environments and Power Apps", [(.powerApps, "User")], module: "powerplatform")
        }
    }

    /// A short description, for the question.
    var purpose: String { row.purpose }
    /// The permissions, by service.
    var permissions: [(service: ServiceApp, names: [String])] { row.permissions }
    /// The name of the module for which it needs PowerShell sessions.
    var module: String? { row.module }

    /// Returns the permissions of several uses, by service, including the one to read the signed-in user.
    static func permissions(of uses: [ConnectionUse]) -> [(service: ServiceApp, names: [String])] {
        ServicePermissions.joined(uses.flatMap(\.permissions) + [(.graph, ["User.Read"])])
    }

    /// Returns the uses in a connection's entry.
    static func named(in connection: Connection) -> [ConnectionUse] {
        words("uses", of: connection).compactMap { ConnectionUse(rawValue: $0.lowercased()) }
    }

    /// Returns the Graph permissions that a module signing in with its publisher's app requests: those that the entry
    /// names (`scopes`), or else those that its uses need (`uses`).
    static func graphScopes(of connection: Connection) -> [String] {
        let named = words("scopes", of: connection)
        guard named.isEmpty else { return named }
        let uses = Self.named(in: connection)
        guard !uses.isEmpty else { return [] }
        return permissions(of: uses).first { $0.service == .graph }?.names ?? []
    }

    private static func words(_ key: String, of connection: Connection) -> [String] {
        let value = connection.raw[key]
        if let text = value?.string { return text.split { $0 == "," || $0.isWhitespace }.map(String.init) }
        return value?.array?.compactMap(\.string) ?? []
    }

    /// Reads the uses in a text such as `graph,exchange`.
    /// - Throws: `.invalidInput` for an unknown use, with the nearest one.
    static func list(_ text: String) throws(MMError) -> [ConnectionUse] {
        var uses: [ConnectionUse] = []
        for word in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            guard let use = ConnectionUse(rawValue: word.lowercased()) else {
                let all = allCases.map(\.rawValue)
                let near =
                    NearestNames.of(String(word), among: all, limit: 1).first.map { " Did you mean \($0)?" } ?? ""
                throw MMError(
                    .invalidInput, "'\(word.prefix(40))' is not a use of connections.\(near)",
                    hint: "Choose from: \(all.joined(separator: ", ")).", details: ["field": "uses"])
            }
            if !uses.contains(use) { uses.append(use) }
        }
        return uses
    }
}

/// Permissions by service.
enum ServicePermissions {
    /// Returns each service once with all its permissions, in the order of the services.
    static func joined(
        _ parts: [(service: ServiceApp, names: [String])]
    ) -> [(service: ServiceApp, names: [String])] {
        var named: [ServiceApp: Set<String>] = [:]
        for (service, names) in parts { named[service, default: []].formUnion(names) }
        return ServiceApp.allCases.compactMap { service in named[service].map { (service, $0.sorted()) } }
    }

    /// Returns one line for each service.
    static func lines(_ parts: [(service: ServiceApp, names: [String])]) -> [String] {
        parts.map { "\($0.service.title): \($0.names.joined(separator: ", "))" }
    }
}
