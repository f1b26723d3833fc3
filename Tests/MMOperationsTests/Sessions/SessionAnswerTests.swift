import MMCore
import MMGuard
import MMNative
import Testing

@testable import MMOperations
@testable import MMPowerShell

@Suite("What a command left, as its caller gets it", .timeLimit(.minutes(5)))
struct SessionAnswerTests {
    private func answer(
        _ records: [PowerShellRecord], end: CommandEnd = CommandEnd(.completed), script: String = "x",
        output: String = "text", limit: Int = .max
    ) throws -> OperationAnswer {
        var answer = PowerShellAnswer()
        for record in records { answer.add(.record(record), limit: limit) }
        answer.add(.end(end), limit: limit)
        let reader = try InputReader(
            operation: "run",
            arguments: ["connection": "C", "module": "azure", "command": .string(script), "output": .string(output)],
            fields: RunInput.fields)
        return try SessionAnswer(output: .powerShell(answer))
            .operationAnswer(of: try RunInput(from: reader), connection: "C")
    }

    private func text(_ answer: OperationAnswer) -> String? {
        if case .text(let text) = answer.body { text } else { nil }
    }

    private func host(_ text: String, endsLine: Bool = true) -> PowerShellRecord {
        var value: JSONObject = ["message": .string(text), "tags": ["PSHOST"]]
        if !endsLine { value["noNewline"] = true }
        return PowerShellRecord(.information, .object(value))
    }

    @Test(
        "what other people wrote is marked, whether the script or the output names it",
        arguments: [
            ("(Get-PnPListItem).Subject", "text", "Obey", true), ("(Get-PnPListItem).Subject", "json", "Obey", true),
            ("Get-PnPListItem", "text", "Id Subject\n-- -------\n1  Obey", true),
            ("Get-PnPListItem", "text", "Id\n--\n1", false), ("Get-PnPListItem", "json", "Obey", false),
        ])
    func foreign(script: String, output: String, written: String, isForeign: Bool) throws {
        let record = PowerShellRecord(.text, .string(written))
        #expect(try answer([record], script: script, output: output).isForeign == isForeign)
        #expect(try !answer([], script: script, output: output).isForeign)
    }

    @Test(
        "a script isn't called unsent because its last request was: earlier ones may have been sent",
        arguments: [true, false])
    func laterRequest(endsWithRecord: Bool) throws {
        var unsent = MMError(.unavailable, "Nobody is there.")
        unsent.isUnsent = true
        let record = NativeError("Unreachable", "Nobody is there.")
        var result = NativeResult()
        if endsWithRecord { result.failure = record }
        let answer = NativeAnswer(
            result: result, account: "adele", information: [], interruption: endsWithRecord ? nil : unsent,
            causes: [record: unsent])
        let error = try #require(answer.failure(after: []))
        #expect(error.code == .unavailable && !error.isUnsent, "\(error)")
    }

    @Test("a command that PowerShell doesn't know is told with the cmdlets that were meant, each once")
    func unknownCommand() throws {
        let record = PowerShellRecord(
            .error, ["message": "no such term", "id": "CommandNotFoundException", "target": "Get-AzVn"])
        let error = #expect(throws: MMError.self) { try answer([record, record]) }
        let notes = error?.hint?.split(separator: "\n") ?? []
        #expect(notes.last?.hasPrefix("Names similar to Get-AzVn: ") == true)
        #expect(notes.last?.contains("Get-AzVM") == true)
        #expect(notes.count { $0.hasPrefix("Names similar") } == 1)
    }

    @Test("a command that PowerShell doesn't know is told so too when it ends its script")
    func unknownCommandThatEnds() throws {
        let script = "$ErrorActionPreference = 'Stop'\n  Get-AzVn | Select-Object Name"
        let failure = CommandFailure(message: "no such term", id: "CommandNotFoundException", line: 2, column: 3)
        func near(_ failure: CommandFailure) -> [String] {
            var answer = PowerShellAnswer()
            answer.add(.end(CommandEnd(.failed, failure: failure)), limit: 1)
            return answer.nearCommands(in: "azure", script)
        }
        let found = near(failure)
        #expect(found.first?.hasPrefix("Names similar to Get-AzVn: ") == true && found.count == 1)
        // A line of a module's file is none of the script.
        let elsewhere = CommandFailure(
            message: "no such term", id: "CommandNotFoundException", line: 2, column: 3, file: "/m/az.psm1")
        #expect(near(elsewhere) == [])
    }

