internal import MMCore

/// Cmdlets for reports on the settings of mailboxes and the organization, which only read.
extension ExchangeCmdlet {
    static let reading: [ExchangeCmdlet] =
        ofMailboxes.flatMap(\.self) + lists.map { entry in list(entry.noun, entry.parameters, entry.rows) } + others

    /// Returns the cmdlet with one row per mailbox, for `-Identity` or for all that pass the filters, and the one that
    /// writes what these rows show.
    private static func ofMailbox(
        _ noun: String, _ parameters: String = "Identity",
        _ row: @escaping @Sendable (ExchangeOrganization, ExchangeMailbox) -> JSONObject
    ) -> [ExchangeCmdlet] {
        @Sendable func current(_ organization: ExchangeOrganization, _ mailbox: ExchangeMailbox) -> JSONObject {
            let initial = row(organization, mailbox)
            let written = organization.configured(noun, mailbox.id, initial)
            return JSONObject(written.filter { initial[$0.key] != nil }.map { ($0.key, $0.value) })
        }
        return [
            ExchangeCmdlet("Get-\(noun)", .reading, parameters) { (organization, call) throws(ExchangeFailure) in
                guard call.text("Identity") != nil || parameters != "Identity" else { throw .missing("Identity") }
                return try organization.rowsOfMailboxes(call) { current(organization, $0) }
            },
            ExchangeCmdlet("Set-\(noun)", .managing, "", open: true) {
                (organization, call) throws(ExchangeFailure) in
                let mailbox = try organization.mailbox(call)
                let before = current(organization, mailbox)
                organization.set(noun, mailbox.id, call)
                for name in call.names {
                    guard let edit = call[name]?.object, let list = before[name] else { continue }
                    organization.writtenSettings["\(noun)/\(mailbox.id)".lowercased(), default: [:]][name] =
                        ExchangeOrganization.edited(list, by: edit)
                }
                return .nothing
            },
        ]
    }

    private static func named(_ mailbox: ExchangeMailbox) -> JSONObject {
        ["Identity": .string(mailbox.name), "MailboxOwnerId": .string(mailbox.name)]
    }

