import Glibc
import MMCore
import MMSessions
import MMSystem
import Testing

@testable import MMOperations

/// A call that outlives its caller's patience, at every face alike.
@Suite("Calls that are let go", .timeLimit(.minutes(10)))
struct DetachedCallTests {
    /// Waits for a test's word, then answers as the test wants.
    private struct Slow: CatalogueOperation {
        let release: OneShot<Void>
        let body: @Sendable () -> OperationAnswer.Body
        let declaration = OperationDeclaration(
            "slow", command: ["slow"], title: "Slow", summary: "Waits.",
            effects: .init(readOnly: true, openWorld: true))

        func run(_ input: NoInput, in context: OperationContext, with services: Void) async throws(MMError)
            -> OperationAnswer
        {
            if let person = context.call.person, person.canBeAsked {
                let question = ConfirmationQuestion(title: "really", pages: ["slow"], reason: "test")
                guard try await person.confirm(question) else { throw MMError(.denied, "no") }
            }
            context.call.progress(ProgressReport(done: 1, message: "half way"))
            await withTaskCancellationHandler {
                await release.wait()
            } onCancel: {
                release.resolve(())
            }
            guard !Task.isCancelled else { throw MMError(.cancelled, "Called off.") }
            return OperationAnswer(body())
        }
    }

    private struct Yes: ConfirmingPerson {
        func showSignIn(_ details: JSONObject) async {}
        func confirm(_ question: ConfirmationQuestion) async throws(MMError) -> Bool { true }
    }

    private let home = JobHome()
    private let release = OneShot<Void>()

    private func service(_ body: @escaping @Sendable () -> OperationAnswer.Body) -> LocalOperationService {
        let slow = AnyOperation(Slow(release: release, body: body))
        return LocalOperationService(
            catalogue: Catalogue(Catalogue.standard.operations + [slow]), services: home.services)
    }

    private func context(
        _ surface: Caller.Surface = .mcp, session: String? = "a", patience: Duration? = .seconds(1),
        person: (any ConfirmingPerson)? = nil
    ) -> CallContext {
        CallContext(
            caller: Caller(surface: surface, name: "t", server: surface == .terminal ? nil : "mm"),
            backgroundAfter: patience, sessionID: session, person: person)
    }

    private func handle(of answer: OperationAnswer) throws -> String {
        try #require(JobAnswer(answer)?.handle)
    }

    private func waited(_ service: LocalOperationService, _ handle: String, _ context: CallContext)
        async throws -> OperationAnswer
    {
        while true {
            let answer = try await service.call(
                "output", ["handle": .string(handle), "action": "wait"], in: context)
            if JobAnswer(answer) == nil { return answer }
        }
    }

    @Test("the answer is a handle, and the job's answer is read by it, again and again")
    func reads() async throws {
        let service = service { .value(["rows": 3]) }
        let handle = try handle(of: try await service.call("slow", [:], in: context()))
        var progress: String?
        while progress != "half way" {
            let running = try await service.call("output", ["handle": .string(handle)], in: context())
            progress = try #require(JobAnswer(running)).progress
            await Task.yield()
        }
        release.resolve(())
        for _ in 0..<2 {
            guard case .value(let value) = try await waited(service, handle, context()).body else {
                Issue.record("no value")
                return
            }
            #expect(value == ["rows": 3])
        }
    }

    @Test("who waits for a job, or watches all of them, hears how far they are", arguments: ["output", "jobs"])
    func progress(operation: String) async throws {
        let service = service { .value(["rows": 3]) }
        let handle = try handle(of: try await service.call("slow", [:], in: context()))
        let heard = Mutex<[String]>([])
        var watching = context(.terminal, patience: nil)
        let release = release
        watching.progress = { report in
            heard.withLock { $0.append(report.message) }
            if report.message.contains("half way") { release.resolve(()) }
        }
        let arguments: JSONObject =
            operation == "jobs" ? ["watch": true] : ["handle": .string(handle), "action": "wait"]
        let answer = try await service.call(operation, arguments, in: watching)
        #expect(JobAnswer(answer) == nil)
        #expect(heard.withLock { $0.contains { $0.contains("half way") } })
    }

