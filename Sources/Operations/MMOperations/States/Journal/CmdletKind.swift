import MMCore

/// How the writes of one noun of Exchange's cmdlets are read beforehand and taken back.
struct CmdletKind: Sendable {
    /// A parameter that is shown under another name, or with other words.
    struct Translation: Sendable {
        let parameter: String
        let property: String
        /// The words of the parameter, and those of the property.
        let words: [(written: JSONValue, shown: JSONValue)]
    }

    /// An entry of a list that an object has: who may use a mailbox, who is in a group.
    struct Entry: Sendable {
        /// The parameter that names it.
        let name: String
        /// What the list is called.
        let list: String
        /// The property that holds what is granted; `nil` where an entry is there or is not.
        var values: String?
        /// Whether the reading cmdlet takes the entry's name, too.
        var isSought = true
    }

    /// What the cmdlets write to.
    let noun: String
    /// What people call it.
    let word: String
    /// The cmdlet that reads it; `Get-` with the noun.
    var reader: String { "Get-\(noun)" }
    /// The parameters that name an object, its own first.
    var names = ["Identity"]
    /// The parameter that names what the object is in, and the object's own property that says it: a pipeline doesn't give
    /// the parameter.
    var place: (parameter: String, property: String)?
    /// The properties that name an object for good: the first that it has.
    var ids = ["Guid", "Identity"]
    var translations: [Translation] = []
    /// The property that Enable- and Disable- write.
    var state: (property: String, on: JSONValue, off: JSONValue)?
    /// The parameters with which a deleted object is made anew; empty where it can't be.
    var recreated: [String] = []
    /// Whether New- switches it on and off; else a state of its own is written behind it.
    var isMadeWithState = false
    /// The list that is read beside an object that is deleted, and the parameter that it is made anew with.
    var content: (reader: String, parameter: String)?
    /// Whether its objects are so few that all of one place are read to find one.
    var isShort = false
    /// Set where the noun is that of entries.
    var entry: Entry?

    /// The property that a parameter writes.
    func property(of parameter: String) -> String {
        translations.first { $0.parameter == parameter }?.property ?? parameter
    }

    /// The parameter that writes a property, with a value as it is written.
    func written(_ property: String, _ value: JSONValue) -> (parameter: String, value: JSONValue) {
        guard let found = translations.first(where: { $0.property == property }) else { return (property, value) }
        return (found.parameter, found.words.first { CmdletValue.isSame($0.shown, value) }?.written ?? value)
    }

    /// A value as it is shown once it is written with a parameter.
    func shown(_ parameter: String, _ value: JSONValue) -> JSONValue {
        let words = translations.first { $0.parameter == parameter }?.words ?? []
        return words.first { CmdletValue.isSame($0.written, value) }?.shown ?? value
    }

    /// The kind of a noun, in any case.
    static func of(_ noun: String) -> CmdletKind? { table[noun.lowercased()] }
}

