internal import MMCore

/// A cmdlet that the sandbox runs.
struct ExchangeCmdlet: Sendable {
    /// The permission that a cmdlet needs.
    enum Need: Sendable {
        /// None, for one's own mailbox.
        case own
        /// A role that may read everything.
        case reading
        /// A role that manages Exchange.
        case managing
    }

    let name: String
    let need: Need
    /// The parameters that it accepts besides the common ones, with their types.
    let parameters: [String: ExchangeParameter]
    let isCompliance: Bool
    /// Whether any parameter is accepted. Clients know the service's own tables.
    let isOpen: Bool
    let run: @Sendable (ExchangeOrganization, InvokedCmdlet) throws(ExchangeFailure) -> ExchangeAnswer

    init(
        _ name: String, _ need: Need, _ parameters: String, compliance: Bool = false,
        open: Bool = false,
        _ run: @escaping @Sendable (ExchangeOrganization, InvokedCmdlet) throws(ExchangeFailure) -> ExchangeAnswer
    ) {
        self.name = name
        self.need = need
        var declared: [String: ExchangeParameter] = [:]
        for word in parameters.split(separator: " ") {
            let parts = word.split(separator: ":", maxSplits: 1)
            declared[parts[0].lowercased()] = ExchangeParameter(parts.count > 1 ? parts[1] : "")
        }
        self.parameters = declared
        isCompliance = compliance
        isOpen = open
        self.run = run
    }

    init(
        _ name: String, _ need: Need, _ parameters: String,
        _ method:
            @escaping @Sendable (ExchangeOrganization) -> (InvokedCmdlet) throws(ExchangeFailure) -> ExchangeAnswer
    ) {
        self.init(name, need, parameters) { (organization, call) throws(ExchangeFailure) in
            try method(organization)(call)
        }
    }

    private static let common: [String: ExchangeParameter] = [
        "whatif": .flag, "confirm": .flag, "resultsize": .any, "organization": .any,
    ]

    /// Checks the parameters of a call.
    /// - Throws: the service's error for an unknown parameter, or for a value of another type.
    func check(_ call: InvokedCmdlet) throws(ExchangeFailure) {
        for given in call.names {
            guard let parameter = parameters[given.lowercased()] ?? Self.common[given.lowercased()] else {
                if isOpen { continue }
                throw .unknownParameter(given)
            }
            try parameter.check(call.raw(given) ?? .null, of: given)
        }
    }

    /// Returns a parameter's value as it is stored.
    func value(_ name: String, in call: InvokedCmdlet) -> JSONValue {
        (parameters[name.lowercased()] ?? .any).value(call.raw(name) ?? .null)
    }

    /// A cmdlet for objects of a type that the tenant has none of.
    static func ofNothing(_ name: String) -> ExchangeCmdlet {
        ExchangeCmdlet(name, .reading, "", open: true) { (organization, call) throws(ExchangeFailure) in
            // What is named may also be the mailbox that the objects would belong to.
            if let name = call.text("Identity"), (try? organization.mailboxes.find(name)) == nil {
                throw .notFound(name)
            }
            return try .page(of: [], call)
        }
    }

    /// All cmdlets, by name in lower case.
    static let all: [String: ExchangeCmdlet] = Dictionary(
        [
            mailboxes, permissions, folderPermissions, rules, groups, groupLinks, organization, settings, compliance,
            complianceReading, protection, reading, creating, traces,
        ].joined().map {
            ($0.name.lowercased(), $0)
        },
        uniquingKeysWith: { first, _ in first })
}

