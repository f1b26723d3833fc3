import MMCore
import MMSystem

/// A regular expression within the subset of .NET's syntax that PCRE2 reads in the same way: literals, `.`, sets,
/// `\d \w \s \b`, anchors, groups, alternatives and quantifiers. Other constructs are handed over.
final class Pattern {
    let groupCount: Int
    /// The named groups. .NET numbers them after the unnamed ones.
    let names: [(name: String, number: Int)]
    /// The places of the groups in the order in which .NET numbers them: the unnamed ones, then the named ones.
    let order: [Int]
    private let text: String
    private let ignoresCase: Bool
    private let expression: RegularExpression
    /// The same expression for texts beyond ASCII, compiled when the first one is searched.
    private var wide: RegularExpression?

    /// Compiles a pattern.
    init(_ text: String, ignoringCase: Bool) throws(Interrupt) {
        guard text.utf8.count < 8000, text.isASCII || Pattern.isCertain(text, ignoringCase: ignoringCase) else {
            throw .handOver("a pattern of unusual characters")
        }
        ignoresCase = ignoringCase
        var reader = PatternReader(text)
        try reader.read()
        if let fault = reader.fault { throw .statement(NativeError(Self.faultID, fault, isReadable: true)) }
        groupCount = reader.groups
        names = reader.names
        let named = reader.names.map(\.number)
        order = (0..<reader.groups).filter { !named.contains($0) } + named
        self.text = reader.rewritten
        expression = try Pattern.compiled(self.text, ignoringCase, isWide: !text.isASCII)
        if !text.isASCII { wide = expression }
        guard expression.groupCount == groupCount else { throw .handOver("an unusual pattern") }
    }

    /// The id of the error of a pattern that .NET refuses.
    static let faultID = "System.Text.RegularExpressions.RegexParseException"

    private static func compiled(_ text: String, _ ignoringCase: Bool, isWide: Bool) throws(Interrupt)
        -> RegularExpression
    {
        var options: RegularExpression.Options = ignoringCase ? .ignoringCase : []
        if isWide { options.insert(.unicode) }
        do throws(MMError) {
            return try RegularExpression(isWide ? "(*UCP)" + text : text, options: options)
        } catch {
            throw .handOver(error.code == .unavailable ? "regular expressions without PCRE2" : "an unusual pattern")
        }
    }

    /// Returns whether .NET and PCRE2 treat every character alike: as one UTF-16 unit in the same classes, and with no
    /// case variants other than its own upper and lower case.
    private static func isCertain(_ text: String, ignoringCase: Bool) -> Bool {
        text.unicodeScalars.allSatisfy { scalar in
            guard scalar.value >= 0x80 else { return true }
            guard scalar.value <= 0xFFFF else { return false }
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter:
                return !ignoringCase || !strange.contains(scalar.value) && CollationElement.isAlone(scalar)
            case .otherLetter, .modifierLetter, .decimalNumber, .spaceSeparator, .dashPunctuation, .openPunctuation,
                .closePunctuation, .initialPunctuation, .finalPunctuation, .otherPunctuation, .mathSymbol,
                .currencySymbol, .modifierSymbol, .otherSymbol:
                return true
            default: return false
            }
        }
    }

    /// Letters with more than two case variants, or with one that the two libraries treat differently.
    private static let strange: Set<UInt32> = [
        0xB5, 0xDF, 0x130, 0x131, 0x17F, 0x3B8, 0x398, 0x3B9, 0x399, 0x3BA, 0x39A, 0x3BC, 0x39C, 0x3C0, 0x3A0, 0x3C1,
        0x3A1, 0x3C2, 0x3C3, 0x3A3, 0x3C6, 0x3A6, 0x3C9, 0x3A9, 0x3B2, 0x392, 0x3B5, 0x395, 0xE5, 0xC5,
    ]

    /// Visits the non-overlapping matches from left to right, in time bounded by the length of the text.
    /// - Parameters:
    ///   - text: the text to search.
    ///   - limit: the maximum number of matches.
    ///   - evaluator: the evaluator whose limits and cancellation apply.
    ///   - body: receives each match as it is found.
    func eachMatch(
        in text: [UInt8], limit: Int = .max, for evaluator: Evaluator,
        _ body: (RegularExpression.Match) throws(Interrupt) -> Void
    ) throws(Interrupt) {
        let expression = try expression(for: text)
        var budget = RegularExpression.Budget(steps: evaluator.limits.patternSteps + 64 * text.count) {
            evaluator.isStopped
        }
        var start = 0
        var count = 0
        while count < limit {
            // The first search has found that the whole text is UTF-8.
            switch expression.search(text, from: start, isKnownText: start > 0, budget: &budget) {
            case .none: return
            case .undecided:
                try evaluator.look()
                throw .handOver("a costly pattern")
            case .match(let match):
                try body(match)
                count += 1
                start = match.range.upperBound
                if match.range.isEmpty {
                    start += 1
                    while start < text.count, text[start] & 0xC0 == 0x80 { start += 1 }
                }
            }
            try evaluator.look()
        }
    }

    private func expression(for text: [UInt8]) throws(Interrupt) -> RegularExpression {
        if text.allSatisfy({ $0 < 0x80 }) { return expression }
        guard Pattern.isText(String(decoding: text, as: UTF8.self), ignoringCase: ignoresCase) else {
            throw .handOver("matching unusual characters")
        }
        if let wide { return wide }
        let made = try Pattern.compiled(self.text, ignoresCase, isWide: true)
        wide = made
        return made
    }

    /// Returns whether a text can be searched: its letters may have more than two case variants if the pattern contains
    /// none of them.
    private static func isText(_ text: String, ignoringCase: Bool) -> Bool {
        guard isCertain(text, ignoringCase: false) else { return false }
        return !ignoringCase
            || text.unicodeScalars.allSatisfy { ![0x130, 0x131, 0x17F, 0x212A, 0x212B].contains($0.value) }
    }

    /// Returns the first match.
    func first(in text: [UInt8], for evaluator: Evaluator) throws(Interrupt) -> RegularExpression.Match? {
        var found: RegularExpression.Match?
        try eachMatch(in: text, limit: 1, for: evaluator) { found = $0 }
        return found
    }
}

