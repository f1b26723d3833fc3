import MMCore
import MMIdentity

/// A selection of writes from the journal, with what the journal says about which of them are undone.
struct UndoSelection {
    private let entries: [JournalEntry]
    private let positions: [String: Int]
    /// The undone deletions of all callers, each with the entry that recreated the object, by the object's former id in
    /// lower case.
    private let remade: [String: [(deletion: JournalEntry, again: JournalEntry)]]
    /// The entries that undo an entry, by the id of the latter.
    private let undoers: [String: [JournalEntry]]
    /// The present connections of the entries.
    let reach: UndoReach
    /// What an answer from these entries has to say about the journal.
    private(set) var notes: [String] = []

    /// Reads the writes that a caller may see: those in the tenants and by the accounts that its connections reach, and
    /// those on hosts. A caller that signed in to this server sees only its own, this machine's owner all. Undos by all
    /// callers count for whether a write still stands.
    init(_ services: RequestServices, in context: OperationContext) async throws(MMError) {
        let caller = context.call.caller
        let contents = try await services.journal.contents()
        let all = contents.entries
        let reach = try await UndoReach(to: all, services, for: caller.server)
        self.init(
            caller.server == nil ? all : all.filter { reach.name(of: $0) != nil || $0.change.kind == .file },
            of: caller.signedIn?.id,
            reach: reach)
        notes = [contents.damage].compactMap(\.self)
    }

