import MMOperations
import Testing

@testable import MMCLI

@Suite("Lines that fit a screen", .timeLimit(.minutes(5)))
struct FittedLinesTests {
    @Test("long lines continue at their own indentation, broken at blanks, with nothing lost")
    func margins() {
        let words = "one two three four five six seven eight nine ten eleven"
        #expect(
            FittedText.broken("  | \(words)\n  1. \(words)\n     7 | \(words)\nshort", columns: 32) == """
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

    @Test("marks below a line that was broken are omitted, others stay")
    func marks() {
        let text = "     1 | Remove-Mailbox ceo\n         ^^^"
        #expect(FittedText.broken(text, columns: 80) == text)
        let narrow = FittedText.broken("     1 | Remove-Mailbox ceo of the company\n         ^^^\nnext", columns: 32)
        #expect(narrow == "     1 | Remove-Mailbox ceo of\u{20}\n       | the company\nnext")
    }

    @Test("texts in a table continue below their last column; commands and addresses aren't broken")
    func told() {
        let address = "https://login.example/consent?client=5a4db0c5-0000-4000-8000-00000000a001"
        #expect(
            FittedLines.message(
                """
                ok      network       an answer came in 7 ms
                FAILED  PowerShell    There is none on this machine.
                                      → Install PowerShell, or name it.
                  mm graph Contoso '/users?$select=displayName'
                Open \(address) and sign in there.
                  2 | Remove-Mailbox ceo and all the others
                      ^^^^^^^^^^^^^^
                  mm recipe empty-groups C   Groups without a single member.
                """, to: 44) == """
                    ok      network       an answer came in 7 ms
                    FAILED  PowerShell    There is none on this\u{20}
                                          machine.
                                          → Install PowerShell,\u{20}
                                          or name it.
                      mm graph Contoso '/users?$select=displayName'
                    Open\u{20}
                    \(address)\u{20}
                    and sign in there.
                      2 | Remove-Mailbox ceo and all the others
                          ^^^^^^^^^^^^^^
                      mm recipe empty-groups C   Groups without\u{20}
                          a single member.
                    """)
        #expect(FittedLines.message(address, to: 40) == address)
        #expect(FittedLines.message("  \(address)", to: 40) == "  \(address)")
        #expect(FittedLines.message("any words at all", to: nil) == "any words at all")
    }

    @Test("a help text continues below its descriptions, and its examples aren't broken")
    func help() {
        #expect(
            FittedLines.help(
                """
                Usage: mm thing NAME [ARGUMENT…] [--flag…]

                  --all    Follow all pages of the list.
                  one, two, three, four, five, six

                Examples:
                  mm thing Contoso --with a-long-argument
                      one line about what it does there
                """, to: 32) == """
                    Usage: mm thing NAME\u{20}
                    [ARGUMENT…] [--flag…]

                      --all    Follow all pages of\u{20}
                               the list.
                      one, two, three, four, five,\u{20}
                      six

                    Examples:
                      mm thing Contoso --with a-long-argument
                          one line about what it\u{20}
                          does there
                    """)
    }

    @Test("a text without blanks is broken at the edge, and wide characters count as two cells")
    func hard() {
        let rows = FittedText.broken("  | " + String(repeating: "漢", count: 40), columns: 31).split(separator: "\n")
        #expect(rows.map(\.count) == [17, 17, 17, 5])
        #expect(rows.allSatisfy { $0.hasPrefix("  | 漢") })
    }

    @Test("without a screen, or on a very narrow one, lines aren't changed", arguments: [nil, 5])
    func none(columns: Int?) {
        let line = "  | " + String(repeating: "x", count: 100)
        #expect(FittedLines.message(line, to: columns) == line && FittedLines.help(line, to: columns) == line)
    }
}