extension CmdletKind {
    static let table = Dictionary(
        (all + settings).map { ($0.noun.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })

    private static let mailboxIDs = ["ExternalDirectoryObjectId", "Guid", "Identity"]

    private static let all: [CmdletKind] = [
        CmdletKind(
            noun: "Mailbox", word: "mailbox", ids: mailboxIDs,
            translations: [
                Translation(
                    parameter: "Type", property: "RecipientTypeDetails",
                    words: [
                        ("Regular", "UserMailbox"), ("Shared", "SharedMailbox"), ("Room", "RoomMailbox"),
                        ("Equipment", "EquipmentMailbox"),
                    ])
            ]),
        CmdletKind(noun: "CASMailbox", word: "client access of the mailbox", ids: mailboxIDs),
        CmdletKind(noun: "User", word: "user", ids: mailboxIDs),
        CmdletKind(noun: "MailboxAutoReplyConfiguration", word: "automatic replies of the mailbox", ids: ["Identity"]),
        CmdletKind(noun: "MailboxRegionalConfiguration", word: "regional settings of the mailbox", ids: ["Identity"]),
        CmdletKind(noun: "CalendarProcessing", word: "calendar processing of the mailbox", ids: ["Identity"]),
        CmdletKind(
            noun: "InboxRule", word: "inbox rule", names: ["Identity", "Mailbox"], place: ("Mailbox", "MailboxOwnerId"),
            ids: ["RuleIdentity", "Identity"],
            state: ("Enabled", true, false),
            recreated: [
                "Name", "Priority", "From", "FromAddressContainsWords", "SentTo", "SubjectContainsWords",
                "SubjectOrBodyContainsWords", "BodyContainsWords", "HeaderContainsWords",
                "RecipientAddressContainsWords", "HasAttachment", "FlaggedForAction", "MessageTypeMatches",
                "MyNameInToBox", "MyNameInCcBox", "MyNameInToOrCcBox", "MyNameNotInToBox", "SentOnlyToMe",
                "ReceivedAfterDate", "ReceivedBeforeDate", "WithImportance", "WithSensitivity",
                "WithinSizeRangeMinimum", "WithinSizeRangeMaximum", "ExceptIfFrom",
                "ExceptIfFromAddressContainsWords", "ExceptIfSentTo", "ExceptIfSubjectContainsWords",
                "ExceptIfSubjectOrBodyContainsWords", "ExceptIfBodyContainsWords", "ExceptIfHasAttachment",
                "ExceptIfMyNameInToBox", "ExceptIfMyNameInCcBox", "MoveToFolder", "CopyToFolder", "ForwardTo",
                "ForwardAsAttachmentTo", "RedirectTo", "DeleteMessage", "SoftDeleteMessage", "MarkAsRead",
                "MarkImportance", "ApplyCategory", "PinMessage", "StopProcessingRules",
            ], isShort: true),
        CmdletKind(
            noun: "TransportRule", word: "transport rule",
            translations: [Translation(parameter: "Enabled", property: "State", words: onOff)],
            state: ("State", "Enabled", "Disabled"),
            recreated: [
                "Name", "Enabled", "Priority", "Mode", "Comments", "FromScope", "SentToScope", "From", "FromMemberOf",
                "SentTo", "SentToMemberOf", "SubjectContainsWords", "SubjectOrBodyContainsWords",
                "SubjectMatchesPatterns", "SubjectOrBodyMatchesPatterns", "FromAddressContainsWords",
                "FromAddressMatchesPatterns", "SenderDomainIs", "RecipientDomainIs", "RecipientAddressContainsWords",
                "HeaderContainsMessageHeader", "HeaderContainsWords", "AttachmentContainsWords",
                "AttachmentExtensionMatchesWords", "AttachmentHasExecutableContent", "AttachmentSizeOver",
                "MessageSizeOver", "MessageTypeMatches", "ExceptIfFrom", "ExceptIfFromMemberOf", "ExceptIfFromScope",
                "ExceptIfSentTo", "ExceptIfSentToMemberOf", "ExceptIfSenderDomainIs", "ExceptIfRecipientDomainIs",
                "ExceptIfSubjectContainsWords", "ExceptIfSubjectOrBodyContainsWords",
                "ExceptIfHeaderContainsMessageHeader",
                "ExceptIfHeaderContainsWords", "RejectMessageReasonText", "RejectMessageEnhancedStatusCode",
                "BlindCopyTo", "CopyTo", "AddToRecipients", "RedirectMessageTo", "ModerateMessageByUser",
                "DeleteMessage",
                "Quarantine", "PrependSubject", "SetHeaderName", "SetHeaderValue", "RemoveHeader", "SetSCL",
                "SetAuditSeverity", "ApplyHtmlDisclaimerText", "ApplyHtmlDisclaimerLocation",
                "ApplyHtmlDisclaimerFallbackAction", "ApplyClassification", "RouteMessageOutboundConnector",
                "StopRuleProcessing", "SenderAddressLocation", "RuleErrorAction",
            ], isMadeWithState: true, isShort: true),
        CmdletKind(
            noun: "DistributionGroup", word: "distribution group",
            translations: [
                Translation(
                    parameter: "Type", property: "RecipientTypeDetails",
                    words: [
                        ("Distribution", "MailUniversalDistributionGroup"), ("Security", "MailUniversalSecurityGroup"),
                    ])
            ],
            recreated: [
                "Name", "Alias", "DisplayName", "PrimarySmtpAddress", "Type", "ManagedBy", "Description", "Notes",
                "MemberJoinRestriction", "MemberDepartRestriction", "ModeratedBy", "ModerationEnabled",
                "RequireSenderAuthenticationEnabled", "SendModerationNotifications",
            ], content: ("Get-DistributionGroupMember", "Members")),
        CmdletKind(
            noun: "MailboxPermission", word: "mailbox",
            entry: Entry(name: "User", list: "permissions", values: "AccessRights")),
        CmdletKind(
            noun: "RecipientPermission", word: "recipient",
            entry: Entry(name: "Trustee", list: "permissions", values: "AccessRights")),
        CmdletKind(
            noun: "MailboxFolderPermission", word: "folder",
            entry: Entry(name: "User", list: "permissions", values: "AccessRights")),
        CmdletKind(
            noun: "DistributionGroupMember", word: "distribution group",
            entry: Entry(name: "Member", list: "members", isSought: false)),
        CmdletKind(
            noun: "RoleGroupMember", word: "role group", entry: Entry(name: "Member", list: "members", isSought: false)),
        CmdletKind(noun: "OrganizationConfig", word: "settings of the organization", names: [], ids: ["Identity"]),
        CmdletKind(noun: "TransportConfig", word: "transport settings", names: [], ids: ["Identity"]),
        CmdletKind(noun: "AdminAuditLogConfig", word: "settings of the audit log", names: [], ids: ["Identity"]),
        CmdletKind(
            noun: "InboundConnector", word: "inbound connector", ids: ["Guid", "Identity"],
            recreated: [
                "Name", "Enabled", "ConnectorType", "ConnectorSource", "SenderDomains", "SenderIPAddresses",
                "RequireTls",
                "RestrictDomainsToCertificate", "RestrictDomainsToIPAddresses", "TlsSenderCertificateName",
                "CloudServicesMailEnabled", "TreatMessagesAsInternal", "Comment", "EFSkipIPs", "EFSkipLastIP",
                "EFUsers",
                "AssociatedAcceptedDomains",
            ]),
        CmdletKind(
            noun: "OutboundConnector", word: "outbound connector", ids: ["Guid", "Identity"],
            recreated: [
                "Name", "Enabled", "ConnectorType", "ConnectorSource", "UseMXRecord", "SmartHosts", "RecipientDomains",
                "TlsSettings", "TlsDomain", "IsTransportRuleScoped", "RouteAllMessagesViaOnPremises",
                "CloudServicesMailEnabled", "Comment",
            ]),
    ]

    private static let onOff: [(written: JSONValue, shown: JSONValue)] = [(true, "Enabled"), (false, "Disabled")]

    /// Policies and settings whose parameters and properties have the same names.
    private static let settings: [CmdletKind] = [
        ("RemoteDomain", "remote domain"), ("AcceptedDomain", "accepted domain"),
        ("HostedOutboundSpamFilterPolicy", "outbound spam policy"), ("HostedContentFilterPolicy", "spam policy"),
        ("HostedConnectionFilterPolicy", "connection filter"), ("MalwareFilterPolicy", "malware policy"),
        ("AntiPhishPolicy", "anti-phishing policy"), ("SafeLinksPolicy", "Safe Links policy"),
        ("SafeAttachmentPolicy", "Safe Attachments policy"), ("OwaMailboxPolicy", "policy of Outlook on the web"),
        ("MobileDeviceMailboxPolicy", "policy of mobile devices"), ("SharingPolicy", "sharing policy"),
        ("AuthenticationPolicy", "authentication policy"), ("UnifiedGroup", "Microsoft 365 group"),
        ("MailContact", "mail contact"), ("MailUser", "mail user"), ("DynamicDistributionGroup", "dynamic group"),
    ].map { CmdletKind(noun: $0.0, word: $0.1) }
}
