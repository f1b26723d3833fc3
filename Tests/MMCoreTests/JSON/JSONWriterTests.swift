import MMCore
import Testing

@Suite("Writing JSON", .timeLimit(.minutes(5)))
struct JSONWriterTests {
    @Test("files have the layout of the earlier servers' tools")
    func indented() {
        let value: JSONValue = ["a": [1, 2], "b": [:], "c": [], "d": ["e": "é"], "f": nil]
        let text = """
            {
              "a": [
                1,
                2
              ],
              "b": {},
              "c": [],
              "d": {
                "e": "é"
              },
              "f": null
            }
            """
        #expect(JSONWriter.string(value, layout: .indented(2)) == text)
        #expect(JSONWriter.string(value) == #"{"a":[1,2],"b":{},"c":[],"d":{"e":"é"},"f":null}"#)
    }

    @Test("control characters, quotes and backslashes are escaped, everything else isn't")
    func escapes() {
        let text = "\u{0}\u{1F}\u{7F}\"\\/\n\r\t\u{8}\u{C}\u{2028}é😀"
        let written = JSONWriter.string(.string(text))
        #expect(written == "\"\\u0000\\u001f\\u007f\\\"\\\\/\\n\\r\\t\\b\\f\u{2028}é😀\"")
        #expect((try? JSONParser.parse(written))?.string == text)
    }

    @Test("compact texts contain no newline")
    func oneLine() {
        let value: JSONValue = ["a\nb": "c\r\nd", "e": ["\u{85}"]]
        #expect(!JSONWriter.bytes(value).contains(0x0A))
        #expect(!JSONWriter.bytes(value).contains(0x0D))
    }
}
