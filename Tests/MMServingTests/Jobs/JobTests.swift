import MMCore
import MMHTTP
import MMMCP
import MMOperations
import MMSystem
import TestSupport
import Testing

@testable import MMServing

@Suite("Long calls", .timeLimit(.minutes(10)))
struct JobTests {
    /// An operation that runs until a test ends it.
    private struct Slow: CatalogueOperation {
        let release: OneShot<Void>
        let ended: OneShot<Bool>
        let declaration = OperationDeclaration(
            "slow", command: ["slow"], title: "Slow", summary: "Waits.",
            effects: .init(readOnly: true, openWorld: true),
            home: .pool
        )

        func run(_ input: NoInput, in context: OperationContext, with services: Void) async throws(MMError)
            -> OperationAnswer
        {
            context.call.progress(ProgressReport(done: 1, message: "half way"))
            await withTaskCancellationHandler {
                await release.wait()
            } onCancel: {
                release.resolve(())
            }
            ended.resolve(Task.isCancelled)
            guard !Task.isCancelled else { throw MMError(.cancelled, "Called off.") }
            return .value(["rows": 3])
        }
    }

    /// Counts the lists of jobs that were read.
    private struct Counted: OperationService {
        let service: LocalOperationService
        let lists: Noted<Int>
        var catalogue: Catalogue { service.catalogue }

        func call(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext) async throws(MMError)
            -> OperationAnswer
        {
            let answer = try await service.call(operation, arguments, in: context)
            if operation.declaration.name == "jobs" { lists.change { $0 += 1 } }
            return answer
        }

        func forget(_ client: CallContext) async { await service.forget(client) }
    }

    private let home: ServingHome
    private let lists = Noted(0)
    private let release = OneShot<Void>()
    private let ended = OneShot<Bool>()

    init() throws { home = try ServingHome() }

    private func projection(_ patience: Duration = .seconds(2)) throws -> CatalogueServer {
        let catalogue = Catalogue(Catalogue.standard.operations + [AnyOperation(Slow(release: release, ended: ended))])
        var faceOptions = try MCPFaceOptions(words: ["--structured-output"])
        faceOptions.patience = patience
        let service = LocalOperationService(catalogue: catalogue, services: home.services)
        return CatalogueServer(
            service: Counted(service: service, lists: lists), services: home.services, options: faceOptions,
            principals: PrincipalTable())
    }

    private func face(_ patience: Duration = .seconds(2)) throws -> HTTPFace {
        try face(of: projection(patience))
    }

    private func face(of projection: CatalogueServer) throws -> HTTPFace {
        let server = try projection.server()
        let options = try #require(try MCPFaceOptions(words: ["--http", "127.0.0.1:0"]).http)
        return try HTTPFace.start(server, options, secret: nil, gate: nil, log: .off)
    }

    private func call(_ caller: HTTPCaller, _ session: String, _ name: String, _ arguments: JSONObject = [:])
        async throws -> JSONValue
    {
        try await caller.call(session, "tools/call", ["name": .string(name), "arguments": .object(arguments)])
    }

    @Test("the time to wait for a call comes from the command line, then the environment, then it is 45 s")
    func patience() throws {
        func seconds(_ words: [String], _ environment: [String: String] = [:]) throws(MMError) -> Duration {
            try MCPFaceOptions(words: words, environment: environment).patience
        }
        #expect(try seconds([]) == .seconds(45))
        #expect(try seconds([], ["MM_PATIENCE": "300"]) == .seconds(300))
        #expect(try seconds(["--patience", "600"], ["MM_PATIENCE": "300"]) == .seconds(600))
        #expect(try seconds([], ["MM_PATIENCE": ""]) == .seconds(45))
        for wrong in ["x", "-1", "86401"] {
            let error = #expect(throws: MMError.self) { try seconds([], ["MM_PATIENCE": wrong]) }
            #expect(error?.code == .invalidInput && error?.message.contains("MM_PATIENCE") == true)
        }
    }

