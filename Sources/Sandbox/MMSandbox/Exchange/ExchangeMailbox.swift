internal import MMCore

/// A mailbox: a user's, a shared one, a room's, an equipment's or a group's, of the initial data or created since.
struct ExchangeMailbox: Sendable {
    /// The kind of mailbox.
    enum Kind: String, Sendable {
        case user = "UserMailbox"
        case shared = "SharedMailbox"
        case room = "RoomMailbox"
        case equipment = "EquipmentMailbox"
        /// The mailbox of a group of Microsoft 365, which lists of mailboxes leave out.
        case group = "GroupMailbox"

        /// The kinds that lists of mailboxes have.
        static let listed: [Kind] = [.user, .shared, .room, .equipment]

        /// The type in the older `ResourceType` property; `nil` for other mailboxes.
        var resource: String? {
            switch self {
            case .room: "Room"
            case .equipment: "Equipment"
            default: nil
            }
        }
    }

    /// What a mailbox was created with.
    struct Creation: Sendable {
        /// The group that it belongs to, by the directory's identifier, and when that was made.
        var group: (id: String, created: Int64)?
        let name: String
        let displayName: String
        let alias: String
        let address: String
        let kind: Kind
    }

    let row: UserRow
    /// What it was created with; `nil` for one of the initial data.
    let creation: Creation?
    private var mixing: Mixing { row.directory.mixing }

    init?(_ row: UserRow) {
        guard !row.isGuest else { return nil }
        self.row = row
        creation = nil
    }

    /// Creates a mailbox that the initial data doesn't have.
    init(_ row: UserRow, _ creation: Creation) {
        self.row = row
        self.creation = creation
    }

    var kind: Kind {
        if let creation { return creation.kind }
        guard row.named == nil else { return .user }
        switch row.index % 50 {
        case 17: return .shared
        case 31: return row.index % 100 == 31 ? .room : .equipment
        default: return .user
        }
    }

    var id: String { creation?.group?.id ?? row.id }
    var address: String { creation?.address ?? row.mail }
    var alias: String { creation?.alias ?? String(address.prefix { $0 != "@" }) }
    private var userPrincipalName: String { creation?.address ?? row.userPrincipalName }
    var displayName: String {
        if let creation { return creation.displayName }
        switch kind {
        case .user, .group: return row.displayName
        case .shared: return "\(row.department) \(row.office.city) \(row.index)"
        case .room: return "Room \(row.office.city) \(row.index)"
        case .equipment: return "Projector \(row.office.city) \(row.index)"
        }
    }

    /// The GUID of the mailbox itself.
    var exchangeGuid: String { Guid.text(mixing.number(row.index, 71), mixing.number(row.index, 72)) }
    var samAccountName: String { "$\(exchangeGuid.prefix(8).uppercased())" }
    var archiveGuid: String { Guid.text(mixing.number(row.index, 73), mixing.number(row.index, 74)) }
    var distinguishedName: String {
        ExchangeOrganization.distinguishedName(of: name)
    }

    /// The unique name.
    var name: String { creation?.name ?? (kind == .user ? alias : displayName) }

    /// The forwarding address, which a few mailboxes have.
    var forwarding: String? {
        guard kind != .room, row.index > 0, creation == nil else { return nil }
        switch mixing.number(row.index, 75, below: 80) {
        case 0: return "smtp:\(alias)@fabrikam.example"
        case 1: return "smtp:archive@\(TenantIdentity.domain)"
        default: return nil
        }
    }

    /// Whether automatic replies are initially on.
    var isAway: Bool { creation == nil && kind == .user && row.named == nil && row.index % 29 == 12 }

    private var created: Int64 { creation?.group?.created ?? row.created }
    private var isOnHold: Bool { creation == nil && mixing.number(row.index, 76, below: 60) == 0 }
    var hasArchive: Bool { creation == nil && mixing.number(row.index, 77, below: 5) == 0 }
    private var isHidden: Bool { creation == nil && mixing.number(row.index, 78, below: 40) == 0 }