/// Cmdlets for the permissions on folders of mailboxes.
extension ExchangeCmdlet {
    static let folderPermissions: [ExchangeCmdlet] = [
        ExchangeCmdlet("Get-MailboxFolderPermission", .reading, "Identity User GroupMailbox") {
            (organization, call) throws(ExchangeFailure) in
            let folder = try organization.folder(call)
            guard call.text("User") != nil else { return try .page(of: organization.permissions(on: folder), call) }
            let place = try organization.place(in: folder, call)
            return try .page(of: [organization.permissions(on: folder)[place]], call)
        },
        ExchangeCmdlet(
            "Add-MailboxFolderPermission", .managing,
            "Identity User AccessRights SharingPermissionFlags SendNotificationToUser:b"
        ) { (organization, call) throws(ExchangeFailure) in
            let folder = try organization.folder(call)
            guard let rights = call.texts("AccessRights"), !rights.isEmpty else { throw .missing("AccessRights") }
            guard (try? organization.place(in: folder, call)) == nil else {
                throw ExchangeFailure(
                    400, "BadRequest",
                    type: "Microsoft.Exchange.Management.StoreTasks.UserAlreadyExistsInPermissionEntryException",
                    "An existing permission entry was found for user: \(call.text("User") ?? "").")
            }
            let row = ExchangeOrganization.permission(folder, try organization.holder(call), rights)
            organization.writtenFolders[folder.key] = organization.permissions(on: folder) + [row]
            return .row(row, call)
        },
        ExchangeCmdlet(
            "Set-MailboxFolderPermission", .managing,
            "Identity User AccessRights SharingPermissionFlags SendNotificationToUser:b"
        ) { (organization, call) throws(ExchangeFailure) in
            let folder = try organization.folder(call)
            guard let rights = call.texts("AccessRights"), !rights.isEmpty else { throw .missing("AccessRights") }
            let place = try organization.place(in: folder, call)
            var rows = organization.permissions(on: folder)
            rows[place]["AccessRights"] = .array(rights.map { .string($0) })
            organization.writtenFolders[folder.key] = rows
            return .nothing
        },
        ExchangeCmdlet("Remove-MailboxFolderPermission", .managing, "Identity User") {
            (organization, call) throws(ExchangeFailure) in
            let folder = try organization.folder(call)
            let place = try organization.place(in: folder, call)
            var rows = organization.permissions(on: folder)
            rows.remove(at: place)
            organization.writtenFolders[folder.key] = rows
            return .nothing
        },
    ]
}

/// A folder of a mailbox.
struct ExchangeFolder {
    let mailbox: ExchangeMailbox
    let name: String

    var key: String { "\(mailbox.id)/\(name.lowercased())" }

    /// Whether it is a calendar: the usual one, or one below it.
    var isCalendar: Bool { name.split(separator: "\\").first?.lowercased() == "calendar" }
}

extension ExchangeOrganization {
    fileprivate func folder(_ call: InvokedCmdlet) throws(ExchangeFailure) -> ExchangeFolder {
        guard let identity = call.text("Identity") else { throw .missing("Identity") }
        let mailbox = try mailboxes.find(String(identity.prefix { $0 != ":" }))
        // A mailbox without a folder stands for its root.
        let name = identity.contains(":\\") ? String(identity.drop { $0 != "\\" }.dropFirst()) : ""
        return ExchangeFolder(mailbox: mailbox, name: name.isEmpty ? "Top of Information Store" : name)
    }

    fileprivate static func permission(_ folder: ExchangeFolder, _ user: String, _ rights: [String]) -> JSONObject {
        [
            "Identity": .string("\(folder.mailbox.name):\\\(folder.name)"), "FolderName": .string(folder.name),
            "User": .string(user), "AccessRights": .array(rights.map { .string($0) }), "SharingPermissionFlags": .null,
        ]
    }

    fileprivate func permissions(on folder: ExchangeFolder) -> [JSONObject] {
        // Everybody in the organization sees free/busy times, and nothing of other folders.
        writtenFolders[folder.key] ?? [
            Self.permission(folder, "Default", [folder.isCalendar ? "AvailabilityOnly" : "None"]),
            Self.permission(folder, "Anonymous", ["None"]),
        ]
    }

    /// Returns the account that a call names, as a folder's permissions show it: by its display name.
    fileprivate func holder(_ call: InvokedCmdlet) throws(ExchangeFailure) -> String {
        guard let user = call.text("User") else { throw .missing("User") }
        if let own = ["Default", "Anonymous"].first(where: { $0.lowercased() == user.lowercased() }) { return own }
        if let name = group(named: user)?["DisplayName"]?.string { return name }
        return try mailboxes.find(user).displayName
    }

    /// Returns the index of the entry that a call names.
    fileprivate func place(in folder: ExchangeFolder, _ call: InvokedCmdlet) throws(ExchangeFailure) -> Int {
        let holder = try holder(call)
        guard let place = permissions(on: folder).firstIndex(where: { $0["User"]?.string == holder }) else {
            throw ExchangeFailure(
                400, "BadRequest",
                type: "Microsoft.Exchange.Management.StoreTasks.UserNotFoundInPermissionEntryException",
                "There is no existing permission entry found for user: \(call.text("User") ?? "").")
        }
        return place
    }
}

