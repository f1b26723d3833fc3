import ConformanceFixtures
import MMCore
import Testing

@testable import MMMCP

@Suite("The modern era over HTTP", .timeLimit(.minutes(5)))
struct ModernHTTPTests {
    private func client() throws -> HTTPTestClient { HTTPTestClient(try ConformanceServer.make()) }

    private func code(_ answer: HTTPTestClient.Answer) -> Int? { answer.message["error"]?["code"]?.int }

    @Test("a request is independent, and is answered by one JSON object")
    func single() async throws {
        let answer = try await client().modern("tools/call", ["name": "test_simple_text"], id: "seven")
        #expect(answer.status == 200)
        #expect(answer.header("Content-Type") == "application/json")
        #expect(answer.header("Mcp-Session-Id") == nil)
        #expect(answer.message["id"] == "seven")
        #expect(answer.message["result"]?["resultType"] == "complete")
        #expect(answer.message["result"]?["content"]?[0]?["text"] == "This is a simple text response for testing.")
    }

    @Test("routing headers have to occur once and match the body")
    func routing() async throws {
        let client = try client()
        let cases: [(HTTPTestClient.Headers, Int)] = [
            ([("Mcp-Method", "")], 400), ([("Mcp-Method", "tools/list")], 400), ([("Mcp-Method", "TOOLS/CALL")], 400),
            ([("Mcp-Name", "")], 400), ([("Mcp-Name", "other")], 400), ([("Mcp-Name", "Test_simple_text")], 400),
            ([("Mcp-Name", "  test_simple_text\t")], 200), ([("MCP-Protocol-Version", "")], 400),
            ([("MCP-Protocol-Version", "2025-11-25")], 400), ([("mcp-name", "test_simple_text")], 200),
            ([("Mcp-Name", "=?base64?dGVzdF9zaW1wbGVfdGV4dA==?=")], 200),
            ([("Mcp-Name", "=?base64?dGVzdF9zaW1wbGVfdGV4dA?=")], 400), ([("Mcp-Name", "=?base64?!!!!?=")], 400),
            ([("Mcp-Name", "=?base64?/w==?=")], 400), ([("Mcp-Name", "=?BASE64?dGVzdF9zaW1wbGVfdGV4dA==?=")], 400),
            ([("Mcp-Method", "=?base64?dG9vbHMvY2FsbA==?=")], 400),
        ]
        for (headers, status) in cases {
            let answer = try await client.modern("tools/call", ["name": "test_simple_text"], id: 4, headers: headers)
            #expect(answer.status == status, "\(headers)")
            #expect(answer.message["id"] == 4)
            if status == 400 { #expect(code(answer) == -32020, "\(headers)") }
        }
        var twice = HTTPTestClient.modernHeaders(modernRequest(1, "tools/list"))
        twice.append(("Mcp-Method", "tools/list"))
        let answer = try await client.send(
            "POST", headers: twice, body: JSONWriter.bytes(.object(modernRequest(1, "tools/list"))))
        #expect(code(answer) == -32020)
    }

    @Test("a name beyond ASCII is sent as base64")
    func unicodeName() async throws {
        let uri = "test://template/é/data"
        let encoded = "=?base64?\(Base64.text(Array(uri.utf8)))?="
        let answer = try await client().modern(
            "resources/read", ["uri": .string(uri)], headers: [("Mcp-Name", encoded)])
        #expect(answer.message["result"]?["contents"]?[0]?["uri"] == .string(uri))
        let raw = try await client().modern("resources/read", ["uri": .string(uri)], headers: [("Mcp-Name", uri)])
        #expect(code(raw) == -32020)
    }

    @Test("parameters that are repeated in headers are compared by value")
    func parameterHeaders() async throws {
        let client = try client()
        let cases: [(JSONObject, HTTPTestClient.Headers, Int)] = [
            (["region": "eu"], [("Mcp-Param-Region", "eu")], 200),
            (["region": "eu"], [("mcp-param-region", " eu ")], 200),
            (["region": "eu"], [], 400), (["region": "eu"], [("Mcp-Param-Region", "us")], 400),
            (["region": "eu"], [("Mcp-Param-Region", "EU")], 400), ([:], [("Mcp-Param-Region", "eu")], 400),
            ([:], [], 200),
            (["region": nil], [], 200), (["region": "é"], [("Mcp-Param-Region", "=?base64?w6k=?=")], 200),
            (["region": ""], [("Mcp-Param-Region", "=?base64??=")], 200),
            (["count": 42], [("Mcp-Param-Count", "42")], 200), (["count": 42], [("Mcp-Param-Count", "42.0")], 200),
            (["count": 42], [("Mcp-Param-Count", "43")], 400), (["count": 42], [("Mcp-Param-Count", "x")], 400),
            (["dry": true], [("Mcp-Param-Dry", "true")], 200), (["dry": true], [("Mcp-Param-Dry", "1")], 400),
            ([:], [("Mcp-Param-Unknown", "x")], 200),
        ]
        for (arguments, headers, status) in cases {
            let answer = try await client.modern(
                "tools/call", ["name": "test_custom_header", "arguments": .object(arguments)], headers: headers
            )
            #expect(answer.status == status, "\(JSONValue.object(arguments)) \(headers) \(answer.text)")
            if status == 400 { #expect(code(answer) == -32020) }
        }
    }

    @Test("faults are reported in the protocol's order, with their status and the request's id")
    func order() async throws {
        let client = try client()
        func post(_ message: JSONValue, _ headers: HTTPTestClient.Headers) async throws -> (Int, Int?, JSONValue?) {
            let answer = try await client.send("POST", headers: headers, body: JSONWriter.bytes(message))
            return (answer.status, code(answer), answer.message["id"])
        }
        let modern = HTTPTestClient.usual + [("MCP-Protocol-Version", "2026-07-28")]
        let array = try await post([["jsonrpc": "2.0", "id": 1, "method": "tools/list"]], modern)
        #expect(array == (400, -32600, .null))
        let response = try await post(["jsonrpc": "2.0", "id": 1, "result": [:]], modern)
        #expect(response.0 == 400 && response.1 == -32600)
        let note = try await client.send(
            "POST", headers: modern, body: JSONWriter.bytes(["jsonrpc": "2.0", "method": "notifications/cancelled"])
        )
        #expect(note.status == 202 && note.text.isEmpty)
        let bare = try await post(["jsonrpc": "2.0", "id": "b", "method": "tools/list"], modern)
        #expect(bare == (400, -32602, "b"))
        var message = modernRequest(9, "no/such")
        message["params"] = ["_meta": .object([MetaKey.protocolVersion: "1900-01-01"])]
        let capabilities = try await post(.object(message), modern)
        #expect(capabilities == (400, -32602, 9))
        message["params"] = [
            "_meta": .object([MetaKey.protocolVersion: "1900-01-01", MetaKey.clientCapabilities: [:]])
        ]
        let mismatch = try await post(.object(message), HTTPTestClient.usual + [("MCP-Protocol-Version", "2026-07-28")])
        #expect(mismatch == (400, -32020, 9))
        let old: HTTPTestClient.Headers = [("MCP-Protocol-Version", "1900-01-01"), ("Mcp-Method", "no/such")]
        let version = try await client.send(
            "POST", headers: HTTPTestClient.usual + old, body: JSONWriter.bytes(.object(message)))
        #expect(version.status == 400 && code(version) == -32022)
        #expect(version.message["error"]?["data"] == ["supported": ["2026-07-28"], "requested": "1900-01-01"])
        let parameter = try await client.modern(
            "tools/call", ["name": "test_custom_header", "arguments": ["region": "x"]])
        #expect(parameter.status == 400 && code(parameter) == -32020)
        let unknown = try await client.modern("no/such", id: 11)
        #expect(unknown.status == 404 && code(unknown) == -32601 && unknown.message["id"] == 11)
        let params = try await client.modern("tools/call", ["arguments": [:]])
        #expect(params.status == 400 && code(params) == -32602)
        let capability = try await client.modern("tools/call", ["name": "test_missing_capability"])
        #expect(capability.status == 400 && code(capability) == -32021)
        #expect(capability.message["error"]?["data"] == ["requiredCapabilities": ["sampling": [:]]])
    }

    @Test(
        "removed methods are not found",
        arguments: [
            "initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe", "nonsense",
        ]
    )
    func removed(_ method: String) async throws {
        let answer = try await client().modern(
            method, ["protocolVersion": "2025-11-25", "capabilities": [:], "clientInfo": [:]])
        #expect(answer.status == 404)
        #expect(code(answer) == -32601)
    }

    @Test("an unknown resource is an error with its address, never empty contents")
    func unknownResource() async throws {
        let answer = try await client().modern("resources/read", ["uri": "test://none"])
        #expect(answer.status == 400)
        #expect(code(answer) == -32602)
        #expect(answer.message["error"]?["data"] == ["uri": "test://none"])
    }

    @Test("notifications before the answer make a stream, whose last event is the answer")
    func stream() async throws {
        let answer = try await client().modern(
            "tools/call", ["name": "test_tool_with_progress"], meta: ["progressToken": "p1"]
        )
        #expect(answer.isStream)
        #expect(answer.header("Cache-Control") == "no-cache")
        #expect(answer.header("X-Accel-Buffering") == "no")
        #expect(answer.eventIDs.isEmpty && !answer.text.contains("retry:"))
        #expect(answer.messages.dropLast().map { $0["params"]?["progress"]?.int } == [0, 50, 100])
        #expect(answer.message["result"]?["content"]?[0]?["text"] == "Tool with progress executed successfully")
    }

    @Test("a call that takes longer than the limit for a single object becomes a stream")
    func patience() async throws {
        let gate = Gate()
        var options = HTTPOptions()
        options.streamingDelay = .milliseconds(10)
        let client = HTTPTestClient(try testServer(gate: gate), options)
        let message = modernRequest(1, "tools/call", ["name": "wait"])
        let response = await client.open(
            "POST", headers: HTTPTestClient.modernHeaders(message), body: JSONWriter.bytes(.object(message))
        )
        let reader = try #require(EventReader(response))
        gate.open()
        #expect(try await reader.next()?["result"]?["content"]?[0]?["text"] == "waited")
        #expect(try await reader.next() == nil)
    }

    @Test(
        "a client that leaves cancels its request, before and after the stream has begun",
        arguments: [true, false])
    func disconnect(_ afterBeginning: Bool) async throws {
        let cancelled = Tally()
        let gate = Gate()
        var options = HTTPOptions()
        options.streamingDelay = afterBeginning ? .milliseconds(5) : .seconds(600)
        let client = HTTPTestClient(try testServer(gate: gate, cancelled: cancelled), options)
        let message = modernRequest(1, "tools/call", ["name": "wait"])
        let task = Task {
            await client.open(
                "POST", headers: HTTPTestClient.modernHeaders(message), body: JSONWriter.bytes(.object(message)))
        }
        await gate.arrivals(1)
        if afterBeginning {
            let reader = try #require(EventReader(await task.value))
            reader.stream.close()
        } else {
            task.cancel()
            _ = await task.value
        }
        await cancelled.reaches(1)
    }

    @Test("log messages are sent only if the request asks for them, from its level on")
    func logging() async throws {
        let client = try client()
        let silent = try await client.modern("tools/call", ["name": "test_logging_tool"])
        #expect(!silent.isStream)
        let loud = try await client.modern(
            "tools/call", ["name": "test_logging_tool"], meta: [MetaKey.logLevel: "info"])
        #expect(loud.messages.first?["method"] == "notifications/message")
        #expect(loud.messages.first?["params"] == ["level": "info", "logger": "conformance", "data": "A log message"])
        let higher = try await client.modern(
            "tools/call", ["name": "test_logging_tool"], meta: [MetaKey.logLevel: "error"])
        #expect(higher.messages.count == 1)
        let wrong = try await client.modern(
            "tools/call", ["name": "test_logging_tool"], meta: [MetaKey.logLevel: "loud"])
        #expect(wrong.status == 400 && code(wrong) == -32602)
    }

    @Test("a subscription is acknowledged first, sends only what was requested, and ends with a result")
    func listen() async throws {
        let client = try client()
        let message = modernRequest(
            "sub", "subscriptions/listen", ["notifications": ["toolsListChanged": true, "resourcesListChanged": true]]
        )
        let response = await client.open(
            "POST", headers: HTTPTestClient.modernHeaders(message), body: JSONWriter.bytes(.object(message))
        )
        let reader = try #require(EventReader(response))
        let meta: JSONValue = .object([MetaKey.subscriptionID: "sub"])
        #expect(
            try await reader.next() == [
                "jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged",
                "params": ["notifications": ["toolsListChanged": true], "_meta": meta],
            ]
        )
        _ = try await client.modern("tools/call", ["name": "test_trigger_prompt_change"])
        _ = try await client.modern("tools/call", ["name": "test_trigger_tool_change"])
        #expect(
            try await reader.next() == [
                "jsonrpc": "2.0", "method": "notifications/tools/list_changed", "params": ["_meta": meta],
            ]
        )
        client.engine.stop()
        #expect(
            try await reader.next() == [
                "jsonrpc": "2.0", "id": "sub", "result": ["resultType": "complete", "_meta": meta],
            ]
        )
        #expect(try await reader.next() == nil)
        let late = try await client.modern("tools/list")
        #expect(late.status == 503)
    }

    @Test("only the capabilities of the current request count")
    func capabilitiesPerRequest() async throws {
        let client = try client()
        let first = try await client.modern(
            "tools/call", ["name": "test_input_required_result_elicitation"], capabilities: ["elicitation": [:]]
        )
        #expect(first.message["result"]?["resultType"] == "input_required")
        let second = try await client.modern("tools/call", ["name": "test_input_required_result_elicitation"])
        #expect(code(second) == -32021)
    }
}
