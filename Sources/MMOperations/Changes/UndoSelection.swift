import MMCore
import MMStates

/// Which writes of the journal are meant, and what has become of them there.
struct UndoSelection {
    private let entries: [JournalEntry]
    /// What was deleted, by whomever.
    private let deletions: [JournalEntry]
    /// The entries that take an entry back, by its id.
    private let undoers: [String: [JournalEntry]]

    /// The writes that a caller may see: those of its connections, and where it signed in to this server, its own alone. Whether
    /// they still stand depends on what everybody has undone.
    init(_ services: RequestServices, in context: OperationContext) async throws(MMError) {
        let snapshot = try services.guarding.registry.snapshot()
        let caller = context.call.caller
        var seen: [String: Bool] = [:]
        var reachable: [JournalEntry] = []
        for entry in try await services.journal.entries() {
            let isReachable =
                seen[entry.connection]
                ?? ((try? snapshot.connection(named: entry.connection, for: caller.server)) != nil)
            seen[entry.connection] = isReachable
            if isReachable { reachable.append(entry) }
        }
        self.init(reachable, of: caller.principal?.id)
    }

    /// - Parameters:
    ///   - all: the writes of the connections that a caller reaches.
    ///   - principal: who it is that sees its own alone; `nil` for this machine's user, who sees all.
    init(_ all: [JournalEntry], of principal: String? = nil) {
        entries = principal.map { principal in all.filter { $0.principal == principal } } ?? all
        deletions = all.filter { $0.change.kind == .deletion }
        undoers = Dictionary(grouping: all.filter { $0.undoes != nil }) { $0.undoes ?? "" }
    }

    /// All of them, newest first.
    var newestFirst: [JournalEntry] { entries.reversed() }

    /// The entry with an id.
    /// - Throws: `notFound`.
    func entry(_ id: String) throws(MMError) -> JournalEntry {
        guard let entry = entries.first(where: { $0.id == id }) else {
            throw MMError(
                .notFound, "The journal has no change \(String(id.prefix(40))).",
                hint: "mm undo list shows the changes; they are kept for 90 days.", details: ["field": "id"])
        }
        return entry
    }

    /// Whether an entry has been taken back, by an undo that was not itself taken back.
    func isUndone(_ entry: JournalEntry) -> Bool {
        undoers[entry.id]?.contains { $0.outcome == .done && !$0.isPart && !isUndone($0) } ?? false
    }

    /// The undo of an entry of which nobody knows whether it was sent.
    func openUndo(of entry: JournalEntry) -> JournalEntry? { undoers[entry.id]?.last { $0.outcome == .unknown } }

    /// The ids of objects that were made anew since, by the ids that they had, in small letters.
    var successors: [String: String] {
        var ids: [String: String] = [:]
        for entry in deletions {
            for undoer in undoers[entry.id] ?? []
            where undoer.outcome == .done && undoer.change.kind == .creation && !undoer.change.subject.id.isEmpty {
                ids[entry.change.subject.id.lowercased()] = undoer.change.subject.id
            }
        }
        return ids
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

    /// The newest change of the same properties of the same object that stands and is not among those that are taken back before.
    func later(than entry: JournalEntry, besides taken: Set<String>) -> JournalEntry? {
        guard entry.change.kind == .properties else { return nil }
        let (place, keys) = (entry.change.place.lowercased(), Set(entry.change.keys))
        return newestFirst.prefix { $0.id != entry.id }.first { other in
            other.change.kind == .properties && other.outcome == .done && other.undoes == nil
                && other.connection == entry.connection && other.change.service == entry.change.service
                && !keys.isDisjoint(with: other.change.keys) && other.change.place.lowercased() == place
                && !taken.contains(other.id) && !isUndone(other)
        }
    }

    /// An entry as a row of a list.
    func row(_ entry: JournalEntry) -> JSONObject {
        [
            "id": .string(entry.id), "time": .string(entry.time.iso8601), "connection": .string(entry.connection),
            "change": .string(VisibleText.exact(entry.change.title)), "state": .string(state(of: entry)),
            "client": .string(entry.client), "call": .string(entry.call),
            "session": entry.session.map { .string($0) } ?? .null,
        ]
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
