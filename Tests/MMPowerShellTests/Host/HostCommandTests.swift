import Glibc
import MMCore
import MMSystem
import Testing

@testable import MMPowerShell

@Suite("Commands of a host", .timeLimit(.minutes(10)))
struct HostCommandTests {
    @Test("all recordings are returned as recorded")
    func transcripts() async throws {
        let folder = try StandIn.folder()
        let host = try await PowerShellHost.start(StandIn.settings(folder: folder), deadline: .after(.seconds(300)))
        for transcript in Transcript.all {
            let answer = try await host.answer(transcript.command, deadline: .after(.seconds(300)))
            let records = transcript.frames.filter { $0["t"]?.string != "end" && $0["t"]?.string != "progress" }
            #expect(answer.records.map { $0.stream.rawValue } == records.map { $0["t"]?.string }, "\(transcript.name)")
            #expect(answer.records.map(\.value) == records.map { $0["v"] ?? nil }, "\(transcript.name)")
            #expect(answer.end?.state.rawValue == transcript.frames.last?["state"]?.string)
            if let place = transcript.frames.last?["location"]?.string {
                #expect(answer.end?.location == (place == "HOME" ? folder + "/home" : place), "\(transcript.name)")
            }
            for stream in [ConsoleText.Stream.stdout, .stderr] {
                let text = answer.console.filter { $0.stream == stream }.map(\.text).joined()
                let recorded = transcript.console.filter { $0.stream == stream }.map(\.text).joined()
                #expect(text == recorded, "\(transcript.name)")
            }
        }
        await host.close()
    }

    @Test("console text belongs to the running command, including the last piece")
    func console() async throws {
        let host = try await StandIn.host()
        for round in 0..<50 {
            let answer = try await host.all(
                "Invoke-StandIn console 'é\(round)'; Invoke-StandIn console 'e\(round)' stderr")
            #expect(Set(answer.console) == [ConsoleText(.stdout, "é\(round)"), ConsoleText(.stderr, "e\(round)")])
        }
        await host.close()
    }

