import MMCore
import TestSupport
import Testing

@testable import MMMCP

@Suite("Patterns of JSON Schema", .timeLimit(.minutes(5)))
struct ECMAScriptPatternTests {
    static let matches: [(String, String, Bool)] = [
        ("a", "cat", true), ("^a", "cat", false), ("t$", "cat", true), ("^c.t$", "cat", true), ("^c.t$", "c\nt", false),
        ("^[a-c]+$", "abcabc", true), ("^[^a-c]+$", "xyz", true), ("^[^a-c]+$", "xay", false),
        (#"^\d{3}-\d{4}$"#, "555-1234", true),
        (#"^\d{3}-\d{4}$"#, "55-1234", false), ("^(ab|cd){2,}$", "abcdab", true), ("^(ab|cd){2,}$", "ab", false),
        ("^a?b*?c+$", "bbcc", true), (#"\bcat\b"#, "a cat sat", true), (#"\bcat\b"#, "concat", false),
        (#"^[\w.-]+@[\w-]+\.[a-z]{2,}$"#, "first.last@mail-x.org", true), (#"^[\w.-]+@"#, "@x", false),
        (#"^é😀$"#, "é😀", true), (#"^\u{1F600}\x41\u0042$"#, "😀AB", true), ("^$", "", true), ("", "anything", true),
        (#"^[\d\-\]]+$"#, "1-]", true), ("^(?:a|b|)c$", "c", true), (#"^\/x\.y$"#, "/x.y", true),
        ("^a{0}b$", "b", true),
        ("^(?=.*[0-9])(?!.*x)", "ab1", true), ("^(?=.*[0-9])(?!.*x)", "a1x", false), (#"(?<=\$)\d+"#, "$42", true),
        (#"(?<q>['"]).*\k<q>"#, "'a'", true), (#"^(a)?\1b$"#, "b", true), (#"^\s$"#, "\u{2003}", true),
        (#"^[\s]$"#, "\u{FEFF}", true), (#"^\S$"#, "\u{A0}", false), ("^.$", "\u{2028}", false),
        ("^[[:alpha:]$", "p", true),
        (#"^\uD83D\uDE00$"#, "😀", true), (#"^\p{Lu}$"#, "Ä", true), ("a$", "a\n", false), ("^[^]$", "x", true),
        (#"^[^\D]$"#, "5", true), (#"^[^\D]$"#, "x", false),
    ]

    @Test("patterns find what ECMA-262 finds", arguments: matches.indices)
    func patterns(_ index: Int) throws {
        let (pattern, text, isFound) = Self.matches[index]
        #expect(try ECMAScriptPattern(pattern).matches(in: text) == isFound, "\(pattern) in \(text)")
    }

    @Test(
        "a pattern that would try for ever is given up, and then is no match",
        arguments: ["^(a+)+$", "^(a|aa)+$", "(x+x+)+y", "x*x*x*x*y", "(?=(a+)+b)"])
    func explosion(pattern: String) throws {
        let text = String(repeating: "a", count: 5000) + "!" + String(repeating: "x", count: 5000)
        #expect(try ECMAScriptPattern(pattern).matches(in: text) != true)
        let schema = try JSONSchema([
            "type": "object", "properties": ["a": ["type": "string", "pattern": .string(pattern)]],
        ])
        #expect(!schema.problems(of: ["a": .string(text)]).isEmpty)
    }

    @Test(
        "what ECMA-262 does not know is refused",
        arguments: [
            "(?>a)", "a++", "(*UTF)a", #"\Qa\E"#, #"\h"#, "(?R)", "(?i)a", "{", #"\x4"#, #"\u12"#, #"\uD83D\u0041"#,
            "[a", #"\"#,
            "(?P<n>a)",
        ])
    func refused(pattern: String) {
        #expect(throws: MMError.self) { try ECMAScriptPattern(pattern) }
    }

    @Test("any text as a pattern is read or refused, and what was read matches without a trap")
    func patternFuzz() {
        var generator = SeededRandom(seed: 42)
        let alphabet = Array(#"ab01.^$*+?()[]{}|\dwsbux-,é😀"#)
        var read = 0
        for _ in 0..<5000 {
            let text = String(
                (0..<Int.random(in: 0...12, using: &generator)).compactMap { _ in
                    alphabet.randomElement(using: &generator)
                })
            guard let pattern = try? ECMAScriptPattern(text) else { continue }
            read += 1
            for subject in ["", "a", "ab01", "é😀", text] { _ = pattern.matches(in: subject) }
        }
        #expect(read > 500)
    }
}
