import MMCore
import Testing

@testable import MMMCP

@Suite("Declaring a server", .timeLimit(.minutes(5)))
struct DeclarationTests {
    private func server(_ tools: Tool..., resourceTemplates: [ResourceTemplate] = []) throws -> MCPServer {
        try MCPServer(ServerInfo(name: "s", version: "1"), tools: tools, resourceTemplates: resourceTemplates)
    }

    private func tool(_ name: String = "t", _ schema: JSONObject = Tool.noParameters, aliases: [String] = []) -> Tool {
        Tool(name: name, description: "d", inputSchema: schema, aliases: aliases) { _, _ in .text("x") }
    }

    @Test(
        "names that the protocol doesn't allow, and repeated names, are refused",
        arguments: ["", "a b", "ü", "a/b", String(repeating: "x", count: 129)])
    func names(_ name: String) {
        #expect(throws: MMError.self) { try server(tool(name)) }
        #expect(throws: MMError.self) { try server(tool("t", aliases: [name])) }
        #expect(throws: MMError.self) { try server(tool("same"), tool("same")) }
        #expect(throws: MMError.self) { try server(tool("one", aliases: ["two"]), tool("two")) }
    }

    @Test("an unsupported schema is refused when the tool is declared")
    func schemas() {
        for schema in [
            ["type": "string"], [:], ["type": "object", "unevaluatedProperties": false],
            ["type": "object", "properties": ["a": ["pattern": "(?>y)"]]],
            ["type": "object", "properties": ["a": ["type": "number", "x-mcp-header": "A"]]],
            ["type": "object", "properties": ["a": ["type": "string", "x-mcp-header": "not a token"]]],
            [
                "type": "object",
                "properties": ["a": ["type": "array", "items": ["type": "string", "x-mcp-header": "A"]]],
            ],
            [
                "type": "object",
                "properties": [
                    "a": ["type": "string", "x-mcp-header": "Aa"], "b": ["type": "string", "x-mcp-header": "aA"],
                ],
            ],
        ] as [JSONObject] {
            #expect(throws: MMError.self, "\(JSONValue.object(schema))") { try server(tool("t", schema)) }
        }
    }

    @Test("a tool may accept more than its listed schema says")
    func acceptedSchema() throws {
        var tool = tool("t", ["type": "object", "properties": ["body": ["type": "object"]]])
        #expect(try !RegisteredTool(tool).input.problems(of: ["body": [1]]).isEmpty)
        tool.acceptedSchema = ["type": "object", "properties": ["body": ["type": ["object", "array"]]]]
        #expect(try RegisteredTool(tool).input.problems(of: ["body": [1]]).isEmpty)
        #expect(tool.json(for: .v2025_11_25)["inputSchema"]?["properties"]?["body"]?["type"] == "object")
    }

    @Test(
        "a template's variables are found in an address and decoded, and nothing else matches",
        arguments: [
            ("mm://c/{name}", "mm://c/Contoso", ["name": "Contoso"]),
            ("mm://c/{name}", "mm://c/a%20b%C3%A9", ["name": "a bé"]),
            ("mm://c/{name}", "mm://c/a/b", nil), ("mm://c/{name}", "mm://c/", nil),
            ("mm://c/{name}", "mm://c/%zz", nil),
            ("mm://c/{name}", "mm://c/%ff", nil), ("mm://{a}/{b}/x", "mm://1/2/x", ["a": "1", "b": "2"]),
            ("mm://{a}/{b}/x", "mm://1/2/y", nil), ("mm://f/{+path}", "mm://f/a/b/c", ["path": "a/b/c"]),
            ("mm://{a}.{b}", "mm://x.y.z", ["a": "x", "b": "y.z"]), ("mm://plain", "mm://plain", [:]),
            ("mm://plain", "mm://plainer", nil),
        ] as [(String, String, [String: String]?)]
    )
    func templates(_ template: String, _ uri: String, _ expected: [String: String]?) throws {
        #expect(try URITemplate(template).match(uri) == expected)
    }

