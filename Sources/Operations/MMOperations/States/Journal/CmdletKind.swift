package import MMCore
package import MMDesk
import MMNative

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

/// Values of Exchange's properties, as cmdlets take them and as they show them afterwards.
enum CmdletValue {
    /// Whether a value that was written may be shown as another one: case, prefixes of addresses and the long form of sizes differ.
    static func isSame(_ written: JSONValue, _ shown: JSONValue) -> Bool {
        if written == shown || isEmpty(written) && isEmpty(shown) { return true }
        switch (written, shown) {
        case (.array(let written), .array(let shown)): return isSame(written, shown)
        case (.array(let written), _): return isSame(written, [shown])
        case (_, .array(let shown)): return isSame([written], shown)
        default: break
        }
        let (left, right) = (text(written), text(shown))
        // `SMTP:` is the first address of a mailbox, `smtp:` another one; where only one side says it, it says nothing.
        if isAddress(left), isAddress(right), left.prefix(5) != right.prefix(5) { return false }
        let (plain, whole) = (withoutPrefix(left), withoutPrefix(right))
        return plain == whole || !plain.isEmpty && whole.hasPrefix(plain + " (")
    }

    /// Whether a value says nothing: there is no telling `""`, `@()` and `$null` apart once they are written.
    static func isEmpty(_ value: JSONValue) -> Bool {
        value.isNull || value.string?.isEmpty == true || value.array?.isEmpty == true
    }

    private static func isSame(_ written: [JSONValue], _ shown: [JSONValue]) -> Bool {
        guard written.count == shown.count else { return false }
        var left = shown
        return written.allSatisfy { item in
            guard let place = left.firstIndex(where: { isSame(item, $0) }) else { return false }
            left.remove(at: place)
            return true
        }
    }

    private static func text(_ value: JSONValue) -> String { value.string ?? value.description }

    private static func isAddress(_ text: String) -> Bool { text.prefix(5).lowercased() == "smtp:" }

    private static func withoutPrefix(_ text: String) -> String {
        (isAddress(text) ? String(text.dropFirst(5)) : text).lowercased()
    }

    /// Properties that hold recipients: a cmdlet takes any of their names and shows the one that it likes.
    static func holdsRecipients(_ property: String) -> Bool { recipients.contains(property) }

    private static let recipients: Set<String> = [
        "ForwardingAddress", "GrantSendOnBehalfTo", "ManagedBy", "ModeratedBy", "ForwardTo", "ForwardAsAttachmentTo",
        "RedirectTo", "From", "SentTo", "ExceptIfFrom", "ExceptIfSentTo", "BlindCopyTo", "CopyTo", "RedirectMessageTo",
        "AddToRecipients", "AcceptMessagesOnlyFrom", "AcceptMessagesOnlyFromDLMembers",
        "AcceptMessagesOnlyFromSendersOrMembers", "RejectMessagesFrom", "RejectMessagesFromDLMembers",
        "RejectMessagesFromSendersOrMembers", "BypassModerationFromSendersOrMembers",
    ]

    /// Properties that hold a folder, which is shown with its whole path.
    static func holdsFolder(_ property: String) -> Bool { ["MoveToFolder", "CopyToFolder"].contains(property) }

    /// The items that `@{Add=…; Remove=…}` names; `nil` for any other value.
    static func edit(_ written: JSONValue) -> [JSONValue]? {
        guard let edit = written.object, edit.keys.contains(where: { ["add", "remove"].contains($0.lowercased()) })
        else { return nil }
        return edit.filter { ["add", "remove"].contains($0.key.lowercased()) }.flatMap { $0.value.array ?? [$0.value] }
    }

    /// A list after `@{Add=…; Remove=…}`; any other value as it is.
    /// - Parameter isSame: whether an item is shown as another one.
    static func edited(
        _ value: JSONValue, by written: JSONValue,
        where isSame: (_ written: JSONValue, _ shown: JSONValue) -> Bool = { isSame($0, $1) }
    ) -> JSONValue {
        guard edit(written) != nil, let edit = written.object else { return written }
        var items = value.array ?? (isEmpty(value) ? [] : [value])
        for (key, change) in edit {
            let values = change.array ?? [change]
            switch key.lowercased() {
            case "add": for value in values where !items.contains(where: { isSame(value, $0) }) { items.append(value) }
            case "remove": items.removeAll { item in values.contains { isSame($0, item) } }
            default: continue
            }
        }
        return .array(items)
    }
}

/// A cmdlet that writes, with the parameters that name what it writes to.
package struct CmdletWrite: Sendable, Hashable {
    /// Its name as the service spells it: `Set-Mailbox`.
    package let name: String
    /// The parameters that name the object, and the entry of its list where one is written.
    package internal(set) var names: JSONObject

    /// The verb: `Set`.
    var verb: Substring { name.prefix { $0 != "-" } }
    /// The noun: `Mailbox`.
    var noun: String { String(name.drop { $0 != "-" }.dropFirst()) }
    /// How what it writes to is read and taken back; `nil` where nobody knows.
    var kind: CmdletKind? { CmdletKind.of(noun) }

    var json: JSONValue { ["name": .string(name), "names": .object(names)] }

    init(name: String, names: JSONObject) {
        self.name = name
        self.names = names
    }

    init?(json: JSONValue) {
        guard let name = json["name"]?.string, let names = json["names"]?.object else { return nil }
        self.init(name: name, names: names)
    }
}

