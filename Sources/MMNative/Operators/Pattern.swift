/// A regular expression of the part of .NET's language whose meaning on ASCII text is plain: literals, `.`, sets,
/// `\d \w \s \b`, anchors, groups, alternatives and quantifiers. Other constructs are handed over.
struct Pattern {
    indirect enum Node {
        case set([Bool])
        case sequence([Node])
        case choice([Node])
        case group(Node, Int?)
        case repetition(Node, Int, Int, isLazy: Bool)
        case start, end, wordEdge(Bool), textEnd
    }

    /// A found place: the whole match first, then the numbered groups.
    struct Match {
        let range: Range<Int>
        let groups: [Range<Int>?]
    }

    let root: Node
    let groupCount: Int
    /// The bytes with which a match can begin; `nil` where it may also begin with none.
    private let firsts: [Bool]?
    /// Names of groups that have one. .NET numbers those behind the unnamed ones.
    let names: [(name: String, number: Int)]

    /// Reads a pattern.
    init(_ text: String, ignoringCase: Bool) throws(Interrupt) {
        var reader = PatternReader(units: Array(text.utf8), ignoresCase: ignoringCase)
        guard text.isASCII, reader.units.count < 500 else { throw .handOver("a pattern beyond ASCII") }
        root = try reader.choice(depth: 0)
        guard reader.place == reader.units.count else { throw .handOver("an unusual pattern") }
        groupCount = reader.groups
        names = reader.names
        firsts = Self.firsts(of: root)
        if !names.isEmpty, names.count != groupCount - reader.unnamed { throw .handOver("an unusual pattern") }
    }

    /// Goes through the matches from the left, not overlapping, in a time that grows with the text.
    /// - Parameters:
    ///   - limit: how many at most.
    ///   - evaluator: whose limits hold, and which may be stopped meanwhile.
    ///   - body: takes each match as it is found.
    func eachMatch(
        in text: [UInt8], limit: Int = .max, for evaluator: Evaluator, _ body: (Match) throws(Interrupt) -> Void
    ) throws(Interrupt) {
        guard text.allSatisfy({ $0 < 0x80 }) else { throw .handOver("matching text beyond ASCII") }
        var matcher = PatternMatcher(text: text, groupCount: groupCount, evaluator: evaluator)
        var start = 0
        var count = 0
        while count < limit, let match = try next(&matcher, from: start) {
            try body(match)
            count += 1
            start = match.range.isEmpty ? match.range.upperBound + 1 : match.range.upperBound
        }
    }

    /// The first match.
    func first(in text: [UInt8], for evaluator: Evaluator) throws(Interrupt) -> Match? {
        var found: Match?
        try eachMatch(in: text, limit: 1, for: evaluator) { found = $0 }
        return found
    }

    /// The first match at or behind a place.
    private func next(_ matcher: inout PatternMatcher, from: Int) throws(Interrupt) -> Match? {
        var start = from
        while start <= matcher.text.count {
            if let firsts {
                while start < matcher.text.count, !firsts[Int(matcher.text[start])] { start += 1 }
                guard start < matcher.text.count else { return nil }
            }
            matcher.forgetGroups()
            if let end = try matcher.run(root, at: start, then: { (_, place) throws(Interrupt) in place }) {
                return Match(range: start..<end, groups: matcher.groups)
            }
            start += 1
        }
        return nil
    }

    /// The bytes with which a node can begin; `nil` where it can be empty or looks at more than a byte.
    private static func firsts(of node: Node) -> [Bool]? {
        switch node {
        case .set(let set): return set
        case .sequence(let items): return items.first.flatMap(firsts)
        case .group(let inner, _): return firsts(of: inner)
        case .repetition(let inner, let low, _, _): return low > 0 ? firsts(of: inner) : nil
        case .choice(let branches):
            var all = [Bool](repeating: false, count: 128)
            for branch in branches {
                guard let own = firsts(of: branch) else { return nil }
                for index in all.indices where own[index] { all[index] = true }
            }
            return all
        case .start, .end, .wordEdge, .textEnd: return nil
        }
    }
}
