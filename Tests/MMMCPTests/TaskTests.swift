import ConformanceFixtures
import MMCore
import Testing

@testable import MMMCP

/// Tasks in both eras: an extension since 2026-07-28, a capability of the session in 2025-11-25.
@Suite("Tasks", .timeLimit(.minutes(5)))
struct TaskTests {
    private let client: HTTPTestClient
    private static let extensions: JSONObject = ["extensions": ["io.modelcontextprotocol/tasks": [:]]]
    private static let all: JSONObject = [
        "elicitation": [:], "extensions": ["io.modelcontextprotocol/tasks": [:]],
    ]

    init() throws { client = HTTPTestClient(try ConformanceServer.make()) }

    private func modern(
        _ method: String, _ params: JSONObject, capabilities: JSONObject = all
    ) async throws -> HTTPTestClient.Answer {
        let id = params["taskId"]?.string
        return try await client.modern(
            method, params, capabilities: capabilities, headers: id.map { [("Mcp-Name", $0)] } ?? [])
    }

    private func result(_ method: String, _ params: JSONObject) async throws -> JSONObject {
        try await modern(method, params).message["result"]?.object ?? [:]
    }

    private func call(_ tool: String, _ arguments: JSONObject = [:]) async throws -> JSONObject {
        try await result("tools/call", ["name": .string(tool), "arguments": .object(arguments)])
    }