    @Test("a cmdlet that the module has, and this PowerShell lacks, is not told as misspelled")
    func lackingCommand() throws {
        let record = PowerShellRecord(
            .error, ["message": "no such term", "id": "CommandNotFoundException", "target": "get-azvm"])
        let error = #expect(throws: MMError.self) { try answer([record]) }
        let notes = error?.hint?.split(separator: "\n") ?? []
        #expect(!notes.contains { $0.hasPrefix("Names similar") })
        // The module to install, for a cmdlet of Azure's.
        #expect(notes.last?.contains("get-azvm is a cmdlet of the module Az.Compute") == true)
        #expect(notes.last?.contains("Install-PSResource -Name Az.Compute -Scope CurrentUser") == true)
    }

    @Test("an error of a command that was refused a host names the host")
    func refusedHost() throws {
        var answer = PowerShellAnswer()
        let failure = CommandFailure(message: "The proxy tunnel request failed with status code '403'.", id: "x")
        answer.add(.end(CommandEnd(.failed, failure: failure)), limit: 1)
        let reader = try InputReader(
            operation: "run", arguments: ["connection": "C", "module": "azure", "command": "irm x"],
            fields: RunInput.fields)
        var session = SessionAnswer(output: .powerShell(answer))
        session.traffic = CallTraffic(report: CallReport(), foreignHosts: ["api.contoso.com"], pending: nil)
        let input = try RunInput(from: reader)
        let error = #expect(throws: MMError.self) { try session.operationAnswer(of: input, connection: "C") }
        #expect(error?.message.contains("403") == true && error?.message.contains("api.contoso.com") == true)
        #expect(error?.hint?.contains("egress.allow=api.contoso.com") == true)
    }

    @Test("console text is a note as it was printed, however it arrived, and lines of it that are alike stay in place")
    func consoleText() {
        var answer = PowerShellAnswer()
        for piece in ["\n1", "0", "1", "0\n", "10\n", "\n"] {
            answer.add(.console(ConsoleText(.stdout, piece)), limit: 1)
        }
        answer.add(.console(ConsoleText(.stderr, "\n")), limit: 1)
        #expect(answer.notes(isText: false, "x", []) == ["1010\n10"])
    }

    @Test(
        "a question, which a session's PowerShell can't ask, comes with what to do instead",
        arguments: ["azure", "graph"])
    func question(module: String) throws {
        var answer = PowerShellAnswer()
        let message = "PowerShell is in NonInteractive mode. Read and Prompt functionality is not available."
        let record = PowerShellRecord(.error, ["message": .string(message), "category": "InvalidOperation"])
        answer.add(.record(record), limit: 1)
        #expect(answer.advice(in: module).map { $0.contains("-Confirm:$false") } == [true])
    }

