import MMCore
import Testing

@testable import MMOperations

@Suite("The difference of two states of an object") struct ObjectDifferenceTests {
    @Test(
        "tells each property that differs",
        arguments: [
            (#"{"a":1,"b":2}"#, #"{"b":2,"a":1}"#, []),
            (#"{"a":1}"#, #"{"a":2}"#, ["a: 1 → 2"]),
            (#"{"a":1}"#, #"{}"#, ["a: removed, was 1"]),
            (#"{}"#, #"{"a":"x"}"#, [#"a: new, "x""#]),
            (#"{"a":null}"#, #"{"a":"x"}"#, [#"a: null → "x""#]),
            (#"{"a":{"b":{"c":true,"d":1}}}"#, #"{"a":{"b":{"c":false,"d":1}}}"#, ["a.b.c: true → false"]),
            (#"{"a":["x","y"]}"#, #"{"a":["y","z"]}"#, [#"a: - "x""#, #"a: + "z""#]),
            (#"{"a":["x","y"]}"#, #"{"a":["y","x"]}"#, [#"a: ["x","y"] → ["y","x"]"#]),
            (#"{"a":[{"b":1}]}"#, #"{"a":[{"b":2}]}"#, [#"a: [{"b":1}] → [{"b":2}]"#]),
            (#"{"a":"x"}"#, #"{"a":["x"]}"#, [#"a: "x" → ["x"]"#]),
        ])
    func properties(before: String, after: String, lines: [String]) throws {
        let difference = ObjectDifference(before: try JSONParser.parse(before), after: try JSONParser.parse(after))
        #expect(difference.lines == lines)
        #expect(difference.isEmpty == lines.isEmpty)
    }

    @Test("names objects that appeared or disappeared") func wholeObjects() {
        #expect(ObjectDifference(before: nil, after: ["a": 1]).lines == [#"the object: new, {"a":1}"#])
        #expect(ObjectDifference(before: ["a": 1], after: nil).lines == [#"the object: removed, was {"a":1}"#])
    }

    @Test("cuts long values and shows characters that are not seen") func longValues() throws {
        let line = try #require(
            ObjectDifference(before: ["a": "b"], after: ["a": .string("\u{202E}" + String(repeating: "x", count: 999))])
                .lines.first)
        #expect(line.count < 200)
        #expect(line.hasSuffix("…"))
        #expect(!line.unicodeScalars.contains("\u{202E}"))
    }
}