extension ExchangeCommand {
    /// Whether it only says what it would do.
    package var isWhatIf: Bool { parameters["WhatIf"] == true }

    /// The command as a line of PowerShell, without what is secret and what only answers the service's question.
    package var line: String {
        var words = [cmdlet]
        for (name, value) in parameters where !name.contains("@") {
            if name == "Confirm", value == false { continue }
            let isSwitch = Self.switches.contains(name.lowercased()) && value.bool != nil
            words.append(
                isSwitch && value == true ? "-\(name)" : "-\(name)\(isSwitch ? ":" : " ")\(Self.text(name, value))")
        }
        return words.joined(separator: " ")
    }

    /// Parameters that are there or aren't; every other truth value is written behind its parameter.
    private static let switches: Set<String> = [
        "confirm", "whatif", "force", "deny", "verbose", "debug", "asjob", "roomlist", "ignorenamingpolicy",
        "bypasssecuritygroupmanagercheck", "bypassmaster", "usecustomrouting", "shared", "room", "equipment",
        "organization", "removepicture", "removespokenname", "forceupgrade", "publicfolder", "archive", "groupmailbox",
        "soft", "permanent", "includeinactivemailbox", "alwaysdeleteoutlookrulesblob", "sendasgroup",
    ]

    private static func text(_ name: String, _ value: JSONValue) -> String {
        guard Redactor.standard.object([name: value]) == [name: value] else { return "'\(Redactor.mark)'" }
        switch value {
        case .null: return "$null"
        case .bool(let flag): return flag ? "$true" : "$false"
        case .array(let items): return items.isEmpty ? "@()" : items.map { text("", $0) }.joined(separator: ",")
        case .object(let members):
            let pairs = members.filter { !$0.key.contains("@") }.map { "\($0.key)=\(text("", $0.value))" }
            return "@{\(pairs.joined(separator: "; "))}"
        case .string(let text): return PSLiteral.quoted(text)
        default: return value.description
        }
    }
}

/// Who is behind the names of recipients: a cmdlet takes an address and shows a name, and only the directory tells whether both are
/// the same one.
package struct RecipientIdentities: Sendable {
    private var ids: [String: String] = [:]
    private var rows: [String: JSONValue] = [:]

    /// Knows nobody yet: the same text alone is the same recipient.
    package init() {}

    /// Takes over what the reading cmdlet put out for a name. What names nobody, or several, stays a name.
    package mutating func note(_ rows: [JSONValue], of name: String) {
        guard rows.count == 1, let id = Self.ids(of: rows[0]).first else { return }
        ids[name.lowercased()] = id
        self.rows[name.lowercased()] = rows[0]
    }

    /// Recipients after a write: those who were there already keep the names that they are shown by.
    func edited(_ shown: JSONValue, by written: JSONValue) -> JSONValue {
        let present = shown.array ?? [shown]
        func known(_ item: JSONValue) -> JSONValue { present.first { isShown(item, as: $0) } ?? item }
        if let items = written.array { return .array(items.map(known)) }
        return CmdletValue.edit(written) == nil
            ? known(written)
            : CmdletValue.edited(shown, by: written) { CmdletValue.isSame($0, $1) || isShown($0, as: $1) }
    }

    /// Whether a recipient that was written is the one that is shown by a name of its own.
    private func isShown(_ written: JSONValue, as shown: JSONValue) -> Bool {
        guard let written = written.string, let shown = shown.string, let row = rows[written.lowercased()] else {
            return false
        }
        return Change.isNamed(row, Self.name(shown))
    }

    private static func ids(of row: JSONValue) -> [String] {
        ["Guid", "ExternalDirectoryObjectId", "DistinguishedName"].compactMap { row[$0]?.string?.lowercased() }
            .filter { !$0.isEmpty }
    }

    /// Whether a row is that of the recipient with a name.
    func isNamed(_ row: JSONValue, _ name: String) -> Bool {
        ids[name.lowercased()].map { Self.ids(of: row).contains($0) } ?? false
    }

    /// The cmdlet that tells who a name stands for.
    package static func reading(_ name: String) -> ExchangeCommand {
        ExchangeCommand("Get-Recipient", ["Identity": .string(name)])
    }

    /// A value with what tells recipients apart in the place of their names.
    func resolved(_ value: JSONValue) -> JSONValue {
        if let items = value.array { return .array(items.map(resolved)) }
        guard let text = value.string else { return value }
        let name = Self.name(text)
        return .string(ids[name.lowercased()] ?? name)
    }

    /// What names the recipient in a text such as `"Ada" [SMTP:ada@fabrikam.example]`, which rules show.
    static func name(_ text: String) -> String {
        var name = text
        if text.last == "]", let start = text.lastIndex(of: "[") {
            name = String(text[text.index(after: start)...].dropLast())
        }
        for prefix in ["smtp:", "ex:"] where name.prefix(prefix.count).lowercased() == prefix {
            name = String(name.dropFirst(prefix.count))
        }
        return name
    }

    /// The names of one value that the other one has not.
    static func names(of value: JSONValue, beside other: JSONValue) -> [String] {
        func texts(_ value: JSONValue) -> [String] { (value.array ?? [value]).compactMap(\.string).map(name) }
        let known = Set(texts(other).map { $0.lowercased() })
        return texts(value).filter { !$0.isEmpty && !known.contains($0.lowercased()) }
    }
}
