import MMCore
import MMSystem

/// A regular expression within the subset of .NET's syntax that PCRE2 reads in the same way for ASCII text: literals,
/// `.`, sets, `\d \w \s \b`, anchors, groups, alternatives and quantifiers. Other constructs are handed over.
struct Pattern {
    let groupCount: Int
    /// The named groups. .NET numbers them after the unnamed ones.
    let names: [(name: String, number: Int)]
    private let expression: RegularExpression

    /// Compiles a pattern.
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

    /// Visits the non-overlapping matches from left to right, in time bounded by the length of the text.
    /// - Parameters:
    ///   - text: the text to search.
    ///   - limit: the maximum number of matches.
    ///   - evaluator: the evaluator whose limits apply, and which may be cancelled meanwhile.
    ///   - body: receives each match as it is found.
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

    /// Returns the first match.
    func first(in text: [UInt8], for evaluator: Evaluator) throws(Interrupt) -> RegularExpression.Match? {
        var found: RegularExpression.Match?
        try eachMatch(in: text, limit: 1, for: evaluator) { found = $0 }
        return found
    }
}