    /// Writes the row of `Get-Mailbox`.
    func append(to bytes: [UInt8], select: Set<String>?, overrides: JSONObject) -> [UInt8] {
        var writer = ExchangeRowWriter(bytes, select: select, overrides: overrides)
        let forwarding = forwarding
        writer.text("ExternalDirectoryObjectId", id)
        writer.text("UserPrincipalName", userPrincipalName)
        writer.text("Alias", alias)
        writer.text("DisplayName", displayName)
        writer.text("Name", name)
        writer.text("PrimarySmtpAddress", address)
        writer.text("WindowsEmailAddress", address)
        writer.list(
            "EmailAddresses",
            [
                "SMTP:\(address)", "smtp:\(alias)@\(TenantIdentity.initialDomain)",
                "SPO:SPO_\(id)@SPO_\(TenantIdentity.id)",
            ])
        writer.text("RecipientType", "UserMailbox")
        writer.text("RecipientTypeDetails", kind.rawValue)
        writer.text("ResourceType", kind.resource)
        writer.guid("ExchangeGuid", exchangeGuid)
        writer.guid("Guid", id)
        writer.text("Identity", name)
        writer.text("Id", name)
        writer.text("DistinguishedName", distinguishedName)
        writer.text("Database", "SANDBOX00DG\(100 + row.index % 7)-db\(row.index % 100)")
        writer.text("ServerName", "sandbox00mb\(1000 + row.index % 40)")
        writer.text("ForwardingAddress", nil)
        writer.text("ForwardingSmtpAddress", forwarding)
        writer.flag("DeliverToMailboxAndForward", forwarding != nil && row.index % 2 == 0)
        writer.flag("HiddenFromAddressListsEnabled", isHidden)
        writer.flag("LitigationHoldEnabled", isOnHold)
        writer.date("LitigationHoldDate", isOnHold ? row.created + 86_400 * 30 : nil)
        writer.text("LitigationHoldOwner", isOnHold ? TenantIdentity.administrator : "")
        writer.guid("ArchiveGuid", hasArchive ? archiveGuid : "00000000-0000-0000-0000-000000000000")
        writer.text("ArchiveStatus", hasArchive ? "Active" : "None")
        writer.text("ArchiveName", hasArchive ? "In-Place Archive - \(displayName)" : nil)
        writer.text("ArchiveState", hasArchive ? "Local" : "None")
        writer.text("ArchiveDatabase", hasArchive ? "SANDBOX00DG\(200 + row.index % 7)-db\(row.index % 100)" : nil)
        writer.text("ArchiveQuota", "100 GB (107,374,182,400 bytes)")
        writer.text("ArchiveWarningQuota", "90 GB (96,636,764,160 bytes)")
        writer.flag("AutoExpandingArchiveEnabled", false)
        writer.text("LitigationHoldDuration", "Unlimited")
        writer.flag("RetentionHoldEnabled", false)
        writer.date("StartDateForRetentionHold", nil)
        writer.date("EndDateForRetentionHold", nil)
        writer.flag("ComplianceTagHoldApplied", false)
        writer.flag("DelayHoldApplied", false)
        writer.text("RetainDeletedItemsFor", "14.00:00:00")
        writer.flag("SingleItemRecoveryEnabled", true)
        writer.text("RecoverableItemsQuota", "30 GB (32,212,254,720 bytes)")
        writer.text("RecoverableItemsWarningQuota", "20 GB (21,474,836,480 bytes)")
        writer.flag("UseDatabaseQuotaDefaults", false)
        writer.text("RoleAssignmentPolicy", "Default Role Assignment Policy")
        writer.text("SharingPolicy", "Default Sharing Policy")
        writer.text("MailboxPlan", kind == .user ? "ExchangeOnlineEnterprise" : nil)
        writer.flag("SKUAssigned", kind == .user)
        writer.flag("IsDirSynced", false)
        writer.flag("MessageCopyForSentAsEnabled", false)
        writer.flag("MessageCopyForSendOnBehalfEnabled", false)
        writer.list("AcceptMessagesOnlyFrom", [])
        writer.list("AcceptMessagesOnlyFromSendersOrMembers", [])
        writer.flag("ModerationEnabled", false)
        writer.list("ModeratedBy", [])
        writer.list(
            "AuditAdmin", ["Update", "MoveToDeletedItems", "SoftDelete", "HardDelete", "SendAs", "SendOnBehalf"])
        writer.list(
            "AuditDelegate", ["Update", "MoveToDeletedItems", "SoftDelete", "HardDelete", "SendAs", "SendOnBehalf"])
        writer.list("AuditOwner", ["Update", "MoveToDeletedItems", "SoftDelete", "HardDelete", "UpdateInboxRules"])
        writer.list("DefaultAuditSet", ["Admin", "Delegate", "Owner"])
        writer.text("MicrosoftOnlineServicesID", userPrincipalName)
        writer.text("SamAccountName", samAccountName)
        writer.text(
            "LegacyExchangeDN",
            "/o=ExchangeLabs/ou=Exchange Administrative Group/cn=Recipients/cn=\(exchangeGuid.filter { $0 != "-" })")
        writer.text("ProhibitSendQuota", "49.5 GB (53,150,220,288 bytes)")
        writer.text("ProhibitSendReceiveQuota", "50 GB (53,687,091,200 bytes)")
        writer.text("IssueWarningQuota", "49 GB (52,613,349,376 bytes)")
        writer.text("MaxSendSize", "35 MB (36,700,160 bytes)")
        writer.text("MaxReceiveSize", "36 MB (37,748,736 bytes)")
        writer.text("RetentionPolicy", "Default MRM Policy")
        writer.text("AddressBookPolicy", nil)
        writer.list("GrantSendOnBehalfTo", [])
        writer.list("InPlaceHolds", isOnHold ? ["UniH\(exchangeGuid)"] : [])
        writer.flag("AuditEnabled", true)
        writer.text("AuditLogAgeLimit", "90.00:00:00")
        writer.flag("IsMailboxEnabled", row.isEnabled || kind == .group)
        writer.flag("AccountDisabled", !row.isEnabled || kind != .user)
        writer.flag("IsShared", kind == .shared)
        writer.flag("IsResource", kind.resource != nil)
        writer.number("RecipientLimits", 500)
        writer.text("Office", row.office.name)
        writer.text("UsageLocation", row.office.country)
        for number in 1...15 { writer.text("CustomAttribute\(number)", number == 1 ? row.department : "") }
        writer.date("WhenCreated", created)
        writer.date("WhenCreatedUTC", created)
        writer.date("WhenChanged", created + 86_400 * 90)
        writer.date("WhenChangedUTC", created + 86_400 * 90)
        writer.date("WhenMailboxCreated", created + 60)
        writer.text("OrganizationalUnit", ExchangeOrganization.unit)
        writer.text("OrganizationId", "SANDBOX.PROD.OUTLOOK.COM/\(TenantIdentity.initialDomain)")
        writer.text("ObjectState", "Unchanged")
        writer.flag("IsValid", true)
        writer.end()
        return writer.bytes
    }

