import MMCore
import Testing

@testable import MMSystem

@Suite("Regular expressions", .timeLimit(.minutes(5)))
struct RegularExpressionTests {
    private func first(_ pattern: String, _ text: String, _ options: RegularExpression.Options = .unicode) throws
        -> RegularExpression.Finding
    {
        let bytes = Array(text.utf8)
        var budget = RegularExpression.Budget.standard(for: bytes)
        return try RegularExpression(pattern, options: options).search(bytes, budget: &budget)
    }

    @Test("return the positions of the match and its groups in bytes")
    func places() throws {
        let found = try first("(é)(x)?(y)", "-éy")
        #expect(found == .match(RegularExpression.Match(range: 1..<4, groups: [1..<3, nil, 3..<4])))
        #expect(try first("z", "-éy") == .none)
        #expect(try first("É", "é", [.unicode, .ignoringCase]) == .match(.init(range: 0..<2, groups: [])))
    }

    @Test("continue from a position and see the text before it")
    func later() throws {
        let expression = try RegularExpression(#"\bab"#)
        var budget = RegularExpression.Budget(steps: 1000)
        let bytes = Array("ab ab".utf8)
        #expect(expression.search(bytes, from: 1, budget: &budget) == .match(.init(range: 3..<5, groups: [])))
        #expect(expression.search(bytes, from: 4, budget: &budget) == .none)
        #expect(expression.search(bytes, from: 6, budget: &budget) == .none)
    }

    @Test("find the same in a text that was searched before", arguments: [0, 2, 4])
    func known(start: Int) throws {
        let (expression, bytes) = (try RegularExpression("é|y"), Array("éy-éy".utf8))
        var budget = RegularExpression.Budget(steps: 1000)
        let found = expression.search(bytes, from: start, budget: &budget)
        #expect(expression.search(bytes, from: start, isKnownText: true, budget: &budget) == found)
    }

    @Test(
        "are given up if they cost too much, wherever in the text",
        arguments: [("(a+)+$", 40), ("a*a*a*a*[bc]", 20_000), ("[a-z]+[0-9]", 100_000), ("(?:a|a)*[bc]", 5000)])
    func limits(pattern: String, length: Int) throws {
        let bytes = [UInt8](repeating: 0x61, count: length) + [0x21]
        var budget = RegularExpression.Budget.standard(for: bytes)
        #expect(try RegularExpression(pattern).search(bytes, budget: &budget) == .undecided)
        #expect(budget.steps <= 0)
    }

    @Test("share one budget and stop when asked to")
    func budgets() throws {
        let bytes = [UInt8](repeating: 0x61, count: 1000)
        let expression = try RegularExpression("a+?[bc]")
        var budget = RegularExpression.Budget(steps: 3000)
        #expect(expression.search(bytes, from: 0, budget: &budget) == .undecided)
        #expect(expression.search(bytes, from: 900, budget: &budget) == .undecided)
        var asked = 0
        var stopped = RegularExpression.Budget(steps: 1 << 30) {
            asked += 1
            return asked == 3
        }
        #expect(expression.search(bytes, budget: &stopped) == .undecided)
        #expect(asked == 3)
        #expect(stopped.steps > 0)
    }

    @Test("report errors with their positions", arguments: ["(", "[a", "a{2,1}", #"\"#])
    func faults(pattern: String) {
        let error = #expect(throws: MMError.self) { try RegularExpression(pattern) }
        let message = error?.message ?? ""
        #expect(error?.code == .invalidInput)
        #expect(message.contains("at character"))
    }
}
