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

/// Reads a pattern's text.
struct PatternReader {
    let units: [UInt8]
    let ignoresCase: Bool
    var place = 0
    var groups = 0
    var unnamed = 0
    var names: [(name: String, number: Int)] = []

    init(units: [UInt8], ignoresCase: Bool) {
        self.units = units
        self.ignoresCase = ignoresCase
    }

    private var next: UInt8? { place < units.count ? units[place] : nil }

    private mutating func take(_ text: String) -> Bool {
        guard units[place...].starts(with: text.utf8) else { return false }
        place += text.utf8.count
        return true
    }

    mutating func choice(depth: Int) throws(Interrupt) -> Pattern.Node {
        guard depth < 20 else { throw .handOver("a deep pattern") }
        var branches = [try sequence(depth: depth)]
        while take("|") { branches.append(try sequence(depth: depth)) }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func sequence(depth: Int) throws(Interrupt) -> Pattern.Node {
        var items: [Pattern.Node] = []
        while let unit = next, unit != UInt8(ascii: "|"), unit != UInt8(ascii: ")") {
            items.append(try quantified(depth: depth))
        }
        return .sequence(items)
    }

    private mutating func quantified(depth: Int) throws(Interrupt) -> Pattern.Node {
        let atom = try self.atom(depth: depth)
        var low = 0
        var high = Int.max
        if take("*") {
        } else if take("+") {
            low = 1
        } else if take("?") {
            high = 1
        } else if next == UInt8(ascii: "{") {
            place += 1
            guard let first = number() else { throw .handOver("an unusual quantifier") }
            low = first
            high = first
            if take(",") { high = number() ?? .max }
            guard take("}"), low <= 1000, high == .max || high <= 1000, low <= high else {
                throw .handOver("an unusual quantifier")
            }
        } else {
            return atom
        }
        switch atom {
        case .start, .end, .wordEdge, .textEnd: throw .handOver("a repeated anchor")
        case .group(_, let number?) where high > 1 || number > 0: break
        default: break
        }
        let isLazy = take("?")
        if let unit = next, "*+?{".utf8.contains(unit) { throw .handOver("a doubled quantifier") }
        return .repetition(atom, low, high, isLazy: isLazy)
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let unit = next, (0x30...0x39).contains(unit), (value ?? 0) < 10000 {
            value = (value ?? 0) * 10 + Int(unit - 0x30)
            place += 1
        }
        return value
    }

    private mutating func atom(depth: Int) throws(Interrupt) -> Pattern.Node {
        guard let unit = next else { throw .handOver("an unfinished pattern") }
        place += 1
        switch unit {
        case UInt8(ascii: "^"): return .start
        case UInt8(ascii: "$"): return .end
        case UInt8(ascii: "."): return .set((0..<128).map { $0 != 10 })
        case UInt8(ascii: "("): return try group(depth: depth)
        case UInt8(ascii: "["): return .set(try set())
        case UInt8(ascii: "\\"): return try escape()
        case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"), UInt8(ascii: "{"), UInt8(ascii: ")"):
            throw .handOver("an unusual pattern")
        default: return .set(one(unit))
        }
    }

    private mutating func group(depth: Int) throws(Interrupt) -> Pattern.Node {
        var number: Int?
        if take("?:") {
        } else if take("?<") {
            var name = ""
            while let unit = next, unit != UInt8(ascii: ">") {
                guard (0x61...0x7A).contains(unit | 0x20) || unit == UInt8(ascii: "_") else {
                    throw .handOver("an unusual group")
                }
                name.append(Character(UnicodeScalar(unit)))
                place += 1
            }
            guard take(">"), !name.isEmpty, !names.contains(where: { $0.name == name }) else {
                throw .handOver("an unusual group")
            }
            number = groups
            names.append((name, groups))
            groups += 1
        } else if next == UInt8(ascii: "?") {
            throw .handOver("a special group")
        } else {
            number = groups
            groups += 1
            unnamed += 1
        }
        let inner = try choice(depth: depth + 1)
        guard take(")") else { throw .handOver("an unfinished group") }
        return .group(inner, number)
    }

    private func one(_ unit: UInt8) -> [Bool] {
        var set = [Bool](repeating: false, count: 128)
        add(unit, to: &set)
        return set
    }

    private func add(_ unit: UInt8, to set: inout [Bool]) {
        set[Int(unit)] = true
        if ignoresCase, (0x61...0x7A).contains(unit | 0x20) {
            set[Int(unit | 0x20)] = true
            set[Int(unit & ~0x20)] = true
        }
    }

    private static func named(_ letter: UInt8) -> [Bool]? {
        func made(_ test: (UInt8) -> Bool) -> [Bool] { (0..<128).map { test(UInt8($0)) } }
        func isWord(_ unit: UInt8) -> Bool {
            (0x30...0x39).contains(unit) || (0x61...0x7A).contains(unit | 0x20) || unit == UInt8(ascii: "_")
        }
        func isBlank(_ unit: UInt8) -> Bool { unit == 0x20 || (0x09...0x0D).contains(unit) }
        switch letter {
        case UInt8(ascii: "d"): return made { (0x30...0x39).contains($0) }
        case UInt8(ascii: "D"): return made { !(0x30...0x39).contains($0) }
        case UInt8(ascii: "w"): return made(isWord)
        case UInt8(ascii: "W"): return made { !isWord($0) }
        case UInt8(ascii: "s"): return made(isBlank)
        case UInt8(ascii: "S"): return made { !isBlank($0) }
        default: return nil
        }
    }

    private mutating func escape() throws(Interrupt) -> Pattern.Node {
        guard let unit = next else { throw .handOver("an unfinished pattern") }
        place += 1
        if let set = PatternReader.named(unit) { return .set(set) }
        switch unit {
        case UInt8(ascii: "b"): return .wordEdge(true)
        case UInt8(ascii: "B"): return .wordEdge(false)
        case UInt8(ascii: "z"): return .textEnd
        default: return .set(one(try literal(unit)))
        }
    }

    private func literal(_ unit: UInt8) throws(Interrupt) -> UInt8 {
        switch unit {
        case UInt8(ascii: "n"): return 10
        case UInt8(ascii: "r"): return 13
        case UInt8(ascii: "t"): return 9
        case 0x21...0x2F, 0x3A...0x40, 0x5B...0x5E, 0x60, 0x7B...0x7E, 0x20: return unit
        default: throw .handOver("an unusual escape in a pattern")
        }
    }

    private mutating func set() throws(Interrupt) -> [Bool] {
        var set = [Bool](repeating: false, count: 128)
        let isNegated = take("^")
        var isFirst = true
        while let unit = next {
            place += 1
            if unit == UInt8(ascii: "]"), !isFirst {
                return isNegated ? set.map { !$0 } : set
            }
            if isFirst, unit == UInt8(ascii: "]") { throw .handOver("an unusual set in a pattern") }
            isFirst = false
            if unit == UInt8(ascii: "[") { throw .handOver("an unusual set in a pattern") }
            var low = unit
            if unit == UInt8(ascii: "\\") {
                guard let escaped = next else { break }
                place += 1
                if let named = PatternReader.named(escaped) {
                    for index in 0..<128 where named[index] { set[index] = true }
                    continue
                }
                low = try literal(escaped)
            }
            if next == UInt8(ascii: "-"), place + 1 < units.count, units[place + 1] != UInt8(ascii: "]") {
                let high = units[place + 1]
                guard high >= low, high != UInt8(ascii: "\\"), high != UInt8(ascii: "[") else {
                    throw .handOver("an unusual range in a pattern")
                }
                place += 2
                for member in low...high { add(member, to: &set) }
            } else {
                add(low, to: &set)
            }
        }
        throw .handOver("an unfinished set in a pattern")
    }
}

/// Runs a pattern over a text, with a bound on the work.
struct PatternMatcher {
    typealias Next = (inout PatternMatcher, Int) throws(Interrupt) -> Int?

