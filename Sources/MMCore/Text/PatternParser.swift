/// An expression as a tree.
indirect enum PatternTree: Sendable {
    case scalar(UInt32)
    case set(ScalarSet)
    case start
    case end
    case wordEdge(Bool)
    case sequence([PatternTree])
    case choice([PatternTree])
    case repeated(PatternTree, Int, Int?)
}

/// Reads regular expressions.
struct PatternParser {
    private let text: String
    private let scalars: [Unicode.Scalar]
    private var position = 0
    private var depth = 0

    init(_ text: String) {
        self.text = text
        self.scalars = Array(text.unicodeScalars)
    }

    mutating func whole() throws(MMError) -> PatternTree {
        let tree = try choice()
        guard position == scalars.count else { throw fault("an unmatched \")\"") }
        return tree
    }

    private func fault(_ what: String) -> MMError {
        MMError(.unsupported, "The pattern \"\(text)\" has \(what), which is not supported.")
    }

    private func peek() -> Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek() == scalar else { return false }
        position += 1
        return true
    }

    private mutating func choice() throws(MMError) -> PatternTree {
        depth += 1
        defer { depth -= 1 }
        guard depth <= 50 else { throw fault("more than 50 nested groups") }
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func sequence() throws(MMError) -> PatternTree {
        var parts: [PatternTree] = []
        while let next = peek(), next != "|", next != ")" { parts.append(try quantified()) }
        return .sequence(parts)
    }

    private mutating func quantified() throws(MMError) -> PatternTree {
        let atom = try atom()
        let range: (Int, Int?)
        switch peek() {
        case "*": range = (0, nil)
        case "+": range = (1, nil)
        case "?": range = (0, 1)
        case "{":
            let back = position
            position += 1
            guard let counts = counts() else {
                position = back
                throw fault("a brace that is no count")
            }
            range = counts
            position -= 1
        default: return atom
        }
        position += 1
        // A lazy quantifier finds the same texts.
        _ = take("?")
        if peek() == "*" || peek() == "+" || peek() == "{" { throw fault("two quantifiers in a row") }
        switch atom {
        case .start, .end, .wordEdge: throw fault("a quantifier after an anchor")
        default: break
        }
        if let most = range.1, most < range.0 { throw fault("a count whose end is before its start") }
        guard range.0 <= 1000, (range.1 ?? 0) <= 1000 else { throw fault("a count above 1000") }
        return .repeated(atom, range.0, range.1)
    }

    /// The numbers of `{m}`, `{m,}` and `{m,n}`; the position ends behind the brace.
    private mutating func counts() -> (Int, Int?)? {
        guard let least = number() else { return nil }
        var most: Int? = least
        if take(",") { most = peek() == "}" ? nil : number() ?? -1 }
        guard take("}"), most != -1 else { return nil }
        return (least, most)
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let next = peek(), let digit = next.properties.numericType == .decimal ? Int(String(next)) : nil {
            value = min((value ?? 0) * 10 + digit, 1_000_000)
            position += 1
        }
        return value
    }

    private mutating func atom() throws(MMError) -> PatternTree {
        guard let next = peek() else { throw fault("an end where a character is due") }
        position += 1
        switch next {
        case "^": return .start
        case "$": return .end
        case ".": return .set(ScalarSet.lineEnd.negated)
        case "[": return .set(try set())
        case "(": return try group()
        case "\\": return try escape()
        case "*", "+", "?", "{": throw fault("a quantifier with nothing before it")
        default: return .scalar(next.value)
        }
    }

    private mutating func group() throws(MMError) -> PatternTree {
        if take("?") {
            guard take(":") else { throw fault("a group that is neither plain nor (?:…)") }
        }
        let tree = try choice()
        guard take(")") else { throw fault("an unmatched \"(\"") }
        return tree
    }

    private mutating func escape() throws(MMError) -> PatternTree {
        guard let next = peek() else { throw fault("a backslash at its end") }
        switch next {
        case "b", "B":
            position += 1
            return .wordEdge(next == "b")
        default: break
        }
        return switch try classEscape() {
        case .one(let scalar): .scalar(scalar)
        case .many(let set): .set(set)
        }
    }

    private enum Escaped {
        case one(UInt32)
        case many(ScalarSet)
    }

    private mutating func classEscape() throws(MMError) -> Escaped {
        guard let next = peek() else { throw fault("a backslash at its end") }
        position += 1
        switch next {
        case "d": return .many(.digit)
        case "D": return .many(ScalarSet.digit.negated)
        case "w": return .many(.word)
        case "W": return .many(ScalarSet.word.negated)
        case "s": return .many(.space)
        case "S": return .many(ScalarSet.space.negated)
        case "n": return .one(0x0A)
        case "r": return .one(0x0D)
        case "t": return .one(0x09)
        case "f": return .one(0x0C)
        case "v": return .one(0x0B)
        case "0": return .one(0)
        case "x": return .one(try hexadecimal(2))
        case "u":
            if take("{") {
                var value: UInt32 = 0
                while let digit = peek()?.hexDigit, value <= 0x10FFFF {
                    value = value << 4 | digit
                    position += 1
                }
                guard take("}"), value <= 0x10FFFF else { throw fault("a broken \\u{…}") }
                return .one(value)
            }
            return .one(try hexadecimal(4))
        default:
            let isWord = next.properties.isAlphabetic || next.properties.numericType != nil
            guard !isWord else { throw fault("the escape \\\(next)") }
            return .one(next.value)
        }
    }

    private mutating func hexadecimal(_ count: Int) throws(MMError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let digit = peek()?.hexDigit else { throw fault("a broken hexadecimal escape") }
            value = value << 4 | digit
            position += 1
        }
        return value
    }

    private mutating func set() throws(MMError) -> ScalarSet {
        let isNegated = take("^")
        var ranges: [ClosedRange<UInt32>] = []
        while !take("]") {
            let low = try setMember()
            guard case .one(let first) = low else {
                if case .many(let set) = low { ranges.append(contentsOf: set.plainRanges) }
                continue
            }
            if peek() == "-", position + 1 < scalars.count, scalars[position + 1] != "]" {
                position += 1
                guard case .one(let last) = try setMember(), first <= last else { throw fault("a broken range") }
                ranges.append(first...last)
            } else {
                ranges.append(first...first)
            }
        }
        return ScalarSet(ranges: ranges, isNegated: isNegated)
    }

    private mutating func setMember() throws(MMError) -> Escaped {
        guard let next = peek() else { throw fault("an unmatched \"[\"") }
        guard next == "\\" else {
            position += 1
            return .one(next.value)
        }
        position += 1
        if take("b") { return .one(0x08) }
        return try classEscape()
    }
}

