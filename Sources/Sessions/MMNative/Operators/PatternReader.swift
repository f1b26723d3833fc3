/// Reads a pattern and hands over whatever .NET and PCRE2 might interpret differently.
struct PatternReader {
    private(set) var groups = 0
    private(set) var names: [(name: String, number: Int)] = []
    private let units: [UInt8]
    private var place = 0

    init(_ text: String) { units = Array(text.utf8) }

    /// Reads the whole pattern.
    /// - Throws: `handOver` for constructs that may differ between the two.
    mutating func read() throws(Interrupt) {
        try choice(depth: 0)
        guard place == units.count else { throw .handOver("an unusual pattern") }
    }

    private var next: UInt8? { place < units.count ? units[place] : nil }

    private mutating func take(_ text: String) -> Bool {
        guard units[place...].starts(with: text.utf8) else { return false }
        place += text.utf8.count
        return true
    }

    private mutating func choice(depth: Int) throws(Interrupt) {
        guard depth < 20 else { throw .handOver("a deep pattern") }
        repeat {
            while let unit = next, unit != UInt8(ascii: "|"), unit != UInt8(ascii: ")") {
                try quantified(depth: depth)
            }
        } while take("|")
    }

    private mutating func quantified(depth: Int) throws(Interrupt) {
        let isAnchor = try atom(depth: depth)
        if next == UInt8(ascii: "{") {
            place += 1
            guard let low = number() else { throw .handOver("an unusual quantifier") }
            let high = take(",") ? number() ?? low : low
            guard take("}"), low <= high, high <= 1000 else { throw .handOver("an unusual quantifier") }
        } else if !take("*"), !take("+"), !take("?") {
            return
        }
        if isAnchor { throw .handOver("a repeated anchor") }
        _ = take("?")
        if let unit = next, "*+?{".utf8.contains(unit) { throw .handOver("a doubled quantifier") }
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let unit = next, (0x30...0x39).contains(unit), (value ?? 0) < 10000 {
            value = (value ?? 0) * 10 + Int(unit - 0x30)
            place += 1
        }
        return value
    }

    /// - Returns: whether the atom matches no character.
    private mutating func atom(depth: Int) throws(Interrupt) -> Bool {
        guard let unit = next else { throw .handOver("an unfinished pattern") }
        place += 1
        switch unit {
        case UInt8(ascii: "^"), UInt8(ascii: "$"): return true
        case UInt8(ascii: "("): try group(depth: depth)
        case UInt8(ascii: "["): try set()
        case UInt8(ascii: "\\"): return try escape()
        case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"), UInt8(ascii: "{"), UInt8(ascii: ")"):
            throw .handOver("an unusual pattern")
        default: break
        }
        return false
    }

    private mutating func group(depth: Int) throws(Interrupt) {
        if take("?<") {
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
            names.append((name, groups))
            groups += 1
        } else if !take("?:") {
            if next == UInt8(ascii: "?") { throw .handOver("a special group") }
            groups += 1
        }
        try choice(depth: depth + 1)
        guard take(")") else { throw .handOver("an unfinished group") }
    }

    /// - Returns: whether the escape matches no character.
    private mutating func escape() throws(Interrupt) -> Bool {
        guard let unit = next else { throw .handOver("an unfinished pattern") }
        place += 1
        if Self.isClass(unit) { return false }
        if "bBz".utf8.contains(unit) { return true }
        try literal(unit)
        return false
    }

    private static func isClass(_ letter: UInt8) -> Bool { "dDwWsS".utf8.contains(letter) }

    private func literal(_ unit: UInt8) throws(Interrupt) {
        switch unit {
        case UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"): return
        case 0x20...0x2F, 0x3A...0x40, 0x5B...0x5E, 0x60, 0x7B...0x7E: return
        default: throw .handOver("an unusual escape in a pattern")
        }
    }

    private mutating func set() throws(Interrupt) {
        _ = take("^")
        if next == UInt8(ascii: "]") { throw .handOver("an unusual set in a pattern") }
        while let unit = next {
            place += 1
            if unit == UInt8(ascii: "]") { return }
            if unit == UInt8(ascii: "[") { throw .handOver("an unusual set in a pattern") }
            var isClass = false
            if unit == UInt8(ascii: "\\") {
                guard let escaped = next else { break }
                place += 1
                isClass = Self.isClass(escaped)
                if !isClass { try literal(escaped) }
            }
            guard next == UInt8(ascii: "-"), place + 1 < units.count, units[place + 1] != UInt8(ascii: "]") else {
                continue
            }
            let high = units[place + 1]
            // Ranges beyond ASCII are compared by case in other ways.
            guard unit < 0x80, high < 0x80 else { throw .handOver("an unusual range in a pattern") }
            // .NET rejects a class as the end of a range, and reads a set after a hyphen as a subtraction.
            guard !isClass, high != UInt8(ascii: "\\"), high != UInt8(ascii: "[") else {
                throw .handOver("an unusual range in a pattern")
            }
            place += 2
        }
        throw .handOver("an unfinished set in a pattern")
    }
}