    let text: [UInt8]
    var groups: [Range<Int>?]
    private var work = 0
    private var depth = 0

    init(text: [UInt8], groups: [Range<Int>?]) {
        self.text = text
        self.groups = groups
    }

    mutating func run(_ node: Pattern.Node, at place: Int, then next: Next) throws(Interrupt) -> Int? {
        work += 1
        depth += 1
        defer { depth -= 1 }
        guard work < 200_000, depth < 600 else { throw .handOver("a costly pattern") }
        switch node {
        case .set(let set):
            return place < text.count && set[Int(text[place])] ? try next(&self, place + 1) : nil
        case .start: return place == 0 ? try next(&self, place) : nil
        case .textEnd: return place == text.count ? try next(&self, place) : nil
        case .end:
            let isEnd = place == text.count || place == text.count - 1 && text[place] == 10
            return isEnd ? try next(&self, place) : nil
        case .wordEdge(let wanted):
            let isEdge = isWord(place - 1) != isWord(place)
            return isEdge == wanted ? try next(&self, place) : nil
        case .sequence(let items): return try sequence(items[...], at: place, then: next)
        case .choice(let branches):
            for branch in branches {
                if let end = try run(branch, at: place, then: next) { return end }
            }
            return nil
        case .group(let inner, let number):
            guard let number else { return try run(inner, at: place, then: next) }
            let before = groups[number]
            let end = try run(inner, at: place) { (matcher, stop) throws(Interrupt) in
                let inside = matcher.groups[number]
                matcher.groups[number] = place..<stop
                if let end = try next(&matcher, stop) { return end }
                matcher.groups[number] = inside
                return nil
            }
            if end == nil { groups[number] = before }
            return end
        case .repetition(let inner, let low, let high, let isLazy):
            if case .set(let set) = inner { return try plain(set, low, high, isLazy, at: place, then: next) }
            return try repeated(inner, low, high, isLazy, count: 0, at: place, then: next)
        }
    }