/// Cmdlets for groups and their members.
extension ExchangeCmdlet {
    private static let listing = "Identity Anr Filter RecipientTypeDetails SortBy ManagedBy"

    static let groups: [ExchangeCmdlet] = [
        ExchangeCmdlet("Get-DistributionGroup", .reading, listing) { (organization, call) throws(ExchangeFailure) in
            try organization.groupPage(organization.distributionGroups, call)
        },
        ExchangeCmdlet("Get-UnifiedGroup", .reading, listing + " IncludeAllProperties:b IncludeSoftDeletedGroups:b") {
            (organization, call) throws(ExchangeFailure) in try organization.groupPage(organization.unifiedGroups, call)
        },
        ExchangeCmdlet("Get-DistributionGroupMember", .reading, "Identity IncludeSoftDeletedObjects:b") {
            (organization, call) throws(ExchangeFailure) in
            let group = try organization.group(call, in: organization.distributionGroups)
            return try .page(of: organization.people(in: group, .members), call)
        },
        ExchangeCmdlet(
            "New-DistributionGroup", .managing,
            "Name Alias DisplayName PrimarySmtpAddress Type:Distribution|Security ManagedBy Members Notes "
                + groupSettings
        ) { (organization, call) throws(ExchangeFailure) in try organization.newGroup(call) },
        ExchangeCmdlet(
            "Set-DistributionGroup", .managing,
            "Identity Name Alias DisplayName ManagedBy BypassSecurityGroupManagerCheck:b " + groupSettings
        ) { (organization, call) throws(ExchangeFailure) in
            let group = try organization.group(call, in: organization.distributionGroups)
            organization.setGroup(group["Guid"]?.string ?? "", call)
            return .nothing
        },
        ExchangeCmdlet("Remove-DistributionGroup", .managing, "Identity BypassSecurityGroupManagerCheck:b") {
            (organization, call) throws(ExchangeFailure) in
            let group = try organization.group(call, in: organization.distributionGroups)
            organization.store.remove(group["Guid"]?.string ?? "", from: .groups)
            return .nothing
        },
        ExchangeCmdlet("Add-DistributionGroupMember", .managing, membership) {
            (organization, call) throws(ExchangeFailure) in
            let (group, member) = try organization.membership(call)
            let name = group["Name"]?.string ?? ""
            let address = LinkAddress(owner: group["Guid"]?.string ?? "", relation: .members)
            guard !organization.store.isLinked(member.id, address) else {
                throw ExchangeFailure(
                    400, "BadRequest", id: "ExC9CA5F",
                    type: "Microsoft.Exchange.Management.Tasks.MemberAlreadyExistsException",
                    "The recipient \"\(member.name)\" is already a member of the group \"\(name)\".")
            }
            organization.store.changeLinks(address) {
                if $0.removed.remove(member.id) == nil { $0.added.append(member.id) }
            }
            return .nothing
        },
        ExchangeCmdlet("Remove-DistributionGroupMember", .managing, membership) {
            (organization, call) throws(ExchangeFailure) in
            let (group, member) = try organization.membership(call)
            let address = LinkAddress(owner: group["Guid"]?.string ?? "", relation: .members)
            guard organization.store.isLinked(member.id, address) else {
                throw ExchangeFailure(
                    400, "BadRequest", id: "ExE0F4E5",
                    type: "Microsoft.Exchange.Management.Tasks.MemberNotFoundException",
                    "The recipient \"\(member.name)\" isn't a member of the group \"\(group["Name"]?.string ?? "")\".")
            }
            organization.store.changeLinks(address) { links in
                let added = links.added.count
                links.added.removeAll { $0 == member.id }
                if links.added.count == added { links.removed.insert(member.id) }
            }
            return .nothing
        },
    ]

    private static let groupSettings =
        "MemberJoinRestriction:Open|Closed|ApprovalRequired MemberDepartRestriction:Open|Closed|ApprovalRequired "
        + "RequireSenderAuthenticationEnabled:b HiddenFromAddressListsEnabled:b "
        + "ModerationEnabled:b ModeratedBy SendModerationNotifications:Always|Internal|Never"
    private static let membership = "Identity Member BypassSecurityGroupManagerCheck:b"
}

