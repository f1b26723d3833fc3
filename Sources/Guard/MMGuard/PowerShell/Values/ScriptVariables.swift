internal import PowerShellSyntax

/// The variables of a script with their possible values, in the order of the text: a later assignment replaces an
/// earlier one, and after a part that may or may not run, both remain possible.
struct ScriptVariables: Sendable {
    /// A variable.
    struct Entry: Sendable {
        var facts: ValueFacts
        /// The hashtable literal that was assigned, as long as nothing has changed it.
        var table: HashtableSyntax?
        /// Whether the script itself created it as a list or table, so that its elements may be set.
        var isOwn = false
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

        /// Returns an entry that may be either of the two.
        func or(_ other: Entry) -> Entry {
            Entry(
                facts: facts.or(other.facts), table: table === other.table ? table : nil,
                isOwn: isOwn && other.isOwn, ownType: ownType == other.ownType ? ownType : nil,
                isStopwatch: isStopwatch && other.isStopwatch, openText: openText == other.openText ? openText : nil,
                isAnswer: isAnswer && other.isAnswer, pages: pages.flatMap { own in other.pages.map(own.union) })
        }
    }

    private let remembered: [String: ValueFacts]
    private var entries: [String: Entry] = [:]
    private var log: [(name: String, before: Entry?)] = []

    /// - Parameter remembered: the variables that earlier scripts left in the session.
    init(remembered: [String: ValueFacts] = [:]) { self.remembered = remembered }

    /// Returns the variable with a name in lower case; an unassigned one may hold anything.
    subscript(_ name: String) -> Entry {
        entries[name] ?? Entry(facts: remembered[name] ?? .unknown)
    }

    /// Returns whether the script has assigned it.
    func isAssigned(_ name: String) -> Bool { entries[name] != nil }

    mutating func assign(_ name: String, _ entry: Entry) {
        log.append((name, entries[name]))
        entries[name] = entry
    }

    /// The variables that the script leaves behind.
    var left: [String: ValueFacts] { entries.mapValues(\.facts) }

    /// Returns the names that were assigned since a position in the history.
    func assigned(since mark: Int) -> Set<String> { Set(log[min(mark, log.count)...].map(\.name)) }

    /// The current position in the history.
    var mark: Int { log.count }

    /// Undoes all assignments since a position, and returns the values that they had led to.
    mutating func rollBack(to mark: Int) -> [String: Entry] {
        var outcome: [String: Entry] = [:]
        while log.count > mark, let last = log.popLast() {
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