    private func isWord(_ place: Int) -> Bool {
        guard place >= 0, place < text.count else { return false }
        let unit = text[place]
        return (0x30...0x39).contains(unit) || (0x61...0x7A).contains(unit | 0x20) || unit == UInt8(ascii: "_")
    }

    private mutating func sequence(
        _ items: ArraySlice<Pattern.Node>, at place: Int, then next: Next
    ) throws(Interrupt) -> Int? {
        guard let first = items.first else { return try next(&self, place) }
        let rest = items.dropFirst()
        if rest.isEmpty { return try run(first, at: place, then: next) }
        return try run(first, at: place) { (matcher, stop) throws(Interrupt) in
            try matcher.sequence(rest, at: stop, then: next)
        }
    }

    private mutating func plain(
        _ set: [Bool], _ low: Int, _ high: Int, _ isLazy: Bool, at place: Int, then next: Next
    ) throws(Interrupt) -> Int? {
        var most = 0
        while most < high, place + most < text.count, set[Int(text[place + most])] { most += 1 }
        guard most >= low else { return nil }
        for count in isLazy ? Array(low...most) : Array((low...most).reversed()) {
            if let end = try next(&self, place + count) { return end }
        }
        return nil
    }

    private mutating func repeated(
        _ node: Pattern.Node, _ low: Int, _ high: Int, _ isLazy: Bool, count: Int, at place: Int, then next: Next
    ) throws(Interrupt) -> Int? {
        if isLazy, count >= low, let end = try next(&self, place) { return end }
        if count < high {
            let end = try run(node, at: place) { (matcher, stop) throws(Interrupt) in
                // A round that takes nothing would go on for ever.
                if stop == place, count >= low { return nil }
                return try matcher.repeated(node, low, high, isLazy, count: count + 1, at: stop, then: next)
            }
            if let end { return end }
        }
        return !isLazy && count >= low ? try next(&self, place) : nil
    }
}