    private static let ofMailboxes: [[ExchangeCmdlet]] = [
        ofMailbox("MailboxJunkEmailConfiguration", "Identity ResultSize") { _, mailbox in
            named(mailbox).merging([
                "Enabled": true, "ContactsTrusted": false, "TrustedListsOnly": false,
                "TrustedSendersAndDomains": mailbox.row.index % 3 == 0 ? ["fabrikam.example"] : [],
                "TrustedRecipientsAndDomains": [],
                "BlockedSendersAndDomains": mailbox.row.index % 4 == 0 ? ["spam@northwind.example"] : [],
            ])
        },
        ofMailbox("MailboxRegionalConfiguration") { _, mailbox in
            named(mailbox).merging([
                "Language": "en-US", "DateFormat": "M/d/yyyy", "TimeFormat": "h:mm tt",
                "TimeZone": "W. Europe Standard Time", "DefaultFolderNameMatchingUserLanguage": false,
            ])
        },
        ofMailbox("MailboxCalendarConfiguration") { _, mailbox in
            named(mailbox).merging([
                "WorkDays": "Weekdays", "WorkingHoursStartTime": "08:00:00", "WorkingHoursEndTime": "17:00:00",
                "WorkingHoursTimeZone": "W. Europe Standard Time", "WeekStartDay": "Monday", "RemindersEnabled": true,
                "DefaultReminderTime": "00:15:00",
            ])
        },
        ofMailbox("MailboxMessageConfiguration") { _, mailbox in
            named(mailbox).merging([
                "AutoAddSignature": false, "SignatureText": "", "SignatureHtml": "", "DefaultFontName": "Aptos",
                "DefaultFormat": "Html",
            ])
        },
        ofMailbox("CalendarProcessing", "Identity ResultSize") { _, mailbox in
            let isResource = mailbox.kind == .room || mailbox.kind == .equipment
            return named(mailbox).merging([
                "AutomateProcessing": isResource ? "AutoAccept" : "AutoUpdate", "AllowConflicts": false,
                "BookingType": "Standard", "BookingWindowInDays": 180, "MaximumDurationInMinutes": 1440,
                "AllowRecurringMeetings": true, "AllBookInPolicy": true, "AllRequestInPolicy": false,
                "AllRequestOutOfPolicy": false, "BookInPolicy": [], "RequestInPolicy": [], "ResourceDelegates": [],
                "ScheduleOnlyDuringWorkHours": false, "DeleteComments": true, "DeleteSubject": true,
                "AddOrganizerToSubject": true, "ProcessExternalMeetingMessages": false,
                "ConflictPercentageAllowed": 0, "MaximumConflictInstances": 0, "MinimumDurationInMinutes": 0,
                "EnforceSchedulingHorizon": true, "EnforceCapacity": false, "ForwardRequestsToDelegates": true,
                "DeleteAttachments": true, "DeleteNonCalendarItems": true, "RemovePrivateProperty": true,
                "RemoveOldMeetingMessages": true, "RemoveForwardedMeetingNotifications": false,
                "RemoveCanceledMeetings": false, "AddNewRequestsTentatively": true, "TentativePendingApproval": true,
                "EnableResponseDetails": true, "OrganizerInfo": true, "AddAdditionalResponse": false,
                "AdditionalResponse": "", "RequestOutOfPolicy": [],
            ])
        },
        ofMailbox("Clutter") { _, mailbox in named(mailbox).merging(["IsEnabled": false]) },
        ofMailbox("FocusedInbox") { _, mailbox in named(mailbox).merging(["FocusedInboxOn": true]) },
        ofMailbox("MailboxAuditBypassAssociation", "Identity ResultSize Filter") { _, mailbox in
            [
                "Identity": .string(mailbox.name), "Name": .string(mailbox.name), "AuditBypassEnabled": false,
                "ObjectId": .string(mailbox.name),
            ]
        },
        ofMailbox("MailboxLocation", "Identity User MailboxGuid") { _, mailbox in
            [
                "Identity": .string(mailbox.name), "MailboxGuid": .string(mailbox.exchangeGuid),
                "MailboxLocationType": "Primary", "OwnerId": .string(mailbox.name),
                "DatabaseLocation": "SANDBOX00DG100-db001",
            ]
        },
    ]

    /// Returns a cmdlet for a list of the organization, with `-Identity` for one of its rows.
    private static func list(_ noun: String, _ parameters: String, _ rows: [JSONObject]) -> ExchangeCmdlet {
        ExchangeCmdlet("Get-\(noun)", .reading, "Identity " + parameters) {
            (organization, call) throws(ExchangeFailure) in try organization.named(noun, rows, call)
        }
    }

    private static let recipients =
        "Anr Filter SortBy ResultSize RecipientTypeDetails OrganizationalUnit IncludeSystemObjects:b"