extension ExchangeOrganization {
    /// The lists and security groups with an address, which are kept in Exchange.
    var distributionGroups: [JSONObject] {
        groups(\.isKeptByExchange).map { group in
            let isSecurity = group["securityEnabled"] == true
            let type: JSONValue = isSecurity ? "MailUniversalSecurityGroup" : "MailUniversalDistributionGroup"
            var row = addressed(group)
            row["GroupType"] = isSecurity ? "Universal, SecurityEnabled" : "Universal"
            (row["RecipientType"], row["RecipientTypeDetails"]) = (type, type)
            row["MemberJoinRestriction"] = "Closed"
            row["WindowsEmailAddress"] = row["PrimarySmtpAddress"]
            return configured("DistributionGroup", group.id, row)
        }
    }

    /// The groups of Microsoft 365.
    var unifiedGroups: [JSONObject] {
        groups(\.isUnifiedGroup).map { group in
            var row = addressed(group)
            row["GroupType"] = "Universal"
            (row["RecipientType"], row["RecipientTypeDetails"]) = ("MailUniversalDistributionGroup", "GroupMailbox")
            let members = store.linked(LinkAddress(owner: group.id, relation: .members))
            row["AccessType"] = group["visibility"] ?? "Private"
            for (name, value) in Self.settingsOfUnifiedGroups { row[name] = value }
            row["GroupMemberCount"] = .int(Int64(members.count))
            row["GroupExternalMemberCount"] = .int(Int64(members.filter(isGuest).count))
            row["ResourceProvisioningOptions"] = group["resourceProvisioningOptions"] ?? []
            row["SharePointSiteUrl"] = .string("https://\(FileContent.host)/sites/\(row["Alias"]?.string ?? "")")
            row["Notes"] = group["description"] ?? .null
            row["ExchangeGuid"] = .string(mailboxes.ofGroup(row).exchangeGuid)
            return configured("UnifiedGroup", group.id, row)
        }
    }

    /// The security groups without an address: only `Get-Group` shows them, and they are no recipients.
    var securityGroups: [JSONObject] {
        groups { !$0.isKeptByExchange && !$0.isUnifiedGroup }.map { group in
            var row = shown(group)
            row["GroupType"] = "Universal, SecurityEnabled"
            (row["RecipientType"], row["RecipientTypeDetails"]) = ("UniversalSecurityGroup", "UniversalSecurityGroup")
            row["WindowsEmailAddress"] = ""
            return row
        }
    }

    private func groups(_ isWanted: (Record) -> Bool) -> [Record] { store.table(.groups).all.filter(isWanted) }

    /// Returns what Exchange shows of every group.
    private func shown(_ group: Record) -> JSONObject {
        let name = group["displayName"] ?? ""
        var row: JSONObject = [
            "Id": name, "Name": name, "DisplayName": name, "Identity": name,
            "ExternalDirectoryObjectId": .string(group.id), "Guid": .string(group.id), "ManagedBy": ["admin"],
            "DistinguishedName": .string(Self.distinguishedName(of: group["mailNickname"]?.string ?? "")),
            "IsDirSynced": false, "OrganizationalUnit": .string(Self.unit),
        ]
        for date in ["WhenCreated", "WhenCreatedUTC", "WhenChanged", "WhenChangedUTC"] {
            (row[date + "@data.type"], row[date]) = ("System.DateTime", group["createdDateTime"] ?? .null)
        }
        return row
    }

    /// Returns what Exchange shows of a group with an address.
    private func addressed(_ group: Record) -> JSONObject {
        let nickname = group["mailNickname"]?.string ?? ""
        let address = "\(nickname)@\(TenantIdentity.domain)"
        return shown(group).merging([
            "Alias": .string(nickname), "PrimarySmtpAddress": .string(address),
            "EmailAddresses": [.string("SMTP:\(address)")], "GrantSendOnBehalfTo": [], "AcceptMessagesOnlyFrom": [],
            "ModerationEnabled": false, "SendModerationNotifications": "Always", "MemberDepartRestriction": "Open",
            "RequireSenderAuthenticationEnabled": true, "HiddenFromAddressListsEnabled": false,
        ])
    }

    private func isGuest(_ id: String) -> Bool {
        store.users.ids.index(ofGuid: id).map { $0 < store.users.count && store.users.row($0).isGuest } ?? false
    }

