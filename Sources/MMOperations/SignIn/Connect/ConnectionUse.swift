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

/// One of Microsoft's services, by the app that stands for it in every tenant.
enum ServiceApp: String, CaseIterable, Sendable {
    case graph = "00000003-0000-0000-c000-000000000000"
    case exchange = "00000002-0000-0ff1-ce00-000000000000"
    case sharePoint = "00000003-0000-0ff1-ce00-000000000000"
    case teams = "48ac35b8-9aa8-4d74-927d-1f4a14a0b239"
    case azure = "797f4846-ba00-4fd7-ba43-dac1f8f63013"
    case flow = "7df0a125-d3be-4c96-aa54-591f83ff541c"
    case powerApps = "475226c6-020e-4fb2-8a90-7a972cbfc1d4"

    /// Its name in the admin centre.
    var title: String {
        switch self {
        case .graph: "Microsoft Graph"
        case .exchange: "Office 365 Exchange Online"
        case .sharePoint: "SharePoint"
        case .teams: "Skype and Teams Tenant Admin API"
        case .azure: "Azure Service Management"
        case .flow: "Microsoft Flow Service"
        case .powerApps: "PowerApps Service"
        }
    }
}

/// Microsoft's own command line client that every tenant knows (Azure CLI). Entra ID has given it directory permissions
/// of Graph in advance, so that nobody has to consent; mail, files and most writes it has not.
enum SharedClient {
    static let appID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
    static let title = "Microsoft's Azure CLI client"
}