    private static let lists: [(noun: String, parameters: String, rows: [JSONObject])] = [
        (
            "DynamicDistributionGroup", recipients + " ManagedBy",
            [
                [
                    "Name": "Everybody", "DisplayName": "Everybody", "Identity": "Everybody", "Alias": "everybody",
                    "PrimarySmtpAddress": "everybody@contoso-sandbox.example",
                    "RecipientFilter": "((RecipientTypeDetails -eq 'UserMailbox'))",
                    "RecipientType": "DynamicDistributionGroup", "RecipientTypeDetails": "DynamicDistributionGroup",
                    "IncludedRecipients": "MailboxUsers", "ManagedBy": "admin",
                    "HiddenFromAddressListsEnabled": false, "RequireSenderAuthenticationEnabled": true,
                    "OrganizationalUnit": .string(ExchangeOrganization.unit), "ModerationEnabled": false,
                    "SendModerationNotifications": "Always", "WhenCreated@data.type": "System.DateTime",
                    "WhenCreated": "2024-02-01T08:00:00Z", "WhenChanged@data.type": "System.DateTime",
                    "WhenChanged": "2024-02-01T08:00:00Z",
                ]
            ]
        ),
        (
            "MailContact", recipients,
            [
                [
                    "Name": "Nora North", "DisplayName": "Nora North", "Identity": "Nora North", "Alias": "nora.north",
                    "ExternalEmailAddress": "SMTP:nora@northwind.example",
                    "PrimarySmtpAddress": "nora@northwind.example", "EmailAddresses": ["SMTP:nora@northwind.example"],
                    "RecipientType": "MailContact", "RecipientTypeDetails": "MailContact",
                    "HiddenFromAddressListsEnabled": false,
                ]
            ]
        ),
        (
            "App", "Mailbox OrganizationApp:b PrivateCatalog:b",
            [
                [
                    "AppId": "afde34e6-58a4-4122-8a52-ef402180a878", "DisplayName": "Polls", "AppVersion": "1.0.0.0",
                    "Type": "MarketPlace", "Scope": "Default", "ProviderName": "Microsoft", "Enabled": true,
                    "DefaultStateForUser": "Enabled", "Identity": "afde34e6-58a4-4122-8a52-ef402180a878",
                    "Description": "Polls in messages.", "Requirements": "ReadWriteMailbox", "UserList": [],
                ]
            ]
        ),
        (
            "RMSTemplate", "TrustPublishingDomain Type",
            [
                [
                    "Name": "Encrypt", "Identity": "Encrypt", "Description": "", "Type": "Archived",
                    "TemplateGuid": "c026002d-0000-4000-8000-00000000a101",
                ],
                [
                    "Name": "Do Not Forward", "Identity": "Do Not Forward", "Description": "", "Type": "Archived",
                    "TemplateGuid": "cf5cf348-0000-4000-8000-00000000a102",
                ],
            ]
        ),
        (
            "OwaMailboxPolicy", "",
            [
                [
                    "Name": "OwaMailboxPolicy-Default", "Identity": "OwaMailboxPolicy-Default", "IsDefault": true,
                    "AdditionalStorageProvidersAvailable": true, "ExternalImageProxyEnabled": true,
                    "ConditionalAccessPolicy": "Off", "ActiveSyncIntegrationEnabled": true,
                    "WacViewingOnPublicComputersEnabled": true,
                ]
            ]
        ),
        (
            "MobileDeviceMailboxPolicy", "",
            [
                [
                    "Name": "Default", "Identity": "Default", "IsDefault": true, "PasswordEnabled": false,
                    "AllowSimplePassword": true, "DeviceEncryptionEnabled": false, "MaxInactivityTimeLock": "Unlimited",
                ]
            ]
        ),
        (
            "CASMailboxPlan", "Filter ResultSize SortBy Credential",
            [
                [
                    "Name": "ExchangeOnlineEnterprise", "Identity": "ExchangeOnlineEnterprise",
                    "DisplayName": "ExchangeOnlineEnterprise", "ImapEnabled": true, "PopEnabled": true,
                    "ActiveSyncEnabled": true, "OwaMailboxPolicy": "OwaMailboxPolicy-Default",
                ]
            ]
        ),
        (
            "MailboxPlan", "Filter ResultSize SortBy AllMailboxPlanReleases:b",
            [
                [
                    "Name": "ExchangeOnlineEnterprise", "Identity": "ExchangeOnlineEnterprise",
                    "DisplayName": "ExchangeOnlineEnterprise", "IsDefault": true,
                    "ProhibitSendReceiveQuota": "100 GB (107,374,182,400 bytes)",
                    "RetentionPolicy": "Default MRM Policy",
                ]
            ]
        ),
        (
            "EmailAddressPolicy", "IncludeMailboxSettingOnlyPolicy:b",
            [
                [
                    "Name": "Default Policy", "Identity": "Default Policy", "Priority": "Lowest",
                    "EnabledPrimarySMTPAddressTemplate": "@contoso-sandbox.example",
                    "EnabledEmailAddressTemplates": ["SMTP:@contoso-sandbox.example"], "RecipientFilterApplied": false,
                ]
            ]
        ),
        (
            "RetentionPolicyTag", "IncludeSystemTags:b Mailbox OptionalInMailbox:b Types",
            [
                [
                    "Name": "Default 2 year move to archive", "Identity": "Default 2 year move to archive",
                    "Type": "All", "AgeLimitForRetention": "730.00:00:00", "RetentionEnabled": true,
                    "RetentionAction": "MoveToArchive",
                ],
                [
                    "Name": "Deleted Items", "Identity": "Deleted Items", "Type": "DeletedItems",
                    "AgeLimitForRetention": "30.00:00:00", "RetentionEnabled": true,
                    "RetentionAction": "DeleteAndAllowRecovery",
                ],
            ]
        ),
        (
            "RoleGroup", "Filter ResultSize SortBy ShowPartnerLinked:b UsnForReconciliationSearch",
            ["Organization Management", "Recipient Management", "View-Only Organization Management"].map { name in
                [
                    "Name": .string(name), "Identity": .string(name), "DisplayName": .string(name),
                    "Members": name.hasPrefix("Org") ? ["admin"] : [], "Roles": ["Mail Recipients"],
                    "ManagedBy": ["Organization Management"], "RoleGroupType": "Standard",
                    "WhenCreated@data.type": "System.DateTime", "WhenCreated": "2022-03-01T08:00:00Z",
                    "WhenChanged@data.type": "System.DateTime", "WhenChanged": "2026-02-01T08:00:00Z",
                ]
            }
        ),
        (
            "ManagementRoleAssignment",
            "Role RoleAssignee Enabled:b Delegating:b Exclusive:b GetEffectiveUsers:b RoleAssigneeType AssignmentMethod",
            [
                [
                    "Name": "Mail Recipients-Organization Management",
                    "Identity": "Mail Recipients-Organization Management", "Role": "Mail Recipients",
                    "RoleAssigneeName": "Organization Management", "RoleAssignee": "Organization Management",
                    "RoleAssigneeType": "RoleGroup", "AssignmentMethod": "Direct",
                    "EffectiveUserName": "All Group Members",
                    "RoleAssignmentDelegationType": "Regular", "Enabled": true,
                ]
            ]
        ),
        ("PublicFolder", "Recurse:b GetChildren:b Mailbox ResultSize ResidentFolders:b", []),
        ("MailPublicFolder", recipients, []),
        ("PublicFolderStatistics", "ResultSize", []),
        ("JournalRule", "", []), ("HostedContentFilterRule", "State", []), ("AntiPhishRule", "State", []),
        ("MalwareFilterRule", "State", []), ("HostedOutboundSpamFilterRule", "State", []),
        ("SafeLinksRule", "State", []), ("SafeAttachmentRule", "State", []),
        ("MailboxRestoreRequest", "SourceMailbox TargetMailbox Status Name ResultSize", []),
        ("MoveRequest", "MoveStatus ResultSize BatchName", []), ("MigrationBatch", "Status", []),
        ("MigrationEndpoint", "Type ConnectionSettings", []),
        ("MailboxImportRequest", "Mailbox Status Name ResultSize", []),
        ("BlockedSenderAddress", "SenderAddress", []), ("Contact", recipients, []),
        ("EligibleDistributionGroupForMigration", "ResultSize", []),
        ("TenantAllowBlockListItems", "ListType Entry Allow:b Block:b ListSubType Expiration", []),
        (
            "ActiveSyncMailboxPolicy", "",
            [
                [
                    "Name": "Default", "Identity": "Default", "IsDefault": true, "AllowNonProvisionableDevices": true,
                    "DevicePasswordEnabled": false, "MinDevicePasswordLength": .null, "RequireDeviceEncryption": false,
                    "MaxInactivityTimeDeviceLock": "Unlimited", "WhenCreated@data.type": "System.DateTime",
                    "WhenCreated": "2022-03-01T08:00:00Z", "WhenChanged@data.type": "System.DateTime",
                    "WhenChanged": "2022-03-01T08:00:00Z",
                ]
            ]
        ),
        ("AuthenticationPolicy", "", []), ("ActiveSyncDeviceAccessRule", "", []),
        (
            "QuarantineMessage", "SenderAddress RecipientAddress StartReceivedDate EndReceivedDate Type Page PageSize",
            []
        ),
        ("SweepRule", "Mailbox Provider ResultSize", []), ("AddressBookPolicy", "", []),
        ("OrganizationRelationship", "", []),
        ("ManagementScope", "Exclusive:b Orphan:b", []),
    ]

