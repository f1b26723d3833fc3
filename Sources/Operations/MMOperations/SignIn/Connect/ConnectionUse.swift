import MMCore

/// What a connection is for, with the delegated permissions that this needs.
enum ConnectionUse: String, CaseIterable, Sendable {
    case graph, users, mailbox, exchange, teams, sharepoint, azure, flow, powerplatform

    /// In a few words, for the question.
    var purpose: String {
        switch self {
        case .graph: "read the directory, licences, reports, policies and sign-in logs"
        case .users: "create and change users and groups"
        case .mailbox: "your own mail, calendar, files, tasks, notes and chats"
        case .exchange: "administer Exchange"
        case .teams: "administer Teams"
        case .sharepoint: "administer SharePoint"
        case .azure: "Azure resources"
        case .flow: "Power Automate"
        case .powerplatform: "Power Platform environments and Power Apps"
        }
    }

    /// The permissions by the service that has them.
    var permissions: [(service: ServiceApp, names: [String])] {
        switch self {
        case .graph:
            [
                (
                    .graph,
                    [
                        "User.Read.All", "Group.Read.All", "AuditLog.Read.All", "Organization.Read.All",
                        "Reports.Read.All", "Policy.Read.All",
                    ]
                )
            ]
        case .users: [(.graph, ["User.ReadWrite.All", "Group.ReadWrite.All"])]
        case .mailbox:
            [
                (
                    .graph,
                    [
                        "Mail.ReadWrite", "Mail.Send", "Calendars.ReadWrite", "Files.ReadWrite.All",
                        "Sites.ReadWrite.All", "User.ReadBasic.All", "Contacts.ReadWrite", "Tasks.ReadWrite",
                        "Notes.ReadWrite.All", "Chat.ReadWrite", "Team.ReadBasic.All", "Channel.ReadBasic.All",
                        "ChannelMessage.Send",
                    ]
                )
            ]
        case .exchange: [(.exchange, ["Exchange.Manage"])]
        case .teams:
            [
                (
                    .graph,
                    [
                        "User.Read.All", "Group.ReadWrite.All", "AppCatalog.ReadWrite.All",
                        "TeamSettings.ReadWrite.All", "Channel.Delete.All", "ChannelSettings.ReadWrite.All",
                        "ChannelMember.ReadWrite.All",
                    ]
                ), (.teams, ["user_impersonation"]),
            ]
        case .sharepoint: [(.sharePoint, ["AllSites.FullControl"])]
        case .azure: [(.azure, ["user_impersonation"])]
        case .flow: [(.flow, ["Flows.Read.All", "Flows.Manage.All", "User"])]
        case .powerplatform: [(.powerApps, ["User"])]
        }
    }

    /// All permissions of several uses, and that to read who is signed in, by service.
    static func permissions(of uses: [ConnectionUse]) -> [(service: ServiceApp, names: [String])] {
        var named: [ServiceApp: Set<String>] = [.graph: ["User.Read"]]
        for use in uses {
            for (service, names) in use.permissions { named[service, default: []].formUnion(names) }
        }
        return ServiceApp.allCases.compactMap { service in named[service].map { (service, $0.sorted()) } }
    }

    /// The permissions of Graph that a connection's person is asked for by a module with its publisher's app: those that the
    /// entry names (`scopes`), else those that what it is for needs (`uses`).
    static func graphScopes(of connection: Connection) -> [String] {
        func words(_ key: String) -> [String] {
            let value = connection.raw[key]
            if let text = value?.string { return text.split { $0 == "," || $0.isWhitespace }.map(String.init) }
            return value?.array?.compactMap(\.string) ?? []
        }
        let named = words("scopes")
        guard named.isEmpty else { return named }
        let uses = words("uses").compactMap { ConnectionUse(rawValue: $0.lowercased()) }
        guard !uses.isEmpty else { return [] }
        return permissions(of: uses).first { $0.service == .graph }?.names ?? []
    }

    /// The uses in a text such as `graph,exchange`.
    /// - Throws: `.invalidInput` for a word that is none.
    static func list(_ text: String) throws(MMError) -> [ConnectionUse] {
        var uses: [ConnectionUse] = []
        for word in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            guard let use = ConnectionUse(rawValue: word.lowercased()) else {
                throw MMError(
                    .invalidInput, "'\(word.prefix(40))' is nothing that a connection can be for.",
                    hint: "Choose among: \(allCases.map(\.rawValue).joined(separator: ", ")).",
                    details: ["field": "uses"])
            }
            if !uses.contains(use) { uses.append(use) }
        }
        return uses
    }
}