    @Test(
        "templates with ambiguous matches are refused",
        arguments: ["a{", "a}", "{}", "{a}{b}", "{a}/{a}", "{?q}", "{a-b}", "{#x}"])
    func badTemplates(_ text: String) {
        #expect(throws: MMError.self) { try URITemplate(text) }
    }
}

@Suite("A result for each client", .timeLimit(.minutes(5)))
struct ResultTests {
    @Test("newer kinds of content become text for older clients")
    func downgrade() {
        let link = Content.link(ResourceLink(uri: "mm://x", name: "x", title: "The X"))
        #expect(link.json(for: .v2025_03_26) == ["type": "text", "text": "The X: mm://x"])
        #expect(link.json(for: .v2025_06_18)["type"] == "resource_link")
        let audio = Content.audio([1, 2, 3], mimeType: "audio/wav")
        #expect(audio.json(for: .v2024_11_05) == ["type": "text", "text": "[audio, audio/wav, 3 bytes]"])
        #expect(audio.json(for: .v2025_03_26)["data"] == "AQID")
    }

    @Test("structured content is repeated as text, and is an object for legacy clients")
    func structured() {
        let object = ToolResult.structured(["a": 1])
        #expect(object.json(for: .v2025_06_18)["structuredContent"] == ["a": 1])
        #expect(object.json(for: .v2025_06_18)["content"] == [["type": "text", "text": #"{"a":1}"#]])
        let list = ToolResult.structured([1, 2], text: "two")
        #expect(list.json(for: .v2025_11_25)["structuredContent"] == nil)
        #expect(list.json(for: .v2026_07_28)["structuredContent"] == [1, 2])
        #expect(list.json(for: .v2025_11_25)["content"]?[0]?["text"] == "two")
    }

    @Test("a result that violates its tool's schema is reported as a fault, not passed on")
    func promises() async throws {
        let schema: JSONObject = ["type": "object", "properties": ["n": ["type": "integer"]], "required": ["n"]]
        let results: [(String, ToolResult)] = [
            ("good", .structured(["n": 1])), ("bad", .structured(["n": "x"])), ("none", .text("x")),
            ("failed", .failure("no")),
        ]
        let tools = results.map { name, result in
            Tool(name: name, description: "d", outputSchema: schema) { _, _ in result }
        }
        let client = try TestClient(testServer(more: tools))
        _ = try await client.initialize()
        for (name, isError) in [("good", false), ("bad", true), ("none", true), ("failed", true)] {
            client.request(1, "tools/call", ["name": .string(name)])
            #expect(try await client.next()["result"]?["isError"] == .bool(isError), "\(name)")
        }
    }

    @Test("thrown errors become a failed result, a protocol error, or an error without details")
    func errors() async throws {
        struct Inner: Error { let secret = "hunter2" }
        let leaky = Tool(name: "leaky", description: "d") { _, _ in throw Inner() }
        let client = try TestClient(testServer(more: [leaky]))
        _ = try await client.initialize()
        client.request(1, "tools/call", ["name": "fail"])
        let failed = try await client.next()["result"]
        #expect(failed?["isError"] == true && failed?["content"]?[0]?["text"] == "It broke.\nMend it.")
        client.request(2, "tools/call", ["name": "refuse"])
        #expect(try await client.next()["error"] == ["code": -32602, "message": "Not like this."])
        client.request(3, "tools/call", ["name": "leaky"])
        let line = try await client.line()
        #expect(line?.contains("hunter2") == false && line?.contains("\"isError\":true") == true)
        client.request(4, "tools/call", ["name": "echo", "arguments": ["txt": 5]])
        let text = try await client.next()["result"]?["content"]?[0]?["text"]
        #expect(text == "The arguments of echo are not valid:\n- text: is missing")
        for params in [["name": 5], [:], ["name": "echo", "arguments": []]] as [JSONObject] {
            client.request(5, "tools/call", params)
            #expect(try await client.next()["error"]?["code"] == -32602)
        }
    }
}

