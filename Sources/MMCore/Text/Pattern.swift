/// A regular expression of the part of ECMA-262 that most people use, matched in time linear in the text: no input of a
/// client can make it explode.
///
/// Literals, `.`, classes, `\d \w \s` and their opposites, escapes, groups, `|`, `^`, `$`, `\b`, `?`, `*`, `+`, `{m,n}`.
/// Look-around, back references and properties are refused when the pattern is read.
package struct Pattern: Sendable {
    /// One step of the compiled expression.
    enum Step: Sendable {
        case scalar(UInt32)
        case set(ScalarSet)
        case start
        case end
        case wordEdge(Bool)
        case split(Int, Int)
        case jump(Int)
        case match
    }

    /// The expression as it was written.
    package let text: String
    private let steps: [Step]

    /// Reads an expression.
    /// - Throws: `MMError` that names what isn't supported.
    package init(_ text: String) throws(MMError) {
        var parser = PatternParser(text)
        let tree = try parser.whole()
        var steps: [Step] = []
        try PatternCompiler.compile(tree, into: &steps, of: text)
        steps.append(.match)
        self.text = text
        self.steps = steps
    }

    /// Whether the expression matches anywhere in a text.
    package func matches(in subject: String) -> Bool {
        let scalars = subject.unicodeScalars.map(\.value)
        var current = Threads(count: steps.count)
        var next = Threads(count: steps.count)
        for position in 0...scalars.count {
            // A match may begin anywhere.
            if follow(0, at: position, in: scalars, &current) { return true }
            guard position < scalars.count else { return false }
            next.clear()
            var isMatch = false
            for step in current.list {
                let fits =
                    switch steps[step] {
                    case .scalar(let wanted): wanted == scalars[position]
                    case .set(let set): set.contains(scalars[position])
                    default: false
                    }
                if fits, follow(step + 1, at: position + 1, in: scalars, &next) {
                    isMatch = true
                    break
                }
            }
            if isMatch { return true }
            swap(&current, &next)
        }
        return false
    }

    /// The steps that wait for a scalar; each at most once.
    private struct Threads {
        var list: [Int] = []
        private var seen: [Bool]

        init(count: Int) { seen = [Bool](repeating: false, count: count) }

        mutating func add(_ step: Int) -> Bool {
            if seen[step] { return false }
            seen[step] = true
            return true
        }

        mutating func clear() {
            list.removeAll(keepingCapacity: true)
            for index in seen.indices { seen[index] = false }
        }
    }

    /// Follows the steps that take no scalar.
    /// - Returns: whether the end of the expression was reached.
    private func follow(_ first: Int, at position: Int, in scalars: [UInt32], _ threads: inout Threads) -> Bool {
        var open = [first]
        while let step = open.popLast() {
            guard threads.add(step) else { continue }
            switch steps[step] {
            case .match: return true
            case .jump(let target): open.append(target)
            case .split(let one, let other):
                open.append(other)
                open.append(one)
            case .start: if position == 0 { open.append(step + 1) }
            case .end: if position == scalars.count { open.append(step + 1) }
            case .wordEdge(let wanted):
                let before = position > 0 && ScalarSet.word.contains(scalars[position - 1])
                let after = position < scalars.count && ScalarSet.word.contains(scalars[position])
                if (before != after) == wanted { open.append(step + 1) }
            case .scalar, .set: threads.list.append(step)
            }
        }
        return false
    }
}

/// A set of characters, as ranges.
struct ScalarSet: Sendable {
    var ranges: [ClosedRange<UInt32>]
    var isNegated = false

    static let digit = ScalarSet(ranges: [0x30...0x39])
    static let word = ScalarSet(ranges: [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    static let space = ScalarSet(
        ranges: [
            0x09...0x0D, 0x20...0x20, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029, 0x202F...0x202F,
            0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
        ]
    )
    static let lineEnd = ScalarSet(ranges: [0x0A...0x0A, 0x0D...0x0D, 0x2028...0x2029])

    func contains(_ scalar: UInt32) -> Bool { ranges.contains { $0.contains(scalar) } != isNegated }

    var negated: ScalarSet { ScalarSet(ranges: ranges, isNegated: !isNegated) }

    /// The ranges of a set that is part of a bigger one; a negated one is turned into what it leaves.
    var plainRanges: [ClosedRange<UInt32>] {
        guard isNegated else { return ranges }
        var left: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound > next { left.append(next...(range.lowerBound - 1)) }
            next = max(next, range.upperBound + 1)
        }
        if next <= 0x10FFFF { left.append(next...0x10FFFF) }
        return left
    }
}
