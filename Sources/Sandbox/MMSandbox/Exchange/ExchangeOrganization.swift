internal import MMCore

/// The Exchange organization that cmdlets work on: the initial mailboxes, and the changes since.
final class ExchangeOrganization {
    let context: TenantContext
    let store: DirectoryStore
    let mailboxes: ExchangeMailboxes
    /// The changed properties of mailboxes, by object id.
    var writtenProperties: [String: JSONObject] = [:]
    /// The changed permissions of mailboxes, by object id; they replace the initial ones.
    var writtenPermissions: [String: [JSONObject]] = [:]
    /// The changed accounts that may send as a mailbox, by its object id; they replace the initial ones.
    var writtenSenders: [String: [JSONObject]] = [:]
    /// The changed permissions of folders, by object id of the mailbox and name of the folder.
    var writtenFolders: [String: [JSONObject]] = [:]
    /// The changed inbox rules, by object id of the mailbox; they replace the initial ones.
    var writtenInboxRules: [String: [JSONObject]] = [:]
    /// All transport rules, once they were changed.
    var writtenTransportRules: [JSONObject]?
    /// The changed settings of other objects, by noun and name in lower case.
    var writtenSettings: [String: JSONObject] = [:]
    /// The objects of short lists that were created, by noun.
    var createdRows: [String: [JSONObject]] = [:]
    /// The identities, in lower case, of objects of short lists that were removed, by noun.
    var removedRows: [String: Set<String>] = [:]
    /// The compliance searches that were created.
    var searches: [JSONObject] = []
    /// Automatic replies, by object id of the mailbox.
    var replies: [String: JSONObject] = [:]
    /// The number of rules created so far.
    var serial = 0

    init(context: TenantContext, store: DirectoryStore, mailboxes: ExchangeMailboxes) {
        self.context = context
        self.store = store
        self.mailboxes = mailboxes
    }

    /// Leaves out the mailboxes of accounts that the directory has deleted; a restored account has its mailbox again.
    func followDirectory() {
        let users = store.table(.users)
        mailboxes.leaveOut(owners: users.changes.filter { $0.isRemoval && users.find($0.id) == nil }.map(\.id))
    }
}

/// The selection of mailboxes for a cmdlet.
extension ExchangeOrganization {
    /// Returns the mailbox that `-Identity` names.
    func mailbox(_ call: InvokedCmdlet, _ parameter: String = "Identity") throws(ExchangeFailure) -> ExchangeMailbox {
        guard let identity = call.text(parameter) else { throw .missing(parameter) }
        return try mailboxes.find(identity)
    }

    /// Returns the mailbox with a call's identity, which may be a group's.
    func anyMailbox(_ call: InvokedCmdlet) throws(ExchangeFailure) -> ExchangeMailbox {
        do throws(ExchangeFailure) {
            return try mailbox(call)
        } catch {
            let groups = Self.recipients(named: call.text("Identity") ?? "", in: unifiedGroups)
            guard let group = groups.first, groups.count == 1 else { throw error }
            return mailboxes.ofGroup(group)
        }
    }

    /// Returns a mailbox's current properties.
    func properties(of mailbox: ExchangeMailbox) -> JSONObject {
        let bytes = mailbox.append(to: [], select: nil, overrides: writtenProperties[mailbox.id] ?? [:])
        return (try? JSONParser.parse(bytes))?.object ?? [:]
    }

    /// Visits the mailboxes of a page: the one with an identity, or all that pass the call's filters.
    /// - Parameter others: other recipients, which come first and pass the same filters.
    func walk(
        _ call: InvokedCmdlet, after others: [JSONObject] = [], into answer: inout ExchangeAnswer,
        _ add: (ExchangeMailbox, inout ExchangeAnswer) -> Void
    ) throws(ExchangeFailure) {
        let wildcard = call.text("Identity").flatMap { $0.contains("*") ? $0 : nil }
        if call.has("Identity"), wildcard == nil { return add(try mailbox(call), &answer) }
        let known = others.reduce(into: knownProperties) { $0.formUnion($1.keys.map { $0.lowercased() }) }
        let selection = try MailboxSelection(call, wildcard: wildcard, known: known)
        let limit = try call.limit()
        let left = limit.map { max(0, $0 - call.returned) } ?? Int.max
        let size = min(call.pageSize, left)
        let order = try call.text("SortBy").map { (name) throws(ExchangeFailure) in
            guard known.contains(name.lowercased()) else {
                throw .invalid("SortBy", "\"\(name)\" is not a property that results can be sorted by.")
            }
            return sorted(by: name.lowercased(), others, selection)
        }
        var place = call.offset
        while place < order?.count ?? (others.count + mailboxes.count) {
            let index = order?[place] ?? place
            guard order != nil || passes(index, others, selection) else {
                place += 1
                continue
            }
            if answer.count == size {
                if left > size { answer.next = place } else { answer.warnings.append(ExchangeAnswer.moreResults) }
                return
            }
            if index < others.count {
                answer.add(others[index], select: call.select)
            } else if let mailbox = mailboxes.mailbox(index - others.count) {
                add(mailbox, &answer)
            }
            place += 1
        }
    }

