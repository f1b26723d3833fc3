import MMCore
import MMSystem

/// A regular expression of the part of .NET's language that PCRE2 reads in the same way on ASCII text: literals, `.`, sets,
/// `\d \w \s \b`, anchors, groups, alternatives and quantifiers. Other constructs are handed over.
struct Pattern {
    let groupCount: Int
    /// Names of groups that have one. .NET numbers those behind the unnamed ones.
    let names: [(name: String, number: Int)]
    private let expression: RegularExpression

    /// Reads a pattern.
    init(_ text: String, ignoringCase: Bool) throws(Interrupt) {
        guard text.isASCII, text.utf8.count < 500 else { throw .handOver("a pattern beyond ASCII") }
        var reader = PatternReader(text)
        try reader.read()
        groupCount = reader.groups
        names = reader.names
        do throws(MMError) {
            expression = try RegularExpression(text, options: ignoringCase ? .ignoringCase : [])
        } catch {
            throw .handOver(error.code == .unavailable ? "regular expressions without PCRE2" : "an unusual pattern")
        }
        guard expression.groupCount == groupCount else { throw .handOver("an unusual pattern") }
    }

    /// Goes through the matches from the left, not overlapping, in a time that grows with the text.
    /// - Parameters:
    ///   - limit: how many at most.
    ///   - evaluator: whose limits hold, and which may be stopped meanwhile.
    ///   - body: takes each match as it is found.
    func eachMatch(
        in text: [UInt8], limit: Int = .max, for evaluator: Evaluator,
        _ body: (RegularExpression.Match) throws(Interrupt) -> Void
    ) throws(Interrupt) {
        guard text.allSatisfy({ $0 < 0x80 }) else { throw .handOver("matching text beyond ASCII") }
        var budget = RegularExpression.Budget(steps: evaluator.limits.patternSteps + 64 * text.count) {
            evaluator.isStopped
        }
        var start = 0
        var count = 0
        while count < limit {
            switch expression.search(text, from: start, budget: &budget) {
            case .none: return
            case .undecided:
                try evaluator.look()
                throw .handOver("a costly pattern")
            case .match(let match):
                try body(match)
                count += 1
                start = match.range.isEmpty ? match.range.upperBound + 1 : match.range.upperBound
            }
            try evaluator.look()
        }
    }

    /// The first match.
    func first(in text: [UInt8], for evaluator: Evaluator) throws(Interrupt) -> RegularExpression.Match? {
        var found: RegularExpression.Match?
        try eachMatch(in: text, limit: 1, for: evaluator) { found = $0 }
        return found
    }
}
