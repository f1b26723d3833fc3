import Testing

@testable import MMCore

@Suite("A YAML file") struct YAMLNodeTests {
    private func read(_ text: String) throws(MMError) -> YAMLNode? {
        try YAMLNode.read(Array(text.utf8), name: "tool.yaml")
    }

    @Test(
        "plain scalars are read like JSON, quoted ones as text",
        arguments: [
            ("12", "12"), ("\"12\"", #""12""#), ("007", #""007""#), ("true", "true"), ("'true'", #""true""#),
            ("~", "null"), ("some words", #""some words""#), ("[a, 1]", #"["a",1]"#),
            ("a: 1\nb:\n  - x\n  - y: z\n", #"{"a":1,"b":["x",{"y":"z"}]}"#),
            ("a: |\n  one\n  two\n", #"{"a":"one\ntwo\n"}"#),
        ])
    func values(text: String, json: String) throws {
        let node = try #require(try read(text))
        #expect(JSONWriter.string(node.json) == json)
    }

    @Test("a file without a document is nil", arguments: ["", "# only a comment\n"]) func empty(text: String) throws {
        let node = try read(text)
        #expect(node == nil)
    }

    @Test("knows the lines of its keys and values") func lines() throws {
        let node = try #require(try read("# first\na: 1\n\nb:\n  c: 2\n"))
        guard case .map(let entries) = node.content else {
            Issue.record("a map was expected")
            return
        }
        #expect(entries.map(\.key) == ["a", "b"])
        #expect(entries.map(\.line) == [2, 4])
        #expect(entries.last?.value.line == 5)
    }

    @Test(
        "an unsupported file is refused with name and line",
        arguments: [
            ("a: &x 1\nb: *x\n", 1), ("a: !tag 1\n", 1), ("a: 1\na: 2\n", 2), ("a: 1\n---\nb: 2\n", 2),
            ("a: [1,\n", 2), (String(repeating: "[", count: 40), 1),
        ])
    func refusals(text: String, line: Int) throws {
        let error = try #require(throws: MMError.self) { try read(text) }
        #expect(error.code == .invalidInput)
        #expect(error.message.hasPrefix("tool.yaml, line "))
        let told = try #require(error.details["line"]?.int)
        #expect(told >= line)
    }
}
