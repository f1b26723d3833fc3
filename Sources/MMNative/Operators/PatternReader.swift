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
