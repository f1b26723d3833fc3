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

    @Test("marks below a line that was broken are left out, others stay")
    func marks() {
        let text = "     1 | Remove-Mailbox ceo\n         ^^^"
        #expect(FittedLines.fitted(text, to: 80) == text)
        let narrow = FittedLines.fitted("     1 | Remove-Mailbox ceo of the company\n         ^^^\nnext", to: 32)
        #expect(narrow == "     1 | Remove-Mailbox ceo of\u{20}\n       | the company\nnext")
    }

    @Test("a help text goes on below its descriptions, and its examples stay whole")
    func help() {
        #expect(
            FittedLines.help(
                """
                Usage: mm thing NAME [ARGUMENT…] [--flag…]

                  --all    Follow all pages of the list.
                  mm thing Contoso --with a-long-argument
                      one line about what it does there
                """, to: 32) == """
                    Usage: mm thing NAME\u{20}
                    [ARGUMENT…] [--flag…]

                      --all    Follow all pages of\u{20}
                               the list.
                      mm thing Contoso --with a-long-argument
                          one line about what it\u{20}
                          does there
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