    @Test("console text is the same however it arrives, with both outputs in order")
    func pieces() {
        var answer = PowerShellAnswer()
        let pieces: [(ConsoleText.Stream, String)] = [
            (.stdout, "1"), (.stdout, "0"), (.stdout, "1\n"), (.stderr, "no"), (.stdout, "2"),
        ]
        for (stream, text) in pieces { answer.add(.console(ConsoleText(stream, text)), limit: .max) }
        #expect(
            answer.console == [ConsoleText(.stdout, "101\n"), ConsoleText(.stderr, "no"), ConsoleText(.stdout, "2")])
    }

    @Test("progress takes no other record's place in an answer")
    func progress() {
        var answer = PowerShellAnswer()
        for value in 1...3 {
            answer.add(.record(PowerShellRecord(.progress, ["activity": "Reading"])), limit: 3)
            answer.add(.record(PowerShellRecord(.output, .int(Int64(value)))), limit: 3)
        }
        #expect(answer.values == [1, 2, 3] && answer.records.count == 3 && answer.dropped == 0)
    }

    @Test("text between two commands belongs to neither")
    func lateConsole() async throws {
        // It has to arrive after its command: on a slow machine repeat with a longer delay.
        for pause in [1_500, 12_000, 60_000] {
            let host = try await StandIn.host()
            let begun = ContinuousClock.now
            let first = try await host.all("Invoke-StandIn late-console secret-of-one \(pause)")
            let isEarly = ContinuousClock.now - begun < .milliseconds(pause)
            if isEarly {
                #expect(first.console == [])
                try await Task.sleep(for: .milliseconds(2 * pause))
                #expect(try await host.all("2").console == [])
            }
            await host.close()
            if isEarly { break }
        }
    }

    @Test("parameters arrive as data, even if they look like code, dates or secrets")
    func parameters() async throws {
        let host = try await StandIn.host()
        let answer = try await host.all(
            "Invoke-StandIn parameters",
            parameters: [
                "A": "'; exit 1 #", "B": "2026-01-02T03:04:05Z", "C": .secret(Secret("$x\u{0}\n")), "D": 3, "E": true,
                "F": .json([1, ["x": nil, "y": ["2026-01-02T03:04:05Z"]]]),
            ])
        #expect(
            answer.values == [
                [
                    "A": "'; exit 1 #", "B": "2026-01-02T03:04:05Z", "C": "$x\u{0}\n", "D": 3, "E": true,
                    "F": [1, ["x": nil, "y": ["2026-01-02T03:04:05Z"]]],
                ]
            ])
        await host.close()
    }

    @Test(
        "invalid scripts give errors, not accidents",
        arguments: ["if ($true) {", "@'\ntext", "(", "1 +; foreach (", "\"unclosed", "'unclosed", "\u{0}", "$("])
    func badScripts(script: String) async throws {
        let host = try await StandIn.host()
        let answer = try await host.all(script)
        #expect(answer.end?.state == .parseFailed || !answer.errors.isEmpty)
        #expect(try await host.all("1").values == [1])
        await host.close()
    }

    @Test("five megabytes of script work, and don't affect the next command")
    func bigScript() async throws {
        let host = try await StandIn.host()
        let script = "Write-Output end\n" + String(repeating: "# filling\n", count: 500_000)
        #expect(try await host.all(script).values == ["end"])
        #expect(try await host.all("1").values == [1])
        await host.close()
    }

    @Test("a slow reader slows the host down and loses nothing")
    func backPressure() async throws {
        let host = try await StandIn.host()
        let run = try await host.run(
            PowerShellCommand("Invoke-StandIn flood 20000 1000"), deadline: .after(.seconds(300)))
        var events = run.makeAsyncIterator()
        _ = try await events.next()
        // While nobody reads, twenty megabytes can only be in the host.
        try await Task.sleep(for: .milliseconds(200))
        var count = 1
        while let event = try await events.next() {
            if case .record = event { count += 1 }
        }
        #expect(count == 20_000)
        await host.close()
    }

    @Test("if a reader leaves its loop, the command is stopped, and the host accepts the next one")
    func abandoned() async throws {
        let host = try await StandIn.host()
        for _ in 0..<3 {
            let freed = FreeFlag()
            do {
                let run = try await host.run(
                    PowerShellCommand("Invoke-StandIn flood 0 1000"), deadline: .after(.seconds(300)),
                    finished: { freed.set() })
                for try await event in run { if case .record = event { break } }
            }
            try await until("the host to be free") { freed.isSet }
            #expect(try await host.all("1").values == [1])
        }
        await host.close()
    }

    @Test("a cancelled reader gets its answer at once, and the host accepts the next command")
    func cancelled() async throws {
        let host = try await StandIn.host()
        let freed = FreeFlag()
        let run = try await host.run(
            PowerShellCommand("Start-Sleep 600"), deadline: .after(.seconds(300)), finished: { freed.set() })
        let reading = Task { try await run.collect() }
        try await Task.sleep(for: .milliseconds(50))
        reading.cancel()
        let error = await #expect(throws: MMError.self) { try await reading.value }
        #expect(error?.code == .cancelled)
        try await until("the host to be free") { freed.isSet }
        #expect(try await host.all("1").values == [1])
        await host.close()
    }

    @Test("a requested stop ends with the command's end")
    func asked() async throws {
        let host = try await StandIn.host()
        let run = try await host.run(PowerShellCommand("1; Start-Sleep 600"), deadline: .after(.seconds(300)))
        let reading = Task { try await run.collect() }
        try await Task.sleep(for: .milliseconds(50))
        run.stop()
        #expect(try await reading.value.end?.state == .stopped)
        await host.close()
    }

    @Test(
        "the deadline stops sleeps and floods, and the session continues",
        arguments: ["Start-Sleep 600", "Invoke-StandIn flood 0 500"])
    func deadline(script: String) async throws {
        let host = try await StandIn.host()
        let error = await #expect(throws: MMError.self) { try await host.all(script, within: .milliseconds(100)) }
        #expect(error?.code == .deadlineExceeded)
        #expect(error?.details["sessionRestarted"] == false)
        #expect(try await host.all("1").values == [1])
        await host.close()
    }

    @Test("output before the deadline is returned with the error")
    func writtenBeforeDeadline() async throws {
        let host = try await StandIn.host()
        _ = try await host.all("1")
        // It has to be written before the deadline: on a slow machine repeat with a longer one.
        for limit in [3, 20, 120] {
            let error = await #expect(throws: MMError.self) {
                try await host.all("'one'; 'two'; Start-Sleep 600", within: .seconds(limit))
            }
            #expect(error?.code == .deadlineExceeded)
            if error?.output != ["one", "two"], limit < 120 { continue }
            #expect(error?.output == ["one", "two"])
            break
        }
        await host.close()
    }

    @Test("a flood that nobody reads is stopped at the deadline too")
    func unread() async throws {
        let host = try await StandIn.host()
        let run = try await host.run(
            PowerShellCommand("Invoke-StandIn flood 0 5000"), deadline: .after(.milliseconds(150)))
        try await Task.sleep(for: .milliseconds(400))
        let error = await #expect(throws: MMError.self) { try await run.collect() }
        #expect(error?.code == .deadlineExceeded)
        #expect(try await host.all("1").values == [1])
        await host.close()
    }

    @Test("second step: a child that blocks the command is killed, and PowerShell continues")
    func child() async throws {
        let host = try await StandIn.host()
        let run = try await host.run(PowerShellCommand("Invoke-StandIn child 600"), deadline: .after(.seconds(300)))
        var events = run.makeAsyncIterator()
        guard case .record(let record)? = try await events.next(), let child = record.value.int else {
            Issue.record("no child")
            return
        }
        run.stop()
        var last: RunEvent?
        while let event = try await events.next() { last = event }
        guard case .end(let end)? = last else {
            Issue.record("no end")
            return
        }
        #expect(end.state == .stopped)
        #expect(!runs(Int32(child)))
        #expect(try await host.all("1").values == [1])
        await host.close()
    }

    @Test(
        "last steps: a process that ignores every stop is ended, and its caller gets the reason",
        arguments: ["ignore-stop", "ignore-everything"])
    func stubborn(behaviour: String) async throws {
        // It has to ignore stops before the deadline: on a slow machine repeat with a longer one.
        for limit in [3, 20, 120] {
            let lost = FreeFlag()
            var settings = try StandIn.settings()
            settings.times = CommandMachine.Times(
                sweepAfter: .milliseconds(50), terminateAfter: .milliseconds(50), killAfter: .milliseconds(200))
            let host = try await PowerShellHost.start(
                settings, deadline: .after(.seconds(300)), onLoss: { _ in lost.set() })
            let error = await #expect(throws: MMError.self) {
                try await host.all("Invoke-StandIn \(behaviour) 60000", within: .seconds(limit))
            }
            #expect(error?.code == .deadlineExceeded)
            if error?.details["sessionRestarted"] != true, limit < 120 {
                await host.close()
                continue
            }
            #expect(error?.details["sessionRestarted"] == true)
            try await until("the loss to be told") { lost.isSet }
            #expect(host.isLost)
            #expect(!runs(host.processID))
            break
        }
    }

    @Test(
        "a process that is suspended while its command is stopped is kept, and has time to stop it when it continues",
        arguments: ["Start-Sleep 600", "Invoke-StandIn slow-stop 100"])
    func suspended(script: String) async throws {
        var settings = try StandIn.settings()
        settings.times = CommandMachine.Times(
            sweepAfter: .milliseconds(20), terminateAfter: .seconds(6), answerWithin: .seconds(250),
            killAfter: .milliseconds(20))
        let host = try await PowerShellHost.start(settings, deadline: .after(.seconds(300)))
        let run = try await host.run(PowerShellCommand("1; \(script)"), deadline: .after(.seconds(300)))
        let reading = Task { try await run.collect() }
        try await Task.sleep(for: .milliseconds(50))
        kill(host.processID, SIGSTOP)
        run.stop()
        // Longer than all steps of the stop together, which a busy machine takes to stop it when it continues.
        try await Task.sleep(for: .milliseconds(6500))
        #expect(!host.isLost)
        kill(host.processID, SIGCONT)
        #expect(try await reading.value.end?.state == .stopped)
        #expect(try await host.all("1").values == [1])
        await host.close()
    }

    @Test(
        "a lost process is reported with its exit and its last output, without the output of earlier commands",
        arguments: [
            ("Invoke-StandIn die 134", "ended with status 134", false), ("Invoke-StandIn crash", "by signal 9", true),
            ("Invoke-StandIn half-line", "ended with status 0 in the middle of a record", false),
        ])
    func lastWords(ending: String, how: String, isForMemory: Bool) async throws {
        let host = try await StandIn.host()
        _ = try await host.all("Invoke-StandIn console 'earlier words' stderr")
        let error = await #expect(throws: MMError.self) {
            try await host.all("Invoke-StandIn console 'unhandled: the cupboard is bare' stderr; \(ending)")
        }
        #expect(error?.code == .sessionLost)
        #expect(error?.message.contains(how) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("the cupboard is bare") == true)
        #expect(error?.message.contains("earlier") == false)
        #expect(error?.details["lastWords"] == "unhandled: the cupboard is bare")
        #expect(error?.hint?.contains("memory") == isForMemory)
    }

    @Test("if a process ends during a command, its output arrives, then the loss", arguments: [0, 1, 500])
    func dies(after records: Int) async throws {
        let host = try await StandIn.host()
        let run = try await host.run(
            PowerShellCommand("Invoke-StandIn die 9 \(records); Invoke-StandIn flood 1000 50"),
            deadline: .after(.seconds(300)))
        var count = 0
        var events = run.makeAsyncIterator()
        let error = await #expect(throws: MMError.self) {
            while let event = try await events.next() { if case .record = event { count += 1 } }
        }
        #expect(count == records)
        #expect(error?.code == .sessionLost)
        #expect(error?.message.contains("ended with status 9") == true)
        #expect(error?.details["sent"] == true)
        await #expect(throws: HostLoss.self) {
            try await host.run(PowerShellCommand("1"), deadline: .after(.seconds(5)))
        }
    }

    @Test("an incomplete line and a crash are losses", arguments: ["half-line", "crash"])
    func breaks(behaviour: String) async throws {
        let host = try await StandIn.host()
        let error = await #expect(throws: MMError.self) { try await host.all("1; Invoke-StandIn \(behaviour)") }
        #expect(error?.code == .sessionLost)
    }

    @Test("frames of other commands are dropped", arguments: ["other-id", "other-end", "two-ends"])
    func otherFrames(lie: String) async throws {
        let host = try await StandIn.host()
        let answer = try await host.all("Invoke-StandIn lie \(lie); Write-Output mine")
        #expect(answer.values == (lie == "two-ends" ? [] : ["mine"]))
        #expect(answer.end?.state == .completed)
        for round in 0..<5 { #expect(try await host.all("Write-Output \(round)").values == [.int(Int64(round))]) }
        await host.close()
    }

    @Test("answers without a request are dropped")
    func otherAnswers() async throws {
        let host = try await StandIn.host()
        _ = try await host.all("Invoke-StandIn lie other-answers")
        for _ in 0..<5 {
            let pulse = try await host.ping(deadline: .after(.seconds(300)))
            #expect(!pulse.isBusy && pulse.workingSet == 0)
        }
        #expect(try await host.collect(deadline: .after(.seconds(300))).heap == 0)
        #expect(try await host.all("Write-Output mine").values == ["mine"])
        await host.close()
    }

    @Test(
        "a host that sends invalid frames is ended",
        arguments: ["garbage", "unknown-kind", "greeting", "busy", "control"])
    func lies(lie: String) async throws {
        let host = try await StandIn.host()
        let error = await #expect(throws: MMError.self) {
            try await host.all("Invoke-StandIn lie \(lie); Start-Sleep 600")
        }
        #expect(error?.code == .sessionLost)
        try await until("the process to be gone") { !runs(host.processID) }
    }

    @Test("a value over the limit is replaced by an error record; the rest arrives")
    func oversized() async throws {
        var settings = try StandIn.settings()
        settings.recordLimit = 100_000
        let host = try await PowerShellHost.start(settings, deadline: .after(.seconds(300)))
        let answer = try await host.all("Write-Output before; Invoke-StandIn huge 3000000; Write-Output after")
        #expect(answer.values == ["before", "after"])
        #expect(answer.errors.count == 1)
        #expect(answer.errors.first?.message?.contains("3000") == true)
        #expect(answer.errors.first?.isMissingValue == true)
        await host.close()
    }

    @Test("a value nested deeper than JSON may be is replaced by an error record; the rest arrives")
    func nested() async throws {
        let host = try await StandIn.host()
        for (depth, isMissing) in [(256, false), (257, true), (20_000, true)] {
            let answer = try await host.all("Invoke-StandIn nested \(depth); Write-Output after")
            #expect(answer.values.last == "after")
            #expect(answer.errors.map(\.isMissingValue) == (isMissing ? [true] : []), "\(depth)")
        }
        await host.close()
    }

    @Test("a record of ten megabytes is allowed")
    func big() async throws {
        let host = try await StandIn.host()
        #expect(try await host.all("Invoke-StandIn huge 10000000").values.first?.string?.utf8.count == 10_000_000)
        await host.close()
    }

    @Test("a flood of console text is cut at the limit and stopped at the deadline")
    func consoleFlood() async throws {
        var settings = try StandIn.settings()
        settings.consoleLimit = 50_000
        let host = try await PowerShellHost.start(settings, deadline: .after(.seconds(300)))
        let answer = try await host.all("Invoke-StandIn console-flood 100")
        #expect(answer.console.map(\.text.utf8.count).reduce(0, +) == 50_000)
        #expect(answer.records.last?.message?.contains("left out") == true)
        let error = await #expect(throws: MMError.self) {
            try await host.all("Invoke-StandIn console-flood 0", within: .milliseconds(200))
        }
        #expect(error?.code == .deadlineExceeded)
        #expect(try await host.all("1").console == [])
        await host.close()
    }

    @Test("endless output on standard error blocks nothing, and costs nothing while idle")
    func backgroundFlood() async throws {
        let host = try await StandIn.host()
        _ = try await host.all("Invoke-StandIn background-flood")
        for round in 0..<20 {
            let answer = try await host.all("Write-Output \(round)")
            #expect(answer.values == [.int(Int64(round))])
            #expect(answer.console.map(\.text.utf8.count).reduce(0, +) <= 1 << 20)
        }
        // It comes to a standstill, because nobody reads between commands.
        let process = host.processID
        try await until("the flood to stand still") {
            let before = Self.processorTime(process)
            try await Task.sleep(for: .milliseconds(500))
            return Self.processorTime(process) - before < 20
        }
        await host.close()
    }

    /// The processor time of a process in hundredths of a second.
    private static func processorTime(_ process: Int32) -> Int {
        let text = String(decoding: ProcFile.read("/proc/\(process)/stat", limit: 4096) ?? [], as: UTF8.self)
        let fields = text.split(separator: " ")
        return fields.count > 14 ? (Int(fields[13]) ?? 0) + (Int(fields[14]) ?? 0) : 0
    }

    @Test("a second command during another one is refused before it is sent")
    func busy() async throws {
        let host = try await StandIn.host()
        let run = try await host.run(PowerShellCommand("Start-Sleep 600"), deadline: .after(.seconds(300)))
        let loss = await #expect(throws: HostLoss.self) {
            try await host.run(PowerShellCommand("1"), deadline: .after(.seconds(300)))
        }
        #expect(loss?.wasSent == false)
        #expect(try await host.ping(deadline: .after(.seconds(300))).isBusy)
        run.stop()
        _ = try await run.collect()
        await host.close()
    }

    @Test("closing during a command is reported to its caller")
    func closing() async throws {
        let host = try await StandIn.host()
        let run = try await host.run(PowerShellCommand("Start-Sleep 600"), deadline: .after(.seconds(300)))
        await host.close()
        let error = await #expect(throws: MMError.self) { try await run.collect() }
        #expect(error?.code == .cancelled)
        #expect(!runs(host.processID))
    }

    @Test("dropping a host ends its process")
    func dropped() async throws {
        let process: Int32
        do {
            let host = try await StandIn.host()
            process = host.processID
        }
        try await until("the process to be gone") { !runs(process) }
    }
}

/// A value that is set later.
final class FreeFlag: Sendable {
    private let flag = Mutex(false)
    var isSet: Bool { flag.withLock { $0 } }
    func set() { flag.withLock { $0 = true } }
}
