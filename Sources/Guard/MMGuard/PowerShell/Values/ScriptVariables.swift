internal import PowerShellSyntax

/// The variables of a script and what they may hold, in the order of the text: a later assignment replaces an earlier
/// one, and where a part may run or not, both remain possible.
struct ScriptVariables: Sendable {
    /// A variable.
    struct Entry: Sendable {
        var facts: ValueFacts
        /// The table that it was made of, while nothing has changed it since.
        var table: HashtableSyntax?
        /// Whether the script itself made it as a list or table, so that its elements may be set.
        var isOwn = false
        /// The type of the script's own that it is an object of.
        var ownType: String?
        /// The block written out that it holds, judged where it stands.
        var block: ScriptWalk.LocalFunction?
        /// Whether it is a stopwatch.
        var isStopwatch = false

        /// Either of the two.
        func or(_ other: Entry) -> Entry {
            Entry(
                facts: facts.or(other.facts), table: table === other.table ? table : nil,
                isOwn: isOwn && other.isOwn, ownType: ownType == other.ownType ? ownType : nil,
                isStopwatch: isStopwatch && other.isStopwatch)
        }
    }

    private let remembered: [String: ValueFacts]
    private var entries: [String: Entry] = [:]
    private var log: [(name: String, before: Entry?)] = []

    /// - Parameter remembered: what earlier scripts of the session left behind.
    init(remembered: [String: ValueFacts] = [:]) { self.remembered = remembered }

    /// A variable by its name in lower case; one that nobody assigned may hold anything.
    subscript(_ name: String) -> Entry {
        entries[name] ?? Entry(facts: remembered[name] ?? .unknown)
    }

    /// Whether the script has assigned it.
    func isAssigned(_ name: String) -> Bool { entries[name] != nil }

    mutating func assign(_ name: String, _ entry: Entry) {
        log.append((name, entries[name]))
        entries[name] = entry
    }

    /// What the script leaves behind.
    var left: [String: ValueFacts] { entries.mapValues(\.facts) }

    /// What was assigned since a place in the history.
    func assigned(since mark: Int) -> Set<String> { Set(log[min(mark, log.count)...].map(\.name)) }

    /// A place in the history to return to.
    var mark: Int { log.count }

    /// Takes back all assignments since a mark, and returns what they had come to.
    mutating func rollBack(to mark: Int) -> [String: Entry] {
        var outcome: [String: Entry] = [:]
        while log.count > mark, let last = log.popLast() {
            if outcome[last.name] == nil, let entry = entries[last.name] { outcome[last.name] = entry }
            entries[last.name] = last.before
        }
        return outcome
    }

    /// Goes on after parts of which one ran, or perhaps none.
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