    /// Returns the group with an identity, or a page of those that pass the filters.
    func groupPage(_ groups: [JSONObject], _ call: InvokedCmdlet) throws(ExchangeFailure) -> ExchangeAnswer {
        let identity = call.text("Identity")
        if let identity, !identity.contains("*") { return .row(try group(call, in: groups), call) }
        let kinds = MailboxSelection.words("RecipientTypeDetails", of: call)
        var rows = groups.filter { group in
            func text(_ name: String) -> String { group[name]?.string ?? "" }
            return kinds?.contains(text("RecipientTypeDetails").lowercased()) ?? true
                && identity.map { wanted in
                    ["Name", "Alias", "PrimarySmtpAddress"].contains { ExchangeFilter.matches(text($0), wanted) }
                } ?? true
        }
        let known = Set(groups.first?.keys.map { $0.lowercased() } ?? [])
        if let text = call.text("Filter") {
            let filter = try ExchangeFilter(text, properties: known.union(["members"]))
            rows = rows.filter { filter.passes(filterable($0, by: text)) }
        }
        if let name = call.text("SortBy") {
            guard let key = groups.first?.keys.first(where: { $0.lowercased() == name.lowercased() }) else {
                throw .invalid("SortBy", "\"\(name)\" is not a property that results can be sorted by.")
            }
            rows.sort { ($0[key]?.string ?? "").lowercased() < ($1[key]?.string ?? "").lowercased() }
        }
        return try .page(of: rows, call)
    }

    /// Returns a group as a filter sees it: its members can be filtered by, but aren't shown.
    func filterable(_ group: JSONObject, by filter: String) -> JSONObject {
        filter.lowercased().contains("members")
            ? group.merging(["Members": .array(membersNames(of: group))]) : group
    }

    private func membersNames(of group: JSONObject) -> [JSONValue] {
        store.linked(LinkAddress(owner: group["Guid"]?.string ?? "", relation: .members)).compactMap { id in
            store.users.ids.index(ofGuid: id).flatMap { mailboxes.mailbox($0) }.map { .string($0.distinguishedName) }
        }
    }

    /// Returns the group that `-Identity` names.
    func group(_ call: InvokedCmdlet, in groups: [JSONObject]) throws(ExchangeFailure) -> JSONObject {
        guard let identity = call.text("Identity") else { throw .missing("Identity") }
        let found = Self.recipients(named: identity, in: groups)
        guard let first = found.first else { throw .notFound(identity) }
        guard found.count == 1 else { throw .ambiguous(identity) }
        return first
    }

    fileprivate func membership(_ call: InvokedCmdlet) throws(ExchangeFailure) -> (JSONObject, ExchangeMailbox) {
        let group = try group(call, in: distributionGroups)
        return (group, try mailbox(call, "Member"))
    }

    func people(in group: JSONObject, _ relation: LinkAddress.Relation) -> [JSONObject] {
        store.linked(LinkAddress(owner: group["Guid"]?.string ?? "", relation: relation)).compactMap { id in
            guard let mailbox = store.users.ids.index(ofGuid: id).flatMap({ mailboxes.mailbox($0) }) else { return nil }
            return [
                "Name": .string(mailbox.name), "DisplayName": .string(mailbox.displayName),
                "PrimarySmtpAddress": .string(mailbox.address), "Alias": .string(mailbox.alias),
                "RecipientType": "UserMailbox", "RecipientTypeDetails": .string(mailbox.kind.rawValue),
                "ExternalDirectoryObjectId": .string(mailbox.id), "Identity": .string(mailbox.name),
                "Guid": .string(mailbox.id),
            ]
        }
    }
}