@Suite("Lists, pages and notifications", .timeLimit(.minutes(5)))
struct ListTests {
    @Test("lists have pages whose cursors are valid only for their list")
    func pages() async throws {
        var options = ServerOptions()
        options.pageSize = 3
        let tools = (0..<5).map { number in
            Tool(name: "t\(number)", description: "d") { _, _ in .text("x") }
        }
        let prompts = (0..<4).map { number in Prompt(name: "p\(number)") { _, _ in .text("x") } }
        let server = try MCPServer(
            ServerInfo(name: "s", version: "1"), tools: tools, prompts: prompts, options: options)
        let client = try TestClient(server)
        _ = try await client.initialize()
        func page(_ method: String, _ cursor: JSONValue?) async throws -> JSONValue {
            client.request(1, method, JSONObject(cursor.map { [("cursor", $0)] } ?? []))
            return try await client.next()
        }
        let first = try await page("tools/list", nil)["result"]
        #expect(first?["tools"]?.array?.count == 3)
        let cursor = try #require(first?["nextCursor"])
        let second = try await page("tools/list", cursor)["result"]
        #expect(second?["tools"]?.array?.map { $0["name"] } == ["t3", "t4"])
        #expect(second?["nextCursor"] == nil)
        #expect(try await page("tools/list", "")["result"] == first)
        for bad in ["x", 5, cursor] as [JSONValue] {
            let method = bad == cursor ? "prompts/list" : "tools/list"
            #expect(try await page(method, bad)["error"]?["code"] == -32602, "\(bad)")
        }
        client.request(1, "resources/list")
        #expect(try await client.next()["error"]?["code"] == -32601)
    }

    @Test("dynamic resources are listed and read in their current state")
    func movingResources() async throws {
        let tally = Tally()
        let server = try MCPServer(
            ServerInfo(name: "s", version: "1"),
            resources: [Resource(uri: "mm://fixed", name: "fixed") { _ in [.text("fixed", uri: "mm://fixed")] }],
            moreResources: { _ in
                tally.add()
                return [
                    Resource(uri: "mm://n\(tally.value)", name: "moving") { _ in [.text("now", uri: "mm://n")] }
                ]
            }
        )
        let client = try TestClient(server)
        _ = try await client.initialize()
        client.request(1, "resources/list")
        #expect(try await client.next()["result"]?["resources"]?.array?.map { $0["uri"] } == ["mm://fixed", "mm://n1"])
        client.request(2, "resources/read", ["uri": "mm://n2"])
        #expect(try await client.next()["result"]?["contents"]?[0]?["text"] == "now")
        client.request(3, "resources/read", ["uri": "mm://n1"])
        #expect(try await client.next()["error"]?["code"] == -32002)
    }

    @Test("progress grows, is sent a few times at once and then slowly, and reaching the total is always sent")
    func progressGate() {
        var gate = ProgressThrottle()
        let start = ContinuousClock.now
        var admitted = 0
        for step in 0..<1000 {
            let passes = gate.admits(Double(step), of: 1000, at: start)
            if passes { admitted += 1 }
        }
        #expect(admitted == 8)
        let isFalling = gate.admits(6, of: 1000, at: start)
        let isNoNumber = gate.admits(.nan, of: nil, at: start)
        let isEnd = gate.admits(1000, of: 1000, at: start)
        let isBeyond = gate.admits(1001, of: 1000, at: start)
        #expect(!isFalling && !isNoNumber && isEnd && !isBeyond)
        admitted = 0
        for tick in 1...100 {
            let passes = gate.admits(1001 + Double(tick), of: 5000, at: start + .milliseconds(100 * tick))
            if passes { admitted += 1 }
        }
        #expect((35...50).contains(admitted))
    }

    @Test("nothing is sent about a call after its answer")
    func silenceAfterAnswer() async throws {
        let after = Tally()
        let late = Tool(name: "late", description: "Goes on talking.") { _, context in
            Task {
                for step in 1...100 {
                    context.progress(Double(step))
                    context.log(.error, "late")
                    after.add()
                    try? await Task.sleep(for: .milliseconds(1))
                }
            }
            return .text("done")
        }
        let client = try TestClient(testServer(more: [late]))
        _ = try await client.initialize()
        client.request(1, "tools/call", ["name": "late", "_meta": ["progressToken": 1]])
        while try await client.next()["id"] != 1 {}
        await after.reaches(100)
        client.request(2, "ping")
        #expect(try await client.next()["id"] == 2)
    }
}
