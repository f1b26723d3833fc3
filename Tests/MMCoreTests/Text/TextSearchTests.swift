import MMCore
import Testing

@Suite("Text search", .timeLimit(.minutes(5)))
struct TextSearchTests {
    @Test(
        "a text is found by its bytes",
        arguments: [
            ("https://host/path", "://", 5), ("aab", "ab", 1), ("aaab", "aab", 1), ("ab", "ab", 0), ("xab", "b", 2),
            ("größer", "ß", 4), ("a\r\nb", "\n", 2), ("e\u{301}", "e", 0), ("/\u{301}x", "/", 0), ("anything", "", 0),
            ("", "", 0),
        ])
    func found(text: String, wanted: String, offset: Int) throws {
        #expect(text.contains(wanted))
        let range = try #require(text.firstRange(of: wanted))
        #expect(text.utf8.distance(from: text.startIndex, to: range.lowerBound) == offset)
        #expect(Array(text[range].utf8) == Array(wanted.utf8))
    }

    @Test(
        "a missing text, or one that would reach beyond the end, isn't found",
        arguments: [
            ("abc", "abd"), ("ab", "abc"), ("", "a"), ("aaa", "ab"), ("https:/", "://"), ("\u{E9}", "e\u{301}"),
            ("ABC", "b"),
        ])
    func missing(text: String, wanted: String) {
        #expect(!text.contains(wanted))
        #expect(text.firstRange(of: wanted) == nil)
    }

    @Test("a substring is searched within its bounds and returns positions in the whole text")
    func part() throws {
        let text = "{{one}} {{two}}"
        let rest = text.dropFirst(7)
        let range = try #require(rest.firstRange(of: "{{"))
        #expect(text[range.upperBound...] == "two}}")
        #expect(!text.prefix(4).contains("}}"))
        #expect(!text.prefix(6).contains("}}"))
    }

    @Test(
        "every occurrence is replaced once, from left to right",
        arguments: [
            ("a-b-c", "-", "+", "a+b+c"), ("aaa", "aa", "b", "ba"), ("''''", "''", "'", "''"), ("x", "y", "z", "x"),
            ("%n", "%n", "%n%n", "%n%n"), ("abc", "", "z", "abc"), ("", "a", "b", ""), ("ab", "ab", "", ""),
        ])
    func replaced(text: String, wanted: String, other: String, expected: String) {
        #expect(text.replacing(wanted, with: other) == expected)
        #expect(text[...].replacing(wanted, with: other) == expected)
    }

    @Test("bytes are searched from a position on, never before it nor beyond the end")
    func bytes() {
        let all = Array("abcabc".utf8)
        let word = Array("abc".utf8)
        #expect(ByteSearch.find(word, in: all) == 0)
        #expect(ByteSearch.find(word, in: all, from: 1) == 3)
        #expect(ByteSearch.find(word, in: all, from: 4) == nil)
        #expect(ByteSearch.find(word, in: all, from: -1) == nil)
        #expect(ByteSearch.find([], in: all, from: 6) == 6)
        #expect(ByteSearch.find([], in: all, from: 7) == nil)
        #expect(ByteSearch.find([], in: []) == 0)
    }
}
