package import MMCore
package import MMDesk
import MMNative

/// How objects written by the cmdlets of one noun are read before a write, and how the write is taken back.
struct CmdletKind: Sendable {
    /// A parameter whose property has another name or other values.
    struct Translation: Sendable {
        let parameter: String
        let property: String
        /// The pairs of a value as the parameter takes it and as the property shows it.
        let words: [(written: JSONValue, shown: JSONValue)]
    }

    /// An entry of a list that an object has: a permission of a mailbox, a member of a group.
    struct Entry: Sendable {
        /// The parameter that names the entry.
        let name: String
        /// The name of the list.
        let list: String
        /// The property that holds the granted rights; `nil` where an entry either exists or doesn't.
        var values: String?
        /// Whether the reading cmdlet takes the entry's name as well.
        var isSought = true
    }

    /// The noun of the cmdlets, such as `Mailbox`.
    let noun: String
    /// The name of such an object for people.
    let word: String
    /// The cmdlet that reads the objects: `Get-` with the noun.
    var reader: String { "Get-\(noun)" }
    /// The parameters that name an object, its own first.
    var names = ["Identity"]
    /// The parameter that names the object's container (such as a mailbox), and the object's property with the same
    /// value: objects from a pipeline don't provide the parameter.
    var place: (parameter: String, property: String)?
    /// The properties that identify an object permanently; the first one that it has is used.
    var ids = ["Guid", "Identity"]
    var translations: [Translation] = []
    /// The property that the Enable and Disable cmdlets write.
    var state: (property: String, on: JSONValue, off: JSONValue)?
    /// The parameters with which a deleted object is recreated; empty where it can't be.
    var recreated: [String] = []
    /// Whether the New cmdlet sets the state as well; otherwise it is written afterwards by Enable or Disable.
    var isMadeWithState = false
    /// The cmdlet that reads a deleted object's list, and the parameter of the New cmdlet that takes it.
    var content: (reader: String, parameter: String)?
    /// Whether there are so few objects that all of a container are read to find one.
    var isShort = false
    /// The entry, where the noun denotes entries of a list.
    var entry: Entry?

    /// Returns the property that a parameter writes.
    func property(of parameter: String) -> String {
        translations.first { $0.parameter == parameter }?.property ?? parameter
    }

    /// Returns the parameter that writes a property, and the value as the parameter takes it.
    func written(_ property: String, _ value: JSONValue) -> (parameter: String, value: JSONValue) {
        guard let found = translations.first(where: { $0.property == property }) else { return (property, value) }
        return (found.parameter, found.words.first { CmdletValue.isSame($0.shown, value) }?.written ?? value)
    }

    /// Returns a parameter's value as its property shows it.
    func shown(_ parameter: String, _ value: JSONValue) -> JSONValue {
        let words = translations.first { $0.parameter == parameter }?.words ?? []
        return words.first { CmdletValue.isSame($0.written, value) }?.shown ?? value
    }

    /// Returns the kind of a noun, compared without case.
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

/// Values of Exchange's properties, as cmdlets take them and as they show them.
enum CmdletValue {
    /// Whether a written value may be shown as another one: case, address prefixes and the long form of sizes may
    /// differ.
    static func isSame(_ written: JSONValue, _ shown: JSONValue) -> Bool {
        if written == shown || isEmpty(written) && isEmpty(shown) { return true }
        switch (written, shown) {
        case (.array(let written), .array(let shown)): return isSame(written, shown)
        case (.array(let written), _): return isSame(written, [shown])
        case (_, .array(let shown)): return isSame([written], shown)
        default: break
        }
        let (left, right) = (text(written), text(shown))
        // `SMTP:` marks a mailbox's primary address, `smtp:` a secondary one. A prefix on one side only is ignored.
        if isAddress(left), isAddress(right), left.prefix(5) != right.prefix(5) { return false }
        let (plain, whole) = (withoutPrefix(left), withoutPrefix(right))
        return plain == whole || !plain.isEmpty && whole.hasPrefix(plain + " (")
    }

    /// Whether a value is empty: once written, `""`, `@()` and `$null` can't be told apart.
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

    /// Whether a property holds recipients: a cmdlet takes any of a recipient's names and shows the one that it
    /// chooses.
    static func holdsRecipients(_ property: String) -> Bool { recipients.contains(property) }

