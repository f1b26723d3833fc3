import MMCore
import TestSupport
import Testing

@testable import MMMCP

@Suite("Asking the user", .timeLimit(.minutes(5)))
struct QuestionTests {
    static func server(
        done: Tally = Tally(), options: ServerOptions = ServerOptions(), clock: WallClock = .system
    ) throws -> MCPServer {
        let confirm = try Form([.boolean("ok", title: "Delete")])
        let name = try Form([.text("name", length: 1...20)])
        let delete = Tool(
            name: "delete", description: "Deletes after asking.",
            inputSchema: ["type": "object", "properties": ["path": ["type": "string"]]]
        ) { arguments, context in
            switch try await context.elicit("confirm", "Delete \(arguments["path"]?.string ?? "")?", form: confirm) {
            case .accepted(let content) where content["ok"] == true:
                try context.claimOnce()
                done.add()
                return .text("deleted")
            case .accepted: return .text("not deleted: unticked")
            case .declined: return .text("not deleted: declined")
            case .dismissed: return .text("not deleted: dismissed")
            }
        }
        let rounds = Tool(name: "rounds", description: "Asks twice.") { _, context in
            context.carry("seen", .int(Int64((context.carried("seen")?.int ?? 0) + 1)))
            let first = try await context.elicit("first", "Who?", form: name)
            let second = try await context.elicit("second", "And who else?", form: name)
            guard case .accepted(let content) = first else { return .text("nobody") }
            return .text("\(content["name"] ?? .null) \(second) in \(context.carried("seen") ?? "one go")")
        }
        let several = Tool(name: "several", description: "Asks three at once.") { _, context in
            let answers = try await context.ask([
                .form("who", "Who?", name), .sampling("model", SamplingRequest("Hi?", maxTokens: 5)), .roots("roots"),
            ])
            return .text(answers.keys.sorted().joined(separator: ","))
        }
        let swallow = Tool(name: "swallow", description: "Turns every error into one of its own.") { _, context in
            do {
                _ = try await context.elicit("first", "Who?", form: name)
                return .text("answered")
            } catch {
                return .failure("something went wrong")
            }
        }
        return try MCPServer(
            ServerInfo(name: "asker", version: "1"), instructions: nil, tools: [delete, rounds, several, swallow],
            prompts: [], resources: [], resourceTemplates: [], moreResources: nil, options: options, clock: clock
        )
    }

    private let forms: JSONObject = ["elicitation": [:]]

    // MARK: the legacy era

    @Test(
        "a legacy user's answer reaches the waiting handler",
        arguments: [
            (["action": "accept", "content": ["ok": true]], "deleted"),
            (["action": "accept", "content": ["ok": false]], "not deleted: unticked"),
            (["action": "decline"], "not deleted: declined"), (["action": "cancel"], "not deleted: dismissed"),
        ] as [(JSONValue, String)]
    )
    func legacy(_ answer: JSONValue, _ text: String) async throws {
        let client = try TestClient(Self.server())
        _ = try await client.initialize("2025-06-18", capabilities: forms)
        client.request(1, "tools/call", ["name": "delete", "arguments": ["path": "a"]])
        let question = try await client.next()
        #expect(question["method"] == "elicitation/create")
        #expect(question["params"]?["message"] == "Delete a?")
        #expect(question["params"]?["mode"] == nil)
        #expect(question["params"]?["requestedSchema"]?["properties"]?["ok"]?["type"] == "boolean")
        client.send(["jsonrpc": "2.0", "id": question["id"] ?? .null, "result": answer])
        let result = try await client.next()
        #expect(result["id"] == 1)
        #expect(result["result"]?["content"]?[0]?["text"] == .string(text))
    }

