internal import PowerShellSyntax

/// The variables of a script with their possible values, in the order of the text: a later assignment replaces an
/// earlier one, and after a part that may or may not run, both remain possible.
struct ScriptVariables: Sendable {
    /// A variable.
    struct Entry: Sendable {
        var facts: ValueFacts
        /// The type or the condition that it was declared with, by which PowerShell changes or refuses later values.
        var type: String?
        /// The hashtable literal that was assigned, as long as nothing has changed it.
        var table: HashtableSyntax?
        /// The list or table as which the script itself created it, so that its elements may be set; empty for others.
        var own: OwnContainer = []
        /// The script's own type of which it is an object.
        var ownType: String?
        /// The block literal that it holds, judged where it is written.
        var block: ScriptWalk.LocalFunction?
        /// Whether it is a stopwatch.
        var isStopwatch = false
        /// The text that was assigned, with a key for each value that isn't known.
        var openText: String?
        /// Whether it is an answer of Graph.
        var isAnswer = false
        /// The addresses with which the pages begin that it goes on with, or that it is itself; `nil` if it may be
        /// anything else.
        var pages: Set<String>?

        /// The type of a variable that was declared with one of several types, or whose type isn't known.
        static let anyType = "several"

        /// What a variable may hold of which nothing is known.
        static let unknown = Entry(facts: .unknown)

        /// Returns whether this entry includes everything that the other one may be.
        func covers(_ other: Entry) -> Bool {
            facts.covers(other.facts) && (table == nil || table === other.table)
                && (own.isEmpty || !other.own.isEmpty && own.isSuperset(of: other.own))
                && (ownType == nil || ownType == other.ownType) && block == nil
                && (!isStopwatch || other.isStopwatch) && (openText == nil || openText == other.openText)
                && (!isAnswer || other.isAnswer) && (other.type == nil || type == other.type)
                && (pages.map { own in other.pages?.isSubset(of: own) ?? false } ?? true)
        }

        /// Returns whether a variable of a type holds exactly this when it is given it.
        func suits(_ type: String) -> Bool {
            facts.texts?.allSatisfy { PureTypes.keeps($0, as: type) } ?? (table != nil && PureTypes.isTable(type))
        }

        private func type(with other: Entry) -> String? {
            guard let type, let more = other.type else { return type ?? other.type }
            return type == more ? type : Self.anyType
        }

        /// Returns an entry that may be either of the two.
        func or(_ other: Entry) -> Entry {
            Entry(
                facts: facts.or(other.facts), type: type(with: other), table: table === other.table ? table : nil,
                own: own.isEmpty || other.own.isEmpty ? [] : own.union(other.own),
                ownType: ownType == other.ownType ? ownType : nil,
                isStopwatch: isStopwatch && other.isStopwatch, openText: openText == other.openText ? openText : nil,
                isAnswer: isAnswer && other.isAnswer, pages: pages.flatMap { own in other.pages.map(own.union) })
        }
    }

    /// The variables (in lower case) that may change at any time, and so hold anything.
    let shared: Set<String>
    private let remembered: [String: ValueFacts]
    private let rememberedTypes: [String: String]
    private var entries: [String: Entry] = [:]
    private var log: [(name: String, before: Entry?)] = []
    /// Every assignment, also in parts that were undone since: where a part is left early, any of them may be the last.
    private var history: [(name: String, entry: Entry)] = []

    /// A position in the text's assignments.
    struct Mark {
        fileprivate let log: Int
        fileprivate let history: Int
    }

    /// - Parameters:
    ///   - remembered: the variables that earlier scripts left in the session.
    ///   - types: what these were declared with.
    ///   - shared: the variables that may change at any time.
    init(remembered: [String: ValueFacts] = [:], types: [String: String] = [:], shared: Set<String>) {
        self.shared = shared
        self.remembered = remembered
        rememberedTypes = types
    }

    /// Returns the variable with a name in lower case; an unassigned one may hold anything.
    subscript(_ name: String) -> Entry {
        entries[name] ?? inherited(name)
    }

    private func inherited(_ name: String) -> Entry {
        shared.contains(name) ? .unknown : Entry(facts: remembered[name] ?? .unknown, type: rememberedTypes[name])
    }

    /// Gives a variable a value as PowerShell does. With a type that doesn't take the value as it is, a variable holds
    /// something else afterwards: a converted value, or its old one.
    mutating func give(_ name: String, _ entry: Entry) {
        let before = self[name]
        guard entry.type == nil, let type = before.type, !entry.suits(type) else {
            return assign(name, entry)
        }
        var either = before.or(entry)
        either.facts.texts = nil
        assign(name, either)
    }

    mutating func assign(_ name: String, _ entry: Entry) {
        var entry = shared.contains(name) ? .unknown : entry
        entry.type = entry.type ?? self[name].type
        log.append((name, entries[name]))
        history.append((name, entry))
        entries[name] = entry
    }

    /// The variables that the script leaves behind, with everything that it assigned them.
    var leftAnywhere: [String: Entry] { everything(since: Mark(log: 0, history: 0)) }

    /// Returns the names that were assigned since a position.
    func assigned(since mark: Mark) -> Set<String> { Set(history[mark.history...].map(\.name)) }

    /// The current position.
    var mark: Mark { Mark(log: log.count, history: history.count) }

    /// Returns, for each variable that was assigned since a position, everything that it may have held.
    private func everything(since mark: Mark) -> [String: Entry] {
        history[mark.history...].reduce(into: [:]) { all, one in
            all[one.name] = all[one.name]?.or(one.entry) ?? one.entry
        }
    }

    /// Notes that the part since a position may not have run, or may have been left anywhere: each variable that it
    /// assigned may hold any of these values, or the one from before.
    /// - Returns: the variables that may hold something that they couldn't before the part, with what they held then.
    @discardableResult
    mutating func loosen(since mark: Mark) -> [String: Entry] {
        var grown: [String: Entry] = [:]
        for (name, old, either) in loosened(since: mark) {
            if !old.covers(either) { grown[name] = old }
            assign(name, either)
        }
        return grown
    }

    /// Returns whether a variable may hold something now that it couldn't at a position.
    func hasGrown(since mark: Mark) -> Bool { loosened(since: mark).contains { !$0.old.covers($0.either) } }

    private func loosened(since mark: Mark) -> [(name: String, old: Entry, either: Entry)] {
        guard history.count > mark.history else { return [] }
        var before: [String: Entry] = [:]
        for (name, entry) in log[mark.log...] where before[name] == nil { before[name] = entry ?? inherited(name) }
        return everything(since: mark).map { name, any in
            let old = before[name] ?? self[name]
            return (name, old, old.or(any))
        }
    }

    /// Undoes all assignments since a position, and returns the values that they had led to.
    mutating func rollBack(to mark: Mark) -> [String: Entry] {
        var outcome: [String: Entry] = [:]
        while log.count > mark.log, let last = log.popLast() {
            if outcome[last.name] == nil, let entry = entries[last.name] { outcome[last.name] = entry }
            entries[last.name] = last.before
        }
        return outcome
    }

    /// Joins the results of alternative parts, of which at most one ran.
    mutating func join(_ outcomes: [[String: Entry]], isExhaustive: Bool) {
        var names: Set<String> = []
        for outcome in outcomes { names.formUnion(outcome.keys) }
        for name in names {
            let before = self[name]
            var result: Entry? = isExhaustive ? nil : before
            for outcome in outcomes {
                let one = outcome[name] ?? before
                result = result?.or(one) ?? one
            }
            if let result { assign(name, result) }
        }
    }
}
