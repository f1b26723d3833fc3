import ConformanceFixtures
import MMCore
import TestSupport
import Testing

@testable import MMMCP

@Suite("The legacy era over HTTP", .timeLimit(.minutes(5)))
struct LegacyHTTPTests {
    private func client() throws -> HTTPTestClient { HTTPTestClient(try ConformanceServer.make()) }

    @Test("a session begins with initialize, has a name of visible ASCII, and ends with DELETE")
    func lifecycle() async throws {
        let client = try client()
        let session = try await client.session()
        #expect(session.id.utf8.count >= 22 && session.id.utf8.allSatisfy { $0 >= 0x21 && $0 <= 0x7E })
        #expect(session.hello["result"]?["protocolVersion"] == "2025-11-25")
        let tools = try await session.request("tools/list")
        #expect(tools.status == 200 && tools.header("Mcp-Session-Id") == nil)
        #expect((try await session.request("ping")).message["result"] == [:])
        let note = try await session.post(["jsonrpc": "2.0", "method": "notifications/initialized"])
        #expect(note.status == 202 && note.text.isEmpty)
        #expect(try await client.send("DELETE", headers: session.headers).status == 200)
        #expect(try await session.request("tools/list").status == 404)
        #expect(try await client.send("DELETE", headers: session.headers).status == 404)
        #expect(client.engine.sessionCount == 0)
    }