/// Cmdlets for the organization: domains, groups, audit logs.
extension ExchangeCmdlet {
    static let organization: [ExchangeCmdlet] = [
        ExchangeCmdlet("Get-AcceptedDomain", .reading, "Identity") { (organization, call) throws(ExchangeFailure) in
            let tenant = organization.context.organization
            let rows = [(tenant.domain, true), (tenant.initialDomain, false)].map {
                (name, isDefault) -> JSONObject in
                [
                    "DomainName": .string(name), "Name": .string(name), "Identity": .string(name),
                    "DomainType": "Authoritative", "Default": .bool(isDefault), "InitialDomain": .bool(!isDefault),
                    "AuthenticationType": "Managed", "MatchSubDomains": false, "IsValid": true,
                ]
            }
            return try organization.named("AcceptedDomain", rows, call)
        },
        ExchangeCmdlet("Get-OrganizationConfig", .reading, "") { (organization, call) throws(ExchangeFailure) in
            let tenant = organization.context.organization
            return .row(
                organization.configured(
                    "OrganizationConfig", "",
                    [
                        "Name": .string(tenant.initialDomain), "DisplayName": .string(tenant.name),
                        "Identity": .string(tenant.initialDomain), "AuditDisabled": false,
                        "OAuth2ClientProfileEnabled": true, "IsDehydrated": false, "CustomerLockboxEnabled": false,
                        "MailTipsAllTipsEnabled": true, "ActivityBasedAuthenticationTimeoutEnabled": true,
                        "ExchangeVersion": "0.20 (15.0.0.0)", "Guid": .string(tenant.id),
                    ]), call)
        },
        ExchangeCmdlet("Get-RemoteDomain", .reading, "Identity") { (organization, call) throws(ExchangeFailure) in
            try organization.named(
                "RemoteDomain",
                [
                    [
                        "Name": "Default", "Identity": "Default", "DomainName": "*", "AutoForwardEnabled": true,
                        "AutoReplyEnabled": true, "AllowedOOFType": "External", "DeliveryReportEnabled": true,
                        "IsInternal": false,
                    ]
                ], call)
        },
        ExchangeCmdlet("Get-HostedOutboundSpamFilterPolicy", .reading, "Identity") {
            (organization, call) throws(ExchangeFailure) in
            try organization.named(
                "HostedOutboundSpamFilterPolicy",
                [
                    [
                        "Name": "Default", "Identity": "Default", "AutoForwardingMode": "Automatic", "Enabled": true,
                        "IsDefault": true, "ActionWhenThresholdReached": "BlockUserForToday",
                        "RecipientLimitExternalPerHour": 0, "RecipientLimitInternalPerHour": 0,
                        "RecipientLimitPerDay": 0,
                    ]
                ], call)
        },
        ExchangeCmdlet("Get-InboundConnector", .reading, "Identity") { (organization, call) throws(ExchangeFailure) in
            try organization.named(
                "InboundConnector",
                [
                    [
                        "Name": "From the scanner network", "Identity": "From the scanner network", "Enabled": true,
                        "ConnectorType": "OnPremises", "ConnectorSource": "Default", "SenderDomains": ["smtp:*;1"],
                        "SenderIPAddresses": ["192.0.2.17"], "RequireTls": true, "RestrictDomainsToCertificate": false,
                        "TlsSenderCertificateName": .null, "CloudServicesMailEnabled": false,
                    ]
                ], call)
        },
        ExchangeCmdlet("Get-OutboundConnector", .reading, "Identity IncludeTestModeConnectors:b") {
            (organization, call) throws(ExchangeFailure) in
            try organization.named(
                "OutboundConnector",
                [
                    [
                        "Name": "To the partner", "Identity": "To the partner", "Enabled": true,
                        "ConnectorType": "Partner", "UseMXRecord": false, "SmartHosts": ["mail.fabrikam.example"],
                        "RecipientDomains": ["fabrikam.example"], "TlsSettings": "DomainValidation",
                        "TlsDomain": "mail.fabrikam.example", "IsTransportRuleScoped": false,
                        "RouteAllMessagesViaOnPremises": false,
                    ]
                ], call)
        },
        ExchangeCmdlet("Get-ConnectionInformation", .own, "ConnectionId ModulePrefix") {
            (organization, call) throws(ExchangeFailure) in
            .row(
                [
                    "ConnectionId": .string(TenantIdentity.id), "State": "Connected", "Id": 1,
                    "Name": "ExchangeOnline_1",
                    "UserPrincipalName": call.caller.map { .string($0.userPrincipalName) } ?? .null,
                    "ConnectionUri": .string(organization.context.base),
                    "AzureAdAuthorizationEndpointUri": .string("\(organization.context.base)/organizations"),
                    "ModuleName": "ExchangeOnlineManagement", "ModulePrefix": .null,
                    "Organization": .string(TenantIdentity.initialDomain), "PageSize": 1000,
                    "TenantID": .string(TenantIdentity.id), "TokenStatus": "Active",
                    "ConnectionUsedForInbuiltCmdlets": true, "IsEopSession": false,
                ], call)
        },
        ExchangeCmdlet("Get-AdminAuditLogConfig", .reading, "") { (organization, call) throws(ExchangeFailure) in
            .row(
                organization.configured(
                    "AdminAuditLogConfig", "",
                    [
                        "AdminAuditLogEnabled": true, "UnifiedAuditLogIngestionEnabled": true, "LogLevel": "None",
                        "AdminAuditLogAgeLimit": "90.00:00:00", "AdminAuditLogCmdlets": ["*"],
                        "AdminAuditLogParameters": ["*"], "Identity": "Admin Audit Log Settings",
                    ]), call)
        },
        ExchangeCmdlet(
            "Search-UnifiedAuditLog", .reading,
            "StartDate EndDate UserIds Operations RecordType FreeText IPAddresses ObjectIds SessionId SessionCommand "
                + "SiteIds Formatted HighCompleteness",
            ExchangeOrganization.auditLog),
    ]

