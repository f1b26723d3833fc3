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
}

/// The selection of mailboxes for a cmdlet.
extension ExchangeOrganization {
    /// Returns the mailbox that `-Identity` names.
    func mailbox(_ call: InvokedCmdlet, _ parameter: String = "Identity") throws(ExchangeFailure) -> ExchangeMailbox {
        guard let identity = call.text(parameter) else { throw .missing(parameter) }
        return try mailboxes.find(identity)
    }

    /// Returns a mailbox's current properties.
    func properties(of mailbox: ExchangeMailbox) -> JSONObject {
        let bytes = mailbox.append(to: [], select: nil, overrides: writtenProperties[mailbox.id] ?? [:])
        return (try? JSONParser.parse(bytes))?.object ?? [:]
    }

    /// Visits the mailboxes of a page: the one with an identity, or all that pass the call's filters.
    func walk(
        _ call: InvokedCmdlet, into answer: inout ExchangeAnswer, _ add: (ExchangeMailbox, inout ExchangeAnswer) -> Void
    ) throws(ExchangeFailure) {
        let wildcard = call.text("Identity").flatMap { $0.contains("*") ? $0 : nil }
        if call.has("Identity"), wildcard == nil { return add(try mailbox(call), &answer) }
        let selection = try MailboxSelection(call, wildcard: wildcard, known: knownProperties)
        let limit = try call.limit()
        let left = limit.map { max(0, $0 - call.returned) } ?? Int.max
        let size = min(call.pageSize, left)
        let order = try call.text("SortBy").map { (name) throws(ExchangeFailure) in try sorted(by: name, selection) }
        var place = call.offset
        while place < order?.count ?? mailboxes.count {
            let index = order?[place] ?? place
            guard let mailbox = mailboxes.mailbox(index), order != nil || passes(mailbox, selection) else {
                place += 1
                continue
            }
            if answer.count == size {
                if left > size { answer.next = place } else { answer.warnings.append(ExchangeAnswer.moreResults) }
                return
            }
            add(mailbox, &answer)
            place += 1
        }
    }

    /// The properties that filters and sort orders may name, in lower case.
    private var knownProperties: Set<String> {
        Set(mailboxes.mailbox(0).map { properties(of: $0).keys.map { $0.lowercased() } } ?? []).union(["members"])
    }

    /// Returns the indices of the selected mailboxes, sorted by a property.
    private func sorted(by name: String, _ selection: MailboxSelection) throws(ExchangeFailure) -> [Int] {
        guard knownProperties.contains(name.lowercased()) else {
            throw .invalid("SortBy", "\"\(name)\" is not a property that results can be sorted by.")
        }
        var keyed: [(key: String, place: Int)] = []
        for place in 0..<mailboxes.count {
            guard let mailbox = mailboxes.mailbox(place), passes(mailbox, selection) else { continue }
            let value = properties(of: mailbox).first { $0.key.lowercased() == name.lowercased() }?.value ?? .null
            keyed.append(((value.string ?? value.description).lowercased(), place))
        }
        return keyed.sorted { ($0.key, $0.place) < ($1.key, $1.place) }.map(\.place)
    }

    private func passes(_ mailbox: ExchangeMailbox, _ selection: MailboxSelection) -> Bool {
        let changed = writtenProperties[mailbox.id]
        let kind = changed?["RecipientTypeDetails"]?.string ?? mailbox.kind.rawValue
        guard selection.kinds?.contains(kind.lowercased()) ?? true, !selection.isElsewhere else { return false }
        if selection.wantsArchive, !mailbox.hasArchive { return false }
        let name = changed?["DisplayName"]?.string ?? mailbox.displayName
        if let anr = selection.anr, !name.lowercased().hasPrefix(anr), !mailbox.alias.lowercased().hasPrefix(anr) {
            return false
        }
        if let wildcard = selection.wildcard {
            let names = [name, mailbox.name, mailbox.alias, mailbox.address]
            guard names.contains(where: { ExchangeFilter.matches($0, wildcard) }) else { return false }
        }
        return selection.filter?.passes(properties(of: mailbox)) ?? true
    }
}

/// The selection of mailboxes by a call.
struct MailboxSelection: Sendable {
    /// The kinds in lower case; `nil` for all.
    let kinds: Set<String>?
    let filter: ExchangeFilter?
    let anr: String?
    let wildcard: String?
    let wantsArchive: Bool
    /// Whether the call selects other mailboxes than those in use: deleted ones, public folders.
    let isElsewhere: Bool

    /// Reads the selection of a call.
    /// - Parameter known: the properties that a filter may name, in lower case.
    /// - Throws: the service's error for a filter that can't be parsed, or that names an unknown property.
    init(_ call: InvokedCmdlet, wildcard: String?, known: Set<String>) throws(ExchangeFailure) {
        kinds = call.texts("RecipientTypeDetails").map { given in
            Set(given.flatMap { $0.split(separator: ",").map { $0.filter { $0 != " " }.lowercased() } })
        }
        filter = try call.text("Filter").map { (text) throws(ExchangeFailure) in
            try ExchangeFilter(text, properties: known)
        }
        anr = call.text("Anr")?.lowercased()
        self.wildcard = wildcard
        wantsArchive = call.isSet("Archive")
        isElsewhere = ["SoftDeletedMailbox", "InactiveMailboxOnly", "PublicFolder", "GroupMailbox"].contains {
            call.isSet($0)
        }
    }
}
