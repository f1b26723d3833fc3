import MMCore
import MMHTTP
import MMOperations
import Testing

@testable import MMPool

/// Every kind of answer and error that an operation can have, each as an operation.
private let table: [ScriptedOperation] = [
    ScriptedOperation("value") { input, _ in
        OperationAnswer(
            .value([
                "text": .string(input.text), "data": .object(input.data), "big": .number("12345678901234567890123"),
                "one": 1, "fraction": 1.0, "none": nil, "long": .string(String(repeating: "ü", count: 5_000)),
            ]),
            notes: ["first", "sécond\nline"], columns: ["text", "data"], text: "in words", connection: "Contoso")
    },
    ScriptedOperation("json") { _, _ in
        OperationAnswer(.json(Array("{ \"a\" : 1.50,\r\n\t\"b\": [1e400, \"\\u0041\"] }".utf8)), connection: "Contoso")
    },
    ScriptedOperation("broken-json") { _, _ in OperationAnswer(.json([0x7B, 0xFF, 0xFE, 0x00, 0x7D])) },
    ScriptedOperation("command") { _, _ in
        var answer = OperationAnswer(.bytes([0xFF, 0x0A], contentType: "text/plain"))
        (answer.exitStatus, answer.standardError) = (7, Array(0...255))
        return answer
    },
    ScriptedOperation("text") { _, _ in OperationAnswer(.text("line\r\nline\u{0}\n\n: no comment\ndata: no data\n")) },
    ScriptedOperation("empty") { _, _ in OperationAnswer(.text("")) },
    ScriptedOperation("bytes") { _, _ in
        OperationAnswer(.bytes(Array(0...255), contentType: "application/octet-stream"))
    },
    ScriptedOperation("items") { _, _ in
        let batches = Batches(count: 40)
        return OperationAnswer(
            .items(
                ItemStream(startingWith: [Array(#"{"id":"first"}"#.utf8)[...]]) { () async throws(MMError) in
                    batches.next()
                }), notes: ["a note"], columns: ["id"], connection: "Contoso")
    },
    ScriptedOperation("flows") { _, _ in
        let pieces = Mutex([
            CommandPiece(Array("out ü\n".utf8), isError: false), CommandPiece([0xC3, 0x00, 0xFF], isError: true),
        ])
        var end = AnswerEnd(notes: ["It is over."])
        end.exitStatus = 130
        return OperationAnswer(
            .output(
                ItemStream(end: { [end] in end }) { () async throws(MMError) in
                    pieces.withLock { $0.isEmpty ? nil : [$0.removeFirst().row] }
                }))
    },
    ScriptedOperation("no-items") { _, _ in OperationAnswer(.items(ItemStream { () async throws(MMError) in nil })) },
    ScriptedOperation("torn-items") { _, _ in
        let batches = Batches(count: 3)
        return OperationAnswer(
            .items(
                ItemStream { () async throws(MMError) in
                    if let batch = batches.next() { return batch }
                    throw MMError(.remoteFailed, "the second page is gone", retry: .after(.milliseconds(1_500)))
                }))
    },
    ScriptedOperation(
        "fails",
        with: MMError(
            .throttled, "slowly, “please”", hint: "wait\nthen again", retry: .after(.seconds(90)),
            details: ["nested": ["deep": [1, 2.5, nil]]], cause: "429")),
    ScriptedOperation("fails-now", with: MMError(.conflict, "again", retry: .now)),
    ScriptedOperation("fails-at-once", with: MMError(.conflict, "again", retry: .after(.zero))),
    ScriptedOperation("own-code", with: MMError(MMErrorCode("quite_new"), "never seen")),
    ScriptedOperation("context") { _, context in
        let call = context.call
        return .value([
            "surface": .string(call.caller.surface.rawValue), "name": .string(call.caller.name),
            "server": call.caller.server.map { .string($0) } ?? nil, "limit": .string("\(call.timeLimit)"),
            "waits": .bool(call.waitsForSignIn), "person": .bool(call.person != nil),
            "directory": call.directory.map { .string($0) } ?? nil,
        ])
    },
    ScriptedOperation("person-only", readOnly: false, audience: .person) { _, _ in .value("done") },
]

private final class Batches: Sendable {
    private let left: Mutex<Int>
    init(count: Int) { left = Mutex(count) }

    func next() -> [ArraySlice<UInt8>]? {
        let number: Int? = left.withLock { left in
            guard left > 0 else { return nil }
            left -= 1
            return left
        }
        return number.map { number in
            (0..<50).map { Array("{\"id\": \(number), \"row\":\t\($0), \"text\": \"[,]\\\"}\"}".utf8)[...] }
        }
    }
}

/// Input whose pieces are already available.
private final class Pieces: CallInput {
    private let left: Mutex<[[UInt8]]>
    private let fault: MMError?
    init(_ pieces: [[UInt8]], then fault: MMError? = nil) {
        left = Mutex(pieces)
        self.fault = fault
    }

    func next() async throws(MMError) -> [UInt8]? {
        if let piece = left.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { return piece }
        if let fault { throw fault }
        return nil
    }
}

extension AnswerEnd {
    fileprivate static func status(_ status: Int32) -> AnswerEnd {
        var end = AnswerEnd()
        end.exitStatus = status
        return end
    }
}

private struct Person: ConfirmingPerson {
    let says: Bool
    /// Why a person can't be asked.
    var fault: MMError?
    let seen = Seen()

    final class Seen: Sendable {
        let questions = Mutex<[String]>([])
        let signIns = Mutex<[JSONObject]>([])
    }

    func showSignIn(_ details: JSONObject) async { seen.signIns.withLock { $0.append(details) } }

    func confirm(_ question: ConfirmationQuestion) async throws(MMError) -> Bool {
        seen.questions.withLock {
            $0.append("\(question.title)|\(question.pages.joined(separator: "|"))|\(question.reason)")
        }
        if let fault { throw fault }
        return says
    }
}

@Suite("A pool behind a socket answers like the catalogue in this process", .timeLimit(.minutes(5)))
struct ContractTests {
    private static let calls: [(String, JSONObject)] =
        table.map { ($0.declaration.name, ["text": "Grüße, \u{1F980}"]) } + [
            ("value", ["data": ["a": 1, "b": [true, nil]]]), ("value", ["number": 11]), ("value", ["nonsense": 1]),
            ("value", ["text": 5]), ("no-such-operation", [:]), ("valu", [:]), ("../value", [:]),
        ]

    @Test("the same calls get the same answers and errors", arguments: [Caller.Surface.terminal, .mcp, .library])
    func equal(_ surface: Caller.Surface) async throws {
        let home = try RESTHome()
        let local = home.service(table)
        let pool = try SocketPool(home, local)
        let remote = pool.remote(local.catalogue)
        var context = CallContext(
            caller: Caller(surface: surface, name: "clïent % 2.1\tx", server: surface == .mcp ? "mm œ" : nil),
            timeLimit: .milliseconds(29_250), waitsForSignIn: true, person: Person(says: true))
        context.directory = "/grüße/50 %/" + String(repeating: "d", count: 2_000)
        let call = context
        for (name, arguments) in Self.calls {
            let here = await Ended.of { () async throws(MMError) in try await local.call(name, arguments, in: call) }
            let there = await Ended.of { () async throws(MMError) in
                try await remote.call(name, arguments, in: call)
            }
            #expect(here == there, "\(name) \(arguments)")
        }
        await pool.stop()
    }

    @Test("a call forgets what it gives only once when its answer has arrived", arguments: [true, false])
    func delivery(ofRows: Bool) async throws {
        let home = try RESTHome()
        let arrived = Mutex(0)
        let local = home.service([
            ScriptedOperation("news") { (_, _) async throws(MMError) in
                let rows = ItemStream(startingWith: [Array("1".utf8)[...]]) { nil }
                var answer = OperationAnswer(ofRows ? .items(rows) : .value(1))
                answer.delivery = Delivery { () async throws(MMError) in
                    arrived.withLock { $0 += 1 }
                    throw MMError(.unavailable, "The disk is full.")
                }
                return answer
            }
        ])
        let pool = try SocketPool(home, local)
        let context = CallContext(caller: Caller(surface: .terminal, name: "mm", server: nil))
        let answer = try await pool.remote(local.catalogue).call("news", [:], in: context)
        while try await answer.body.stream?.next() != nil {}
        #expect(arrived.withLock { $0 } == 0)
        // The failure on the pool's side is told here.
        let error = await #expect(throws: MMError.self) { try await answer.delivered() }
        #expect(error?.message == "The disk is full.")
        #expect(arrived.withLock { $0 } == 1)
        // A client that doesn't confirm has its answer when it is written.
        let events = ["Accept": "text/event-stream"] as HTTPHeaders
        _ = try await pool.send("POST", "/v1/operations/news", events, "{}")
        #expect(arrived.withLock { $0 } == 2)
        await pool.stop()
    }

    @Test("the person at the front-end is asked, and their answer counts", arguments: [true, false])
    func question(_ says: Bool) async throws {
        let home = try RESTHome()
        let local = home.service([
            ScriptedOperation("asks") { (_, context) async throws(MMError) in
                await context.call.person?.showSignIn(["userCode": "ABC"])
                let said = try await context.call.person?.confirm(
                    ConfirmationQuestion(title: "a title", pages: ["line 1\nline 2", "line 3"], reason: "why"))
                return .value(["said": .bool(said ?? false)])
            }
        ])
        let pool = try SocketPool(home, local)
        let person = Person(says: says)
        let answer = try await pool.remote(local.catalogue).call(
            "asks", [:],
            in: CallContext(caller: Caller(surface: .terminal, name: "mm", server: nil), person: person))
        guard case .value(let value) = answer.body else { throw MMError(.internalError, "no value") }
        #expect(value["said"]?.bool == says)
        #expect(person.seen.questions.withLock { $0 } == ["a title|line 1\nline 2|line 3|why"])
        #expect(person.seen.signIns.withLock { $0 } == [["userCode": "ABC"]])
        await pool.stop()
    }

    @Test("a text that a call asks for comes from the person at the front-end", arguments: ["lena", nil])
    func textQuestion(_ says: String?) async throws {
        let home = try RESTHome()
        let local = home.service([
            ScriptedOperation("asks") { (_, context) async throws(MMError) in
                let said = try await context.call.person?.answer(to: "Which user?")
                return .value(["said": (said ?? nil).map { .string($0) } ?? .null])
            }
        ])
        let pool = try SocketPool(home, local)
        let person = Answering(answer: says)
        let answer = try await pool.remote(local.catalogue).call(
            "asks", [:],
            in: CallContext(caller: Caller(surface: .terminal, name: "mm", server: nil), person: person))
        guard case .value(let value) = answer.body else { throw MMError(.internalError, "no value") }
        #expect(value["said"]?.string == says)
        #expect(person.seen.withLock { $0 } == ["Which user?"])
        await pool.stop()
    }

    private final class Answering: ConfirmingPerson {
        let answer: String?
        let seen = Mutex<[String]>([])

        init(answer: String?) { self.answer = answer }

        func showSignIn(_ details: JSONObject) async {}
        func confirm(_ question: ConfirmationQuestion) async throws(MMError) -> Bool { false }
        func answer(to question: String) async throws(MMError) -> String? {
            seen.withLock { $0.append(question) }
            return answer
        }
    }

    private final class Decider: ConfirmingPerson {
        let answer: ConfirmationAnswer
        let seen = Mutex<[ConfirmationQuestion]>([])

        init(_ answer: ConfirmationAnswer) { self.answer = answer }
        func showSignIn(_ details: JSONObject) async {}
        func confirm(_ question: ConfirmationQuestion) async throws(MMError) -> Bool { false }
        func decide(_ question: ConfirmationQuestion) async throws(MMError) -> ConfirmationAnswer {
            seen.withLock { $0.append(question) }
            return answer
        }
    }

    @Test(
        "a confirmation of further calls of the same kind reaches the call, with the offered number",
        arguments: [
            ConfirmationAnswer.no, .yes, .yesToAlike,
        ])
    func alike(_ says: ConfirmationAnswer) async throws {
        let home = try RESTHome()
        let local = home.service([
            ScriptedOperation("asks") { (_, context) async throws(MMError) in
                let question = ConfirmationQuestion(
                    title: "a title", pages: ["it"], reason: "why", moreOfKind: 7, isMidway: true)
                return .value(["said": .string(try await context.call.person?.decide(question).rawValue ?? "")])
            }
        ])
        let pool = try SocketPool(home, local)
        let person = Decider(says)
        let answer = try await pool.remote(local.catalogue).call(
            "asks", [:],
            in: CallContext(caller: Caller(surface: .terminal, name: "mm", server: nil), person: person))
        guard case .value(let value) = answer.body else { throw MMError(.internalError, "no value") }
        #expect(value["said"]?.string == says.rawValue)
        let asked = person.seen.withLock { $0 }
        #expect(asked.map(\.moreOfKind) == [7] && asked.map(\.isMidway) == [true])
        await pool.stop()
    }

    @Test("standard input is sent while the answer flows, and the exit status follows it")
    func input() async throws {
        let home = try RESTHome()
        let local = home.service([
            ScriptedOperation("echoes") { (_, context) async throws(MMError) in
                let input = context.call.input
                let end = AnswerEnd.status(7)
                return OperationAnswer(
                    .output(
                        ItemStream(end: { end }) { () async throws(MMError) in
                            try await input?.next().map { [CommandPiece($0, isError: false).row] }
                        }))
            }
        ])
        let pool = try SocketPool(home, local)
        var context = CallContext(caller: Caller(surface: .terminal, name: "mm", server: nil))
        let given = [Array(0...255), Array("ü".utf8), [UInt8](repeating: 7, count: 300_000)]
        context.input = Pieces(given)
        let answer = try await pool.remote(local.catalogue).call("echoes", [:], in: context)
        guard case .output(let stream) = answer.body else { throw MMError(.internalError, "nothing flows") }
        var pieces: [[UInt8]] = []
        while let rows = try await stream.next() { for row in rows { pieces.append(try CommandPiece(row: row).bytes) } }
        #expect(pieces == given)
        #expect(stream.end().exitStatus == 7)
        await pool.stop()
    }

    @Test("standard input that can't be read isn't taken for its end")
    func tornInput() async throws {
        let home = try RESTHome()
        let local = home.service([
            ScriptedOperation("reads", readOnly: false) { (_, context) async throws(MMError) in
                var bytes: [UInt8] = []
                while let piece = try await context.call.input?.next() { bytes += piece }
                return .value(["bytes": .int(Int64(bytes.count))])
            }
        ])
        let pool = try SocketPool(home, local)
        let fault = MMError(.invalidInput, "Standard input can't be read: Input/output error.")
        var context = CallContext(caller: Caller(surface: .terminal, name: "mm", server: nil))
        context.input = Pieces([[1, 2, 3]], then: fault)
        let ended = await Ended.of { () async throws(MMError) in
            try await pool.remote(local.catalogue).call("reads", [:], in: context)
        }
        #expect(ended == .error(ErrorWire.object(fault)))
        await pool.stop()
    }

    @Test("a question that can't be asked ends the call on both sides with the reason, and is recorded")
    func unputQuestion() async throws {
        let home = try RESTHome()
        let local = home.service([
            ScriptedOperation("asks", readOnly: false) { (_, context) async throws(MMError) in
                let question = ConfirmationQuestion(title: "a title", pages: ["it"], reason: "why")
                return .value(["said": .bool(try await context.call.person?.confirm(question) ?? false)])
            }
        ])
        let pool = try SocketPool(home, local)
        let fault = MMError(
            .confirmationNeeded, "The person has been asked.", hint: "Wait.", details: ["a": 1])
        let context = CallContext(
            caller: Caller(surface: .mcp, name: "test", server: "mm"), person: Person(says: true, fault: fault))
        let ended = await Ended.of { () async throws(MMError) in
            try await pool.remote(local.catalogue).call("asks", [:], in: context)
        }
        #expect(ended == .error(ErrorWire.object(fault)))
        let written = try home.services.audit.entries(limit: 10) { $0["operation"] == "asks" }
        #expect(written.map { $0["outcome"] } == ["confirmation_needed"])
        await pool.stop()
    }

    @Test("progress arrives during the call")
    func progress() async throws {
        let home = try RESTHome()
        let heard = Mutex<[ProgressReport]>([])
        let gate = Gate()
        let local = home.service([
            ScriptedOperation("works") { _, context in
                context.call.progress(ProgressReport(done: 1, total: 3, message: "one"))
                await gate.wait()
                return .value("done")
            }
        ])
        let pool = try SocketPool(home, local)
        let answer = try await pool.remote(local.catalogue).call(
            "works", [:],
            in: CallContext(caller: Caller(surface: .mcp, name: "test", server: nil)) { report in
                heard.withLock { $0.append(report) }
                gate.open()
            })
        guard case .value(let value) = answer.body else { throw MMError(.internalError, "no value") }
        #expect(value == "done")
        #expect(heard.withLock { $0 } == [ProgressReport(done: 1, total: 3, message: "one")])
        await pool.stop()
    }

    @Test("a call that is cancelled here ends there")
    func cancelled() async throws {
        let home = try RESTHome()
        let (started, ended) = (Gate(), Gate())
        let local = home.service([
            ScriptedOperation("waits") { (_, _) async throws(MMError) in
                started.open()
                while (try? await Task.sleep(for: .seconds(600))) != nil {}
                ended.open()
                throw MMError(.cancelled, "called off")
            }
        ])
        let pool = try SocketPool(home, local)
        let remote = pool.remote(local.catalogue)
        let context = CallContext(caller: Caller(surface: .mcp, name: "t", server: nil))
        let call = Task {
            await Ended.of { () async throws(MMError) in try await remote.call("waits", [:], in: context) }
        }
        await started.wait()
        call.cancel()
        guard case .error(let error) = await call.value else { throw MMError(.internalError, "it answered") }
        #expect(error["code"] == "cancelled")
        await ended.wait()
        await pool.stop()
    }

    @Test("a pool that is missing, or ends during a call, is reported as unavailable")
    func lost() async throws {
        let home = try RESTHome()
        let started = Gate()
        let local = home.service([
            ScriptedOperation("waits") { (_, _) async throws(MMError) in
                started.open()
                while (try? await Task.sleep(for: .seconds(600))) != nil {}
                try? await Task.sleep(for: .milliseconds(1))
                return .value("late")
            }
        ])
        let pool = try SocketPool(home, local)
        let remote = pool.remote(local.catalogue)
        let context = CallContext(caller: Caller(surface: .terminal, name: "t", server: nil))
        let call = Task {
            do throws(MMError) {
                _ = try await remote.call("waits", [:], in: context)
                return MMError(.internalError, "it answered")
            } catch {
                return error
            }
        }
        await started.wait()
        await pool.stop()
        let lost = await call.value
        // The stopping pool either breaks the stream off or still reports the cancellation.
        #expect(lost.exitCode == 7 || lost.code == .cancelled, "\(lost)")
        do throws(MMError) {
            _ = try await remote.call("waits", [:], in: context)
            Issue.record("it answered")
        } catch {
            #expect(error.exitCode == 7)
            #expect(error.hint?.contains("mm pool start") == true)
        }
    }

    @Test("the handshake identifies the process")
    func handshake() async throws {
        let home = try RESTHome()
        let pool = try SocketPool(home, home.service(table))
        #expect(try await pool.pool.handshake() == SocketPool.handshake)
        await pool.stop()
    }

    @Test("a list that was read to its end has no more rows for a second reader, as in one process")
    func readAgain() async throws {
        let home = try RESTHome()
        let local = home.service([
            ScriptedOperation("two") { _, _ in
                OperationAnswer(
                    .items(
                        ItemStream(startingWith: [Array("1".utf8)[...], Array("2".utf8)[...]]) {
                            () async throws(MMError) in nil
                        }))
            }
        ])
        let pool = try SocketPool(home, local)
        for service in [pool.remote(local.catalogue), local] as [any OperationService] {
            let answer = try await service.call(
                "two", [:], in: CallContext(caller: Caller(surface: .library, name: "t", server: nil)))
            guard case .items(let stream) = answer.body else { throw MMError(.internalError, "no list") }
            var count = 0
            while let batch = try await stream.next() { count += batch.count }
            #expect(count == 2)
            #expect(try await stream.next() == nil)
        }
        await pool.stop()
    }

    @Test("a list of any length can be sent, with a slow reader holding the pool back")
    func backPressure() async throws {
        let home = try RESTHome()
        let made = Mutex(0)
        let local = home.service([
            ScriptedOperation("endless") { _, _ in
                OperationAnswer(
                    .items(
                        ItemStream { () async throws(MMError) in
                            made.withLock { $0 += 1 }
                            return [Array("\"\(String(repeating: "x", count: 10_000))\"".utf8)[...]]
                        }))
            }
        ])
        let pool = try SocketPool(home, local)
        let answer = try await pool.remote(local.catalogue).call(
            "endless", [:], in: CallContext(caller: Caller(surface: .terminal, name: "t", server: nil)))
        guard case .items(let stream) = answer.body else { throw MMError(.internalError, "no list") }
        for _ in 0..<100 { #expect(try await stream.next()?.count == 1) }
        // The buffers on both sides and in the socket hold far less than an endless source produces.
        var before = -1
        var now = made.withLock { $0 }
        while now != before {
            before = now
            try await Task.sleep(for: .milliseconds(300))
            now = made.withLock { $0 }
        }
        #expect(now < 5_000, "\(now) batches were made ahead of 100 that were read")
        await pool.stop()
    }
}
