internal import MMCore

/// A part of Graph with its own permissions and error texts.
enum GraphArea: Sendable {
    case users, groups, directoryDevices, applications, consents, roles, logs, organization, mail, calendars, contacts,
        files, sites,
        teams, chats
    case mailboxSettings, devices, policies, risks, health, reports, authenticationMethods, sharePointSettings,
        monitoring, auditQueries, hunting

    /// The permissions of which one is needed to read.
    var reading: [String] {
        switch self {
        case .users:
            [
                "User.Read.All", "User.ReadBasic.All", "User.ReadWrite.All", "Directory.Read.All",
                "Directory.ReadWrite.All",
            ]
        case .groups:
            [
                "Group.Read.All", "Group.ReadWrite.All", "GroupMember.Read.All", "GroupMember.ReadWrite.All",
                "Directory.Read.All", "Directory.ReadWrite.All",
            ]
        case .directoryDevices: ["Device.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"]
        case .applications:
            ["Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"]
        case .consents:
            ["DelegatedPermissionGrant.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"]
        case .roles:
            [
                "RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory", "Directory.Read.All",
                "Directory.ReadWrite.All",
            ]
        case .logs: ["AuditLog.Read.All"]
        case .organization:
            [
                "User.Read", "Organization.Read.All", "Organization.ReadWrite.All", "Domain.Read.All",
                "Directory.Read.All", "Directory.ReadWrite.All",
            ]
        case .mail: ["Mail.Read", "Mail.ReadWrite", "Mail.ReadBasic", "Mail.Read.Shared"]
        case .calendars: ["Calendars.Read", "Calendars.ReadWrite", "Calendars.ReadBasic"]
        case .contacts: ["Contacts.Read", "Contacts.ReadWrite"]
        case .files:
            [
                "Files.Read", "Files.ReadWrite", "Files.Read.All", "Files.ReadWrite.All", "Sites.Read.All",
                "Sites.ReadWrite.All",
            ]
        case .sites: ["Sites.Read.All", "Sites.ReadWrite.All", "Sites.Manage.All", "Sites.FullControl.All"]
        case .teams:
            [
                "Team.ReadBasic.All", "Channel.ReadBasic.All", "ChannelMessage.Read.All", "Group.Read.All",
                "Group.ReadWrite.All",
            ]
        case .chats: ["Chat.Read", "Chat.ReadBasic", "Chat.ReadWrite"]
        case .mailboxSettings: ["MailboxSettings.Read", "MailboxSettings.ReadWrite"]
        case .devices:
            [
                "DeviceManagementManagedDevices.Read.All", "DeviceManagementManagedDevices.ReadWrite.All",
                "DeviceManagementConfiguration.Read.All", "DeviceManagementConfiguration.ReadWrite.All",
            ]
        case .policies: ["Policy.Read.All", "Policy.Read.ConditionalAccess", "Policy.ReadWrite.ConditionalAccess"]
        case .risks: ["IdentityRiskyUser.Read.All", "IdentityRiskyUser.ReadWrite.All"]
        case .health: ["ServiceHealth.Read.All"]
        case .reports: ["Reports.Read.All"]
        case .authenticationMethods:
            ["UserAuthenticationMethod.Read.All", "UserAuthenticationMethod.ReadWrite.All", "AuditLog.Read.All"]
        case .sharePointSettings: ["SharePointTenantSettings.Read.All", "SharePointTenantSettings.ReadWrite.All"]
        case .monitoring: ["ConfigurationMonitoring.Read.All", "ConfigurationMonitoring.ReadWrite.All"]
        case .hunting: ["ThreatHunting.Read.All"]
        case .auditQueries:
            [
                "AuditLogsQuery.Read.All", "AuditLogsQuery-Entra.Read.All", "AuditLogsQuery-Exchange.Read.All",
                "AuditLogsQuery-SharePoint.Read.All", "AuditLogsQuery-OneDrive.Read.All",
                "AuditLogsQuery-Endpoint.Read.All", "AuditLogsQuery-CRM.Read.All",
            ]
        }
    }

    /// The permissions of which one is needed to write.
    var writing: [String] {
        switch self {
        case .users: ["User.ReadWrite.All", "Directory.ReadWrite.All"]
        case .groups: ["Group.ReadWrite.All", "GroupMember.ReadWrite.All", "Directory.ReadWrite.All"]
        case .directoryDevices: ["Device.ReadWrite.All", "Directory.ReadWrite.All"]
        case .applications: ["Application.ReadWrite.All", "Directory.ReadWrite.All"]
        case .consents: ["DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"]
        case .roles: ["RoleManagement.ReadWrite.Directory"]
        case .logs: []
        case .organization: ["Organization.ReadWrite.All", "Directory.ReadWrite.All"]
        case .mail: ["Mail.ReadWrite"]
        case .calendars: ["Calendars.ReadWrite"]
        case .contacts: ["Contacts.ReadWrite"]
        case .files: ["Files.ReadWrite", "Files.ReadWrite.All", "Sites.ReadWrite.All"]
        case .sites: ["Sites.ReadWrite.All", "Sites.Manage.All", "Sites.FullControl.All"]
        case .teams: ["Group.ReadWrite.All", "TeamSettings.ReadWrite.All", "ChannelMessage.Send"]
        case .chats: ["Chat.ReadWrite", "ChatMessage.Send"]
        case .mailboxSettings: ["MailboxSettings.ReadWrite"]
        case .devices:
            ["DeviceManagementManagedDevices.ReadWrite.All", "DeviceManagementConfiguration.ReadWrite.All"]
        case .policies: ["Policy.ReadWrite.ConditionalAccess"]
        case .risks: ["IdentityRiskyUser.ReadWrite.All"]
        case .authenticationMethods: ["UserAuthenticationMethod.ReadWrite.All"]
        case .sharePointSettings: ["SharePointTenantSettings.ReadWrite.All"]
        case .monitoring: ["ConfigurationMonitoring.ReadWrite.All"]
        // Starting a search needs no more than reading what it finds.
        case .auditQueries, .hunting: reading
        case .health, .reports: []
        }
    }