    @Test("a long call returns a handle, by which its result is read")
    func handle() async throws {
        let face = try face()
        let caller = HTTPCaller(face)
        let session = try await caller.initialize()
        let first = try await call(caller, session, "mm__slow")
        #expect(first["isError"] == false)
        #expect(first["structuredContent"]?["status"] == "running")
        let handle = try #require(first["structuredContent"]?["handle"])
        #expect(first["content"]?[0]?["text"]?.string?.contains("mm__output {\"handle\": \"job-") == true)
        var still = try await call(caller, session, "mm__output", ["handle": handle])
        #expect(still["structuredContent"]?["status"] == "running")
        while still["structuredContent"]?["progress"] != "half way" {
            still = try await call(caller, session, "mm__output", ["handle": handle])
            try #require(still["structuredContent"]?["status"] == "running")
        }
        release.resolve(())
        #expect(await ended.wait() == false)
        var done = try await call(caller, session, "mm__output", ["handle": handle, "action": "wait"])
        // The wait is short here: it may end before the result is there.
        while done["structuredContent"]?["status"] == "running" {
            done = try await call(caller, session, "mm__output", ["handle": handle, "action": "wait"])
        }
        #expect(done["structuredContent"] == ["rows": 3])
        // Reading changes nothing.
        #expect(try await call(caller, session, "mm__output", ["handle": handle]) == done)
        await face.stop(graceful: .zero)
    }

