/// Braces, as in `{a,b}` and `{1..5}`: before anything else, a shell makes several words of one. A shell that doesn't
/// takes them literally, which does less.
extension ShellParser {
    /// A word in which braces stand unquoted.
    struct BracedText {
        /// The word without its quotes.
        var text: [UInt8]
        /// The places of its unquoted braces and of the commas behind them.
        var marks: [Int]
    }

    /// A pair of braces.
    private struct Pair {
        var end: Int
        /// The commas between its alternatives.
        var commas: [Int]
    }

    /// The limit for the words that one stands for. People write longer lists only of numbers.
    private static let mostAlternatives = 200

    /// Returns the words for which the word just read stands.
    mutating func alternatives(of word: Word) throws(ShellRefusal) -> [Word] {
        // zsh ends a group with such a word wherever it stands.
        if !isBash, word.value == "}", !word.isQuoted { throw disputed(at: word.offset) }
        guard let braced else { return [word] }
        self.braced = nil
        let pairs = try pairs(in: braced, at: word.offset)
        guard !pairs.isEmpty else { return [word] }
        let texts = try texts(of: braced.text, 0..<braced.text.count, pairs, at: word.offset)
        wordsLeft -= texts.count
        guard wordsLeft >= 0 else { throw refusal("more than \(Self.maximumWords) words") }
        return texts.compactMap { text in
            // The shell drops an empty word without quotes.
            guard !text.isEmpty || word.isQuoted else { return nil }
            var one = word
            one.value = String(decoding: text, as: UTF8.self)
            if text.contains(UInt8(ascii: "*")) { one.hasNoPattern = false }
            return one
        }
    }

    /// Finds the pairs of braces that stand for alternatives or a range, by the places of their first braces.
    private func pairs(in braced: BracedText, at offset: Int) throws(ShellRefusal) -> [Int: Pair] {
        var pairs: [Int: Pair] = [:]
        var open: [(start: Int, commas: [Int])] = []
        var hasPlainPair = false
        var lastPair = -1
        for mark in braced.marks {
            switch braced.text[mark] {
            case UInt8(ascii: "{"):
                guard open.count < Self.deepestNesting else { throw refusal("braces nested too deeply", at: offset) }
                open.append((mark, []))
            case UInt8(ascii: ","):
                if !open.isEmpty { open[open.count - 1].commas.append(mark) }
            default:
                guard let (start, commas) = open.popLast() else {
                    // bash may look for the end of a plain pair here: `{a},b}`.
                    if hasPlainPair, lastPair >= 0 || braced.text.contains(UInt8(ascii: ",")) {
                        throw disputed(at: offset)
                    }
                    continue
                }
                let inside = braced.text[(start + 1)..<mark]
                if !commas.isEmpty || Self.range(inside) != nil {
                    pairs[start] = Pair(end: mark, commas: commas)
                    lastPair = max(lastPair, start)
                    continue
                }
                hasPlainPair = true
                // bash may take a quoted comma for one that separates, and dots around more braces for a range.
                let sign = lastPair > start ? UInt8(ascii: ".") : UInt8(ascii: ",")
                // zsh takes any two characters for the ends of a range: `{.../}`.
                let isRange = inside.count == 4 && inside.dropFirst().prefix(2).allSatisfy { $0 == UInt8(ascii: ".") }
                if isRange || inside.contains(sign) { throw disputed(at: offset) }
            }
        }
        return pairs
    }

    private func disputed(at offset: Int) -> ShellRefusal {
        refusal("braces that shells read differently", at: offset)
    }

    /// Returns the texts for which a part of a word stands, in the shell's order.
    private func texts(
        of text: [UInt8], _ part: Range<Int>, _ pairs: [Int: Pair], at offset: Int
    ) throws(ShellRefusal) -> [[UInt8]] {
        var texts: [[UInt8]] = [[]]
        var place = part.lowerBound
        while place < part.upperBound {
            guard let pair = pairs[place] else {
                for index in texts.indices { texts[index].append(text[place]) }
                place += 1
                continue
            }
            var choices = Self.range(text[(place + 1)..<pair.end]) ?? []
            if !pair.commas.isEmpty {
                choices = []
                for (start, end) in zip([place] + pair.commas, pair.commas + [pair.end]) {
                    choices += try self.texts(of: text, (start + 1)..<end, pairs, at: offset)
                }
            }
            let count = texts.count * choices.count
            guard count <= Self.mostAlternatives, count * text.count <= Self.maximumBytes else {
                throw refusal("braces that stand for more than \(Self.mostAlternatives) words", at: offset)
            }
            texts = texts.flatMap { text in choices.map { text + $0 } }
            place = pair.end + 1
        }
        return texts
    }

    /// Returns what a range stands for, `1..5`, `a..e`, `01..10..3`: its members, or a pattern for a long range of
    /// numbers. `nil` for other texts.
    private static func range(_ text: ArraySlice<UInt8>) -> [[UInt8]]? {
        let parts = String(decoding: text, as: UTF8.self).split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 || parts.count == 5, parts.indices.allSatisfy({ $0 % 2 == 0 || parts[$0].isEmpty }),
            let step = parts.count == 3 ? 1 : Int(parts[4])
        else { return nil }
        let stride = max(Int(step.magnitude & UInt(Int.max)), 1)
        if let first = Int(parts[0]), let last = Int(parts[2]) {
            let (distance, isTooLong) = max(first, last).subtractingReportingOverflow(min(first, last))
            guard !isTooLong, distance / stride < mostAlternatives else { return [[UInt8(ascii: "*")]] }
            let isPadded = [parts[0], parts[2]].contains { number in
                number.count > 1 && number.drop { "+-".contains($0) }.hasPrefix("0")
            }
            let width = isPadded ? max(parts[0].count, parts[2].count) : 0
            return (0...(distance / stride)).map { count in
                let value = first <= last ? first + count * stride : first - count * stride
                let digits = String(value.magnitude)
                let sign = value < 0 ? "-" : ""
                let zeros = String(repeating: "0", count: max(0, width - digits.count - sign.count))
                return Array((sign + zeros + digits).utf8)
            }
        }
        guard let first = parts[0].utf8.first, let last = parts[2].utf8.first, parts[0].utf8.count == 1,
            parts[2].utf8.count == 1, isLetter(first), isLetter(last)
        else { return nil }
        let members = (min(first, last)...max(first, last)).map { [$0] }
        return (first <= last ? members : members.reversed()).enumerated().filter { $0.offset % stride == 0 }
            .map(\.element)
    }
}