    @Test("requests without a session, with an unknown one, or with an unknown version, are refused differently")
    func refusals() async throws {
        let client = try client()
        let session = try await client.session()
        let list = JSONWriter.bytes(["jsonrpc": "2.0", "id": 5, "method": "tools/list"])
        let none = try await client.send("POST", headers: HTTPTestClient.usual, body: list)
        #expect(none.status == 400 && none.message["id"] == 5)
        let unknown = try await client.send(
            "POST", headers: HTTPTestClient.usual + [("Mcp-Session-Id", "x")], body: list)
        #expect(unknown.status == 404 && unknown.message["id"] == 5)
        let known: HTTPTestClient.Headers = HTTPTestClient.usual + [("Mcp-Session-Id", session.id)]
        #expect(try await client.send("POST", headers: known, body: list).status == 200)
        #expect(
            try await client.send("POST", headers: known + [("MCP-Protocol-Version", "1999-01-01")], body: list).status
                == 400)
        let twice = try await client.send("POST", headers: known + [("Mcp-Session-Id", session.id)], body: list)
        #expect(twice.status == 400)
        let early = try await client.send("GET", headers: HTTPTestClient.usual)
        #expect(early.status == 405 && early.text.contains("POST `initialize` first"))
        #expect(try await client.send("GET", headers: HTTPTestClient.usual + [("Mcp-Session-Id", "x")]).status == 404)
        #expect(try await client.send("DELETE", headers: HTTPTestClient.usual).status == 400)
        let html = await client.open("GET", headers: [("Host", "localhost"), ("Accept", "text/html")])
        #expect(html.status == 406)
    }

    @Test("a failed handshake leaves no session behind")
    func failedHandshake() async throws {
        let client = try client()
        let answer = try await client.send(
            "POST", headers: HTTPTestClient.usual,
            body: JSONWriter.bytes([
                "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": ["protocolVersion": 5],
            ])
        )
        #expect(answer.message["error"]?["code"] == -32602)
        #expect(answer.header("Mcp-Session-Id") == nil)
        #expect(client.engine.sessionCount == 0)
    }

    @Test("a session can be used only by the caller who began it")
    func strangers() async throws {
        let client = try client()
        let session = try await client.session()
        let list = JSONWriter.bytes(["jsonrpc": "2.0", "id": 5, "method": "tools/list"])
        let stranger = try await client.send(
            "POST", headers: session.headers, body: list, principal: Principal("other"))
        #expect(stranger.status == 404)
        #expect(try await client.send("DELETE", headers: session.headers, principal: Principal("other")).status == 404)
        #expect(try await session.request("ping").status == 200)
    }

    @Test("batches are answered by batches in the one revision that has them, and refused in the others")
    func batches() async throws {
        let client = try client()
        let old = try await client.session("2025-03-26")
        let calls: JSONValue = [
            ["jsonrpc": "2.0", "id": 1, "method": "ping"], ["jsonrpc": "2.0", "method": "notifications/initialized"],
            ["jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": ["name": "test_simple_text"]],
            ["jsonrpc": "2.0", "id": 3, "method": "no/such"], ["jsonrpc": "2.0", "id": 4, "method": "initialize"], 5,
            [],
        ]
        let answers = try await old.post(calls).message.array ?? []
        #expect(answers.count == 6)
        let ids = Set(answers.map { $0["id"] ?? "none" })
        #expect(ids == [1, 2, 3, 4, nil])
        let text = answers.first { $0["id"] == 2 }?["result"]?["content"]?[0]?["text"]
        #expect(text == "This is a simple text response for testing.")
        #expect(answers.first { $0["id"] == 4 }?["error"]?["code"] == -32600)
        let notes = try await old.post([["jsonrpc": "2.0", "method": "notifications/initialized"]])
        #expect(notes.status == 202 && notes.text.isEmpty)
        let empty = try await old.post([])
        #expect(empty.status == 400 && empty.message["error"]?["code"] == -32600)
        for version in ["2024-11-05", "2025-06-18", "2025-11-25"] {
            let refused = try await client.session(version).post([["jsonrpc": "2.0", "id": 1, "method": "ping"]])
            #expect(refused.status == 400 && refused.message["error"]?["code"] == -32600)
        }
    }

    @Test("a question is sent on the stream of the call that asks, and its answer arrives in another POST")
    func elicitation() async throws {
        let client = try client()
        let session = try await client.session(capabilities: ["elicitation": [:]])
        let response = await session.open([
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": ["name": "test_elicitation", "arguments": ["message": "Who?"]],
        ])
        let reader = try #require(EventReader(response))
        let question = try #require(try await reader.next())
        #expect(question["method"] == "elicitation/create")
        let reply = try await session.post([
            "jsonrpc": "2.0", "id": question["id"] ?? .null,
            "result": ["action": "accept", "content": ["username": "u", "email": "e"]],
        ])
        #expect(reply.status == 202)
        let answer = try await reader.next()
        #expect(
            answer?["result"]?["content"]?[0]?["text"]
                == #"Elicitation completed: action=accept, content={"username":"u","email":"e"}"#
        )
        #expect(try await reader.next() == nil)
    }

    @Test("streams begin with an event id for resuming, from the revision that has it")
    func priming() async throws {
        let client = try client()
        let call: JSONObject = ["name": "test_tool_with_progress", "_meta": ["progressToken": 1]]
        let new = try await client.session().request("tools/call", call)
        #expect(new.text.hasPrefix("id: 1-0\ndata:\n\n") || new.text.contains("-0\ndata:\n\n"))
        #expect(new.eventIDs.count == 5 && Set(new.eventIDs).count == 5)
        #expect(Set(new.eventIDs.compactMap { $0.split(separator: "-").first }).count == 1)
        let old = try await client.session("2025-06-18").request("tools/call", call)
        #expect(!old.text.contains("data:\n\n"))
        #expect(old.messages.map { $0["params"]?["progress"]?.int } == [0, 50, 100, nil])
    }

    @Test("a stream that is closed during a call says when to reconnect, and the answer is available then")
    func polling() async throws {
        let client = try client()
        let session = try await client.session()
        let cut = try await session.request("tools/call", ["name": "test_reconnection"], id: "r")
        #expect(cut.isStream && cut.messages.isEmpty)
        #expect(cut.text.contains("retry: 500\n"))
        let first = try #require(cut.eventIDs.first)
        let rest = try await HTTPTestClient.read(await session.get(after: first))
        #expect(rest.messages.count == 1)
        #expect(rest.message["id"] == "r")
        #expect(rest.message["result"]?["content"]?[0]?["text"] == "Reconnection test completed successfully")
        #expect(!rest.text.contains("retry:"))
    }

    @Test("a disconnect isn't a cancellation: the call continues, and only its own later events are replayed")
    func resumption() async throws {
        let gate = Gate()
        let cancelled = Tally()
        let steps = Tool(name: "steps", description: "Tells of steps.") { _, context in
            context.progress(1)
            context.progress(2)
            try await gate.pass()
            context.progress(3)
            return .text("done")
        }
        let client = HTTPTestClient(try testServer(gate: gate, cancelled: cancelled, more: [steps]))
        let session = try await client.session()
        let response = await session.open([
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": ["name": "steps", "_meta": ["progressToken": "t"]],
        ])
        guard case .events(let stream) = response.body else { throw TestClient.Silence(description: "no stream") }
        var seen = ""
        while !seen.contains("\"progress\":1") { seen += String(decoding: await stream.next() ?? [], as: UTF8.self) }
        let last = try #require(seen.split(separator: "\n").last { $0.hasPrefix("id: ") }?.dropFirst(4))
        stream.close()
        _ = try await session.request("tools/call", ["name": "echo", "arguments": ["text": "other"]], id: 2)
        gate.open()
        let rest = try await HTTPTestClient.read(await session.get(after: String(last)))
        #expect(rest.messages.map { $0["params"]?["progress"]?.int } == [2, 3, nil])
        #expect(rest.message["result"]?["content"]?[0]?["text"] == "done")
        #expect(cancelled.value == 0)
        let again = try await HTTPTestClient.read(await session.get(after: String(last)))
        #expect(again.messages == rest.messages)
        for unknown in [
            "99-0", "1-99", "x", "1", "-1-2", "1-0-0", "", "0-7", "0-\(Int.max)", "1-\(Int.max)", "0-\(Int.max)0",
        ] {
            #expect(await session.get(after: unknown).status == 400, "\(unknown)")
        }
    }

    @Test("messages outside of calls go to the one GET stream, once, even if it was opened later")
    func homeStream() async throws {
        let client = try client()
        let session = try await client.session()
        let other = try await client.session()
        _ = try await other.request("tools/call", ["name": "test_trigger_tool_change"])
        let response = await session.get()
        let reader = try #require(EventReader(response))
        #expect(try await reader.next()?["method"] == "notifications/tools/list_changed")
        let waiting = Task { try await reader.next() }
        #expect(await session.get().status == 409)
        _ = try await other.request("tools/call", ["name": "test_trigger_prompt_change"])
        #expect(try await waiting.value?["method"] == "notifications/prompts/list_changed")
        reader.stream.close()
        let second = try #require(EventReader(await session.get()))
        _ = try await other.request("tools/call", ["name": "test_trigger_tool_change"])
        #expect(try await second.next()?["method"] == "notifications/tools/list_changed")
    }

    @Test("changes of a subscribed resource are sent, of others aren't")
    func subscriptions() async throws {
        let server = try ConformanceServer.make()
        let client = HTTPTestClient(server)
        let session = try await client.session()
        #expect(
            try await session.request("resources/subscribe", ["uri": "test://watched-resource"]).message["result"]
                == [:])
        server.changes.resourceChanged("test://other")
        server.changes.resourceChanged("test://watched-resource")
        #expect(
            try await session.request("resources/unsubscribe", ["uri": "test://watched-resource"]).message["result"]
                == [:])
        server.changes.resourceChanged("test://watched-resource")
        server.changes.listChanged(.tools)
        let reader = try #require(EventReader(await session.get()))
        #expect(
            try await reader.next() == [
                "jsonrpc": "2.0", "method": "notifications/resources/updated",
                "params": ["uri": "test://watched-resource"],
            ]
        )
        #expect(try await reader.next()?["method"] == "notifications/tools/list_changed")
    }

    @Test("a cancelled call is never answered, and its POST ends")
    func cancelled() async throws {
        let gate = Gate()
        let cancelled = Tally()
        let client = HTTPTestClient(try testServer(gate: gate, cancelled: cancelled))
        let session = try await client.session()
        let call = Task { try await session.request("tools/call", ["name": "wait"], id: "w") }
        await gate.arrivals(1)
        _ = try await session.post([
            "jsonrpc": "2.0", "method": "notifications/cancelled", "params": ["requestId": "w"],
        ])
        await cancelled.reaches(1)
        #expect(try await call.value.messages.isEmpty)
    }

    @Test("the number of sessions is limited")
    func bounded() async throws {
        var options = HTTPOptions()
        options.maxSessions = 3
        let client = HTTPTestClient(try testServer(), options)
        for _ in 0..<3 { _ = try await client.session() }
        let full = try await client.send(
            "POST", headers: HTTPTestClient.usual,
            body: JSONWriter.bytes([
                "jsonrpc": "2.0", "id": 0, "method": "initialize",
                "params": ["protocolVersion": "2025-11-25", "capabilities": [:], "clientInfo": ["name": "x"]],
            ])
        )
        #expect(full.status == 503 && full.header("Retry-After") == "60")
    }

    @Test("a session whose client never returned is replaced, one in use isn't")
    func unfinished() async throws {
        var options = HTTPOptions()
        options.maxSessions = 3
        let client = HTTPTestClient(try testServer(), options)
        func opened() async throws -> HTTPTestClient.Answer {
            try await client.send(
                "POST", headers: HTTPTestClient.usual,
                body: JSONWriter.bytes([
                    "jsonrpc": "2.0", "id": 0, "method": "initialize",
                    "params": ["protocolVersion": "2025-11-25", "capabilities": [:], "clientInfo": ["name": "x"]],
                ]))
        }
        func isThere(_ id: String) async throws -> Bool {
            try await client.send(
                "POST", headers: HTTPTestClient.usual + [("Mcp-Session-Id", id)],
                body: JSONWriter.bytes(["jsonrpc": "2.0", "id": 1, "method": "ping"])
            ).status == 200
        }
        var used: [String] = []
        for _ in 0..<2 {
            let id = try #require(try await opened().header("Mcp-Session-Id"))
            #expect(try await isThere(id))
            used.append(id)
        }
        let unfinished = try #require(try await opened().header("Mcp-Session-Id"))
        // Its client has a second to reconnect.
        var next = try await opened()
        while next.status == 503 {
            try await Task.sleep(for: .milliseconds(50))
            next = try await opened()
        }
        #expect(next.status == 200)
        #expect(try await !isThere(unfinished))
        for id in used { #expect(try await isThere(id)) }
    }

    @Test("a caller at their limit of sessions is told when to return, and others still have room")
    func boundedForEach() async throws {
        var options = HTTPOptions()
        options.maxSessionsPerPrincipal = 2
        let client = HTTPTestClient(try testServer(), options)
        func open(_ name: String) async throws -> HTTPTestClient.Answer {
            try await client.send(
                "POST", headers: HTTPTestClient.usual,
                body: JSONWriter.bytes([
                    "jsonrpc": "2.0", "id": 0, "method": "initialize",
                    "params": ["protocolVersion": "2025-11-25", "capabilities": [:], "clientInfo": ["name": "x"]],
                ]), principal: Principal(name))
        }
        var sessions: [String] = []
        for _ in 0..<2 { sessions.append(try #require(try await open("anna").header("Mcp-Session-Id"))) }
        let full = try await open("anna")
        #expect(full.status == 429 && full.header("Retry-After") == "60")
        #expect(full.message["error"]?["data"]?["retryAfterSeconds"] == 60)
        #expect(try await open("ben").status == 200)
        let ended = try await client.send(
            "DELETE", headers: HTTPTestClient.usual + [("Mcp-Session-Id", sessions[0])], principal: Principal("anna"))
        #expect(ended.status == 200)
        #expect(try await open("anna").status == 200)
    }

    @Test("idle sessions end, busy ones don't")
    func idle() async throws {
        var options = HTTPOptions()
        options.sessionIdle = .milliseconds(500)
        let client = HTTPTestClient(try testServer(), options)
        // On a busy machine the first one may end before it has anything to do.
        var kept = try await client.session()
        var reader = EventReader(await kept.get())
        while reader == nil {
            kept = try await client.session()
            reader = EventReader(await kept.get())
        }
        _ = try await client.session()
        _ = try await client.session()
        while client.engine.sessionCount > 1 { try await Task.sleep(for: .milliseconds(10)) }
        #expect(try await kept.request("ping").status == 200)
        reader?.stream.close()
        while client.engine.sessionCount > 0 { try await Task.sleep(for: .milliseconds(10)) }
        #expect(try await kept.request("ping").status == 404)
    }

    @Test("both eras are served on one path at the same time")
    func bothEras() async throws {
        let client = try client()
        let session = try await client.session()
        for turn in 0..<10 {
            let modern = try await client.modern("tools/call", ["name": "test_simple_text"], id: .int(Int64(turn)))
            #expect(modern.message["result"]?["resultType"] == "complete")
            let legacy = try await session.request("tools/call", ["name": "test_simple_text"], id: .int(Int64(turn)))
            #expect(legacy.message["result"]?["resultType"] == nil)
            #expect(legacy.message["result"]?["content"] == modern.message["result"]?["content"])
        }
    }

    @Test("any bytes, methods and headers get an HTTP answer")
    func fuzz() async throws {
        var generator = SeededRandom(seed: 99)
        let client = try client()
        let session = try await client.session()
        let names = [
            "Host", "Origin", "Accept", "Content-Type", "Mcp-Session-Id", "MCP-Protocol-Version", "Mcp-Method",
            "Mcp-Name",
            "Last-Event-ID", "Authorization", "Mcp-Param-Region",
        ]
        let values = [
            "localhost", "", "null", "*/*", "application/json", session.id, "2026-07-28", "2025-11-25", "tools/call",
            "test_simple_text",
            "1-0", "=?base64?", "=?base64??=", "\u{0}", "é", "[", "[::1", ":", ",;,", "Bearer", "text/event-stream",
        ]
        let bodies = [
            "", "{", "[]", "null",
            JSONValue.object(modernRequest(1, "tools/call", ["name": "test_custom_header"])).description,
            #"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, #"{"jsonrpc":"2.0","method":"x"}"#,
            #"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        ]
        for _ in 0..<3000 {
            var headers = Bool.random(using: &generator) ? session.headers : HTTPTestClient.usual
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                headers.append(
                    (names.randomElement(using: &generator) ?? "", values.randomElement(using: &generator) ?? ""))
            }
            if Bool.random(using: &generator) {
                headers.remove(at: Int.random(in: 0..<headers.count, using: &generator))
            }
            let method = ["POST", "POST", "POST", "DELETE", "PUT", ""].randomElement(using: &generator) ?? "POST"
            let body = Array((bodies.randomElement(using: &generator) ?? "").utf8)
            let response = await client.open(method, headers: headers, body: body)
            #expect((200...503).contains(response.status))
        }
        #expect(try await client.modern("tools/list").status == 200)
    }
}