    /// A request of the modern era from a client that supports tasks.
    private func modern(_ caller: HTTPCaller, _ method: String, _ params: JSONObject) async throws -> JSONValue {
        var params = params
        params["_meta"] = [
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": ["extensions": ["io.modelcontextprotocol/tasks": [:]]],
        ]
        let name = params["taskId"]?.string ?? params["name"]?.string ?? ""
        let answer = try await caller.post(
            ["jsonrpc": "2.0", "id": 7, "method": .string(method), "params": .object(params)],
            ["MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method, "Mcp-Name": name])
        guard answer.headers["Content-Type"]?.hasPrefix("text/event-stream") == true else {
            let message = try JSONParser.parse(answer.body)
            return message["result"] ?? message
        }
        // The answer after a while is the last event of a stream.
        var events = SSEParser()
        let last = try events.consume(answer.body).last { !$0.data.isEmpty }
        let message = try JSONParser.parse(try #require(last).data)
        return message["result"] ?? message
    }

    @Test("a client that supports tasks gets the job as one, and its result when it is done")
    func task() async throws {
        let face = try face(.milliseconds(1))
        let caller = HTTPCaller(face)
        let begun = try await modern(caller, "tools/call", ["name": "mm__slow", "arguments": [:]])
        #expect(begun["resultType"] == "task" && begun["status"] == "working", "\(begun)")
        let id = try #require(begun["taskId"])
        #expect(id.string?.hasPrefix("job-") == true)
        var task = try await modern(caller, "tasks/get", ["taskId": id])
        while task["statusMessage"] != "half way" {
            try #require(task["status"] == "working", "\(task)")
            task = try await modern(caller, "tasks/get", ["taskId": id])
        }
        release.resolve(())
        while task["status"] == "working" { task = try await modern(caller, "tasks/get", ["taskId": id]) }
        #expect(task["status"] == "completed" && task["statusMessage"] == nil)
        #expect(task["result"]?["structuredContent"] == ["rows": 3])
        #expect(try await modern(caller, "tasks/get", ["taskId": "job-another"])["error"]?["code"] == -32602)
        // A short call needs no task.
        let soon = try await modern(caller, "tools/call", ["name": "mm__status", "arguments": [:]])
        #expect(soon["resultType"] == "complete")
        await face.stop(graceful: .zero)
    }

    @Test("cancelling a task cancels its work")
    func cancelledTask() async throws {
        let face = try face(.milliseconds(1))
        let caller = HTTPCaller(face)
        let begun = try await modern(caller, "tools/call", ["name": "mm__slow", "arguments": [:]])
        let id = try #require(begun["taskId"], "\(begun)")
        #expect(try await modern(caller, "tasks/cancel", ["taskId": id])["resultType"] == "complete")
        #expect(await ended.wait() == true)
        var task = try await modern(caller, "tasks/get", ["taskId": id])
        while task["status"] == "working" { task = try await modern(caller, "tasks/get", ["taskId": id]) }
        #expect(task["status"] == "cancelled")
        await face.stop(graceful: .zero)
    }

    @Test("a client of a session that asks for a task gets one even for a call that ends at once, successful or not")
    func demandedTask() async throws {
        let face = try face()
        let caller = HTTPCaller(face)
        let session = try await caller.initialize()
        release.resolve(())
        for (name, isError) in [("mm__slow", false), ("mm__run", true)] as [(JSONValue, JSONValue)] {
            let arguments: JSONValue =
                isError == true ? ["connection": "Nope", "module": "exo", "command": "Get-Mailbox"] : [:]
            let begun = try await caller.call(
                session, "tools/call", ["name": name, "arguments": arguments, "task": ["ttl": 60_000]])
            #expect(begun["task"]?["status"] == "working", "\(begun)")
            let id = try #require(begun["task"]?["taskId"], "\(begun)")
            let result = try await caller.call(session, "tasks/result", ["taskId": id])
            #expect(result["isError"] == isError)
            let listed = try await caller.call(session, "tasks/list")["tasks"]?.array ?? []
            let status: JSONValue = isError == true ? "failed" : "completed"
            #expect(listed.contains { $0["taskId"] == id && $0["status"] == status }, "\(listed)")
            #expect(try await caller.call(session, "tasks/get", ["taskId": id])["status"] == status)
        }
        await face.stop(graceful: .zero)
    }

    @Test("a job is a resource of its owner, and subscribers are told of its end")
    func subscribed() async throws {
        let face = try face(.milliseconds(1))
        let caller = HTTPCaller(face)
        let session = try await caller.initialize()
        let handle = try #require(try await call(caller, session, "mm__slow")["structuredContent"]?["handle"]?.string)
        let uri = JSONValue.string("mm://jobs/\(handle)")
        let read = try await caller.call(session, "resources/read", ["uri": uri])["contents"]?[0]?["text"]?.string
        #expect(try JSONParser.parse(try #require(read))["state"] == "running")
        let listed = try await caller.call(session, "resources/list")["resources"]?.array ?? []
        #expect(listed.contains { $0["uri"] == uri })
        let stream = try await caller.listen(session)
        #expect(try await caller.call(session, "resources/subscribe", ["uri": uri]) == [:])
        // What changes is compared with the first reading, which takes two lists at most.
        let before = lists.now
        #expect(await eventually { lists.now >= before + 3 })
        var events = SSEParser()
        var told = false
        release.resolve(())
        for try await piece in stream.chunks {
            for event in try events.consume(piece) where !event.data.isEmpty {
                let message = try JSONParser.parse(event.data)
                told =
                    told || message["method"] == "notifications/resources/updated" && message["params"]?["uri"] == uri
            }
            if told { break }
        }
        #expect(told)
        await face.stop(graceful: .zero)
    }

    @Test("a job whose node has gone is a failed task, not a completed one")
    func gone() {
        let task = JobTasks.task(JobRow("job-1", "graph_request", nil))
        guard case .completed(let result) = task.status else {
            Issue.record("the task is not over")
            return
        }
        #expect(result.isError)
    }

    @Test("a job is cancelled by its handle")
    func cancel() async throws {
        let face = try face()
        let caller = HTTPCaller(face)
        let session = try await caller.initialize()
        let handle = try #require(try await call(caller, session, "mm__slow")["structuredContent"]?["handle"])
        var answer = try await call(caller, session, "mm__output", ["handle": handle, "action": "cancel"])
        #expect(await ended.wait() == true)
        while answer["structuredContent"]?["status"] == "running" {
            answer = try await call(caller, session, "mm__output", ["handle": handle, "action": "wait"])
        }
        #expect(
            answer["structuredContent"]?["status"] == "cancelled" || answer["structuredContent"]?["code"] == "cancelled"
        )
        answer = try await call(caller, session, "mm__output", ["handle": handle])
        #expect(answer["isError"] == true)
        #expect(answer["structuredContent"]?["code"] == "cancelled")
        await face.stop(graceful: .zero)
    }

    @Test("a job survives the server that a gateway started for one call: the next one reads, waits for and ends it")
    func laterServer() async throws {
        let (one, other) = (try projection(), try projection())
        let first = try face(of: one)
        let session = try await HTTPCaller(first).initialize()
        let handle = try #require(
            try await call(HTTPCaller(first), session, "mm__slow")["structuredContent"]?["handle"])
        await first.stop(graceful: .zero)
        await one.close()
        let second = try face(of: other)
        let caller = HTTPCaller(second)
        let later = try await caller.initialize()
        let read = try await call(caller, later, "mm__output", ["handle": handle])
        #expect(read["structuredContent"]?["status"] == "running", "\(read)")
        var answer = try await call(caller, later, "mm__output", ["handle": handle, "action": "cancel"])
        while answer["structuredContent"]?["status"] == "running" {
            answer = try await call(caller, later, "mm__output", ["handle": handle, "action": "wait"])
        }
        #expect(await ended.wait() == true)
        await second.stop(graceful: .zero)
    }

    @Test("the front-ends of one home have one name at pools, those of another home another")
    func names() throws {
        let (one, other) = (home.services.paths, try ServingHome().services.paths)
        let name = try #require(HomeName(one).text)
        #expect(HomeName(one).text == name)
        #expect(HomeName(other).text != name)
    }

    @Test("a server that ends with its client says that running jobs end with it")
    func endsWithClient() async throws {
        home.services.jobs.setLifetime(.client)
        let face = try face(.milliseconds(1))
        let caller = HTTPCaller(face)
        let session = try await caller.initialize()
        let answer = try await call(caller, session, "mm__slow")
        #expect(answer["structuredContent"]?["note"]?.string?.contains("ends with this server") == true, "\(answer)")
        #expect(answer["content"]?[0]?["text"]?.string?.contains("ends with this server") == true)
        release.resolve(())
        await face.stop(graceful: .zero)
    }

    @Test("a quick call has no handle, and an unknown one is reported")
    func quick() async throws {
        let face = try face(.seconds(40))
        let caller = HTTPCaller(face)
        let session = try await caller.initialize()
        release.resolve(())
        #expect(try await call(caller, session, "mm__slow")["structuredContent"] == ["rows": 3])
        let answer = try await call(caller, session, "mm__output", ["handle": "job-nothing", "action": "wait"])
        #expect(answer["isError"] == true)
        await face.stop(graceful: .zero)
    }

    @Test("cancelling the request ends the work")
    func requestCancelled() async throws {
        let catalogue = Catalogue([AnyOperation(Slow(release: release, ended: ended))])
        let service = LocalOperationService(catalogue: catalogue, services: home.services)
        let begun = OneShot<Void>()
        let context = CallContext(
            caller: Caller(surface: .mcp, name: "t", server: "mm"), backgroundAfter: .seconds(40), sessionID: "a"
        ) { _ in begun.resolve(()) }
        let call = Task { () async -> MMErrorCode? in
            do throws(MMError) {
                _ = try await service.call("slow", [:], in: context)
                return nil
            } catch {
                return error.code
            }
        }
        await begun.wait()
        call.cancel()
        #expect(await ended.wait())
        #expect(await call.value == .cancelled)
    }
}