    /// The properties that filters and sort orders may name, in lower case.
    private var knownProperties: Set<String> {
        Set(mailboxes.mailbox(0).map { properties(of: $0).keys.map { $0.lowercased() } } ?? []).union(["members"])
    }

    /// Returns the indices of the selected recipients, sorted by a property.
    private func sorted(by name: String, _ others: [JSONObject], _ selection: MailboxSelection) -> [Int] {
        var keyed: [(key: String, place: Int)] = []
        for place in 0..<others.count + mailboxes.count where passes(place, others, selection) {
            let row =
                place < others.count
                ? others[place] : mailboxes.mailbox(place - others.count).map { properties(of: $0) } ?? [:]
            let value = row.first { $0.key.lowercased() == name }?.value ?? .null
            keyed.append(((value.string ?? value.description).lowercased(), place))
        }
        return keyed.sorted { ($0.key, $0.place) < ($1.key, $1.place) }.map(\.place)
    }

    /// Returns whether the recipient at an index is selected; the mailboxes come after the others.
    private func passes(_ index: Int, _ others: [JSONObject], _ selection: MailboxSelection) -> Bool {
        guard index < others.count else {
            return mailboxes.mailbox(index - others.count).map { passes($0, selection) } ?? false
        }
        let row = others[index]
        func text(_ name: String) -> String { row[name]?.string ?? "" }
        return selection.passes(
            kind: text("RecipientTypeDetails"), type: text("RecipientType"), hasArchive: false,
            names: (text("DisplayName"), text("Alias"), text("Name"), text("PrimarySmtpAddress"))
        ) { filterable(row, by: $0) }
    }

    private func passes(_ mailbox: ExchangeMailbox, _ selection: MailboxSelection) -> Bool {
        let changed = writtenProperties[mailbox.id]
        return selection.passes(
            kind: changed?["RecipientTypeDetails"]?.string ?? mailbox.kind.rawValue, type: "UserMailbox",
            hasArchive: mailbox.hasArchive,
            names: (
                changed?["DisplayName"]?.string ?? mailbox.displayName, mailbox.alias, mailbox.name, mailbox.address
            )
        ) { _ in properties(of: mailbox) }
    }
}

/// The selection of mailboxes by a call.
struct MailboxSelection: Sendable {
    /// The kinds in lower case; `nil` for all.
    private let kinds: Set<String>?
    /// The coarser types in lower case; `nil` for all.
    private let types: Set<String>?
    private let filter: (text: String, parsed: ExchangeFilter)?
    private let anr: String?
    private let wildcard: String?
    private let wantsArchive: Bool
    /// Whether the call selects other mailboxes than those in use: deleted ones, public folders.
    private let isElsewhere: Bool

    /// Reads the selection of a call.
    /// - Parameter known: the properties that a filter may name, in lower case.
    /// - Throws: the service's error for a filter that can't be parsed, or that names an unknown property.
    init(_ call: InvokedCmdlet, wildcard: String?, known: Set<String>) throws(ExchangeFailure) {
        kinds = Self.kinds(of: call)
        types = Self.words("RecipientType", of: call)
        filter = try call.text("Filter").map { (text) throws(ExchangeFailure) in
            (text, try ExchangeFilter(text, properties: known))
        }
        anr = call.text("Anr")?.lowercased()
        self.wildcard = wildcard
        wantsArchive = call.isSet("Archive")
        isElsewhere = ["SoftDeletedMailbox", "InactiveMailboxOnly", "PublicFolder"].contains { call.isSet($0) }
    }

    /// Returns the kinds of recipients of a call in lower case; `nil` for all.
    static func kinds(of call: InvokedCmdlet) -> Set<String>? {
        call.isSet("GroupMailbox")
            ? [ExchangeMailbox.Kind.group.rawValue.lowercased()] : words("RecipientTypeDetails", of: call)
    }

    /// Returns the words of a parameter in lower case; `nil` if it isn't given.
    static func words(_ parameter: String, of call: InvokedCmdlet) -> Set<String>? {
        call.texts(parameter).map { given in
            Set(given.flatMap { $0.split(separator: ",").map { $0.filter { $0 != " " }.lowercased() } })
        }
    }

    /// Returns whether a recipient is selected.
    /// - Parameter row: the properties as a filter, whose text it gets, sees them; only computed if there is one.
    func passes(
        kind: String, type: String, hasArchive: Bool,
        names: (display: String, alias: String, unique: String, address: String), row: (String) -> JSONObject
    ) -> Bool {
        guard kinds?.contains(kind.lowercased()) ?? true, types?.contains(type.lowercased()) ?? true, !isElsewhere,
            hasArchive || !wantsArchive
        else { return false }
        if let anr, !names.display.lowercased().hasPrefix(anr), !names.alias.lowercased().hasPrefix(anr) {
            return false
        }
        if let wildcard {
            let all = [names.display, names.unique, names.alias, names.address]
            guard all.contains(where: { ExchangeFilter.matches($0, wildcard) }) else { return false }
        }
        return filter.map { $0.parsed.passes(row($0.text)) } ?? true
    }
}