    /// Cmdlets for settings that are written as they are shown.
    static let settings: [ExchangeCmdlet] = [
        setting(
            "OrganizationConfig",
            "AuditDisabled:b OAuth2ClientProfileEnabled:b CustomerLockboxEnabled:b "
                + "MailTipsAllTipsEnabled:b ActivityBasedAuthenticationTimeoutEnabled:b", named: false),
        setting("AdminAuditLogConfig", "UnifiedAuditLogIngestionEnabled:b AdminAuditLogAgeLimit", named: false),
        setting(
            "RemoteDomain",
            "AutoForwardEnabled:b AutoReplyEnabled:b AllowedOOFType:None|External|ExternalLegacy|InternalLegacy "
                + "DeliveryReportEnabled:b IsInternal:b"),
        setting(
            "HostedOutboundSpamFilterPolicy",
            "AutoForwardingMode:Automatic|Off|On ActionWhenThresholdReached:Alert|BlockUser|BlockUserForToday "
                + "RecipientLimitExternalPerHour:n RecipientLimitInternalPerHour:n RecipientLimitPerDay:n"),
        setting(
            "InboundConnector",
            "Enabled:b SenderDomains SenderIPAddresses RequireTls:b RestrictDomainsToCertificate:b "
                + "TlsSenderCertificateName CloudServicesMailEnabled:b"),
        setting(
            "OutboundConnector",
            "Enabled:b UseMXRecord:b SmartHosts RecipientDomains TlsSettings TlsDomain IsTransportRuleScoped:b "
                + "RouteAllMessagesViaOnPremises:b"),
        setting("AcceptedDomain", "DomainType:Authoritative|InternalRelay MatchSubDomains:b"),
    ]

    static func setting(
        _ noun: String, _ parameters: String, named: Bool = true, compliance: Bool = false
    ) -> ExchangeCmdlet {
        ExchangeCmdlet(
            "Set-\(noun)", .managing, named ? "Identity " + parameters : parameters, compliance: compliance
        ) { (organization, call) throws(ExchangeFailure) in
            guard !named || call.text("Identity") != nil else { throw .missing("Identity") }
            organization.set(noun, call.text("Identity") ?? "", call)
            return .nothing
        }
    }

    static let compliance: [ExchangeCmdlet] = [
        ExchangeCmdlet("Get-ComplianceSearch", .reading, "Identity Case", compliance: true) {
            (organization, call) throws(ExchangeFailure) in
            let rows = organization.complianceSearches
            return try ExchangeOrganization.named(rows, call)
        },
        ExchangeCmdlet(
            "New-ComplianceSearch", .managing,
            "Name ContentMatchQuery ExchangeLocation SharePointLocation Case Description",
            compliance: true
        ) { (organization, call) throws(ExchangeFailure) in
            guard let name = call.text("Name") else { throw .missing("Name") }
            let row = ExchangeOrganization.complianceSearch(
                name, call.text("ContentMatchQuery") ?? "", status: "NotStarted", items: 0)
            organization.searches.append(row)
            return .row(row, call)
        },
        ExchangeCmdlet(
            "Get-DlpCompliancePolicy", .reading, "Identity DisplayName IncludeExtendedProperties", compliance: true
        ) {
            (organization, call) throws(ExchangeFailure) in
            let rows = [("Credit card numbers", "Enable"), ("Health records", "TestWithNotifications")].map {
                (name, mode) -> JSONObject in
                [
                    "Name": .string(name), "Identity": .string(name), "Mode": .string(mode), "Enabled": true,
                    "Workload": "Exchange, SharePoint, OneDriveForBusiness", "ExchangeLocation": ["All"],
                    "WhenCreatedUTC@data.type": "System.DateTime", "WhenCreatedUTC": "2025-03-14T08:00:00Z",
                ]
            }
            return try organization.named("DlpCompliancePolicy", rows, call)
        },
    ]
}