extension Unicode.Scalar {
    fileprivate var hexDigit: UInt32? {
        switch value {
        case 0x30...0x39: value - 0x30
        case 0x41...0x46: value - 0x41 + 10
        case 0x61...0x66: value - 0x61 + 10
        default: nil
        }
    }
}

/// Turns a tree into steps (K. Thompson, “Regular expression search algorithm”, 1968).
enum PatternCompiler {
    /// Most steps of an expression: what a client's text may cost a character.
    private static let limit = 5000

    static func compile(_ tree: PatternTree, into steps: inout [Pattern.Step], of text: String) throws(MMError) {
        guard steps.count <= limit else {
            throw MMError(.unsupported, "The pattern \"\(text)\" is too big; write smaller counts.")
        }
        switch tree {
        case .scalar(let scalar): steps.append(.scalar(scalar))
        case .set(let set): steps.append(.set(set))
        case .start: steps.append(.start)
        case .end: steps.append(.end)
        case .wordEdge(let wanted): steps.append(.wordEdge(wanted))
        case .sequence(let parts):
            for part in parts { try compile(part, into: &steps, of: text) }
        case .choice(let branches):
            var jumps: [Int] = []
            for (position, branch) in branches.enumerated() {
                guard position + 1 < branches.count else {
                    try compile(branch, into: &steps, of: text)
                    break
                }
                let split = steps.count
                steps.append(.split(split + 1, 0))
                try compile(branch, into: &steps, of: text)
                jumps.append(steps.count)
                steps.append(.jump(0))
                steps[split] = .split(split + 1, steps.count)
            }
            for jump in jumps { steps[jump] = .jump(steps.count) }
        case .repeated(let part, let least, let most):
            for _ in 0..<least { try compile(part, into: &steps, of: text) }
            guard let most else {
                let split = steps.count
                steps.append(.split(split + 1, 0))
                try compile(part, into: &steps, of: text)
                steps.append(.jump(split))
                steps[split] = .split(split + 1, steps.count)
                return
            }
            var splits: [Int] = []
            for _ in least..<max(least, most) {
                splits.append(steps.count)
                steps.append(.split(steps.count + 1, 0))
                try compile(part, into: &steps, of: text)
            }
            for split in splits { steps[split] = .split(split + 1, steps.count) }
        }
    }
}
