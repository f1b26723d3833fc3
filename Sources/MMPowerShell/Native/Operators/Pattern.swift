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
        if !names.isEmpty, names.count != groupCount - reader.unnamed { throw .handOver("an unusual pattern") }
    }

    /// All matches from the left, not overlapping.
    func matches(in text: [UInt8], limit: Int = .max) throws(Interrupt) -> [Match] {
        var found: [Match] = []
        var start = 0
        while start <= text.count, found.count < limit {
            guard let match = try first(in: text, from: start) else { break }
            found.append(match)
            start = match.range.isEmpty ? match.range.upperBound + 1 : match.range.upperBound
        }
        return found
    }

    /// The first match at or behind a place.
    func first(in text: [UInt8], from: Int = 0) throws(Interrupt) -> Match? {
        guard text.allSatisfy({ $0 < 0x80 }) else { throw .handOver("matching text beyond ASCII") }
        var matcher = PatternMatcher(text: text, groups: Array(repeating: nil, count: groupCount))
        var start = from
        while start <= text.count {
            for group in matcher.groups.indices { matcher.groups[group] = nil }
            if let end = try matcher.run(root, at: start, then: { (_, place) throws(Interrupt) in place }) {
                return Match(range: start..<end, groups: matcher.groups)
            }
            start += 1
        }
        return nil
    }
}