extension ExchangeOrganization {
    /// Returns a row with the settings written since.
    func configured(_ noun: String, _ name: String, _ row: JSONObject) -> JSONObject {
        var row = row
        for (key, value) in writtenSettings["\(noun)/\(name)".lowercased()] ?? [:] {
            // A list is shown as a list even if a single item was given.
            let isList = row[key]?.array != nil && value.array == nil
            row[key] = isList ? .array(value.isNull ? [] : [value]) : value
        }
        return row
    }

    /// Writes settings as they are given.
    func set(_ noun: String, _ name: String, _ call: InvokedCmdlet) {
        let cmdlet = ExchangeCmdlet.all[call.cmdlet.lowercased()]
        for parameter in call.names where !["identity", "confirm", "whatif"].contains(parameter.lowercased()) {
            writtenSettings["\(noun)/\(name)".lowercased(), default: [:]][parameter] = cmdlet?.value(
                parameter, in: call)
        }
    }

    /// Returns the rows of a short list with the settings written since, or the one that `-Identity` names.
    func named(_ noun: String, _ rows: [JSONObject], _ call: InvokedCmdlet) throws(ExchangeFailure) -> ExchangeAnswer {
        try Self.named(listed(noun, rows), call)
    }

    /// Returns the rows of a short list with those created, removed and changed since.
    func listed(_ noun: String, _ rows: [JSONObject]) -> [JSONObject] {
        (rows + (createdRows[noun] ?? [])).filter {
            removedRows[noun]?.contains($0["Identity"]?.string?.lowercased() ?? "") != true
        }.map { configured(noun, $0["Identity"]?.string ?? "", $0) }
    }

    /// Returns the rows of a short list, or the one that `-Identity` names.
    static func named(_ rows: [JSONObject], _ call: InvokedCmdlet) throws(ExchangeFailure) -> ExchangeAnswer {
        guard let identity = call.text("Identity") else { return try .page(of: rows, call) }
        let found = rows.filter { isRule($0, identity) }
        if found.isEmpty { throw .notFound(identity) }
        return try .page(of: found, call)
    }

    /// Returns a date parameter; `nil` if it isn't given.
    func moment(_ call: InvokedCmdlet, _ name: String) throws(ExchangeFailure) -> Double? {
        guard let text = call.text(name) else { return nil }
        if let seconds = ServiceTime.seconds(text) ?? ServiceTime.seconds(text + "Z")
            ?? ServiceTime.seconds(text + "T00:00:00Z")
        {
            return seconds
        }
        let parts = text.split(separator: " ")[0].split(separator: "/").compactMap { Int($0) }
        if parts.count == 3 {
            func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
            let iso = "\(parts[2] < 50 ? 2000 + parts[2] : parts[2])-\(two(parts[0]))-\(two(parts[1]))T00:00:00Z"
            if let seconds = ServiceTime.seconds(iso) { return seconds }
        }
        throw .invalid(name, "Cannot convert value \"\(text.prefix(60))\" to type \"System.DateTime\".")
    }

    static func complianceSearch(_ name: String, _ query: String, status: String, items: Int) -> JSONObject {
        [
            "Name": .string(name), "Identity": .string(name), "ContentMatchQuery": .string(query),
            "Status": .string(status), "Items": .int(Int64(items)), "Size": .int(Int64(items * 71_000)),
            "ExchangeLocation": ["All"], "RunBy": .string(TenantIdentity.administrator),
        ]
    }

    var complianceSearches: [JSONObject] {
        [
            Self.complianceSearch(
                "Contract 2025", "subject:contract AND received>=2025-01-01", status: "Completed", items: 312),
            Self.complianceSearch("Payroll leak", "payroll", status: "Completed", items: 8),
        ] + searches
    }
}
