import Glibc
import MMSystem
import MicrosoftMaster
import TestSupport
import Testing

@Suite("mm in a Swift program", .timeLimit(.minutes(5)))
struct LibraryFaceTests {
    private let home: TestHome

    init() throws { home = try TestHome() }

    @Test("calls any operation of the catalogue by its name")
    func embedded() async throws {
        try ProtectedFile.replace(
            home.paths.registry, with: Array(#"{"connections":{"Contoso":{"tenant":"contoso.com"}}}"#.utf8))
        let mm = MM.embedded(named: "test", environment: home.environment)
        let answer = try await mm("connections")
        #expect(JSONWriter.string(try await answer.json()).contains("Contoso"))
        let verdict = try await mm("guard_check", ["script": "Get-Mailbox | Remove-Mailbox"]).json()
        #expect(verdict["verdict"] == "ask", "\(verdict)")
        let error = await #expect(throws: MMError.self) { _ = try await mm("no_such_operation") }
        #expect(error?.code == .notFound)
        await mm.close()
    }

    @Test("isn't ended by SIGPIPE when a command ends before it has read its input")
    func brokenPipe() async {
        // In a process of its own, because the other tests ignore the signal.
        await #expect(processExitsWith: .success) {
            signal(SIGPIPE, SIG_DFL)
            let (readEnd, writeEnd) = try FileDescriptor.pipe().ends()
            let writer = try PolledWriter(FileDescriptor(owning: writeEnd))
            close(readEnd)
            let error = await #expect(throws: MMError.self) { try await writer.write([1]) }
            #expect(error?.message == "The peer has closed the connection.")
        }
    }

    @Test("leaves a program its own handler of SIGPIPE")
    func ownHandler() async {
        await #expect(processExitsWith: .success) {
            signal(SIGPIPE) { _ in }
            Signals.ignoreBrokenPipes()
            let now = unsafeBitCast(signal(SIGPIPE, SIG_IGN), to: Int.self)
            #expect(now != unsafeBitCast(SIG_IGN, to: Int.self) && now != unsafeBitCast(SIG_DFL, to: Int.self))
        }
    }