    @Test("a legacy answer that doesn't fit the form is asked for again, a limited number of times")
    func legacyNonsense() async throws {
        let client = try TestClient(Self.server())
        _ = try await client.initialize(capabilities: forms)
        client.request(1, "tools/call", ["name": "delete"])
        for _ in 0..<3 {
            let question = try await client.next()
            #expect(question["params"]?["mode"] == "form")
            client.send([
                "jsonrpc": "2.0", "id": question["id"] ?? .null,
                "result": ["action": "accept", "content": ["ok": "yes"]],
            ])
        }
        let result = try await client.next()
        #expect(result["result"]?["isError"] == true)
        #expect(
            result["result"]?["content"]?[0]?["text"]?.string?.contains("ok: must be a boolean, not a string") == true)
    }

    @Test("a question ends with its call, and the client is told")
    func legacyCancelled() async throws {
        let client = try TestClient(Self.server())
        _ = try await client.initialize(capabilities: forms)
        client.request(1, "tools/call", ["name": "delete"])
        let question = try await client.next()
        client.send(["jsonrpc": "2.0", "method": "notifications/cancelled", "params": ["requestId": 1]])
        client.send([
            "jsonrpc": "2.0", "id": question["id"] ?? .null, "result": ["action": "accept", "content": ["ok": true]],
        ])
        client.request(2, "ping")
        // The withdrawal and the next answer come in any order.
        let messages = [try await client.next(), try await client.next()]
        let withdrawal = try #require(messages.first { $0["method"] == "notifications/cancelled" })
        #expect(withdrawal["params"]?["requestId"] == question["id"])
        #expect(messages.contains { $0["id"] == 2 })
    }

    @Test("an unanswered question ends at its deadline")
    func legacyTimeout() async throws {
        var options = ServerOptions()
        options.questionTimeout = .milliseconds(20)
        let client = try TestClient(Self.server(options: options))
        _ = try await client.initialize(capabilities: forms)
        client.request(1, "tools/call", ["name": "delete"])
        let question = try await client.next()
        let moot = try await client.next()
        #expect(moot["method"] == "notifications/cancelled")
        #expect(moot["params"]?["requestId"] == question["id"])
        let result = try await client.next()
        #expect(result["result"]?["content"]?[0]?["text"] == "Nobody answered the question in time.")
    }

    @Test("a client's error for a question, and an answer without one, do no harm")
    func legacyError() async throws {
        let client = try TestClient(Self.server())
        _ = try await client.initialize(capabilities: forms)
        client.send(["jsonrpc": "2.0", "id": "srv-99", "result": [:]])
        client.send(["jsonrpc": "2.0", "id": 7, "error": ["code": -1, "message": "x"]])
        client.request(1, "tools/call", ["name": "delete"])
        let question = try await client.next()
        client.send(["jsonrpc": "2.0", "id": question["id"] ?? .null, "error": ["code": -32601, "message": "no"]])
        #expect(try await client.next()["result"]?["content"]?[0]?["text"] == "The client could not ask: no")
    }

    @Test("a legacy client that can't ask gets a text that says so")
    func legacyUnable() async throws {
        let client = try TestClient(Self.server())
        _ = try await client.initialize()
        client.request(1, "tools/call", ["name": "delete"])
        let result = try await client.next()["result"]
        #expect(result?["isError"] == true)
        #expect(result?["content"]?[0]?["text"]?.string?.hasPrefix("This client doesn't support questions") == true)
    }

    // MARK: the modern era

    private func call(
        _ client: TestClient, _ name: String, arguments: JSONObject = [:], state: JSONValue? = nil,
        answers: JSONValue? = nil,
        capabilities: JSONObject = ["elicitation": [:], "sampling": [:], "roots": [:]]
    ) async throws -> JSONValue {
        var params: JSONObject = ["name": .string(name), "arguments": .object(arguments)]
        params["requestState"] = state
        params["inputResponses"] = answers
        client.modern(1, "tools/call", params, capabilities: capabilities)
        return try await client.next()
    }

    private let yes: JSONValue = ["confirm": ["action": "accept", "content": ["ok": true]]]

    @Test("a modern client gets the question as a result and returns with the answer")
    func modern() async throws {
        let done = Tally()
        let client = try TestClient(Self.server(done: done))
        let question = try await call(client, "delete", arguments: ["path": "a"])["result"]
        #expect(question?["resultType"] == "input_required")
        #expect(question?["ttlMs"] == nil)
        #expect(question?["inputRequests"]?["confirm"]?["method"] == "elicitation/create")
        #expect(question?["inputRequests"]?["confirm"]?["params"]?["mode"] == "form")
        #expect(question?["_meta"]?[MetaKey.serverInfo]?["name"] == "asker")
        let answer = try await call(
            client, "delete", arguments: ["path": "a"], state: question?["requestState"], answers: yes)
        #expect(answer["result"]?["resultType"] == "complete")
        #expect(answer["result"]?["content"]?[0]?["text"] == "deleted")
        #expect(done.value == 1)
    }

    @Test("repeating the same answers can't repeat an action")
    func replay() async throws {
        let done = Tally()
        let client = try TestClient(Self.server(done: done))
        let state = try await call(client, "delete")["result"]?["requestState"]
        _ = try await call(client, "delete", state: state, answers: yes)
        let again = try await call(client, "delete", state: state, answers: yes)["result"]
        #expect(again?["isError"] == true)
        #expect(again?["content"]?[0]?["text"]?.string?.hasPrefix("This answer was already used.") == true)
        #expect(done.value == 1)
    }

    @Test(
        "missing and unusable answers are asked for again, surplus ones ignored",
        arguments: [
            nil, [:], ["other": ["action": "accept"]], ["confirm": [:]], ["confirm": ["action": "maybe"]],
            ["confirm": ["action": "accept", "content": ["ok": "yes"]]], ["confirm": ["action": "accept"]],
            ["confirm": ["action": "accept", "content": 5]], ["other": 5],
        ] as [JSONValue?]
    )
    func askAgain(_ answers: JSONValue?) async throws {
        let client = try TestClient(Self.server())
        let state = try await call(client, "delete")["result"]?["requestState"]
        let again = try await call(client, "delete", state: state, answers: answers)["result"]
        #expect(again?["resultType"] == "input_required")
        let final = try await call(client, "delete", state: again?["requestState"], answers: yes)["result"]
        #expect(final?["content"]?[0]?["text"] == "deleted")
    }

    @Test(
        "answers of the wrong type are refused",
        arguments: [["confirm": 5], ["confirm": nil], 5, nil, ["x"]] as [JSONValue])
    func wrongType(_ answers: JSONValue) async throws {
        let client = try TestClient(Self.server())
        let state = try await call(client, "delete")["result"]?["requestState"]
        let refused = try await call(client, "delete", state: state, answers: answers)
        #expect(refused["error"]?["code"] == -32602)
    }

    @Test("answers without their state don't count")
    func answersAlone() async throws {
        let done = Tally()
        let client = try TestClient(Self.server(done: done))
        #expect(try await call(client, "delete", answers: yes)["result"]?["resultType"] == "input_required")
        #expect(done.value == 0)
    }

    @Test("an altered state, or one of another call, is refused")
    func altered() async throws {
        let done = Tally()
        let client = try TestClient(Self.server(done: done))
        let state = try await call(client, "delete", arguments: ["path": "a"])["result"]?["requestState"]?.string ?? ""
        var generator = SeededRandom(seed: 7)
        var forged: [JSONValue] = ["", "v1.", "v1..", .string("v2" + state.dropFirst(2)), 5, nil, .string(state + "A")]
        for _ in 0..<60 {
            var bytes = Array(state.utf8)
            bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^= UInt8(
                1 << Int.random(in: 0..<7, using: &generator))
            forged.append(.string(String(decoding: bytes, as: UTF8.self)))
        }
        for forgery in forged where forgery != .string(state) {
            let refused = try await call(client, "delete", arguments: ["path": "a"], state: forgery, answers: yes)
            #expect(refused["error"]?["code"] == -32602)
        }
        let elsewhere = try await call(client, "delete", arguments: ["path": "b"], state: .string(state), answers: yes)
        #expect(elsewhere["error"]?["code"] == -32602)
        let other = try await call(client, "rounds", arguments: ["path": "a"], state: .string(state), answers: yes)
        #expect(other["error"]?["code"] == -32602)
        #expect(done.value == 0)
    }

    @Test("a state of another server, or another caller, is refused; one with the same key is valid")
    func keys() async throws {
        var options = ServerOptions()
        options.stateKey = Array(repeating: 9, count: 32)
        let one = try TestClient(Self.server(options: options))
        let two = try TestClient(Self.server(options: options))
        let stranger = try TestClient(Self.server())
        let state = try await call(one, "delete")["result"]?["requestState"]
        #expect(try await call(stranger, "delete", state: state, answers: yes)["error"]?["code"] == -32602)
        #expect(
            try await call(two, "delete", state: state, answers: yes)["result"]?["content"]?[0]?["text"] == "deleted")
    }

    @Test("a state expires, and wrong answers don't prolong it")
    func ageing() async throws {
        let time = TestTime()
        let client = try TestClient(Self.server(clock: time.clock))
        let first = try await call(client, "delete")["result"]?["requestState"]
        time.advance(601)
        let late = try await call(client, "delete", state: first, answers: yes)
        #expect(late["error"]?["message"] == "requestState is too old; start again.")
        var state = try await call(client, "delete")["result"]?["requestState"]
        var rounds = 0
        while let current = state, rounds < 20 {
            time.advance(590)
            state = try await call(client, "delete", state: current, answers: [:])["result"]?["requestState"]
            rounds += 1
        }
        #expect(rounds == 7)
    }

    @Test("consecutive questions keep the earlier answers, and the state changes")
    func severalRounds() async throws {
        let client = try TestClient(Self.server())
        let first = try await call(client, "rounds")["result"]
        #expect(first?["inputRequests"]?.object?.keys == ["first"])
        let second = try await call(
            client, "rounds", state: first?["requestState"],
            answers: ["first": ["action": "accept", "content": ["name": "A"]]]
        )["result"]
        #expect(second?["inputRequests"]?.object?.keys == ["second"])
        #expect(second?["requestState"] != first?["requestState"])
        let done = try await call(
            client, "rounds", state: second?["requestState"],
            answers: ["first": ["action": "decline"], "second": ["action": "decline"]]
        )["result"]
        #expect(done?["content"]?[0]?["text"] == #""A" declined in 3"#)
    }

    @Test("several questions are sent together")
    func together() async throws {
        let client = try TestClient(Self.server())
        let question = try await call(client, "several")["result"]
        let requests = question?["inputRequests"]
        #expect(requests?["who"]?["method"] == "elicitation/create")
        #expect(requests?["model"]?["method"] == "sampling/createMessage")
        #expect(requests?["model"]?["params"]?["messages"]?[0]?["content"]?["text"] == "Hi?")
        #expect(requests?["roots"] == ["method": "roots/list"])
        let partly = try await call(
            client, "several", state: question?["requestState"], answers: ["roots": ["roots": []]]
        )["result"]
        #expect(partly?["inputRequests"]?.object?.keys == ["who", "model"])
        let done = try await call(
            client, "several", state: partly?["requestState"],
            answers: [
                "who": ["action": "cancel"],
                "model": ["role": "assistant", "content": ["type": "text", "text": "Hi"], "model": "m"],
            ]
        )["result"]
        #expect(done?["content"]?[0]?["text"] == "model,roots,who")
    }

    @Test("a modern client is asked only what the current request declares support for")
    func undeclared() async throws {
        let client = try TestClient(Self.server())
        let refused = try await call(client, "several", capabilities: ["elicitation": [:], "roots": [:]])
        #expect(refused["error"]?["code"] == -32021)
        #expect(refused["error"]?["data"]?["requiredCapabilities"] == ["sampling": [:]])
        let addressOnly = try await call(client, "delete", capabilities: ["elicitation": ["url": [:]]])
        #expect(addressOnly["error"]?["data"]?["requiredCapabilities"] == ["elicitation": [:]])
    }

    @Test("if a handler converts the pause to its own error, the question is still asked")
    func swallowed() async throws {
        let client = try TestClient(Self.server())
        #expect(try await call(client, "swallow")["result"]?["resultType"] == "input_required")
    }

    @Test("both eras continue while a question is open and pings are answered")
    func alternating() async throws {
        let client = try TestClient(Self.server())
        _ = try await client.initialize(capabilities: forms)
        client.request("old", "tools/call", ["name": "delete", "arguments": ["path": "old"]])
        let open = try await client.next()
        #expect(open["method"] == "elicitation/create")
        for turn in 0..<20 {
            client.request(.int(Int64(turn)), "ping")
            #expect(try await client.next()["id"] == .int(Int64(turn)))
            let question = try await call(client, "delete", arguments: ["path": "new"])["result"]
            #expect(question?["resultType"] == "input_required")
            client.request("list", "tools/list")
            let list = try await client.next()["result"]
            #expect(list?["tools"] != nil)
            #expect(list?["resultType"] == nil)
            client.modern("found", "server/discover")
            #expect(try await client.next()["result"]?["resultType"] == "complete")
            client.modern("gone", "ping")
            #expect(try await client.next()["error"]?["code"] == -32601)
            let done = try await call(
                client, "delete", arguments: ["path": "new"], state: question?["requestState"], answers: yes)
            #expect(done["result"]?["content"]?[0]?["text"] == "deleted")
        }
        client.send(["jsonrpc": "2.0", "id": open["id"] ?? .null, "result": ["action": "decline"]])
        let result = try await client.next()
        #expect(result["id"] == "old")
        #expect(result["result"]?["content"]?[0]?["text"] == "not deleted: declined")
    }
}