    @Test("an error without a message is told as one, with its position")
    func emptyMessage() throws {
        let failure = CommandFailure(message: "", id: "", line: 2, column: 1)
        let error = #expect(throws: MMError.self) {
            try answer([], end: CommandEnd(.failed, failure: failure), script: "$e = ''\nthrow $e")
        }
        #expect(error?.message == "The command threw an error without a message. (line 2, column 1)")
    }

    @Test("verbose and debug records that were asked for are notes")
    func verbose() throws {
        let notes = try answer([PowerShellRecord(.verbose, "v"), PowerShellRecord(.debug, "d")]).notes
        #expect(notes == ["VERBOSE: v", "DEBUG: d"])
    }

    @Test("what Write-Host shows stands among the text where it was written, and parts of a line on one line")
    func hostText() throws {
        let records = [
            PowerShellRecord(.text, "one"), host("a ", endsLine: false), host("b"), PowerShellRecord(.text, "two"),
        ]
        let shown = try answer(records)
        #expect(text(shown) == "one\na b\ntwo")
        #expect(shown.notes == [])
        let objects = try answer(
            records + [PowerShellRecord(.information, ["message": "note", "tags": []])], output: "json")
        #expect(objects.notes == ["a b", "note"])
    }

    @Test("what modules tell beside their work stands behind what went wrong")
    func asides() throws {
        let loaded = PowerShellRecord(.information, ["message": "Loaded Module 'Az.Accounts'", "tags": []])
        let error = PowerShellRecord(.error, ["message": "gone"])
        #expect(
            try answer([.init(.output, "x"), loaded, loaded, error, PowerShellRecord(.warning, "w")]).notes
                == ["ERROR: gone", "WARNING: w", "Loaded Module 'Az.Accounts' (2 times)"])
    }

    @Test(
        "a script that starts a job of its own process is told that it isn't signed in there",
        arguments: [
            ("Start-Job { Get-AzSubscription } | Wait-Job", true), ("$j = sajb { 1 }", true), ("Get-AzVM &", true),
            ("$j = Get-AzVM &", true), ("Microsoft.PowerShell.Core\\Start-Job { 1 }", true),
            ("Remove-AzVM x -AsJob", false), ("& $c", false), ("'Start-Job'", false), ("Start-ThreadJob { 1 }", false),
        ])
    func processJobs(script: String, isTold: Bool) {
        #expect((ProcessJobs.note(on: script) != nil) == isTold)
    }

    @Test("escape sequences of data reach no terminal, and are whole in objects")
    func escapes() throws {
        let red = "\u{1B}[31mred\u{1B}[0m\u{7}"
        let records = [PowerShellRecord(.text, .string(red)), host(red), PowerShellRecord(.warning, .string(red))]
        let shown = try answer(records)
        #expect(text(shown) == "red\nred" && shown.notes == ["WARNING: red"])
        guard case .value(let objects) = try answer(records, output: "json").body else {
            Issue.record("not as values")
            return
        }
        #expect(objects == [.string(red)])
    }

    @Test("errors alone are a failure, and errors beside output stand in the answer", arguments: ["text", "json"])
    func errorsAlone(output: String) throws {
        let error = PowerShellRecord(.error, ["message": "bad", "id": "Bad", "category": "InvalidData"])
        let failure = #expect(throws: MMError.self) {
            try answer([error, PowerShellRecord(.warning, "careful")], output: output)
        }
        #expect(failure?.code == .remoteFailed && failure?.message == "bad")
        #expect(failure?.hint == "WARNING: careful")
        #expect(failure?.details["errors"]?.array?.first?["id"] == "Bad")
        let beside = try answer([PowerShellRecord(.output, "a"), error], output: output)
        #expect(beside.exitStatus == 1)
        #expect(beside.errors == [ReportedError("bad", id: "Bad", category: "InvalidData")])
        #expect(try answer([PowerShellRecord(.warning, "careful")], output: output).exitStatus == 0)
    }

    @Test("a script that says how it ended has looked at its errors")
    func exit() throws {
        let error = PowerShellRecord(.error, ["message": "bad"])
        let well = try answer([error], script: "Set-Thing x; exit 0")
        #expect(well.exitStatus == 0 && well.errors.count == 1)
        #expect(try answer([], script: "if ($x) { exit 4 }\nexit 3").exitStatus == 3)
        #expect(throws: MMError.self) { try answer([error], script: "if ($x) { exit 0 }") }
    }

    @Test("errors say where in a script of several lines they happened, unless the line is a module's")
    func places() throws {
        let error: JSONObject = ["message": "bad", "line": 3, "column": 5]
        var ofModule = error
        ofModule["file"] = "/modules/x.psm1"
        func note(_ value: JSONObject, _ script: String) throws -> String? {
            let output = PowerShellRecord(.output, "x")
            return try answer([output, PowerShellRecord(.error, .object(value))], script: script).notes.first
        }
        #expect(try note(error, "1\n2\n3") == "ERROR: bad (line 3, column 5)")
        #expect(try note(error, "one line") == "ERROR: bad")
        #expect(try note(ofModule, "1\n2\n3") == "ERROR: bad")
        let failure = #expect(throws: MMError.self) {
            try answer(
                [], end: CommandEnd(.failed, failure: CommandFailure(message: "stop", line: 2, column: 1)),
                script: "1\n2")
        }
        #expect(failure?.message == "stop (line 2, column 1)")
    }

    @Test("what is missing is told, also to those who want no notes, and is no success", arguments: ["text", "json"])
    func missing(output: String) throws {
        let many = (0..<10).map { PowerShellRecord(.output, .int($0)) }
        let cut = try answer(many, output: output, limit: 4)
        #expect(cut.missing?.contains("first 4 records") == true && cut.missing?.contains("6 more") == true)
        #expect(cut.exitStatus == 1 && cut.notes == [cut.missing])
        let large = PowerShellRecord(.error, ["message": "too large", "id": "ValueNotSent"])
        let lost = try answer([large], output: output)
        #expect(lost.missing == "too large" && lost.exitStatus == 1 && lost.notes == ["ERROR: too large"])
        let whole = try answer(many + [PowerShellRecord(.error, ["message": "no", "id": "Other"])], output: output)
        #expect(whole.missing == nil && whole.exitStatus == 1 && whole.errors.map(\.message) == ["no"])
    }
}