    @Test("isn't ended when no descriptor is left: the scheduler of tasks needs one each second")
    func shortage() async {
        await #expect(processExitsWith: .success) {
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
            var limit = rlimit()
            #expect(getrlimit(resource, &limit) == 0)
            limit.rlim_cur = 64
            #expect(setrlimit(resource, &limit) == 0)
            // The scheduler takes some for good with its first timer.
            try await Task.sleep(for: .milliseconds(1))
            while dup(0) >= 0 {}
            // It looks at its threads while tasks wait for one.
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<200 { group.addTask { usleep(50_000) } }
            }
            #expect(dup(0) == -1 && errno == EMFILE)
            #expect(getrlimit(resource, &limit) == 0 && limit.rlim_cur == 64)
        }
    }

    @Test("accepts a typed call, and judges it like one by name")
    func typed() async throws {
        struct GuardCheck: OperationCall {
            static let operation = "guard_check"
            let script: String
            var members: JSONObject { ["script": .string(script)] }
        }
        let mm = MM.embedded(named: "test", environment: home.environment)
        #expect(try await mm(GuardCheck(script: "Get-Mailbox")).json()["verdict"] == "allow")
        #expect(try await mm(GuardCheck(script: "Get-Mailbox | Remove-Mailbox")).json()["verdict"] == "ask")
        await mm.close()
    }

    @Test(
        "reads rows one at a time, whatever the format of the answer",
        arguments: [
            (OperationAnswer(.value([1, 2])), [1, 2]), (OperationAnswer(.value(["id": "a"])), [["id": "a"]]),
            (OperationAnswer(.json(Array(#"{"value":[{"id":"a"},{"id":"b"}]}"#.utf8))), [["id": "a"], ["id": "b"]]),
            // An object with a list is one row.
            (OperationAnswer(.json(Array(#"{"id":"a","value":[1]}"#.utf8))), [["id": "a", "value": [1]]]),
            (OperationAnswer(.text("t")), ["t"]), (OperationAnswer(.value([])), []),
        ] as [(OperationAnswer, [JSONValue])])
    func rows(answer: OperationAnswer, wanted: [JSONValue]) async throws {
        var rows: [JSONValue] = []
        for try await row in answer.rows { rows.append(row) }
        #expect(rows == wanted)
    }

    @Test("fetches a list's rows while they are read, and ends at an error")
    func list() async throws {
        let batches = Mutex([[#"{"id":1}"#, #"{"id":2}"#], [], [#"{"id":3}"#]])
        let stream = ItemStream { () async throws(MMError) in
            batches.withLock { $0.isEmpty ? nil : $0.removeFirst().map { Array($0.utf8)[...] } }
        }
        var ids: [Int] = []
        for try await row in OperationAnswer(.items(stream)).rows { ids.append(row["id"]?.int ?? 0) }
        #expect(ids == [1, 2, 3])
        func torn() -> OperationAnswer {
            OperationAnswer(.items(ItemStream(startingWith: [Array("{".utf8)[...]]) { nil }))
        }
        await #expect(throws: MMError.self) { for try await _ in torn().rows {} }
        await #expect(throws: MMError.self) { _ = try await torn().json() }
    }

    @Test("tells what an answer lacks although its call ended: at once, and after the last row of a list")
    func incomplete() async throws {
        var whole = OperationAnswer(.value([1]))
        #expect(whole.whatIsMissing.isEmpty)
        whole.missing = "One step was left out."
        whole.errors = [ReportedError("There is no mailbox x.")]
        #expect(whole.whatIsMissing == ["One step was left out.", "There is no mailbox x."])
        let rest = Mutex([#"{"id":1}"#])
        let list = OperationAnswer(
            .items(
                ItemStream(
                    end: {
                        var end = AnswerEnd()
                        if rest.withLock({ $0.isEmpty }) {
                            end.errors = [ReportedError("Fabrikam can't sign in.")]
                            end.notes = ["1 row from 1 of 2 connections."]
                        }
                        return end
                    },
                    next: { () async throws(MMError) in
                        rest.withLock { $0.isEmpty ? nil : [Array($0.removeFirst().utf8)[...]] }
                    })))
        #expect(list.whatIsMissing.isEmpty && list.closingNotes.isEmpty)
        for try await _ in list.rows {}
        #expect(list.whatIsMissing == ["Fabrikam can't sign in."])
        #expect(list.closingNotes == ["1 row from 1 of 2 connections."])
    }

    @Test(
        "tells that pages follow the first, whose rows look like all",
        arguments: [
            (#"{"value":[{"id":"a"}],"@odata.nextLink":"https://graph.microsoft.com/v1.0/users?x"}"#, true),
            (#"{"value":[{"id":"a"}],"nextLink":"https://management.azure.com/x"}"#, true),
            (#"{"value":[{"id":"a"}]}"#, false), (#"{"value":[],"@odata.nextLink":""}"#, false),
        ])
    func firstPage(text: String, isFirst: Bool) {
        #expect(OperationAnswer(.json(Array(text.utf8))).whatIsMissing.contains { $0.contains("`all`") } == isFirst)
    }

    @Test("finds no running pool, and says what to install if none can be started")
    func nothing() async throws {
        var environment = home.environment
        environment["MM_PROGRAM"] = "/no/such/mm"
        let pool = UserPool(environment: environment)
        #expect(try await pool.running() == nil)
        let error = await #expect(throws: MMError.self) { _ = try await pool.started() }
        #expect(error?.code == .unavailable && error?.hint?.contains("MM_PROGRAM") == true)
        environment["MM_SESSION_POOL_URL"] = "http://127.0.0.1:5200"
        #expect(try await UserPool(environment: environment).running() != nil)
        environment["MM_SESSION_POOL_URL"] = "gopher://x"
        let bad = UserPool(environment: environment)
        await #expect(throws: MMError.self) { _ = try await bad.running() }
    }
}