    private static let recipients: Set<String> = [
        "ForwardingAddress", "GrantSendOnBehalfTo", "ManagedBy", "ModeratedBy", "ForwardTo", "ForwardAsAttachmentTo",
        "RedirectTo", "From", "SentTo", "ExceptIfFrom", "ExceptIfSentTo", "BlindCopyTo", "CopyTo", "RedirectMessageTo",
        "AddToRecipients", "AcceptMessagesOnlyFrom", "AcceptMessagesOnlyFromDLMembers",
        "AcceptMessagesOnlyFromSendersOrMembers", "RejectMessagesFrom", "RejectMessagesFromDLMembers",
        "RejectMessagesFromSendersOrMembers", "BypassModerationFromSendersOrMembers",
    ]

    /// Whether a property holds a folder, which is shown with its whole path.
    static func holdsFolder(_ property: String) -> Bool { ["MoveToFolder", "CopyToFolder"].contains(property) }

    /// Returns the items that `@{Add=…; Remove=…}` names; `nil` for any other value.
    static func edit(_ written: JSONValue) -> [JSONValue]? {
        guard let edit = written.object, edit.keys.contains(where: { ["add", "remove"].contains($0.lowercased()) })
        else { return nil }
        return edit.filter { ["add", "remove"].contains($0.key.lowercased()) }.flatMap { $0.value.array ?? [$0.value] }
    }

    /// Returns a list after `@{Add=…; Remove=…}`; any other written value as it is.
    /// - Parameter isSame: tells whether a written item and a shown item are the same.
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

/// A cmdlet that writes, with the parameters that identify the object.
package struct CmdletWrite: Sendable, Hashable {
    /// Its name as the service spells it: `Set-Mailbox`.
    package let name: String
    /// The parameters that name the object, and the entry of its list where one is written.
    package internal(set) var names: JSONObject

    /// The verb: `Set`.
    var verb: Substring { name.prefix { $0 != "-" } }
    /// The noun: `Mailbox`.
    var noun: String { String(name.drop { $0 != "-" }.dropFirst()) }
    /// How the object is read and the write taken back; `nil` where that is not known.
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
    /// Whether the cmdlet only reports what it would do.
    package var isWhatIf: Bool { parameters["WhatIf"] == true }

    /// The command as a line of PowerShell, without secrets and without `-Confirm:$false`.
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

    /// Switch parameters; the value of any other boolean parameter is written after its name.
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

/// The identities of recipients by name: a cmdlet takes an address and shows a name, and only the directory tells
/// whether both denote the same recipient.
package struct RecipientIdentities: Sendable {
    private var ids: [String: String] = [:]
    private var rows: [String: JSONValue] = [:]

    /// Creates an empty instance, for which only equal texts are the same recipient.
    package init() {}

    /// Records the output of the reading cmdlet for a name. A name of no recipient, or of several, is left as it is.
    package mutating func note(_ rows: [JSONValue], of name: String) {
        guard rows.count == 1, let id = Self.ids(of: rows[0]).first else { return }
        ids[name.lowercased()] = id
        self.rows[name.lowercased()] = rows[0]
    }

    /// Returns the recipients after a write; those that were there before keep the names under which they are shown.
    func edited(_ shown: JSONValue, by written: JSONValue) -> JSONValue {
        let present = shown.array ?? [shown]
        func known(_ item: JSONValue) -> JSONValue { present.first { isShown(item, as: $0) } ?? item }
        if let items = written.array { return .array(items.map(known)) }
        return CmdletValue.edit(written) == nil
            ? known(written)
            : CmdletValue.edited(shown, by: written) { CmdletValue.isSame($0, $1) || isShown($0, as: $1) }
    }

    /// Whether a written recipient is the one that is shown under another name.
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

    /// Whether a row is the recipient with a name.
    func isNamed(_ row: JSONValue, _ name: String) -> Bool {
        ids[name.lowercased()].map { Self.ids(of: row).contains($0) } ?? false
    }

    /// Returns the cmdlet that looks up the recipient with a name.
    package static func reading(_ name: String) -> ExchangeCommand {
        ExchangeCommand("Get-Recipient", ["Identity": .string(name)])
    }

    /// Returns a value with the recipients' ids in place of their names.
    func resolved(_ value: JSONValue) -> JSONValue {
        if let items = value.array { return .array(items.map(resolved)) }
        guard let text = value.string else { return value }
        let name = Self.name(text)
        return .string(ids[name.lowercased()] ?? name)
    }

    /// Returns the recipient's address or name in a text such as `"Ada" [SMTP:ada@fabrikam.example]`, which rules show.
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

    /// Returns the names in one value that are not in the other one.
    static func names(of value: JSONValue, beside other: JSONValue) -> [String] {
        func texts(_ value: JSONValue) -> [String] { (value.array ?? [value]).compactMap(\.string).map(name) }
        let known = Set(texts(other).map { $0.lowercased() })
        return texts(value).filter { !$0.isEmpty && !known.contains($0.lowercased()) }
    }
}
