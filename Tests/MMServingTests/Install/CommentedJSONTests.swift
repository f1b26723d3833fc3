import MMCore
import Testing

@testable import MMServing

@Suite("JSON with comments", .timeLimit(.minutes(5)))
struct CommentedJSONTests {
    private static func changed(_ text: String, _ change: (inout JSONObject) -> Void) throws -> String? {
        let file = try CommentedJSON(Array(text.utf8))
        var document = try #require(file.value.object)
        change(&document)
        return file.changed(to: .object(document)).map { String(decoding: $0, as: UTF8.self) }
    }

    private static let settings = """
        // What my editor starts.
        {
        \t"servers": {
        \t\t/* the team's */
        \t\t"other": { "command": "npx", "args": ["-y", "a//b",], }, // by Jo
        \t},
        \t"inputs": [
        \t\t{"id": "x"} // asked
        \t], // end
        }

        """

    @Test("a member is added at the end, and every comment stays in place")
    func adds() throws {
        let new = try Self.changed(Self.settings) { document in
            var servers = document["servers"]?.object ?? [:]
            servers["mm"] = ["command": "mm-mcp", "args": ["--read-only"]]
            document["servers"] = .object(servers)
            document["inputs"] = [["id": "x"], ["id": "mm"]]
        }
        #expect(
            new == """
                // What my editor starts.
                {
                \t"servers": {
                \t\t/* the team's */
                \t\t"other": { "command": "npx", "args": ["-y", "a//b",], }, // by Jo
                \t\t"mm": {
                \t\t\t"command": "mm-mcp",
                \t\t\t"args": [
                \t\t\t\t"--read-only"
                \t\t\t]
                \t\t}
                \t},
                \t"inputs": [
                \t\t{"id": "x"}, // asked
                \t\t{
                \t\t\t"id": "mm"
                \t\t}
                \t], // end
                }

                """)
    }

    @Test(
        "removing an added member restores the file, except for a comma that is allowed there",
        arguments: [
            settings, settings.replacing("\n", with: "\r\n"), "{\n  \"servers\": {\n    \"a\": {}\n  }\n}",
            "\u{FEFF}{\n  \"servers\": {\n    \"a\": {} // last\n  }\n}\n", "{\"servers\": {\"a\": 1}}",
            "{\"servers\": {\"a\": 1,},}", "{\n    \"servers\": {\n        \"a\": [1, 2]\n    }, \"z\": null }",
        ])
    func takesOut(text: String) throws {
        let added = try #require(
            try Self.changed(text) { document in
                var servers = document["servers"]?.object ?? [:]
                servers["mm"] = ["command": "mm-mcp"]
                document["servers"] = .object(servers)
            })
        #expect(try CommentedJSON(Array(added.utf8)).value["servers"]?["mm"]?["command"] == "mm-mcp")
        let back = try #require(
            try Self.changed(added) { document in
                var servers = document["servers"]?.object ?? [:]
                servers.remove("mm")
                document["servers"] = .object(servers)
            })
        func bare(_ text: String) -> String { text.replacing(",", with: "") }
        #expect(bare(back) == bare(text))
    }

    @Test("a changed value is replaced in place")
    func changes() throws {
        let text = "{\n  // one\n  \"a\": {\"x\": 1 /* was 0 */, \"y\": [1]}, // two\n  \"b\": \"{,}//\"\n}\n"
        let new = try Self.changed(text) { document in
            document["a"] = ["x": 2, "y": "z"]
            document["b"] = nil
        }
        #expect(new == "{\n  // one\n  \"a\": {\"x\": 2 /* was 0 */, \"y\": \"z\"} // two\n}\n")
    }

    @Test("an empty object is expanded")
    func empties() throws {
        #expect(
            try Self.changed("{}\n") { $0["servers"] = ["mm": ["type": "stdio"]] }
                == "{\n  \"servers\": {\n    \"mm\": {\n      \"type\": \"stdio\"\n    }\n  }\n}\n")
        #expect(try Self.changed("{ // none yet\n}") { $0["a"] = 1 } == "{ // none yet\n  \"a\": 1\n}")
        #expect(try Self.changed("{\"a\": 1}") { $0["a"] = nil } == "{}")
    }

    @Test(
        "invalid JSON is refused",
        arguments: ["{,}", "[1,,]", "{\"a\": 1,, }", "{ /* open", "{ \"a\" / 1 }", "{\"a\": 1} x", ""])
    func refuses(text: String) {
        #expect(throws: JSONError.self) { try CommentedJSON(Array(text.utf8)) }
    }
}
