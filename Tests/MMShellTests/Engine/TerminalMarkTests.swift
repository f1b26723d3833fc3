import Testing

@testable import MMShell

@Suite("The mark that ends a command's part of the terminal's output", .timeLimit(.minutes(5)))
struct TerminalMarkTests {
    private static let mark = "\u{1B}]mm;one\u{7}"
    private static let next = "\u{1B}]mm;two\u{7}"

    /// Returns the output that is taken of pieces, and whether its end was seen.
    private static func taken(_ pieces: some Sequence<String>, by marks: inout TerminalMark) -> (
        output: String, isEnd: Bool
    ) {
        var output: [UInt8] = []
        var isEnd = false
        for piece in pieces {
            let (part, ends) = marks.take(Array(piece.utf8))
            output += part
            isEnd = isEnd || ends
        }
        return (String(decoding: output, as: UTF8.self), isEnd)
    }

    @Test(
        "is found wherever reads divide it, and nothing before it is lost",
        arguments: [
            [mark], ["a", "b\(mark)"], ["a\u{1B}", "]mm;on", "e\u{7}"], ["\u{1B}]mm;o\u{1B}]mm;", "one\u{7}"],
        ])
    func found(pieces: [String]) {
        var marks = TerminalMark()
        marks.expect(Array(Self.mark.utf8))
        let (output, isEnd) = Self.taken(pieces, by: &marks)
        #expect(isEnd)
        #expect(output + Self.mark == pieces.joined())
        // The next command's output passes as it is.
        #expect(Self.taken(["\u{1B}]mm;o"], by: &marks) == ("\u{1B}]mm;o", false))
    }

    @Test(
        "is taken out of the next command's output if it comes late, and missed by nobody if it never comes",
        arguments: [
            (["\(mark)a", "b\(next)"], "ab"), (["x\u{1B}]mm", ";one\u{7}a\(next)"], "xa"), (["a\(next)"], "a"),
            (["a\(mark)\(next)"], "a"),
        ])
    func late(pieces: [String], output: String) {
        var marks = TerminalMark()
        marks.expect(Array(Self.mark.utf8))
        marks.giveUp()
        let early = Self.taken(pieces.dropLast(), by: &marks)
        marks.expect(Array(Self.next.utf8))
        let rest = Self.taken(pieces.suffix(1), by: &marks)
        #expect(!early.isEnd && rest.isEnd)
        #expect(early.output + rest.output == output)
    }
}