    /// Returns the rows that a list has at first.
    static func rows(of noun: String) -> [JSONObject] { lists.first { $0.noun == noun }?.rows ?? [] }

    private static let others: [ExchangeCmdlet] = [
        ExchangeCmdlet("Get-MailUser", .reading, "Identity " + recipients + " SoftDeletedMailUser:b") {
            (organization, call) throws(ExchangeFailure) in try organization.groupPage(organization.mailUsers, call)
        },
        ExchangeCmdlet("Get-Group", .reading, "Identity " + recipients) {
            (organization, call) throws(ExchangeFailure) in
            try organization.groupPage(
                organization.distributionGroups + organization.unifiedGroups + organization.securityGroups, call)
        },
        single(
            "IRMConfiguration",
            [
                "Identity": "ControlPoint Config", "InternalLicensingEnabled": true, "ExternalLicensingEnabled": true,
                "AzureRMSLicensingEnabled": true, "TransportDecryptionSetting": "Optional",
                "JournalReportDecryptionEnabled": true, "SimplifiedClientAccessEnabled": true,
                "DecryptAttachmentForEncryptOnly": false, "LicensingLocation": [],
            ]),
        single(
            "TransportConfig",
            [
                "Identity": "Transport Settings", "SmtpClientAuthenticationDisabled": true,
                "ExternalPostmasterAddress": .null, "MaxReceiveSize": "Unlimited", "MaxSendSize": "Unlimited",
                "AllowLegacyTLSClients": .null, "MessageExpiration": "1.00:00:00",
            ]),
        single(
            "AtpPolicyForO365",
            [
                "Name": "Default", "Identity": "Default", "EnableATPForSPOTeamsODB": true, "EnableSafeDocs": false,
                "AllowSafeDocsOpen": false,
            ]),
        ExchangeCmdlet("Test-IRMConfiguration", .managing, "Sender Recipient RMSOnline:b") {
            (_, call) throws(ExchangeFailure) in
            .row(
                [
                    "Results":
                        "Acquiring RMS Templates ...\r\n    - PASS: RMS Templates acquired.\r\nOVERALL RESULT: PASS"
                ], call)
        },
        ExchangeCmdlet(
            "Get-MailTrafficSummaryReport", .reading,
            "Category StartDate EndDate DlpPolicy TransportRule Domain Page PageSize"
        ) { (organization, call) throws(ExchangeFailure) in
            guard let category = call.text("Category") else { throw .missing("Category") }
            let rows = (0..<min(10, organization.store.users.count)).compactMap { place -> JSONObject? in
                organization.mailboxes.mailbox(place).map { mailbox in
                    ["C1": .string(mailbox.address), "C2": .string("\(400 - place * 31)"), "C3": .string(category)]
                }
            }
            return try .page(of: rows, call)
        },
        ExchangeCmdlet(
            "Export-MailboxDiagnosticLogs", .reading, "Identity ComponentName ExtendedProperties:b Archive:b"
        ) { (organization, call) throws(ExchangeFailure) in
            let mailbox = try organization.mailbox(call)
            let isWhole = call.isSet("ExtendedProperties")
            guard isWhole || call.text("ComponentName") != nil else { throw .missing("ComponentName") }
            let last = mailbox.lastLogon.map { ServiceTime.text($0) } ?? ""
            let properties = ["ELCLastSuccessTimestamp": last, "ElcLastRunTotalProcessingTime": "1250"]
            let table = properties.sorted { $0.key < $1.key }.map {
                "<Property><Name>\($0.key)</Name><Value>\($0.value)</Value></Property>"
            }.joined()
            return .row(
                [
                    "Identity": .string(mailbox.name), "IsValid": true,
                    "LogName": .string(isWhole ? "ExtendedProperties" : call.text("ComponentName") ?? ""),
                    // No mailbox is on hold, and no component has failed.
                    "MailboxLog": .string(
                        isWhole ? "<Properties><MailboxTable>\(table)</MailboxTable></Properties>" : "[]"),
                ], call)
        },
        ExchangeCmdlet("Get-RoleGroupMember", .reading, "Identity ReadFromDomainController:b") {
            (organization, call) throws(ExchangeFailure) in
            guard call.text("Identity")?.lowercased().hasPrefix("org") == true,
                let admin = organization.mailboxes.mailbox(0)
            else { return try .page(of: [], call) }
            let row: JSONObject = [
                "Name": .string(admin.name), "DisplayName": .string(admin.displayName), "Identity": .string(admin.name),
                "Alias": .string(admin.alias), "PrimarySmtpAddress": .string(admin.address),
                "Guid@data.type": "System.Guid", "Guid": .string(admin.id),
                "ExchangeObjectId@data.type": "System.Guid", "ExchangeObjectId": .string(admin.id),
                "RecipientType": "UserMailbox", "RecipientTypeDetails": "UserMailbox",
            ]
            return try .page(of: [row], call)
        },
        ExchangeCmdlet(
            "Get-RecoverableItems", .managing,
            "Identity SourceFolder FilterItemType FilterStartTime FilterEndTime SubjectContains EntryID "
                + "LastParentFolderID MaxParallelSize PolicyTag"
        ) { (organization, call) throws(ExchangeFailure) in
            _ = try organization.mailbox(call)
            return try .page(of: [], call)
        },
        ExchangeCmdlet("Get-DynamicDistributionGroupMember", .reading, "Identity") {
            (organization, call) throws(ExchangeFailure) in
            guard call.text("Identity")?.lowercased().hasPrefix("everybody") == true else {
                throw .notFound(call.text("Identity") ?? "")
            }
            var rows: [JSONObject] = []
            for place in 0..<organization.mailboxes.count {
                guard let mailbox = organization.mailboxes.mailbox(place), mailbox.kind == .user else { continue }
                rows.append([
                    "Name": .string(mailbox.name), "DisplayName": .string(mailbox.displayName),
                    "PrimarySmtpAddress": .string(mailbox.address), "RecipientType": "UserMailbox",
                    "RecipientTypeDetails": "UserMailbox", "Identity": .string(mailbox.name),
                ])
            }
            return try .page(of: rows, call)
        },
        ExchangeCmdlet(
            "Get-MobileDevice", .reading,
            "Identity Mailbox ActiveSync:b OWAforDevices:b RestApi:b UniversalOutlook:b Filter SortBy OrganizationalUnit"
        ) { (organization, call) throws(ExchangeFailure) in
            try .page(of: organization.mobileDevices(call, "Mailbox"), call)
        },
        ExchangeCmdlet(
            "Get-MobileDeviceStatistics", .reading,
            "Identity Mailbox ActiveSync:b OWAforDevices:b RestApi:b UniversalOutlook:b GetMailboxLog:b"
        ) { (organization, call) throws(ExchangeFailure) in
            try .page(of: organization.mobileDevices(call, call.has("Mailbox") ? "Mailbox" : "Identity"), call)
        },
    ]

