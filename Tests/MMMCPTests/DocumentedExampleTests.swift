import MMCore
import MMMCP
import Testing

@Suite("The example in the documentation", .timeLimit(.minutes(5)))
struct DocumentedExampleTests {
    private func dice() throws -> Tool {
        let sure = try Form([.boolean("ok", title: "Roll them all")])
        return Tool(
            name: "roll",
            description: "Rolls dice and returns each result and the sum. Example: {\"count\": 2, \"sides\": 6}.",
            inputSchema: [
                "type": "object", "additionalProperties": false,
                "properties": [
                    "count": ["type": "integer", "minimum": 1, "maximum": 1000, "description": "How many dice."],
                    "sides": ["type": "integer", "enum": [4, 6, 8, 12, 20], "description": "Sides of each."],
                ],
                "required": ["count", "sides"],
            ],
            annotations: ToolAnnotations(readOnly: true, openWorld: false)
        ) { arguments, context in
            let count = arguments["count"]?.int ?? 1
            if count > 100, context.canAskForms {
                let answer = try await context.elicit("sure", "Roll \(count) dice?", form: sure)
                guard case .accepted(let form) = answer, form["ok"] == true else { return .text("Nothing was rolled.") }
            }
            let rolls = (0..<count).map { _ in Int64.random(in: 1...Int64(arguments["sides"]?.int ?? 6)) }
            context.progress(1, of: 1, "rolled")
            return .structured(["rolls": .array(rolls.map(JSONValue.int)), "sum": .int(rolls.reduce(0, +))])
        }
    }

    @Test("it rolls, asks above a hundred, and tells a model what to change")
    func example() async throws {
        let server = try MCPServer(ServerInfo(name: "dice", version: "1.0.0"), tools: [dice()])
        let client = try TestClient(server)
        _ = try await client.initialize(capabilities: ["elicitation": [:]])
        client.request(1, "tools/call", ["name": "roll", "arguments": ["count": 3, "sides": 6]])
        let rolled = try await client.next()["result"]?["structuredContent"]
        #expect(rolled?["rolls"]?.array?.compactMap(\.int).reduce(0, +) == rolled?["sum"]?.int)
        client.request(2, "tools/call", ["name": "roll", "arguments": ["count": 101, "sides": 6]])
        let question = try await client.next()
        #expect(question["params"]?["message"] == "Roll 101 dice?")
        client.send(["jsonrpc": "2.0", "id": question["id"] ?? nil, "result": ["action": "decline"]])
        #expect(try await client.next()["result"]?["content"]?[0]?["text"] == "Nothing was rolled.")
        client.request(3, "tools/call", ["name": "roll", "arguments": ["cuont": 2, "sides": 7]])
        #expect(
            try await client.next()["result"]?["content"]?[0]?["text"]?.string == """
                The arguments of roll are not valid:
                - sides: is 7; allowed: 4, 6, 8, 12, 20
                - cuont: is unknown; did you mean "count"? Known: "count", "sides"
                - count: is missing; is "cuont" a misspelling of it?
                """
        )
    }
}
