import MMCore
import Testing

@Suite("Reading JSON", .timeLimit(.minutes(5)))
struct JSONParserTests {
    @Test(
        "valid texts are read",
        arguments: [
            ("null", JSONValue.null), (" true ", true), ("false\n", false), ("0", 0), ("-12", -12), ("\"\"", ""),
            ("[]", []), ("[ ]", []), ("{}", [:]), ("{ }", [:]), ("[1,[2,[3]]]", [1, [2, [3]]]),
            ("{\"a\":{\"b\":[null]}}", ["a": ["b": [nil]]]), ("\u{FEFF}[1]", [1]),
            ("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\u{8}\u{C}\n\r\t"),
            ("\"\\u00e9\\u20AC\\ud83d\\ude00\"", "é€😀"), ("\"\u{7F}\u{80}é😀\"", "\u{7F}\u{80}é😀"),
            ("\"\\ud800\"", "\u{FFFD}"), ("\"\\udc00x\"", "\u{FFFD}x"), ("\"\\ud800\\u0041\"", "\u{FFFD}A"),
            ("\"\\u0000\"", "\u{0}"),
        ] as [(String, JSONValue)])
    func sound(text: String, value: JSONValue) throws {
        #expect(try JSONParser.parse(text) == value)
    }

    @Test(
        "invalid texts are refused with the place of the error",
        arguments: [
            ("", 1, 1), ("  ", 1, 3), ("nul", 1, 1), ("tru\n", 1, 1), ("[1,]", 1, 4), ("[1 2]", 1, 4), ("[", 1, 2),
            ("{\"a\"}", 1, 5), ("{\"a\":1,}", 1, 8), ("{a:1}", 1, 2), ("{'a':1}", 1, 2), ("[1]]", 1, 4), ("1 2", 1, 3),
            ("\"a", 1, 3), ("\"a\nb\"", 1, 3), ("\"\\x\"", 1, 2), ("\"\\u12\"", 1, 4), ("\"\\u12g4\"", 1, 6),
            ("\"\\", 1, 3),
            ("01", 1, 2), ("-", 1, 2), ("+1", 1, 1), (".5", 1, 1), ("1.", 1, 3), ("1e", 1, 3), ("1e+", 1, 4),
            ("0x1", 1, 2),
            ("NaN", 1, 1), ("Infinity", 1, 1), ("-Infinity", 1, 2), ("// a\n1", 1, 1), ("{\n  \"a\": 1,\n  b\n}", 3, 3),
            ("{\n\"a\":\n\n?", 4, 1), ("[1]\u{0}", 1, 4),
        ])
    func unsound(text: String, line: Int, column: Int) {
        let error = #expect(throws: JSONError.self) { try JSONParser.parse(text) }
        #expect(error?.line == line)
        #expect(error?.column == column)
    }

    @Test(
        "invalid UTF-8 is refused",
        arguments: [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xE2, 0x82, 0x22],
            [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], [0x22, 0x5C, 0x6E, 0x80, 0x22], [0xFF, 0xFE, 0x31, 0x00],
        ] as [[UInt8]])
    func broken(bytes: [UInt8]) {
        #expect(throws: JSONError.self) { try JSONParser.parse(bytes) }
    }

    @Test("depth is limited exactly", arguments: [1, 2, 64, 256])
    func depth(limit: Int) throws {
        let fits = String(repeating: "[", count: limit) + String(repeating: "]", count: limit)
        let limits = JSONLimits(depth: limit)
        _ = try JSONParser.parse(fits, limits: limits)
        #expect(throws: JSONError.self) { try JSONParser.parse("[\(fits)]", limits: limits) }
        let objects = String(repeating: "{\"a\":", count: limit) + "1" + String(repeating: "}", count: limit)
        _ = try JSONParser.parse(objects, limits: limits)
        #expect(throws: JSONError.self) { try JSONParser.parse("[\(objects)]", limits: limits) }
    }

    @Test("closed levels don't count for the depth")
    func siblings() throws {
        let text = "[" + Array(repeating: "[[]]", count: 1000).joined(separator: ",") + "]"
        #expect(try JSONParser.parse(text, limits: JSONLimits(depth: 3)).array?.count == 1000)
    }

    @Test("a million open brackets are an error, not a crash")
    func bomb() {
        for opening in ["[", "{\"a\":", "[{\"a\":["] {
            #expect(throws: JSONError.self) { try JSONParser.parse(String(repeating: opening, count: 1_000_000)) }
        }
    }

    @Test("size is limited")
    func size() throws {
        _ = try JSONParser.parse("[1234567]", limits: JSONLimits(bytes: 9))
        #expect(throws: JSONError.self) { try JSONParser.parse("[1234567]", limits: JSONLimits(bytes: 8)) }
    }

    @Test("the last of equal keys counts at the place of the first, or the strict reader refuses them")
    func duplicates() throws {
        let text = "{\"a\":1,\"b\":2,\"a\":3}"
        let value = try JSONParser.parse(text)
        #expect(JSONWriter.string(value) == "{\"a\":3,\"b\":2}")
        let error = #expect(throws: JSONError.self) { try JSONParser.parse(text, limits: .strict) }
        #expect(error?.column == 14)
        #expect(throws: JSONError.self) { try JSONParser.parse("{\"a\":1,\"\\u0061\":2}", limits: .strict) }
    }

    @Test("keys that only look alike are different")
    func canonicalKeys() throws {
        let text = "{\"\u{E9}\":1,\"e\u{301}\":2}"
        #expect(try JSONParser.parse(text, limits: .strict).object?.count == 2)
        #expect(JSONWriter.string(try JSONParser.parse(text)).utf8.elementsEqual(text.utf8))
    }

    @Test("a sequence of values without an array is read too")
    func lazyBytes() throws {
        let bytes = Array("[1,2]".utf8).lazy.map { $0 }
        #expect(try JSONParser.parse(bytes) == [1, 2])
        #expect(try JSONParser.parse(Array("x[1,2]".utf8).dropFirst()) == [1, 2])
    }

    @Test("an error doesn't quote the text")
    func quiet() {
        let error = #expect(throws: JSONError.self) { try JSONParser.parse("{\"password\": hunter2}") }
        #expect(error?.description.contains("hunter2") == false)
    }
}
