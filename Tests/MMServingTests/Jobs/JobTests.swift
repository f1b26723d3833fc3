import MMCore
import MMMCP
import MMOperations
import MMSystem
import Testing

@testable import MMServing

@Suite("Calls that last", .timeLimit(.minutes(10)))
struct JobTests {
    /// An operation that goes on until a test lets it end.
    private struct Slow: CatalogueOperation {
        let release: OneShot<Void>
        let ended: OneShot<Bool>
        let declaration = OperationDeclaration(
            "slow", command: ["slow"], title: "Slow", summary: "Waits.", effects: .init(readOnly: true, openWorld: true)
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

    private let home: ServingHome
    private let release = OneShot<Void>()
    private let ended = OneShot<Bool>()

    init() throws { home = try ServingHome() }

    private func projection(_ patience: Duration = .seconds(2)) throws -> CatalogueServer {
        let catalogue = Catalogue(Catalogue.standard.operations + [AnyOperation(Slow(release: release, ended: ended))])
        var faceOptions = try MCPFaceOptions(words: ["--structured-output"])
        faceOptions.patience = patience
        return CatalogueServer(
            service: LocalOperationService(catalogue: catalogue, services: home.services), services: home.services,
            options: faceOptions)
    }

    private func face(_ patience: Duration = .seconds(2)) throws -> HTTPFace {
        try face(of: projection(patience))
    }

    private func face(of projection: CatalogueServer) throws -> HTTPFace {
        let server = try projection.server()
        let options = try #require(try MCPFaceOptions(words: ["--http", "127.0.0.1:0"]).http)
        return try HTTPFace.start(server, options, secret: nil, log: .off)
    }

    private func call(_ caller: HTTPCaller, _ session: String, _ name: String, _ arguments: JSONObject = [:])
        async throws -> JSONValue
    {
        try await caller.call(session, "tools/call", ["name": .string(name), "arguments": .object(arguments)])
    }

    @Test("how long a call is waited for comes from the command line, else from the environment, else it is 45 s")
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

    @Test("a call that takes long answers with a handle, and its result is read by it")
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
        // The wait is short here: it may be over before the result is there.
        while done["structuredContent"]?["status"] == "running" {
            done = try await call(caller, session, "mm__output", ["handle": handle, "action": "wait"])
        }
        #expect(done["structuredContent"] == ["rows": 3])
        // Reading changes nothing.
        #expect(try await call(caller, session, "mm__output", ["handle": handle]) == done)
        await face.stop(graceful: .zero)
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

    @Test("a job outlives the server that a gateway started for one call: the next one reads, waits for and ends it")
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

    @Test("the front-ends of one home bear one name at pools, and those of another home another")
    func names() throws {
        let (one, other) = (home.services.paths, try ServingHome().services.paths)
        let name = try #require(HomeName(one).text)
        #expect(HomeName(one).text == name)
        #expect(HomeName(other).text != name)
    }

    @Test("a server that lives as long as its client says that what goes on ends with it")
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

    @Test("a quick call has no handle, and an unknown one is told so")
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

    @Test("calling the request off ends the work")
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