    /// The size and the number of its items.
    var size: (bytes: Int, items: Int) {
        let items = 200 + mixing.number(row.index, 79, below: 40_000)
        return (items * (18_000 + mixing.number(row.index, 80, below: 60_000)), items)
    }

    /// The time of its last use.
    var lastLogon: Int64? { row.lastSignIn }
}

/// Writes one row directly as bytes, with the type annotations that the admin API adds to some properties.
struct ExchangeRowWriter {
    private(set) var bytes: [UInt8]
    private let select: Set<String>?
    private let overrides: JSONObject
    private var isEmpty = true

    /// Creates a writer that appends to the given bytes.
    init(_ bytes: [UInt8], select: Set<String>?, overrides: JSONObject) {
        self.bytes = bytes
        self.select = select
        self.overrides = overrides
        self.bytes.append(UInt8(ascii: "{"))
    }

    mutating func end() { bytes.append(UInt8(ascii: "}")) }

    private mutating func name(_ name: String, type: String? = nil, kind: String? = nil) -> Bool {
        if let select, !select.contains(name.lowercased()) { return false }
        if let kind { raw(name, "@odata.type", kind) }
        if let type { raw(name, "@data.type", type) }
        comma()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: name.utf8)
        bytes.append(contentsOf: "\":".utf8)
        guard !overrides.isEmpty, let other = overrides[name] else { return true }
        bytes.append(contentsOf: JSONWriter.bytes(other))
        return false
    }

    private mutating func comma() {
        if isEmpty { isEmpty = false } else { bytes.append(UInt8(ascii: ",")) }
    }

    private mutating func raw(_ name: String, _ suffix: String, _ value: String) {
        comma()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: name.utf8)
        bytes.append(contentsOf: suffix.utf8)
        bytes.append(contentsOf: "\":\"".utf8)
        bytes.append(contentsOf: value.utf8)
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func text(_ name: String, _ value: String?) {
        guard self.name(name) else { return }
        if let value { JSONWriter.append(value, to: &bytes) } else { bytes.append(contentsOf: "null".utf8) }
    }

    mutating func flag(_ name: String, _ value: Bool) {
        guard self.name(name, type: "System.Boolean") else { return }
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    mutating func guid(_ name: String, _ value: String) {
        guard self.name(name, type: "System.Guid", kind: "#Guid") else { return }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: value.utf8)
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func date(_ name: String, _ seconds: Int64?) {
        guard self.name(name, type: "System.DateTime") else { return }
        if let seconds {
            JSONWriter.append(ServiceTime.text(seconds), to: &bytes)
        } else {
            bytes.append(contentsOf: "null".utf8)
        }
    }

    mutating func number(_ name: String, _ value: Int) {
        guard self.name(name, type: "System.Int32") else { return }
        bytes.append(contentsOf: "\(value)".utf8)
    }

    mutating func list(_ name: String, _ values: [String]) {
        guard self.name(name, kind: "#Collection(String)") else { return }
        bytes.append(UInt8(ascii: "["))
        for (place, value) in values.enumerated() {
            if place > 0 { bytes.append(UInt8(ascii: ",")) }
            JSONWriter.append(value, to: &bytes)
        }
        bytes.append(UInt8(ascii: "]"))
    }
}