/// Reads a pattern and hands over whatever .NET and PCRE2 might interpret differently.
struct PatternReader {
    private(set) var groups = 0
    private(set) var names: [(name: String, number: Int)] = []
    /// .NET's message about a pattern that it refuses, if the rest of the pattern is certain.
    private(set) var fault: String?
    private let units: [UInt8]
    private var place = 0
    /// The pieces that PCRE2 gets in another form.
    private var changes: [(range: Range<Int>, text: String)] = []

    init(_ text: String) { units = Array(text.utf8) }

    /// The pattern in PCRE2's syntax.
    var rewritten: String {
        var units = units
        for change in changes.reversed() { units.replaceSubrange(change.range, with: change.text.utf8) }
        return String(decoding: units, as: UTF8.self)
    }

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
        let start = place
        let isAnchor = try atom(depth: depth)
        let end = place
        var isOptional = units[end...].first.map { "*?".utf8.contains($0) } ?? false
        if next == UInt8(ascii: "{"), !isLiteralBrace(at: place) {
            place += 1
            guard let low = number() else { throw .handOver("an unusual quantifier") }
            let high = take(",") ? number() ?? low : low
            guard take("}"), low <= high, high <= 1000 else { throw .handOver("an unusual quantifier") }
            isOptional = low == 0
        } else if !take("*"), !take("+"), !take("?") {
            return
        }
        _ = take("?")
        if isAnchor {
            // PCRE2 repeats no anchor. One that may be missing matches everywhere; any other need hold only once.
            guard units[start] != UInt8(ascii: "(") else { throw .handOver("a repeated look ahead or behind") }
            changes.append(isOptional ? (start..<place, "(?:)") : (end..<place, ""))
        }
        if let unit = next, "*+?{".utf8.contains(unit), unit != UInt8(ascii: "{") || !isLiteralBrace(at: place) {
            let offset = String(decoding: units[...place], as: UTF8.self).utf16.count
            fault =
                fault
                ?? "Invalid pattern '\(String(decoding: units, as: UTF8.self))' at offset \(offset). Nested quantifier "
                + "'\(Character(Unicode.Scalar(unit)))'."
            while let unit = next, "*+?{".utf8.contains(unit), unit != UInt8(ascii: "{") || !isLiteralBrace(at: place) {
                place += 1
                if unit == UInt8(ascii: "{") {
                    while let inner = next, inner != UInt8(ascii: "}") { place += 1 }
                    guard take("}") else { throw .handOver("an unusual quantifier") }
                }
            }
        }
    }

    /// Returns whether the brace at a place stands for itself, because it begins none of `{2}`, `{2,}` and `{2,3}`.
    private func isLiteralBrace(at place: Int) -> Bool {
        func isDigit(_ unit: UInt8) -> Bool { (0x30...0x39).contains(unit) }
        var rest = units[(place + 1)...]
        guard rest.first.map(isDigit) ?? false else { return true }
        rest = rest.drop(while: isDigit)
        if rest.first == UInt8(ascii: ",") { rest = rest.dropFirst().drop(while: isDigit) }
        return rest.first != UInt8(ascii: "}")
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let unit = next, (0x30...0x39).contains(unit), (value ?? 0) < 10000 {
            value = (value ?? 0) * 10 + Int(unit - 0x30)
            place += 1
        }
        return value
    }

    /// Reads an atom.
    /// - Returns: whether the atom matches no character.
    private mutating func atom(depth: Int) throws(Interrupt) -> Bool {
        guard let unit = next else { throw .handOver("an unfinished pattern") }
        place += 1
        switch unit {
        case UInt8(ascii: "^"), UInt8(ascii: "$"): return true
        case UInt8(ascii: "("): return try group(depth: depth)
        case UInt8(ascii: "["): try set()
        case UInt8(ascii: "\\"): return try escape()
        case UInt8(ascii: "{") where isLiteralBrace(at: place - 1):
            // PCRE2 10.43 also reads `{ 2, 3 }` and `{,3}` as quantifiers.
            changes.append((place - 1..<place, "\\{"))
        case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"), UInt8(ascii: "{"), UInt8(ascii: ")"):
            throw .handOver("an unusual pattern")
        default: break
        }
        return false
    }

    /// Reads a group.
    /// - Returns: whether the group matches no character.
    private mutating func group(depth: Int) throws(Interrupt) -> Bool {
        // Options such as `(?im)` at the start apply to the whole pattern.
        if place == 1,
            ["?i)", "?m)", "?s)", "?im)", "?mi)", "?is)", "?si)", "?ms)", "?sm)"].contains(where: { take($0) })
        {
            return false
        }
        // Both libraries match a lookahead from left to right. They differ in lookbehinds, but only groups in them
        // reveal that.
        let looksBehind = take("?<=") || take("?<!")
        if looksBehind || take("?=") || take("?!") {
            let before = groups
            try choice(depth: depth + 1)
            guard take(")") else { throw .handOver("an unfinished group") }
            guard groups == before || !looksBehind else { throw .handOver("a group in what stands behind") }
            return true
        }
        if take("?<") {
            let name = try name()
            guard !names.contains(where: { $0.name == name }) else { throw .handOver("a group named twice") }
            names.append((name, groups))
            groups += 1
        } else if !take("?:"), !take("?>") {
            if next == UInt8(ascii: "?") { throw .handOver("a special group") }
            groups += 1
        }
        try choice(depth: depth + 1)
        guard take(")") else { throw .handOver("an unfinished group") }
        return false
    }

    /// Reads the name of a group and the bracket after it. Only ASCII letters, digits and underscores are certain, and
    /// PCRE2's names have at most 32 characters.
    private mutating func name() throws(Interrupt) -> String {
        var name = ""
        while let unit = next, unit != UInt8(ascii: ">") {
            let isLetter = (0x61...0x7A).contains(unit | 0x20) || unit == UInt8(ascii: "_")
            guard isLetter || !name.isEmpty && (0x30...0x39).contains(unit) else { throw .handOver("an unusual group") }
            name.append(Character(UnicodeScalar(unit)))
            place += 1
        }
        guard take(">"), !name.isEmpty, name.utf8.count <= 32 else { throw .handOver("an unusual group") }
        return name
    }

    /// Reads an escape.
    /// - Returns: whether the escape matches no character.
    private mutating func escape() throws(Interrupt) -> Bool {
        guard let unit = next else { throw .handOver("an unfinished pattern") }
        place += 1
        if Self.isClass(unit) { return false }
        if "bBzAZ".utf8.contains(unit) { return true }
        if (0x31...0x39).contains(unit) {
            try reference(to: Int(unit - 0x30))
            return false
        }
        if unit == UInt8(ascii: "k") {
            guard take("<"), names.map(\.name).contains(try name()) else { throw .handOver("an unusual reference") }
            return false
        }
        if unit == UInt8(ascii: "p") || unit == UInt8(ascii: "P") { return try category() }
        try literal(unit)
        return false
    }

    /// Reads a reference to a group by its number. The two libraries number named groups differently.
    private func reference(to number: Int) throws(Interrupt) {
        guard number <= groups, names.isEmpty, next.map({ !(0x30...0x39).contains($0) }) ?? true else {
            throw .handOver("an unusual reference")
        }
    }

    /// Reads the category of `\p{…}`; those of letters with a certain case are read differently where case is ignored.
    /// - Returns: `false`, because it matches a character.
    private mutating func category() throws(Interrupt) -> Bool {
        guard ["{L}", "{N}", "{Nd}", "{P}", "{S}", "{Z}", "{Zs}"].contains(where: { take($0) }) else {
            throw .handOver("an unusual category in a pattern")
        }
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
            // The two libraries compare ranges beyond ASCII differently when they ignore case.
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