    /// Whether it belongs to the directory, where writes also need a role.
    var isDirectory: Bool {
        switch self {
        case .users, .groups, .directoryDevices, .applications, .consents, .roles, .organization: true
        default: false
        }
    }

    /// Whether only administrators and global readers may read it.
    var needsReader: Bool {
        switch self {
        case .logs, .devices, .policies, .risks, .health, .reports, .authenticationMethods, .sharePointSettings,
            .monitoring, .auditQueries, .hunting:
            true
        default: false
        }
    }

    var missing: GraphFailure? {
        switch self {
        case .mail, .mailboxSettings, .calendars, .contacts: .mailItemMissing
        case .files, .sites: .fileMissing
        case .teams, .chats: GraphFailure(404, "NotFound", "NotFound")
        default: nil
        }
    }

    var denied: GraphFailure {
        switch self {
        case .mail, .mailboxSettings, .calendars, .contacts: .mailDenied
        case .files, .sites: GraphFailure(403, "accessDenied", "Access denied")
        case .teams, .chats: GraphFailure(403, "Forbidden", "Missing scope permissions on the request.")
        default: .denied
        }
    }
}

/// The settings of mailboxes: the initial ones, and the changes to them.
final class MailboxSettings {
    private let store: DirectoryStore
    /// The changed settings, by owner.
    private var changed: [String: JSONObject] = [:]

    init(store: DirectoryStore) { self.store = store }

    subscript(owner: String) -> JSONObject {
        get { changed[owner] ?? start(owner) }
        set { changed[owner] = newValue }
    }

    private func start(_ id: String) -> JSONObject {
        let language = store.user(id)?["preferredLanguage"]?.string ?? "en-US"
        return [
            "archiveFolder": .null, "timeZone": "UTC", "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
            "dateFormat": "yyyy-MM-dd", "timeFormat": "HH:mm", "userPurpose": "user",
            "automaticRepliesSetting": [
                "status": "disabled", "externalAudience": "all", "internalReplyMessage": "", "externalReplyMessage": "",
            ],
            "language": ["locale": .string(language), "displayName": .string(language)],
            "workingHours": [
                "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"], "startTime": "08:00:00.0000000",
                "endTime": "17:00:00.0000000", "timeZone": ["name": "UTC"],
            ],
        ]
    }
}

/// The target of a Graph path.
enum GraphNode: Sendable {
    /// A collection, or the part of it that passes a test.
    case collection(TableAddress, where: (@Sendable (Record) -> Bool)? = nil)
    /// One row of a collection.
    case row(TableAddress, key: String)
    /// References to objects of the directory; they can be changed if there is an address.
    case links([String], LinkAddress?)
    /// One reference.
    case link(String)
    /// Rows that are generated for this request.
    case made(EntityKind, [Record])
    /// One object that is generated for this request.
    case single(EntityKind?, Record)
}

/// A node with its text for `@odata.context`, and the rest of the path.
struct GraphPlace: Sendable {
    var node: GraphNode
    var label: String
    var rest: ArraySlice<GraphSegment>
    var area: GraphArea
    /// The object id of the mailbox or drive owner, when there is one.
    var owner: String?
    /// A cast such as `microsoft.graph.user` on a list of references.
    var cast: String?

    init(
        _ node: GraphNode, _ label: String, _ area: GraphArea, _ rest: ArraySlice<GraphSegment>, owner: String? = nil,
        cast: String? = nil
    ) {
        (self.node, self.label, self.area, self.rest) = (node, label, area, rest)
        (self.owner, self.cast) = (owner, cast)
    }
}

extension GraphPlace {
    /// Returns a collection, or one row of it by key.
    static func plain(
        _ address: TableAddress, _ label: String, _ area: GraphArea, _ rest: ArraySlice<GraphSegment>,
        owner: String? = nil
    ) -> GraphPlace {
        guard let key = rest.first?.name, !key.hasPrefix("$"), key != "delta" else {
            return GraphPlace(.collection(address), label, area, rest, owner: owner)
        }
        return GraphPlace(.row(address, key: key), label, area, rest.dropFirst(), owner: owner)
    }

    /// Returns a list of references, one of them, or those of one type.
    static func references(_ ids: [String], _ address: LinkAddress?, _ rest: ArraySlice<GraphSegment>, area: GraphArea)
        -> GraphPlace
    {
        var rest = rest
        var cast: String?
        if let name = rest.first?.name, name.hasPrefix("microsoft.graph.") || name.hasPrefix("graph.") {
            cast = name.split(separator: ".").last.map(String.init)
            rest = rest.dropFirst()
        }
        if let key = rest.first?.name, GUID.isValid(key) {
            let found = ids.contains(key.lowercased())
            // `$ref` may follow, which removes the link but keeps the object.
            return GraphPlace(
                .links(found ? [key.lowercased()] : [], address), "directoryObjects", area, rest, cast: cast)
        }
        return GraphPlace(.links(ids, address), "directoryObjects", area, rest, cast: cast)
    }
}