/// The mailboxes of the tenant: the initial ones, generated from their index on request, and behind them those created
/// since.
final class ExchangeMailboxes: Sendable {
    private let users: UserDirectory
    private let created = Mutex<[ExchangeMailbox.Creation]>([])
    /// The indices of those whose owners are deleted.
    private let left = Mutex<Set<Int>>([])

    /// Creates the mailboxes of a directory.
    /// - Parameter users: the owners of the mailboxes; as many as the directory has, or more.
    init(users: UserDirectory) {
        self.users = users
    }

    /// The number of indices; that of a guest has no mailbox.
    var count: Int { users.count + created.withLock { $0.count } }

    /// Returns the mailbox at an index.
    func mailbox(_ index: Int) -> ExchangeMailbox? {
        guard index >= users.count else {
            return index >= 0 && !left.withLock({ $0.contains(index) }) ? ExchangeMailbox(users.row(index)) : nil
        }
        return created.withLock { created in
            let place = index - users.count
            return created.indices.contains(place) ? ExchangeMailbox(users.row(index), created[place]) : nil
        }
    }

    /// Leaves out the mailboxes of these owners, and no others any more.
    func leaveOut(owners: [String]) {
        let indices = Set(owners.compactMap { users.index(of: $0) })
        left.withLock { $0 = indices }
    }

    /// Adds a mailbox.
    func add(_ creation: ExchangeMailbox.Creation) -> ExchangeMailbox {
        created.withLock { created in
            created.append(creation)
            return ExchangeMailbox(users.row(users.count + created.count - 1), creation)
        }
    }

    /// Returns the mailbox of a group of Microsoft 365.
    func ofGroup(_ group: JSONObject) -> ExchangeMailbox {
        func text(_ name: String) -> String { group[name]?.string ?? "" }
        // Its contents follow from a number that no user has.
        let number = text("Guid").utf8.reduce(1) { ($0 &* 31 &+ Int($1)) & 0xFFFFF }
        return ExchangeMailbox(
            users.row(users.count + 0x100000 + number),
            ExchangeMailbox.Creation(
                group: (text("Guid"), ServiceTime.seconds(text("WhenCreated")).map { Int64($0) } ?? 0),
                name: text("Name"), displayName: text("DisplayName"), alias: text("Alias"),
                address: text("PrimarySmtpAddress"), kind: .group))
    }

    private func created(_ identity: String) -> ExchangeMailbox? {
        (users.count..<count).lazy.compactMap { self.mailbox($0) }.first { mailbox in
            [mailbox.id, mailbox.address, mailbox.alias, mailbox.name, mailbox.displayName, mailbox.distinguishedName]
                .contains { $0.lowercased() == identity }
        }
    }

    /// The number of mailboxes that the search by display name covers.
    private static let searched = 20_000

    /// Returns the mailbox with an identity: object id, address, alias, name, distinguished name, display name, or
    /// account name.
    func find(_ identity: String) throws(ExchangeFailure) -> ExchangeMailbox {
        var text = identity
        for prefix in ["smtp:", "SMTP:"] where text.hasPrefix(prefix) { text = String(text.dropFirst(prefix.count)) }
        let lower = text.lowercased()
        if let found = created(lower) { return found }
        if let index = users.index(of: text), let found = mailbox(index) { return found }
        for domain in [TenantIdentity.domain, TenantIdentity.initialDomain] {
            let address = lower.hasSuffix("@\(domain)") ? String(lower.dropLast(domain.count + 1)) : lower
            if let index = users.index(of: "\(address)@\(users.domain)"), let found = mailbox(index) { return found }
        }
        var found: ExchangeMailbox?
        for index in 0..<min(count, Self.searched) {
            guard let mailbox = mailbox(index) else { continue }
            guard
                mailbox.displayName.lowercased() == lower || mailbox.name.lowercased() == lower
                    || mailbox.distinguishedName.lowercased() == lower || mailbox.exchangeGuid == lower
                    || mailbox.samAccountName.lowercased() == lower
            else { continue }
            guard found == nil else { throw .ambiguous(identity) }
            found = mailbox
        }
        guard let found else { throw .notFound(identity) }
        return found
    }
}