    /// - Parameters:
    ///   - all: the writes within the caller's reach.
    ///   - principal: the id of a caller that sees only its own writes; `nil` for this machine's user, who sees all.
    ///   - reach: the present connections of the entries.
    init(_ all: [JournalEntry], of principal: String?, reach: UndoReach) {
        let entries = principal.map { principal in all.filter { $0.principal == principal } } ?? all
        self.entries = entries
        positions = Dictionary(entries.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
        let undoers = Dictionary(grouping: all.filter { $0.undoes != nil }) { $0.undoes ?? "" }
        self.undoers = undoers
        let pairs = all.filter { $0.change.kind == .deletion }.flatMap { deletion in
            (undoers[deletion.id] ?? []).filter { $0.outcome == .done && $0.change.kind == .creation }
                .map { (deletion: deletion, again: $0) }
        }
        remade = Dictionary(grouping: pairs) { $0.deletion.change.subject.id.lowercased() }
        self.reach = reach
    }

    /// All entries, newest first.
    var newestFirst: [JournalEntry] { entries.reversed() }

    /// Returns the present name of an entry's connection; the noted name if no connection reaches its place any more.
    func connection(of entry: JournalEntry) -> String { reach.name(of: entry) ?? entry.connection }

    /// Refuses the name of a connection that neither exists nor occurs in the entries.
    /// - Throws: `invalidInput` that lists the connections.
    func check(connection name: String, _ services: RequestServices, in context: OperationContext) throws(MMError) {
        try ListFilter.check(
            connection: name, in: services.guarding.registry, for: context.call.caller.server,
            written: Set(entries.map { self.connection(of: $0) }))
    }

    /// Returns the changes for a list, newest first: those that were sent, of one connection if a name is given.
    /// - Throws: the errors of `check`.
    func listed(
        on name: String?, _ services: RequestServices, in context: OperationContext
    ) throws(MMError) -> [JournalEntry] {
        if let name { try check(connection: name, services, in: context) }
        return newestFirst.filter { entry in
            entry.outcome != .refused && (name.map { $0 == connection(of: entry) } ?? true)
        }
    }

    /// Returns the entry with an id.
    /// - Throws: `notFound`.
    func entry(_ id: String) throws(MMError) -> JournalEntry {
        guard let position = positions[id] else {
            throw MMError(
                .notFound, "The journal has no change \(String(id.prefix(40))).",
                hint: "mm undo list shows the changes; they are kept for 90 days.", details: ["field": "id"])
        }
        return entries[position]
    }

    /// Returns whether an entry is undone, by an undo that was not itself undone.
    func isUndone(_ entry: JournalEntry) -> Bool {
        undoers[entry.id]?.contains {
            $0.outcome == .done && !$0.isPart && !isUndone($0) && !isMadeAnew(entry, after: $0)
        } ?? false
    }

    /// Returns whether the object that an entry created was deleted by another change, whose undo recreated it after
    /// the given undo.
    private func isMadeAnew(_ entry: JournalEntry, after undo: JournalEntry) -> Bool {
        let id = entry.change.subject.id.lowercased()
        guard entry.change.kind == .creation, !id.isEmpty, let place = positions[undo.id] else { return false }
        return (remade[id] ?? []).contains { deletion, again in
            deletion.undoes == nil && deletion.author == entry.author && (positions[again.id] ?? -1) > place
        }
    }

    /// Returns the undo of an entry for which it is unknown whether it was sent.
    func openUndo(of entry: JournalEntry) -> JournalEntry? { undoers[entry.id]?.last { $0.outcome == .unknown } }

    /// The ids of recreated objects, by their former ids in lower case.
    var successors: [String: String] {
        remade.compactMapValues { pairs in pairs.map(\.again.change.subject.id).last { !$0.isEmpty } }
    }

    /// Returns the ids of the changes in the last period. Entries with a time in the future were noted before the clock
    /// was set back; their age and that of all earlier entries is unknown, so they are left out. The clocks of machines
    /// that share a folder are taken to differ by less than a minute.
    func entries(ofLast time: Duration, now: Timestamp = .now) -> Set<String> {
        let (start, end) = (now + (.zero - time), now + .seconds(60))
        return Set(newestFirst.prefix { $0.time <= end }.filter { $0.time >= start }.map(\.id))
    }

    /// Returns the writes of a call that may still stand, newest first. The undos of a call are among them, but not
    /// those of its own changes, which leave nothing of either.
    func standing(ofCall call: String) -> [JournalEntry] {
        newestFirst.filter { entry in
            guard entry.isOf(call: call), entry.outcome != .refused, !isUndone(entry) else { return false }
            let undone = entry.undoes.flatMap { positions[$0] }.map { entries[$0] }
            return !(undone?.isOf(call: call) ?? false)
        }
    }

    /// Returns the matching changes that may still stand, newest first. Undos are left out, so that a repeated undo of
    /// a period doesn't take the first one back.
    func standing(where matches: (JournalEntry) -> Bool) -> [JournalEntry] {
        newestFirst.filter { $0.undoes == nil && $0.outcome != .refused && !isUndone($0) && matches($0) }
    }

    /// The newest standing changes by the properties that they change, computed once for all entries.
    struct Newest {
        fileprivate var positions: [String: Int] = [:]
    }

    /// - Parameter taken: the ids of changes that are undone first and so don't count.
    func newest(besides taken: Set<String>) -> Newest {
        var newest = Newest()
        for (position, entry) in entries.enumerated()
        where entry.change.isOverwritten && entry.outcome == .done && entry.undoes == nil
            && !taken.contains(entry.id) && !isUndone(entry)
        {
            for slot in Self.slots(entry) { newest.positions[slot] = position }
        }
        return newest
    }

    /// Returns the newest later change of the same properties of the same object.
    func later(than entry: JournalEntry, among newest: Newest) -> JournalEntry? {
        guard entry.change.isOverwritten, let own = positions[entry.id] else { return nil }
        let found = Self.slots(entry).compactMap { newest.positions[$0] }.max()
        return found.flatMap { $0 > own ? entries[$0] : nil }
    }

    private static func slots(_ entry: JournalEntry) -> [String] {
        let place = entry.author.map { "\($0.tenant) \($0.account)" } ?? entry.connection
        return entry.change.slots.map { "\(place) \($0)" }
    }

    /// Returns an entry as a row of a list.
    func row(_ entry: JournalEntry) -> JSONObject {
        var row: JSONObject = [
            "id": .string(entry.id), "time": .string(entry.time.iso8601),
            "connection": .string(connection(of: entry)),
            "change": .string(VisibleText.exact(entry.change.title)), "state": .string(state(of: entry)),
            "client": .string(entry.client), "call": .string(entry.wholeCall),
            "session": entry.session.map { .string($0) } ?? .null,
        ]
        if !entry.within.isEmpty { row["step"] = .string(entry.call) }
        if let author = entry.author {
            row["tenant"] = .string(author.tenant)
            row["account"] = .string(author.account)
        }
        return row
    }

    /// Returns the state of an entry in a few words.
    func state(of entry: JournalEntry) -> String {
        switch entry.outcome {
        case .refused: return "refused"
        case .unknown: return isUndone(entry) ? "undone" : "unknown whether it was sent"
        case .done:
            if isUndone(entry) { return "undone" }
            if openUndo(of: entry) != nil { return "undo begun" }
            return entry.change.reasonAgainstUndo == nil ? "can be undone" : "can't be undone"
        }
    }
}