    /// The task as soon as it has one of these states.
    private func task(_ id: JSONValue?, in states: Set<String>) async throws -> JSONObject {
        while true {
            try Task.checkCancellation()
            let task = try await result("tasks/get", ["taskId": id ?? nil])
            if states.contains(task["status"]?.string ?? "") { return task }
            try #require(task["status"] != nil, "\(task)")
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private static let over: Set<String> = ["completed", "failed", "cancelled"]

    @Test("tasks-capability-negotiation: each era announces tasks in its own way, older clients see nothing of them")
    func negotiation() async throws {
        let modern = try await modern("server/discover", [:]).message["result"]?["capabilities"]
        #expect(modern?["extensions"]?["io.modelcontextprotocol/tasks"] == [:])
        #expect(modern?["tasks"] == nil)
        let session = try await client.session()
        let legacy = session.hello["result"]?["capabilities"]
        #expect(legacy?["tasks"] == ["list": [:], "cancel": [:], "requests": ["tools": ["call": [:]]]])
        #expect(legacy?["extensions"] == nil)
        let older = try await client.session("2025-06-18")
        #expect(older.hello["result"]?["capabilities"]?["tasks"] == nil)
        #expect(try await older.request("tasks/list").message["error"]?["code"] == -32601)
        let tools = try await session.request("tools/list").message["result"]?["tools"]?.array ?? []
        #expect(tools.first { $0["name"] == "slow_compute" }?["execution"] == ["taskSupport": "optional"])
        #expect(tools.first { $0["name"] == "failing_job" }?["execution"] == ["taskSupport": "required"])
        #expect(tools.first { $0["name"] == "greet" }?["execution"] == nil)
        let later = try await self.modern("tools/list", [:]).message["result"]?["tools"]?.array ?? []
        #expect(!later.isEmpty && later.allSatisfy { $0["execution"] == nil })
    }

    @Test(
        "a client that did not declare tasks gets results, or an error that names the capability",
        arguments: ["tasks/get", "tasks/update", "tasks/cancel"])
    func undeclared(_ method: String) async throws {
        let refused = try await modern(
            method, ["taskId": "t", "inputResponses": [:]], capabilities: [:])
        #expect(refused.status == 400)
        #expect(refused.message["error"]?["code"] == -32021)
        #expect(refused.message["error"]?["data"]?["requiredCapabilities"] == .object(Self.extensions))
        let needed = try await modern(
            "tools/call", ["name": "failing_job", "arguments": [:]], capabilities: [:])
        #expect(needed.message["error"]?["code"] == -32021)
        let plain = try await modern(
            "tools/call", ["name": "slow_compute", "arguments": ["label": "x"]], capabilities: [:])
        #expect(plain.message["result"]?["resultType"] == "complete")
        #expect(plain.message["result"]?["content"]?[0]?["text"] == "Computed x.")
        let listening = try await modern(
            "subscriptions/listen", ["notifications": ["taskIds": ["t"]]], capabilities: [:])
        #expect(listening.message["error"]?["code"] == -32021)
    }

    @Test("tasks-lifecycle: a call is answered with its task, which ends with the call's result")
    func lifecycle() async throws {
        let greeting = try await call("greet", ["name": "World"])
        #expect(greeting["resultType"] == "complete" && greeting["taskId"] == nil)
        let begun = try await call("slow_compute", ["seconds": 0.01, "label": "it"])
        #expect(begun["resultType"] == "task")
        #expect(begun["status"] == "working")
        for key in ["task", "result", "error", "inputRequests", "requestState", "ttl", "pollInterval"] {
            #expect(begun[key] == nil, "\(key)")
        }
        #expect(begun["ttlMs"] == 600_000 && begun["pollIntervalMs"] == 200)
        #expect(Timestamp(iso8601: begun["createdAt"]?.string ?? "") != nil)
        let done = try await task(begun["taskId"], in: Self.over)
        #expect(done["resultType"] == "complete" && done["status"] == "completed")
        #expect(done["result"]?["content"]?[0]?["text"] == "Computed it.")
        let failed = try await task(try await call("failing_job")["taskId"], in: Self.over)
        #expect(failed["status"] == "completed" && failed["result"]?["isError"] == true)
        let broken = try await task(try await call("protocol_error_job")["taskId"], in: Self.over)
        #expect(broken["status"] == "failed" && broken["result"] == nil)
        #expect(broken["error"]?["code"] == -32603)
    }

    @Test("tasks-lifecycle: cancelling gets an empty answer, even for a task that is over")
    func cancelling() async throws {
        let begun = try await call("slow_compute", ["seconds": 600])
        for _ in 0..<2 {
            let answer = try await result("tasks/cancel", ["taskId": begun["taskId"] ?? nil])
            #expect(answer["resultType"] == "complete")
            #expect(answer["status"] == nil && answer["taskId"] == nil)
            #expect(try await task(begun["taskId"], in: Self.over)["status"] == "cancelled")
        }
    }

    @Test("tasks-dispatch: earlier methods are gone, unknown tasks are reported, a wrong header is refused")
    func dispatch() async throws {
        for method in ["tasks/result", "tasks/list"] {
            let answer = try await modern(method, ["taskId": "t"])
            #expect(answer.status == 404 && answer.message["error"]?["code"] == -32601)
        }
        for method in ["tasks/get", "tasks/cancel", "tasks/update"] {
            let answer = try await modern(method, ["taskId": "none", "inputResponses": [:]])
            #expect(answer.message["error"]?["code"] == -32602, "\(method)")
        }
        let other = try await client.modern(
            "tasks/get", ["taskId": "one"], capabilities: Self.all, headers: [("Mcp-Name", "another")])
        #expect(other.status == 400 && other.message["error"]?["code"] == -32020)
        let ignored = try await result("tools/call", ["name": "greet", "arguments": [:], "task": ["ttl": 60]])
        #expect(ignored["resultType"] == "complete")
    }

    @Test("tasks-mrtr-input: questions stay open until each is answered, one at a time or together")
    func questions() async throws {
        let id = try await call("multi_input")["taskId"]
        let asking = try await task(id, in: ["input_required"])
        #expect(asking["inputRequests"]?["first"]?["method"] == "elicitation/create")
        #expect(asking["inputRequests"]?["second"]?["params"]?["message"] == "Who else?")
        func answer(_ key: String, _ name: JSONValue) -> JSONObject {
            [
                "taskId": id ?? nil,
                "inputResponses": [key: ["action": "accept", "content": ["name": name]], "unknown": 5],
            ]
        }
        #expect(try await result("tasks/update", answer("first", "Ann"))["resultType"] == "complete")
        let half = try await task(id, in: ["input_required"])
        #expect(half["inputRequests"]?.object?.keys.map(\.self) == ["second"])
        _ = try await result("tasks/update", answer("second", 7))
        #expect(try await task(id, in: ["input_required"])["inputRequests"]?["second"] != nil)
        _ = try await result("tasks/update", answer("second", "Bo"))
        #expect(try await task(id, in: Self.over)["result"]?["content"]?[0]?["text"] == "Met Ann and Bo.")
    }

    @Test("tasks-mrtr-composition: questions before the work are asked in the call, and the task gets the answer")
    func composition() async throws {
        let first = try await call("test_tool_with_task")
        #expect(first["resultType"] == "input_required" && first["taskId"] == nil)
        let second = try await result(
            "tools/call",
            [
                "name": "test_tool_with_task", "arguments": [:], "requestState": first["requestState"] ?? nil,
                "inputResponses": ["user_name": ["action": "accept", "content": ["name": "Alice"]]],
            ])
        #expect(second["resultType"] == "task")
        #expect(second["requestState"] == nil && second["inputRequests"] == nil)
        let done = try await task(second["taskId"], in: Self.over)
        #expect(done["result"]?["content"]?[0]?["text"] == "Hello, Alice!")
    }

    @Test("a subscription reports each state of existing tasks, and acknowledges no others")
    func listening() async throws {
        let server = try ConformanceServer.make()
        let client = try TestClient(server)
        client.modern(1, "tools/call", ["name": "confirm_delete", "arguments": [:]], capabilities: Self.all)
        let id = try await client.next()["result"]?["taskId"] ?? nil
        client.modern(
            "s", "subscriptions/listen", ["notifications": ["taskIds": [id, "none"]]], capabilities: Self.all)
        let told = try await client.next()
        #expect(told["method"] == "notifications/subscriptions/acknowledged")
        #expect(told["params"]?["notifications"] == ["taskIds": [id]])
        var notice = try await client.next()
        while notice["params"]?["status"] != "input_required" { notice = try await client.next() }
        #expect(notice["method"] == "notifications/tasks")
        #expect(notice["params"]?["taskId"] == id)
        #expect(notice["params"]?["inputRequests"]?["confirm"] != nil)
        #expect(notice["params"]?["_meta"]?["io.modelcontextprotocol/subscriptionId"] == "s")
        client.modern(
            2, "tasks/update",
            [
                "taskId": id, "inputResponses": ["confirm": ["action": "accept", "content": ["confirm": true]]],
            ], capabilities: Self.all)
        while notice["params"]?["status"] != "completed" { notice = try await client.next() }
        #expect(notice["params"]?["result"]?["content"]?[0]?["text"] == "Deleted the file.")
        client.closeInput()
        try await client.end()
    }

    @Test("2025-11-25: a call with a task gets the task; its result can be waited for, and names the task")
    func legacy() async throws {
        let session = try await client.session()
        let begun = try await session.request(
            "tools/call", ["name": "slow_compute", "arguments": ["seconds": 0.01], "task": ["ttl": 60_000]])
        let task = begun.message["result"]?["task"]
        #expect(task?["status"] == "working" && task?["ttl"] == 60_000 && task?["pollInterval"] == 200)
        let id = try #require(task?["taskId"])
        let got = try await session.request("tasks/get", ["taskId": id]).message["result"]
        #expect(got?["taskId"] == id && got?["result"] == nil)
        let result = try await session.request("tasks/result", ["taskId": id]).message["result"]
        #expect(result?["content"]?[0]?["text"] == "Computed it.")
        #expect(result?["_meta"]?["io.modelcontextprotocol/related-task"] == ["taskId": id])
        let listed = try await session.request("tasks/list").message["result"]?["tasks"]?.array ?? []
        #expect(listed.map { $0["taskId"] } == [id])
        #expect(try await session.request("tasks/cancel", ["taskId": id]).message["error"]?["code"] == -32602)
        #expect(try await session.request("tasks/update", ["taskId": id]).message["error"]?["code"] == -32601)
        let plain = try await session.request("tools/call", ["name": "slow_compute", "arguments": [:]])
        #expect(plain.message["result"]?["content"]?[0]?["text"] == "Computed it.")
    }

    @Test("2025-11-25: a tool says whether it supports tasks, and a wrong call is refused")
    func legacyRefusals() async throws {
        let session = try await client.session()
        for (tool, task) in [("greet", [:] as JSONValue?), ("failing_job", nil)] {
            var params: JSONObject = ["name": .string(tool), "arguments": [:]]
            params["task"] = task
            #expect(try await session.request("tools/call", params).message["error"]?["code"] == -32601, "\(tool)")
        }
        for odd: JSONValue in ["soon", -1, 0.5, 1e300, true] {
            let refused = try await session.request("tools/call", ["name": "slow_compute", "task": ["ttl": odd]])
            #expect(refused.message["error"]?["code"] == -32602, "\(odd)")
        }
        let whole = try await session.request(
            "tools/call", ["name": "slow_compute", "arguments": ["seconds": 0.01], "task": ["ttl": 60_000.0]])
        #expect(whole.message["result"]?["task"]?["ttl"] == 60_000)
    }

    @Test("2025-11-25: the task of a failed tool has failed, and its result is that of the call")
    func legacyFailure() async throws {
        let session = try await client.session()
        let begun = try await session.request("tools/call", ["name": "failing_job", "arguments": [:], "task": [:]])
        let id = try #require(begun.message["result"]?["task"]?["taskId"])
        #expect(try await session.request("tasks/result", ["taskId": id]).message["result"]?["isError"] == true)
        #expect(try await session.request("tasks/get", ["taskId": id]).message["result"]?["status"] == "failed")
        let listed = try await session.request("tasks/list").message["result"]?["tasks"]?.array ?? []
        #expect(listed.map { $0["status"] } == ["failed"])
    }

    @Test("2025-11-25: a cancelled task is cancelled before the answer is sent")
    func legacyCancelling() async throws {
        let session = try await client.session()
        let begun = try await session.request(
            "tools/call", ["name": "slow_compute", "arguments": ["seconds": 600], "task": [:]])
        let id = try #require(begun.message["result"]?["task"]?["taskId"])
        let cancelled = try await session.request("tasks/cancel", ["taskId": id]).message["result"]
        #expect(cancelled?["status"] == "cancelled")
        #expect(try await session.request("tasks/result", ["taskId": id]).message["error"]?["code"] == -32602)
    }

    @Test("2025-11-25: a task's questions are asked while its result is waited for; its states are reported")
    func legacyQuestions() async throws {
        let client = try TestClient(try ConformanceServer.make())
        _ = try await client.initialize(capabilities: ["elicitation": [:]])
        client.request(1, "tools/call", ["name": "confirm_delete", "arguments": [:], "task": [:]])
        var notices: [JSONValue] = []
        func answer(_ id: JSONValue) async throws -> JSONValue {
            while true {
                let message = try await client.next()
                if message["id"] == id { return message }
                if message["method"] == "elicitation/create" {
                    #expect(message["params"]?["_meta"]?["io.modelcontextprotocol/related-task"] != nil)
                    client.send([
                        "jsonrpc": "2.0", "id": message["id"] ?? nil,
                        "result": ["action": "accept", "content": ["confirm": true]],
                    ])
                } else {
                    notices.append(message)
                }
            }
        }
        let id = try #require(try await answer(1)["result"]?["task"]?["taskId"])
        client.request(2, "tasks/result", ["taskId": id])
        #expect(try await answer(2)["result"]?["content"]?[0]?["text"] == "Deleted the file.")
        while notices.last?["params"]?["status"] != "completed" { notices.append(try await client.next()) }
        #expect(notices.allSatisfy { $0["method"] == "notifications/tasks/status" })
        #expect(notices.allSatisfy { $0["params"]?["taskId"] == id })
        client.closeInput()
        try await client.end()
    }
}
