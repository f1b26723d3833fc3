import Testing

@testable import MMCLI

@Suite("Lines that fit a screen", .timeLimit(.minutes(5)))
struct FittedLinesTests {
    @Test("long lines go on behind their own margin, broken at blanks, with nothing left out")
    func margins() {
        let words = "one two three four five six seven eight nine ten eleven"
        #expect(
            FittedLines.fitted("  | \(words)\n  1. \(words)\n     7 | \(words)\nshort", to: 32) == """
                  | one two three four five six\u{20}
                  | seven eight nine ten eleven
                  1. one two three four five\u{20}
                     six seven eight nine ten\u{20}
                     eleven
                     7 | one two three four\u{20}
                       | five six seven eight\u{20}
                       | nine ten eleven
                short
                """)
    }

    @Test("a text without blanks is broken at the edge, and wide characters count as two cells")
    func hard() {
        let rows = FittedLines.fitted("  | " + String(repeating: "漢", count: 40), to: 31).split(separator: "\n")
        #expect(rows.map(\.count) == [17, 17, 17, 5])
        #expect(rows.allSatisfy { $0.hasPrefix("  | 漢") })
    }

    @Test("without a screen, or on one too narrow for margins, lines stay as they are", arguments: [nil, 5])
    func none(columns: Int?) {
        let line = "  | " + String(repeating: "x", count: 100)
        #expect(FittedLines.fitted(line, to: columns) == line)
    }
}