    @Test(
        "another session or face has no such job; this user's terminal has",
        arguments: [(Caller.Surface.mcp, "b"), (.rest, "a"), (.library, "a")])
    func owners(surface: Caller.Surface, session: String) async throws {
        let service = service { .text("secret") }
        let handle = try handle(of: try await service.call("slow", [:], in: context()))
        for action in ["read", "wait", "cancel"] {
            await #expect(throws: MMError.self) {
                try await service.call(
                    "output", ["handle": .string(handle), "action": .string(action)],
                    in: context(surface, session: session))
            }
        }
        let jobs = try await service.call("jobs", [:], in: context(.terminal, patience: nil))
        guard case .value(let value) = jobs.body else {
            Issue.record("\(jobs.body)")
            return
        }
        #expect(value["jobs"]?[0]?["job"]?.string == handle)
        #expect(value["jobs"]?[0]?["state"] == "running")
        _ = try await service.call(
            "output", ["handle": .string(handle), "action": "cancel"], in: context(.terminal, patience: nil))
        let over = try home.services.jobs.table.work(handle, for: nil).report
        #expect(over.state == .cancelled)
    }

    @Test("a long list is kept in the store and given as rows, however often")
    func longList() async throws {
        let service = service {
            let batches = Mutex(0)
            return .items(
                ItemStream { () async throws(MMError) in
                    let number = batches.withLock { number in
                        number += 1
                        return number
                    }
                    guard number <= 50 else { return nil }
                    return (0..<100).map { row in Array("{\"row\": \(number * 100 + row)}".utf8)[...] }
                })
        }
        let handle = try handle(of: try await service.call("slow", [:], in: context()))
        release.resolve(())
        for _ in 0..<2 {
            let answer = try await waited(service, handle, context())
            #expect(answer.stored?.total == 5000)
            guard case .items(let stream) = answer.body else {
                Issue.record("no rows")
                return
            }
            var rows: [Int] = []
            while let batch = try await stream.next() {
                for item in batch { rows.append(try JSONParser.parse(item)["row"]?.int ?? -1) }
            }
            #expect(rows == Array(100..<5100))
        }
        let count = try await service.call(
            "output", ["handle": .string(handle), "filter": "length"], in: context())
        guard case .text(let text) = count.body else {
            Issue.record("\(count.body)")
            return
        }
        #expect(text == "5000\n")
        let part = try await service.call(
            "output", ["handle": .string(handle), "filter": ".[].row", "offset": 4990, "limit": 3], in: context())
        guard case .json(let bytes) = part.body else {
            Issue.record("no rows: \(part.body)")
            return
        }
        #expect(try JSONParser.parse(bytes) == [5090, 5091, 5092])
        #expect(part.notes.first == "rows 4990 to 4993 of 5000", "\(part.notes)")
        let lines: JSONObject = [
            "handle": .string(handle), "filter": ".[] | [.row] | @csv", "offset": 4998, "unit": "lines",
        ]
        guard case .text(let rest) = try await service.call("output", lines, in: context()).body else {
            Issue.record("no lines")
            return
        }
        #expect(rest.split(separator: "\n") == ["5098", "5099"])
    }

    @Test(
        "the answer is written where the caller wants it, once it is there",
        arguments: [
            (#"[{"a": 1}, {"a": 2}]"#, ["output": "csv"], "a\n1\n2\n"),
            (#"[{"a": 1}, {"a": 2}]"#, ["filter": ".[1].a", "output": "jsonl"], "2\n"), ("one\ntwo", [:], "one\ntwo"),
        ] as [(String, JSONObject, String)])
    func download(body: String, form: JSONObject, written: String) async throws {
        let service = service { body.hasPrefix("[") ? .json(Array(body.utf8)) : .text(body) }
        let handle = try handle(of: try await service.call("slow", [:], in: context()))
        var arguments = form
        arguments["handle"] = .string(handle)
        arguments["download"] = "handle"
        let early = try await service.call("output", arguments, in: context())
        #expect(JobAnswer(early)?.handle == handle)
        release.resolve(())
        _ = try await waited(service, handle, context())
        guard case .value(let value) = try await service.call("output", arguments, in: context()).body else {
            Issue.record("no handle")
            return
        }
        let outputs = home.services.outputs
        let bytes = try outputs.read(outputs.find(try #require(value["handle"]?.string)))
        #expect(String(decoding: bytes, as: UTF8.self) == written)
    }

    @Test("a large text does not stay in memory, and comes whole")
    func largeText() async throws {
        let text = String(repeating: "zwölf Boxkämpfer\n", count: 20_000)
        let service = service { .text(text) }
        let handle = try handle(of: try await service.call("slow", [:], in: context()))
        release.resolve(())
        let answer = try await waited(service, handle, context())
        #expect(answer.stored?.bytes == text.utf8.count)
        guard case .text(let given) = answer.body else {
            Issue.record("no text")
            return
        }
        #expect(given == text)
    }

    @Test("without patience a question is still put to the person, before the call is let go")
    func asksFirst() async throws {
        home.services.jobs.setLifetime()
        let service = service { .text("done") }
        let answer = try await service.call(
            "slow", [:], in: context(.terminal, patience: .zero, person: Yes()))
        let handle = try handle(of: answer)
        #expect(answer.text?.contains("mm output \(handle) --action wait") == true)
        release.resolve(())
        guard case .text(let text) = try await waited(service, handle, context(.terminal, patience: nil)).body else {
            Issue.record("no text")
            return
        }
        #expect(text == "done")
    }

    @Test("a process that ends with the command lets nothing go, and says what to do")
    func oneShot() async {
        let service = service { .text("") }
        await #expect {
            try await service.call("slow", [:], in: context(.terminal, patience: .zero))
        } throws: { error in
            (error as? MMError)?.hint?.contains("mm pool start") == true && (error as? MMError)?.exitCode == 7
        }
    }

    @Test("an error that comes at once is told at once, and no job is left")
    func early() async {
        home.services.jobs.setLifetime()
        let service = service { .text("") }
        await #expect(throws: MMError.self) {
            try await service.call(
                "run", ["connection": "nowhere", "module": "exo", "command": "1"],
                in: context(.terminal, patience: .zero))
        }
        #expect(home.services.jobs.table.reports(for: nil).isEmpty)
    }

    @Test("closing the services calls off what still runs")
    func close() async throws {
        let service = service { .text("") }
        _ = try await service.call("slow", [:], in: context())
        await home.services.close()
        #expect(home.services.jobs.table.reports(for: nil).isEmpty)
    }

    @Test(
        "a row of jobs reads as it was written, also one of a job whose node has gone",
        arguments: [JobReport.State.running, .done, .failed, .cancelled, nil])
    func row(state: JobReport.State?) throws {
        var row = JobRow("job-1", "graph_request", state)
        row.started = Timestamp(iso8601: "2026-11-29T10:00:00Z")
        row.seconds = 7
        row.progress = "half way"
        row.owner = "mcp mm"
        row.node = "http://n1"
        let answer = OperationAnswer.value(.object(JobRow.members(of: [row])))
        #expect(JobRow.rows(of: answer) == [row])
        #expect(JobRow.progress(of: [row]) == (state == .running ? "graph_request: half way" : nil))
    }

    @Test(
        "jobs are watched if the argument says so, in each form in which it may be given",
        arguments: [([:], false), (["watch": true], true), (["watch": "true"], true)] as [(JSONObject, Bool)])
    func watched(arguments: JSONObject, isWatched: Bool) throws {
        let jobs = try Catalogue.standard.require("jobs")
        #expect(try Jobs.watches(jobs, arguments) == isWatched)
        #expect(throws: MMError.self) { try Jobs.watches(jobs, ["wach": true]) }
        #expect(try Jobs.watches(try Catalogue.standard.require("sessions"), arguments) == false)
    }
}
