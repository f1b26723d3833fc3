import MMCore
import Testing

@Suite("Text search", .timeLimit(.minutes(5)))
struct TextSearchTests {
    @Test(
        "A text is found where its bytes stand",
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
        "A text that is not there, or that only would fit behind the end, is not found",
        arguments: [
            ("abc", "abd"), ("ab", "abc"), ("", "a"), ("aaa", "ab"), ("https:/", "://"), ("\u{E9}", "e\u{301}"),
            ("ABC", "b"),
        ])
    func missing(text: String, wanted: String) {
        #expect(!text.contains(wanted))
        #expect(text.firstRange(of: wanted) == nil)
    }

    @Test("A part of a text is searched within its own bounds and answers with places of the whole")
    func part() throws {
        let text = "{{one}} {{two}}"
        let rest = text.dropFirst(7)
        let range = try #require(rest.firstRange(of: "{{"))
        #expect(text[range.upperBound...] == "two}}")
        #expect(!text.prefix(4).contains("}}"))
        #expect(!text.prefix(6).contains("}}"))
    }

    @Test(
        "Every place is replaced, from left to right and once",
        arguments: [
            ("a-b-c", "-", "+", "a+b+c"), ("aaa", "aa", "b", "ba"), ("''''", "''", "'", "''"), ("x", "y", "z", "x"),
            ("%n", "%n", "%n%n", "%n%n"), ("abc", "", "z", "abc"), ("", "a", "b", ""), ("ab", "ab", "", ""),
        ])
    func replaced(text: String, wanted: String, other: String, expected: String) {
        #expect(text.replacing(wanted, with: other) == expected)
        #expect(text[...].replacing(wanted, with: other) == expected)
    }

    @Test("Bytes are found from a place on, never before it nor beyond the end")
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
