import ConformanceFixtures
import MMCore
import Testing

@testable import MMMCP

/// The scenarios of the official conformance suite, including texts that it doesn't compare.
@Suite("Conformance scenarios", .timeLimit(.minutes(5)))
struct ConformanceScenarioTests {
    /// The two eras of the protocol, in which most scenarios have to work.
    enum Wire: CaseIterable, Sendable { case legacy, modern }

    private let server: MCPServer
    private let client: HTTPTestClient

    init() throws {
        server = try ConformanceServer.make()
        client = HTTPTestClient(server)
    }

    private func ask(
        _ wire: Wire, _ method: String, _ params: JSONObject = [:], capabilities: JSONObject = [:]
    ) async throws -> HTTPTestClient.Answer {
        switch wire {
        case .legacy: try await client.session(capabilities: capabilities).request(method, params)
        case .modern: try await client.modern(method, params, capabilities: capabilities)
        }
    }

    private func call(_ wire: Wire, _ tool: String, _ arguments: JSONObject = [:]) async throws -> JSONValue {
        try await ask(wire, "tools/call", ["name": .string(tool), "arguments": .object(arguments)]).message["result"]
            ?? nil
    }

    @Test("server-initialize, ping, logging-set-level")
    func basics() async throws {
        for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
            let session = try await client.session(version)
            #expect(session.hello["result"]?["protocolVersion"] == .string(version))
            #expect(try await session.request("ping").message["result"] == [:])
            #expect(try await session.request("logging/setLevel", ["level": "info"]).message["result"] == [:])
            #expect(
                try await session.request("logging/setLevel", ["level": "loud"]).message["error"]?["code"] == -32602)
        }
        for strange in ["", "1999-01-01", "2026-07-28", "2030-01-01"] {
            #expect(try await client.session(strange).hello["result"]?["protocolVersion"] == "2025-11-25")
        }
    }

    @Test("tools-list: legal names, descriptions, schemas; the same order every time", arguments: Wire.allCases)
    func tools(_ wire: Wire) async throws {
        var orders: [[String?]] = []
        for _ in 0..<3 {
            let tools = try await ask(wire, "tools/list").message["result"]?["tools"]?.array ?? []
            #expect(tools.count >= 25)
            for tool in tools {
                let name = tool["name"]?.string ?? ""
                #expect(
                    (1...128).contains(name.count)
                        && name.allSatisfy { $0.isLetter || $0.isNumber || "_-.".contains($0) })
                #expect(tool["description"]?.string?.isEmpty == false)
                #expect(tool["inputSchema"]?["type"] == "object")
            }
            orders.append(tools.map { $0["name"]?.string })
        }
        #expect(orders[0] == orders[1] && orders[1] == orders[2])
    }

    @Test("json-schema-2020-12: the schema comes through unchanged, and is applied", arguments: Wire.allCases)
    func schema(_ wire: Wire) async throws {
        let tools = try await ask(wire, "tools/list").message["result"]?["tools"]?.array ?? []
        let schema = tools.first { $0["name"] == "json_schema_2020_12_tool" }?["inputSchema"]
        #expect(schema?["$schema"] == "https://json-schema.org/draft/2020-12/schema")
        #expect(schema?["$defs"]?["address"]?["$anchor"] == "addressDef")
        #expect(schema?["additionalProperties"] == false)
        for key in ["allOf", "if", "then", "else"] { #expect(schema?[key] != nil) }
        let good = try await call(wire, "json_schema_2020_12_tool", ["contactMethod": "phone", "phone": "1"])
        #expect(good["isError"] == false)
        let bad = try await call(wire, "json_schema_2020_12_tool", ["contactMethod": "phone", "email": "a@b.c"])
        #expect(bad["isError"] == true)
        #expect(bad["content"]?[0]?["text"]?.string?.contains("phone: is missing") == true)
    }

    @Test("tools-call: texts, pictures, sounds, resources and mixtures", arguments: Wire.allCases)
    func content(_ wire: Wire) async throws {
        let text = try await call(wire, "test_simple_text")
        #expect(text["content"] == [["type": "text", "text": "This is a simple text response for testing."]])
        #expect(text["isError"] == false)
        let image = try await call(wire, "test_image_content")["content"]?[0]
        #expect(image?["type"] == "image" && image?["mimeType"] == "image/png")
        #expect(Base64.bytes(image?["data"]?.string ?? "")?.prefix(4) == [0x89, 0x50, 0x4E, 0x47])
        let audio = try await call(wire, "test_audio_content")["content"]?[0]
        #expect(audio?["type"] == "audio" && audio?["mimeType"] == "audio/wav")
        #expect(Base64.bytes(audio?["data"]?.string ?? "")?.prefix(4) == Array("RIFF".utf8)[...])
        let embedded = try await call(wire, "test_embedded_resource")["content"]?[0]
        #expect(
            embedded == [
                "type": "resource",
                "resource": [
                    "uri": "test://embedded-resource", "mimeType": "text/plain",
                    "text": "This is an embedded resource content.",
                ],
            ]
        )
        let mixed = try await call(wire, "test_multiple_content_types")["content"]?.array ?? []
        #expect(mixed.map { $0["type"]?.string } == ["text", "image", "resource"])
    }

    @Test("tools-call-error: failed work is a result with its reason", arguments: Wire.allCases)
    func failure(_ wire: Wire) async throws {
        let result = try await call(wire, "test_error_handling")
        #expect(result["isError"] == true)
        #expect(result["content"]?[0]?["text"] == "This tool intentionally returns an error for testing")
    }

    @Test("unknown tools and prompts are errors that name the nearest", arguments: Wire.allCases)
    func unknown(_ wire: Wire) async throws {
        let tool = try await ask(wire, "tools/call", ["name": "test_simple_txt"]).message["error"]
        #expect(tool?["code"] == -32602)
        #expect(tool?["message"] == #"Unknown tool: "test_simple_txt". Did you mean "test_simple_text"?"#)
        #expect(try await ask(wire, "prompts/get", ["name": "none"]).message["error"]?["code"] == -32602)
    }

    @Test("tools-call-with-logging: three messages, the answer last")
    func logging() async throws {
        let answer = try await client.session().request("tools/call", ["name": "test_tool_with_logging"])
        let logs = answer.messages.filter { $0["method"] == "notifications/message" }
        #expect(logs.map { $0["params"]?["level"] } == ["info", "info", "info"])
        #expect(logs.first?["params"]?["data"] == "Tool execution started")
        #expect(answer.message["result"]?["content"]?[0]?["text"] == "Tool with logging executed successfully")
        let session = try await client.session()
        _ = try await session.request("logging/setLevel", ["level": "warning"])
        let quiet = try await session.request("tools/call", ["name": "test_tool_with_logging"])
        #expect(quiet.messages.count == 1)
    }

    @Test("tools-call-with-progress: 0, 50, 100 of 100 under the given token, with its type", arguments: Wire.allCases)
    func progress(_ wire: Wire) async throws {
        for token in ["t1", 7] as [JSONValue] {
            let answer = try await ask(
                wire, "tools/call",
                ["name": "test_tool_with_progress", "_meta": ["progressToken": token]]
            )
            // The modern helper writes `_meta` itself.
            guard wire == .legacy else { continue }
            let notices = answer.messages.filter { $0["method"] == "notifications/progress" }
            #expect(notices.map { $0["params"]?["progress"] } == [0, 50, 100])
            #expect(notices.allSatisfy { $0["params"]?["progressToken"] == token && $0["params"]?["total"] == 100 })
        }
    }

    @Test("tools-call-sampling and -elicitation: asked on the call's own stream")
    func legacyQuestions() async throws {
        let session = try await client.session(capabilities: ["sampling": [:], "elicitation": [:]])
        let response = await session.open([
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": ["name": "test_sampling", "arguments": ["prompt": "Say hi"]],
        ])
        let reader = try #require(EventReader(response))
        let question = try #require(try await reader.next())
        #expect(question["method"] == "sampling/createMessage")
        #expect(question["params"]?["messages"] == [["role": "user", "content": ["type": "text", "text": "Say hi"]]])
        #expect(question["params"]?["maxTokens"] == 100)
        _ = try await session.post([
            "jsonrpc": "2.0", "id": question["id"] ?? nil,
            "result": ["role": "assistant", "content": ["type": "text", "text": "hi"], "model": "m"],
        ])
        #expect(try await reader.next()?["result"]?["content"]?[0]?["text"] == "LLM response: hi")
    }

    @Test("elicitation-sep1034-defaults and -sep1330-enums: the forms as the suite wants them")
    func forms() async throws {
        let session = try await client.session(capabilities: ["elicitation": [:]])
        func form(_ tool: String) async throws -> JSONValue? {
            let response = await session.open([
                "jsonrpc": "2.0", "id": .string(tool), "method": "tools/call", "params": ["name": .string(tool)],
            ])
            let reader = try #require(EventReader(response))
            let question = try await reader.next()
            _ = try await session.post([
                "jsonrpc": "2.0", "id": question?["id"] ?? nil, "result": ["action": "accept", "content": [:]],
            ])
            #expect(
                try await reader.next()?["result"]?["content"]?[0]?["text"]
                    == "Elicitation completed: action=accept, content={}"
            )
            return question?["params"]?["requestedSchema"]?["properties"]
        }
        let defaults = try await form("test_elicitation_sep1034_defaults")
        #expect(defaults?["name"]?["default"] == "John Doe" && defaults?["age"]?["default"] == 30)
        #expect(defaults?["score"]?["default"] == 95.5 && defaults?["verified"]?["default"] == true)
        #expect(defaults?["status"]?["default"] == "active" && defaults?["status"]?["enum"]?.array?.count == 3)
        let enums = try await form("test_elicitation_sep1330_enums")
        #expect(enums?["untitledSingle"]?["enum"]?.array?.count == 3)
        #expect(enums?["titledSingle"]?["oneOf"]?[0] == ["const": "value1", "title": "First Option"])
        #expect(enums?["legacyEnum"]?["enumNames"]?[2] == "Option Three")
        #expect(enums?["untitledMulti"]?["items"]?["enum"]?.array?.count == 3)
        #expect(enums?["titledMulti"]?["items"]?["anyOf"]?[1]?["title"] == "Second Choice")
    }

    @Test("completion-complete: the values that begin with the typed text", arguments: Wire.allCases)
    func completion(_ wire: Wire) async throws {
        let prompt = try await ask(
            wire, "completion/complete",
            [
                "ref": ["type": "ref/prompt", "name": "test_prompt_with_arguments"],
                "argument": ["name": "arg1", "value": "par"],
            ]
        )
        #expect(
            prompt.message["result"]?["completion"] == [
                "values": ["paris", "park", "party"], "total": 3, "hasMore": false,
            ])
        let blank = try await ask(
            wire, "completion/complete",
            [
                "ref": ["type": "ref/resource", "uri": "test://template/{id}/data"],
                "argument": ["name": "id", "value": "12"],
                "context": ["arguments": ["other": "x"]],
            ]
        )
        #expect(blank.message["result"]?["completion"]?["values"] == ["123", "124"])
        for wrong in [
            [:], ["ref": ["type": "ref/none"], "argument": ["name": "a", "value": ""]],
            ["ref": ["type": "ref/prompt", "name": "none"], "argument": ["name": "a", "value": ""]],
            [
                "ref": ["type": "ref/prompt", "name": "test_prompt_with_arguments"],
                "argument": ["name": "none", "value": ""],
            ],
            [
                "ref": ["type": "ref/prompt", "name": "test_prompt_with_arguments"],
                "argument": ["name": "arg1", "value": 5],
            ],
        ] as [JSONObject] {
            #expect(try await ask(wire, "completion/complete", wrong).message["error"]?["code"] == -32602)
        }
    }

    @Test("resources: list, read text and bytes, read by template, unknown", arguments: Wire.allCases)
    func resources(_ wire: Wire) async throws {
        let list = try await ask(wire, "resources/list").message["result"]?["resources"]?.array ?? []
        #expect(list.map { $0["uri"] } == ["test://static-text", "test://static-binary", "test://watched-resource"])
        #expect(list.allSatisfy { $0["name"]?.string != nil && $0["description"]?.string != nil })
        func read(_ uri: String) async throws -> JSONValue {
            try await ask(wire, "resources/read", ["uri": .string(uri)]).message
        }
        #expect(
            try await read("test://static-text")["result"]?["contents"] == [
                [
                    "uri": "test://static-text", "mimeType": "text/plain",
                    "text": "This is the content of the static text resource.",
                ]
            ]
        )
        let bytes = try await read("test://static-binary")["result"]?["contents"]?[0]
        #expect(bytes?["mimeType"] == "image/png" && bytes?["blob"]?.string?.hasPrefix("iVBOR") == true)
        let filled = try await read("test://template/123/data")["result"]?["contents"]?[0]
        #expect(
            try JSONParser.parse(filled?["text"]?.string ?? "") == [
                "id": "123", "templateTest": true, "data": "Data for ID: 123",
            ]
        )
        let templates = try await ask(wire, "resources/templates/list").message["result"]?["resourceTemplates"]
        #expect(templates?[0]?["uriTemplate"] == "test://template/{id}/data")
        for unknown in ["test://none", "test://template//data", "test://template/a/b/data", "file:///etc/passwd", ""] {
            let error = try await read(unknown)["error"]
            #expect(error?["code"] == (wire == .modern ? -32602 : -32002))
            #expect(error?["data"]?["uri"] == .string(unknown))
        }
    }

    @Test("prompts: list, simple, with arguments, with resource, with picture", arguments: Wire.allCases)
    func prompts(_ wire: Wire) async throws {
        let list = try await ask(wire, "prompts/list").message["result"]?["prompts"]?.array ?? []
        #expect(list.count == 5 && list.allSatisfy { $0["name"]?.string != nil && $0["description"]?.string != nil })
        func get(_ name: String, _ arguments: JSONObject = [:]) async throws -> JSONValue {
            try await ask(wire, "prompts/get", ["name": .string(name), "arguments": .object(arguments)]).message
        }
        #expect(
            try await get("test_simple_prompt")["result"]?["messages"] == [
                ["role": "user", "content": ["type": "text", "text": "This is a simple prompt for testing."]]
            ]
        )
        let filled = try await get("test_prompt_with_arguments", ["arg1": "a", "arg2": "b"])["result"]
        #expect(filled?["messages"]?[0]?["content"]?["text"] == "Prompt with arguments: arg1='a', arg2='b'")
        let resource = try await get("test_prompt_with_embedded_resource", ["resourceUri": "test://x"])["result"]
        #expect(resource?["messages"]?[0]?["content"]?["resource"]?["uri"] == "test://x")
        let picture = try await get("test_prompt_with_image")["result"]
        #expect(picture?["messages"]?[0]?["content"]?["type"] == "image")
        #expect(try await get("test_prompt_with_arguments", ["arg1": "a"])["error"]?["code"] == -32602)
        #expect(try await get("test_prompt_with_arguments", ["arg1": "a", "arg2": 5])["error"]?["code"] == -32602)
    }

    @Test("caching: duration and audience, on all lists, on reads and discovery, and nowhere else")
    func caching() async throws {
        for (method, params) in [
            ("tools/list", [:]), ("prompts/list", [:]), ("resources/list", [:]), ("resources/templates/list", [:]),
            ("resources/read", ["uri": "test://static-text"]), ("server/discover", [:]),
        ] as [(String, JSONObject)] {
            let result = try await client.modern(method, params).message["result"]
            #expect((result?["ttlMs"]?.int ?? -1) >= 0)
            #expect(["public", "private"].contains(result?["cacheScope"]?.string))
            #expect(result?["resultType"] == "complete")
            #expect(result?["_meta"]?[MetaKey.serverInfo]?["name"] == "conformance-server")
            let legacy = try await ask(.legacy, method, params).message["result"]
            #expect(legacy?["ttlMs"] == nil && legacy?["resultType"] == nil && legacy?["_meta"] == nil)
        }
        #expect(try await call(.modern, "test_simple_text")["ttlMs"] == nil)
    }

    @Test("dns-rebinding-protection: strangers' names are refused in both eras")
    func rebinding() async throws {
        let session = try await client.session()
        let note = JSONWriter.bytes(["jsonrpc": "2.0", "method": "notifications/initialized"])
        for (name, value) in [("Host", "evil.example.com"), ("Origin", "http://evil.example.com")] {
            let headers = session.headers.filter { $0.name != name } + [(name: name, value: value)]
            #expect((400..<500).contains(try await client.send("POST", headers: headers, body: note).status))
            #expect(
                (400..<500).contains(
                    try await client.modern("server/discover", headers: [(name: name, value: value)]).status)
            )
        }
        let local = session.headers + [(name: "Origin", value: "http://localhost:8365")]
        #expect(try await client.send("POST", headers: local, body: note).status == 202)
    }

    @Test("server-sse-multiple-streams: three at a time are all answered", arguments: Wire.allCases)
    func parallel(_ wire: Wire) async throws {
        let session = try await client.session()
        let answers = try await withThrowingTaskGroup(of: HTTPTestClient.Answer.self) { group in
            for id in 1...3 {
                group.addTask {
                    switch wire {
                    case .legacy: try await session.request("tools/list", id: .int(Int64(id)))
                    case .modern: try await client.modern("tools/list", id: .int(Int64(id)))
                    }
                }
            }
            var all: [HTTPTestClient.Answer] = []
            for try await answer in group { all.append(answer) }
            return all
        }
        #expect(Set(answers.compactMap { $0.message["id"]?.int }) == [1, 2, 3])
        #expect(answers.allSatisfy { $0.status == 200 && $0.message["result"]?["tools"] != nil })
    }

    // MARK: input-required results

    private let all: JSONObject = ["elicitation": [:], "sampling": [:], "roots": [:]]
    private let answers: [String: JSONValue] = [
        "user_name": ["action": "accept", "content": ["name": "Alice"]],
        "confirm": ["action": "accept", "content": ["ok": true]],
        "capital_question": ["role": "assistant", "content": ["type": "text", "text": "Paris"], "model": "m"],
        "greeting": ["role": "assistant", "content": ["type": "text", "text": "Hello"], "model": "m"],
        "client_roots": ["roots": [["uri": "file:///work", "name": "work"]]],
        "step1": ["action": "accept", "content": ["name": "Alice"]],
        "step2": ["action": "accept", "content": ["color": "blue"]],
        "user_context": ["action": "accept", "content": ["context": "tests"]],
    ]

    /// Acts as a client that answers every question until there is a result.
    private func play(_ method: String, _ params: JSONObject) async throws -> (asked: [[String]], result: JSONValue) {
        var params = params
        var asked: [[String]] = []
        var states: Set<JSONValue> = []
        while asked.count < 5 {
            let result = try await client.modern(method, params, capabilities: all).message["result"] ?? nil
            guard result["resultType"] == "input_required" else { return (asked, result) }
            let keys = result["inputRequests"]?.object?.keys ?? []
            asked.append(keys)
            #expect(states.insert(result["requestState"] ?? nil).inserted)
            params["requestState"] = result["requestState"]
            params["inputResponses"] = .object(JSONObject(keys.map { ($0, answers[$0] ?? nil) }))
        }
        return (asked, nil)
    }

    @Test(
        "input-required-result: each tool asks under its keys and uses the answers",
        arguments: [
            ("elicitation", [["user_name"]], "Hello, Alice!"),
            ("sampling", [["capital_question"]], "The model says: Paris"),
            ("list_roots", [["client_roots"]], "Roots: file:///work"),
            ("request_state", [["confirm"]], "state-ok: done"),
            (
                "multiple_inputs", [["user_name", "greeting", "client_roots"]],
                "Answered: client_roots, greeting, user_name"
            ),
            ("multi_round", [["step1"], ["step2"]], "done: Alice likes blue"),
            ("tampered_state", [["confirm"]], "state intact: done"),
        ] as [(String, [[String]], String)]
    )
    func inputRequired(_ tool: String, _ keys: [[String]], _ text: String) async throws {
        let (asked, result) = try await play("tools/call", ["name": .string("test_input_required_result_\(tool)")])
        #expect(asked == keys)
        #expect(result["resultType"] == "complete")
        #expect(result["content"]?[0]?["text"] == .string(text))
    }

    @Test("input-required-result-prompt: prompts may ask as well")
    func inputRequiredPrompt() async throws {
        let (asked, result) = try await play("prompts/get", ["name": "test_input_required_result_prompt"])
        #expect(asked == [["user_context"]])
        #expect(result["messages"]?[0]?["content"]?["text"] == "With context: tests")
    }

    @Test("input-required-result-capabilities: only questions that the client supports are asked")
    func inputRequiredCapabilities() async throws {
        for (capabilities, keys) in [
            (["elicitation": [:]], ["user_name"]), (["sampling": [:]], ["capital_question"]),
            (["roots": [:]], ["client_roots"]),
            (["sampling": [:], "roots": [:]], ["capital_question", "client_roots"]),
        ] as [(JSONObject, [String])] {
            let answer = try await client.modern(
                "tools/call", ["name": "test_input_required_result_capabilities"], capabilities: capabilities
            )
            #expect(answer.message["result"]?["inputRequests"]?.object?.keys == keys)
        }
        let none = try await client.modern("tools/call", ["name": "test_input_required_result_capabilities"])
        #expect(none.message["result"]?["content"]?[0]?["text"] == "nothing to ask")
    }

    @Test("server-stateless: a streamed question is a result, and the stream holds no request of ours")
    func streamedQuestion() async throws {
        let answer = try await client.modern(
            "tools/call", ["name": "test_streaming_elicitation"], capabilities: all, meta: ["progressToken": "p"]
        )
        #expect(answer.isStream)
        #expect(answer.messages.allSatisfy { $0["method"] == nil || $0["id"] == nil })
        #expect(answer.message["result"]?["resultType"] == "input_required")
    }

    @Test("server-stateless: discovery says what there is, and clientInfo is optional")
    func discovery() async throws {
        let found = try await client.modern("server/discover").message["result"]
        #expect(found?["supportedVersions"] == ["2026-07-28"])
        #expect(found?["capabilities"]?["tools"] == ["listChanged": true])
        var message = modernRequest(1, "tools/list")
        message["params"] = [
            "_meta": .object([MetaKey.protocolVersion: "2026-07-28", MetaKey.clientCapabilities: [:]])
        ]
        let headers = HTTPTestClient.modernHeaders(message)
        #expect(try await client.send("POST", headers: headers, body: JSONWriter.bytes(.object(message))).status == 200)
        for (key, value) in [
            (MetaKey.protocolVersion, 5), (MetaKey.clientCapabilities, .array([])), (MetaKey.clientCapabilities, nil),
            (MetaKey.clientInfo, "x"),
        ] as [(String, JSONValue)] {
            let wrong = try await client.modern("tools/list", meta: JSONObject([(key, value)]))
            #expect(wrong.status == 400 && wrong.message["error"]?["code"] == -32602)
        }
    }
}
