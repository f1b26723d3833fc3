import MMCore
import Testing

@Suite("Text shown to people", .timeLimit(.minutes(5)))
struct VisibleTextTests {
    @Test(
        "invisible characters are written out in texts for confirmation",
        arguments: [
            ("plain text", "plain text"), ("a\tb", "a\tb"), ("\u{1B}[2Jhidden", "\\u{1b}[2Jhidden"),
            ("a\nb", "a\\u{a}b"), ("ceo\u{202E}txt", "ceo\\u{202e}txt"), ("ad\u{200B}min", "ad\\u{200b}min"),
            ("Zoë 日本 🙂", "Zoë 日本 🙂"), ("x\u{9B}31m", "x\\u{9b}31m"),
        ])
    func exact(_ text: String, _ shown: String) {
        #expect(VisibleText.exact(text) == shown)
    }

    @Test(
        "on a screen, lines and joined characters stay, but control and direction characters don't",
        arguments: [
            ("a\nb\tc", "a\nb\tc"), ("a\r\nb", "a\nb"), ("a\rb", "a\\u{d}b"),
            ("\u{1B}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("👩\u{200D}💻 and می\u{200C}خواهم", "👩\u{200D}💻 and می\u{200C}خواهم"),
            ("a\u{2067}b\u{2069}", "a\\u{2067}b\\u{2069}"),
            ("\u{85}\u{2028}", "\\u{85}\\u{2028}"),
        ])
    func readable(_ text: String, _ shown: String) {
        #expect(VisibleText.readable(text) == shown)
        #expect(String(decoding: VisibleText.readable(Array(text.utf8)), as: UTF8.self) == shown)
    }

    @Test("control characters are removed even if a piece of a stream ends within a character")
    func torn() {
        let piece: [UInt8] = [0x1B, 0x5B, 0x41, 0xC3]
        #expect(VisibleText.readable(piece) == Array("\\u{1b}[A".utf8) + [0xC3])
    }
}