    private static func single(_ noun: String, _ row: JSONObject) -> ExchangeCmdlet {
        ExchangeCmdlet("Get-\(noun)", .reading, "Identity") { (organization, call) throws(ExchangeFailure) in
            .row(organization.configured(noun, "", row), call)
        }
    }
}

extension ExchangeOrganization {
    /// Returns the mailbox in the name of a device: `lena\\ExchangeActiveSyncDevices\\…`,
    /// `…/lena/ExchangeActiveSyncDevices/…` or `CN=…,CN=lena,OU=…`.
    private static func holder(ofDevice identity: String) -> String {
        if identity.hasPrefix("CN="), identity.contains("§") {
            let parts = identity.split(separator: ",").filter { $0.hasPrefix("CN=") }
            if parts.count > 1 { return String(parts[1].dropFirst(3)) }
        }
        let parts = identity.split { $0 == "\\" || $0 == "/" }.map(String.init)
        guard let place = parts.firstIndex(of: "ExchangeActiveSyncDevices"), place > 0 else { return identity }
        return parts[place - 1]
    }

    /// Returns the phones that synchronise one mailbox or all mailboxes.
    fileprivate func mobileDevices(
        _ call: InvokedCmdlet, _ parameter: String
    ) throws(ExchangeFailure) -> [JSONObject] {
        var owners: [ExchangeMailbox] = []
        if let identity = call.text(parameter) {
            owners = [try mailboxes.find(Self.holder(ofDevice: identity))]
        } else {
            owners = (0..<mailboxes.count).compactMap { mailboxes.mailbox($0) }
        }
        return owners.filter { $0.kind == .user && $0.row.index % 3 == 1 }.map { owner in
            let id = String(owner.exchangeGuid.filter { $0 != "-" }.prefix(16)).uppercased()
            let identity: JSONValue = .string("\(owner.name)\\ExchangeActiveSyncDevices\\Outlook§\(id)")
            return [
                "Identity": identity, "DeviceId": .string(id), "FriendlyName": "Outlook for iOS and Android",
                "DeviceModel": "Outlook for iOS and Android", "DeviceType": "Outlook", "DeviceOS": "iOS 19.1",
                "DeviceAccessState": "Allowed", "DeviceAccessStateReason": "Global", "ClientType": "Outlook",
                "UserDisplayName": .string(owner.displayName), "IsManaged": false, "IsCompliant": false,
                "DeviceUserAgent": "Outlook-iOS/2.0", "DeviceAccessControlRule": .null,
                "DistinguishedName": .string("CN=Outlook§\(id),\(owner.distinguishedName)"),
                "OrganizationId": .string("SANDBOX.PROD.OUTLOOK.COM/\(TenantIdentity.initialDomain)"),
                "FirstSyncTime@data.type": "System.DateTime",
                "FirstSyncTime": .string(ServiceTime.text(context.now - 90 * 86_400)),
                "LastPolicyUpdateTime@data.type": "System.DateTime",
                "LastPolicyUpdateTime": .string(ServiceTime.text(context.now - 30 * 86_400)),
                "LastSyncAttemptTime@data.type": "System.DateTime",
                "LastSyncAttemptTime": .string(ServiceTime.text(context.now - 3_600)),
                "LastSuccessSync@data.type": "System.DateTime",
                "LastSuccessSync": .string(ServiceTime.text(context.now - 3_600)), "Status": "DeviceOk",
                "DevicePolicyApplied": "Default", "DevicePolicyApplicationStatus": "AppliedInFull",
                "NumberOfFoldersSynced": 12, "DeviceActiveSyncVersion": "16.1",
            ]
        }
    }
}

extension JSONObject {
    /// Returns the members of both objects; those of `other` win.
    func merging(_ other: JSONObject) -> JSONObject {
        var all = self
        for (name, value) in other { all[name] = value }
        return all
    }
}
