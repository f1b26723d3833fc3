import MMCore
import MMIdentity

/// Which writes of the journal are meant, and what has become of them there.
struct UndoSelection {
    private let entries: [JournalEntry]
    private let positions: [String: Int]
    /// Deletions, by whomever, that have been taken back, each with the entry that made the object anew: by the id that it had, in
    /// small letters.
    private let remade: [String: [(deletion: JournalEntry, again: JournalEntry)]]
    /// The entries that take an entry back, by its id.
    private let undoers: [String: [JournalEntry]]
    /// The connections that lead to where they were made.
    let reach: UndoReach

    /// The writes that a caller may see: those of the tenants and accounts that its connections lead to, those of hosts, and where it
    /// signed in to this server, its own alone. This machine's owner sees all. Whether they still stand depends on what everybody has undone.
    init(_ services: RequestServices, in context: OperationContext) async throws(MMError) {
        let caller = context.call.caller
        let all = try await services.journal.entries()
        let reach = try await UndoReach(to: all, services, for: caller.server)
        self.init(
            caller.server == nil ? all : all.filter { reach.name(of: $0) != nil || $0.change.kind == .file },
            of: caller.signedIn?.id,
            reach: reach)
    }

    /// - Parameters:
    ///   - all: the writes that a caller reaches.
    ///   - principal: who it is that sees its own alone; `nil` for this machine's user, who sees all.
    ///   - reach: where connections lead.
    init(_ all: [JournalEntry], of principal: String? = nil, reach: UndoReach = .byName) {
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

    /// All of them, newest first.
    var newestFirst: [JournalEntry] { entries.reversed() }

    /// What the connection of an entry is called today, else what it was called.
    func connection(of entry: JournalEntry) -> String { reach.name(of: entry) ?? entry.connection }

    /// Refuses a connection that nothing was changed with and that there is not.
    /// - Throws: `invalidInput` that lists the connections.
    func check(connection name: String, _ services: RequestServices, in context: OperationContext) throws(MMError) {
        try ListFilter.check(
            connection: name, in: services.guarding.registry, for: context.call.caller.server,
            written: Set(entries.map { self.connection(of: $0) }))
    }

    /// The entry with an id.
    /// - Throws: `notFound`.
    func entry(_ id: String) throws(MMError) -> JournalEntry {
        guard let position = positions[id] else {
            throw MMError(
                .notFound, "The journal has no change \(String(id.prefix(40))).",
                hint: "mm undo list shows the changes; they are kept for 90 days.", details: ["field": "id"])
        }
        return entries[position]
    }

    /// Whether an entry has been taken back, by an undo that was not itself taken back, and still is.
    func isUndone(_ entry: JournalEntry) -> Bool {
        undoers[entry.id]?.contains {
            $0.outcome == .done && !$0.isPart && !isUndone($0) && !isMadeAnew(entry, after: $0)
        } ?? false
    }

    /// Whether what an entry made was deleted by another change as well, and is there again since that one was taken back.
    private func isMadeAnew(_ entry: JournalEntry, after undo: JournalEntry) -> Bool {
        let id = entry.change.subject.id.lowercased()
        guard entry.change.kind == .creation, !id.isEmpty, let place = positions[undo.id] else { return false }
        return (remade[id] ?? []).contains { deletion, again in
            deletion.undoes == nil && deletion.author == entry.author && (positions[again.id] ?? -1) > place
        }
    }

    /// The undo of an entry of which nobody knows whether it was sent.
    func openUndo(of entry: JournalEntry) -> JournalEntry? { undoers[entry.id]?.last { $0.outcome == .unknown } }

    /// The ids of objects that were made anew since, by the ids that they had, in small letters.
    var successors: [String: String] {
        remade.compactMapValues { pairs in pairs.map(\.again.change.subject.id).last { !$0.isEmpty } }
    }

    /// The ids of the changes of the last time. What was noted before the clock was set back bears a time to come: nobody knows how
    /// long ago that was, nor what was noted before it. Clocks of machines that share a folder differ by less than a minute.
    func entries(ofLast time: Duration, now: Timestamp = .now) -> Set<String> {
        let (start, end) = (now + (.zero - time), now + .seconds(60))
        return Set(newestFirst.prefix { $0.time <= end }.filter { $0.time >= start }.map(\.id))
    }

    /// The changes of a call, a session or a time that can still stand, newest first.
    func standing(where matches: (JournalEntry) -> Bool) -> [JournalEntry] {
        newestFirst.filter { $0.undoes == nil && $0.outcome != .refused && !isUndone($0) && matches($0) }
    }

    /// The newest changes of properties that stand, by what they change: what else is to be known is asked once, for all entries.
    struct Newest {
        fileprivate var positions: [String: Int] = [:]
    }

    /// - Parameter taken: those that are taken back before, which don't count.
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

    /// The newest change of the same properties of the same object.
    func later(than entry: JournalEntry, among newest: Newest) -> JournalEntry? {
        guard entry.change.isOverwritten, let own = positions[entry.id] else { return nil }
        let found = Self.slots(entry).compactMap { newest.positions[$0] }.max()
        return found.flatMap { $0 > own ? entries[$0] : nil }
    }

    private static func slots(_ entry: JournalEntry) -> [String] {
        let place = entry.author.map { "\($0.tenant) \($0.account)" } ?? entry.connection
        return entry.change.slots.map { "\(place) \($0)" }
    }

    /// An entry as a row of a list.
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

    /// What has become of an entry, in a few words.
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
