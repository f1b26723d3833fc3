import MMCore
import Testing

@testable import MMNative

@Suite("Source cmdlets of the native engine", .timeLimit(.minutes(5)))
struct NativeSources {
    @Test("rows flow through filters, and variables last from script to script")
    func rows() async throws {
        let source = CountingSource(pages: 3, size: 4)
        let engine = NativeEngine(sources: [source])
        var session = NativeSession()
        let first = await engine.run("$all = Get-Row | Where-Object Number -gt 9", in: &session)
        #expect(try Self.numbers(first).isEmpty)
        let second = await engine.run("$all | ForEach-Object Number", in: &session)
        #expect(try Self.numbers(second) == [10, 11])
    }

    @Test("Select-Object -First fetches no page that it does not need")
    func first() async throws {
        let source = CountingSource(pages: 1000, size: 10)
        var session = NativeSession()
        let outcome = await NativeEngine(sources: [source]).run(
            "Get-Row | Select-Object -First 12 | ForEach-Object Number", in: &session)
        #expect(try Self.numbers(outcome) == Array(0..<12))
        #expect(source.fetched.withLock { $0 } == 2)
    }

    @Test("a script beyond the language is handed over before anything is fetched")
    func handedOver() async throws {
        for script in [
            "Get-Row | Format-Custom", "Get-Row | Set-Content x", "Get-Row; Invoke-Expression 'x'", "& 'Get-Row'",
            "Get-Row > out.txt", "Get-Row | Select-Object -First 1 | % { $_.Delete([io.pipes.pipestream]) }",
            "Get-Row | Where-Object N -Nope:$env:X",
            "x" + String(repeating: "(", count: 300) + "1" + String(repeating: ")", count: 300),
        ] {
            let source = CountingSource(pages: 1, size: 1)
            var session = NativeSession()
            let outcome = await NativeEngine(sources: [source]).run(script, in: &session)
            guard case .handedOver(let reason, let hasSent) = outcome else {
                Issue.record("\(script) ran")
                continue
            }
            #expect(!reason.isEmpty)
            #expect(!hasSent)
            #expect(source.fetched.withLock { $0 } == 0)
        }
    }

    @Test(
        "-WarningVariable gets a cmdlet's warnings as records, whether or not they are shown",
        arguments: [
            ("Get-Warned 2 -WarningVariable more; \"$($more.Count) $more\"", ["a", "2 w1 w2"], ["w1", "w2"]),
            ("$r = Get-Warned 1 -wv more 3>$null; $r; $more[0].Message; [bool]$more", ["a", "w1", "True"], []),
            ("$r = Get-Warned 0 -WarningVariable more; [bool]$more; $more.Count", ["False", "0"], []),
            ("$a = @{WarningVariable='w'}; 1, 2 | Get-Warned @a; $w.Count", ["a", "a", "3"], ["w1", "w1", "w2"]),
            ("Get-Warned 1 -wv w > $null; Get-Warned 2 -wv +w > $null; \"$w\"", ["w1 w1 w2"], ["w1", "w1", "w2"]),
        ])
    func warned(script: String, expected: [String], shown: [String]) async throws {
        var session = NativeSession()
        let outcome = await NativeEngine(sources: [WarningSource()], host: NativeHost()).run(script, in: &session)
        guard case .completed(let result) = outcome else {
            Issue.record("\(script): \(outcome)")
            return
        }
        #expect(try result.objects.map { try PSText.string($0) } == expected)
        #expect(result.warnings == shown)
    }

    @Test(
        "whether a service sends warnings that are not to be shown is not certain",
        arguments: ["WarningAction", "WarningAct", "wa"])
    func silenced(parameter: String) async {
        var session = NativeSession()
        let outcome = await NativeEngine(sources: [WarningSource()]).run(
            "Get-Warned 1 -WarningVariable w -\(parameter) SilentlyContinue", in: &session)
        guard case .handedOver(_, hasSent: false) = outcome else {
            Issue.record("\(outcome)")
            return
        }
    }

    @Test("a cmdlet that failed may have sent a request, however the script ends")
    func failed() async {
        var session = NativeSession()
        let outcome = await NativeEngine(sources: [FailingSource()]).run(
            "try { Get-Failure } catch { }; 'x' * 1GB", in: &session)
        guard case .handedOver(_, let hasSent) = outcome else {
            Issue.record("completed")
            return
        }
        #expect(hasSent)
    }

    @Test("a source cmdlet runs for each object, and within any expression")
    func nested() async throws {
        let source = CountingSource(pages: 1, size: 2)
        var session = NativeSession()
        let engine = NativeEngine(sources: [source])
        let each = await engine.run("1, 2 | ForEach-Object { Get-Row | ForEach-Object Number }", in: &session)
        #expect(try Self.numbers(each) == [0, 1, 0, 1])
        let piped = await engine.run("Get-Row | Get-Row | ForEach-Object Number", in: &session)
        #expect(try Self.numbers(piped) == [0, 1, 0, 1])
        let inside = await engine.run("@(Get-Row).Count; foreach ($r in Get-Row) { $r.Number }", in: &session)
        #expect(try Self.numbers(inside) == [2, 0, 1])
    }

    @Test(
        "a message whose stream is sent to `$null` is not shown, and only that",
        arguments: [
            ("Write-Error a 2>$null; 'b'", ["b"], 0, []),
            ("Write-Error a 3>$null; 'b'", ["b"], 1, []),
            ("Write-Error a 2>$null; $?; $Error.Count", ["False", "1"], 0, []),
            ("function F { Write-Error a; 'c' }; F 2>$null; Write-Error d", ["c"], 1, []),
            ("function F { Write-Error a; 'c' }; F 2>$null | % { Write-Error d; $_ }", ["c"], 1, []),
            ("'x' | % { Write-Error a; $_ } 2>$null | % { Write-Error d; $_ }", ["x"], 1, []),
            ("Write-Warning w 3>$null; Write-Warning v", [], 0, ["v"]),
            ("& { Write-Error a; Write-Warning w; Write-Host h; 'o' } *>$null; 'p'", ["p"], 0, []),
            ("Get-Nothing a 2>$null; 'b'", ["b"], 0, []),
            ("Get-Nothing a; 'b'", ["b"], 1, []),
            ("if (Get-Nothing a 2>$null) { 'there' } else { 'none' }", ["none"], 0, []),
            ("'a', 'b' | Get-Nothing x 2>$null; $?", ["False"], 0, []),
        ] as [(String, [String], Int, [String])])
    func hidden(script: String, objects: [String], errors: Int, warnings: [String]) async throws {
        var session = NativeSession()
        let engine = NativeEngine(sources: [EmptySource()], host: NativeHost())
        let outcome = await engine.run(script, in: &session)
        guard case .completed(let result) = outcome else {
            Issue.record("\(script) did not run: \(outcome)")
            return
        }
        #expect(result.objects.map(\.text) == objects && result.information.isEmpty)
        #expect(result.errors.count == errors && result.warnings == warnings, "\(result)")
    }

    @Test("what the service refused ends the script, wherever it sends its errors")
    func refusedAndHidden() async throws {
        var session = NativeSession()
        let outcome = await NativeEngine(sources: [RefusingSource()]).run(
            "(Get-Refused 2>$null).Count; 'b'", in: &session)
        guard case .completed(let result) = outcome else {
            Issue.record("it did not run: \(outcome)")
            return
        }
        #expect(result.failure?.id == "Refused" && result.objects.isEmpty)
    }

    @Test("what a script puts out is delivered as it comes, and the source waits for its reader")
    func delivery() async throws {
        let source = CountingSource(pages: 50, size: 300)
        let seen = Mutex((objects: 0, most: 0))
        var session = NativeSession()
        let outcome = await NativeEngine(sources: [source]).run("Get-Row | Where-Object Number -ge 0", in: &session) {
            part in
            let ahead = source.fetched.withLock { $0 } * 300
            seen.withLock { state in
                state.most = max(state.most, ahead - state.objects)
                state.objects += part.count
            }
        }
        guard case .completed(let result) = outcome else {
            Issue.record("handed over")
            return
        }
        #expect(result.objects.isEmpty)
        #expect(seen.withLock { $0.objects } == 15_000)
        #expect(seen.withLock { $0.most } < 1000)
    }

    @Test("a cancelled run stops asking its source")
    func cancelled() async throws {
        let source = CountingSource(pages: .max, size: 100)
        let task = Task {
            var session = NativeSession()
            return await NativeEngine(sources: [source]).run("Get-Row | Where-Object Number -lt 0", in: &session)
        }
        while source.fetched.withLock({ $0 }) < 3 { await Task.yield() }
        task.cancel()
        guard case .stopped = await task.value else {
            Issue.record("completed")
            return
        }
    }

    @Test("a loop without end stops when its task is cancelled")
    func endless() async throws {
        let task = Task {
            var session = NativeSession()
            return await NativeEngine().run("while ($true) { $x = 1 }", in: &session)
        }
        await Task.yield()
        task.cancel()
        guard case .stopped = await task.value else {
            Issue.record("completed")
            return
        }
    }

    @Test("a wrong parameter behind a source is known before anything is fetched")
    func wrongParameter() async throws {
        let source = CountingSource(pages: 1, size: 1)
        var session = NativeSession()
        let outcome = await NativeEngine(sources: [source]).run("Get-Row | Select-Object -Nope", in: &session)
        guard case .completed(let result) = outcome else {
            Issue.record("handed over")
            return
        }
        #expect(result.errors.map(\.id) == ["NamedParameterNotFound,Microsoft.PowerShell.Commands.SelectObjectCommand"])
        #expect(source.fetched.withLock { $0 } == 0)
    }

    @Test("a script block given to a source cmdlet is not run, and may name no variables")
    func filters() async throws {
        let source = CountingSource(pages: 1, size: 2)
        var session = NativeSession()
        let outcome = await NativeEngine(sources: [source]).run(
            "Get-Row -Filter {Remove-Everything -and Name -like 'a*' -and Shared -eq $true} | % Number", in: &session)
        #expect(try Self.numbers(outcome) == [0, 1])
        for script in [
            "$f = {(Name -like 'a*') -and -not (Shared -eq $true)}; Get-Row -Filter $f | % Number",
            "$p = @{ Filter = {Name -notlike 'a*' -or Shared -eq $null} }; Get-Row @p | % Number",
        ] {
            let outcome = await NativeEngine(sources: [source]).run(script, in: &session)
            #expect(try Self.numbers(outcome) == [0, 1])
        }
        for script in [
            "Get-Row -Filter {Name -eq $x}", "Get-Row -Filter:{Name -eq \"$x\"}", "1 | % {Name -eq 1}",
            "$f = {Name -eq $x}; Get-Row -Filter $f", "$f = {Name a}; Get-Row -Filter $f",
        ] {
            guard case .handedOver(_, let hasSent) = await NativeEngine(sources: [source]).run(script, in: &session)
            else {
                Issue.record("\(script) ran")
                continue
            }
            #expect(!hasSent)
        }
        #expect(source.fetched.withLock { $0 } == 3)
    }

    @Test(
        "an error's words can be read where it is caught",
        arguments: [
            ("try { Get-Nothing lena } catch { $_.Exception.Message }", "There is no lena."),
            ("try { Get-Nothing lena } catch { \"got $_\" }", "got There is no lena."),
            ("try { try { Get-Nothing x } catch { throw } } catch { \"$_\" }", "There is no x."),
            ("try { 1/0 } catch { $_.Exception.Message }", "Attempted to divide by zero."),
            ("try { throw 'a' } catch { \"$($_.Exception.Message)!\" }", "a!"),
            ("try { Write-Error 'a' -ErrorAction Stop } catch { \"$_\" }", "a"),
            (
                "try { Get-Nothing x } catch { Write-Output \"no: $($_.Exception.Message)\" } finally { }",
                "no: There is no x."
            ),
        ])
    func caughtErrors(script: String, text: String) async throws {
        var session = NativeSession()
        let outcome = await NativeEngine(sources: [EmptySource()]).run(script, in: &session)
        guard case .completed(let result) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(result.objects.map(\.text) == [text])
        #expect(result.errors.isEmpty && result.failure == nil)
    }

    @Test(
        "what a service refuses ends the script, in blocks that swallow other errors as well",
        arguments: [
            "Get-Refused; 'x'", "$n = (Get-Refused).Count; $n",
            "[pscustomobject]@{x=1} | Select-Object @{n='a';e={ Get-Refused }}",
            "1 | Sort-Object { Get-Refused }", "1 | Group-Object { Get-Refused }", "if (Get-Refused) { 1 } else { 2 }",
            "1 | ForEach-Object { @(Get-Refused).Count }", "1 | Where-Object { Get-Refused }", "\"a$(Get-Refused)b\"",
            "function Get-It { Get-Refused }; Get-It", "try { Get-Refused } finally { $x = 1 }; 'x'",
            "try { Get-Refused } catch { throw }; 'x'",
        ])
    func refused(script: String) async throws {
        var session = NativeSession()
        let outcome = await NativeEngine(sources: [RefusingSource()]).run(script, in: &session)
        guard case .completed(let result) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(result.failure?.id == "Refused" && result.objects.isEmpty)
    }

    @Test("what a service refuses can be caught")
    func refusedAndCaught() async throws {
        var session = NativeSession()
        let outcome = await NativeEngine(sources: [RefusingSource()]).run(
            "try { Get-Refused } catch { \"$_\" }; "
                + "[pscustomobject]@{x=1} | Select-Object @{n='a';e={ try { Get-Refused } catch { 7 } }} | % a",
            in: &session)
        guard case .completed(let result) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(result.failure == nil && result.objects.map(\.text) == ["No.", "7"])
    }

    @Test(
        "$ErrorActionPreference says what becomes of errors, in its script alone",
        arguments: [
            ("Write-Error a; 'x'", ["x"], ["a"], nil),
            ("$ErrorActionPreference = 'Stop'; Write-Error a; 'x'", [], [], "a"),
            ("$ErrorActionPreference = 'SilentlyContinue'; Write-Error a; 1/0; 'x'", ["x"], [], nil),
            ("$ErrorActionPreference = 'stop'; 1/0; 'x'", [], [], "Attempted to divide by zero."),
            ("$ErrorActionPreference = 'Stop'; Write-Error a -ErrorAction Continue; 'x'", ["x"], ["a"], nil),
            ("$ErrorActionPreference = 'Stop'; try { Write-Error a } catch { \"c $_\" }", ["c a"], [], nil),
            (
                "function F { $ErrorActionPreference = 'Stop'; 'f' }; F; Write-Error a; 'x'", ["f", "x"], ["a"], nil
            ),
        ] as [(String, [String], [String], String?)])
    func preference(script: String, objects: [String], errors: [String], failure: String?) async throws {
        var session = NativeSession()
        let outcome = await NativeEngine().run(script, in: &session)
        guard case .completed(let result) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(result.objects.map(\.text) == objects)
        #expect(result.errors.map(\.message) == errors && result.failure?.message == failure)
        let following = await NativeEngine().run("Write-Error b; 'y'", in: &session)
        guard case .completed(let next) = following else {
            Issue.record("\(following)")
            return
        }
        #expect(next.errors.map(\.message) == ["b"] && next.objects.map(\.text) == ["y"])
    }

    @Test(
        "exit ends the script with its code",
        arguments: [
            ("1; exit 3; 2", ["1"], 3), ("exit", [], 0),
            ("try { exit 2 } catch { 'c' } finally { 'f' }; 'x'", ["f"], 2),
            ("function F { exit 4 }; F; 'x'", [], 4),
            ("foreach ($i in 1..3) { $i; if ($i -eq 2) { exit $i } }", ["1", "2"], 2),
        ] as [(String, [String], Int32)])
    func exit(script: String, objects: [String], code: Int32) async throws {
        var session = NativeSession()
        guard case .completed(let result) = await NativeEngine().run(script, in: &session) else {
            Issue.record("\(script) did not run")
            return
        }
        #expect(result.objects.map(\.text) == objects && result.exitCode == code && result.failure == nil)
    }

    @Test("a variable that the other engine set is told so")
    func foreign() async throws {
        var session = NativeSession()
        session.foreignVariables = ["users"]
        guard case .handedOver(let reason, _) = await NativeEngine().run("$users | % Name", in: &session) else {
            Issue.record("ran")
            return
        }
        #expect(reason.contains("$users"))
    }

    @Test("random text never crashes the engine")
    func fuzz() async throws {
        let words = [
            "1", "'a'", "$_", "$x", "|", "%", "?", "{", "}", "(", ")", "@(", "@{", "a=1", "-eq", "-like", "'*['", ";",
            "select", "-First", "Sort-Object", ",", "..", "-match", "'(a'", "$null", "[int]", "-f", "=", "\"$x\"",
            ".Count", "[0]", "-join", "+", "/", "0", "ConvertTo-Json", "group", "measure", "-Sum", "[pscustomobject]",
        ]
        var random = SeededWords(state: 7)
        for _ in 0..<3000 {
            let script = (0..<(1 + random.next(12))).map { _ in words[random.next(words.count)] }.joined(separator: " ")
            var session = NativeSession()
            switch await NativeEngine().run(script, in: &session) {
            case .completed(let result): #expect(result.objects.count < 10_000)
            case .handedOver(let reason, let hasSent): #expect(!reason.isEmpty && !hasSent)
            case .stopped: Issue.record("nobody stopped it: \(script)")
            }
        }
    }

    private static func numbers(_ outcome: NativeOutcome) throws -> [Int32] {
        guard case .completed(let result) = outcome else {
            Issue.record("\(outcome)")
            return []
        }
        #expect(result.errors.isEmpty)
        return result.objects.compactMap { if case .int(let number) = $0 { number } else { nil } }
    }
}

private struct SeededWords {
    var state: UInt64

    mutating func next(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }
}

/// A source of numbered rows that counts the pages it is asked for.
private final class CountingSource: CmdletSource {
    let fetched = Mutex(0)
    private let pages: Int
    private let size: Int

    init(pages: Int, size: Int) {
        self.pages = pages
        self.size = size
    }

    func knows(_ name: String) -> Bool { name.lowercased() == "get-row" }

    func open(_ call: CmdletCall) async throws(CmdletFault) -> any CmdletRows {
        Rows(source: self, pages: pages, size: size)
    }

    private struct Rows: CmdletRows {
        let source: CountingSource
        let pages: Int
        let size: Int
        var page = 0

        mutating func next() async throws(CmdletFault) -> CmdletBatch? {
            guard page < pages else { return nil }
            source.fetched.withLock { $0 += 1 }
            let start = page * size
            page += 1
            let objects = (start..<start + size).compactMap { number in
                PSObject([("Number", .int(Int32(truncatingIfNeeded: number))), ("Name", .string("row \(number)"))])
            }
            return CmdletBatch(objects.map { .object($0) })
        }
    }
}

/// A source of one row with as many warnings as it is asked for.
private struct WarningSource: CmdletSource {
    func knows(_ name: String) -> Bool { name.lowercased() == "get-warned" }

    func open(_ call: CmdletCall) async throws(CmdletFault) -> any CmdletRows { Rows(call: call) }

    private struct Rows: CmdletRows {
        let call: CmdletCall
        var isRead = false

        mutating func next() async throws(CmdletFault) -> CmdletBatch? {
            guard !isRead else { return nil }
            isRead = true
            var count = call.input
            if case .value(let value, _)? = call.arguments.first { count = value }
            guard case .int(let number)? = count else { throw .handedOver("no number") }
            return CmdletBatch([.string("a")], warnings: (0..<number).map { "w\($0 + 1)" })
        }
    }
}

/// A source that has nothing and says so.
private struct EmptySource: CmdletSource {
    func knows(_ name: String) -> Bool { name.lowercased() == "get-nothing" }

    func open(_ call: CmdletCall) async throws(CmdletFault) -> any CmdletRows {
        guard case .value(let value, _)? = call.arguments.first else { throw .handedOver("nothing is asked for") }
        throw .failed(NativeError("NotFound,\(call.name)", "There is no \(value.text).", isReadable: true))
    }
}

/// A source whose cmdlets fail as those that send a request do, with the status that they are asked for.
private struct AnsweringSource: CmdletSource {
    func knows(_ name: String) -> Bool { ["invoke-mggraphrequest", "get-mguser"].contains(name.lowercased()) }

    func open(_ call: CmdletCall) async throws(CmdletFault) -> any CmdletRows {
        guard case .value(.int(let status), _)? = call.arguments.first else { throw .handedOver("no status") }
        throw .failed(NativeError("No,\(call.name)", "No.", command: call.name, isReadable: true, status: status))
    }
}

@Suite("What a script learns of a refused request")
struct RefusedRequests {
    @Test(
        "the exception of a request has the service's answer, and that of a cmdlet has none",
        arguments: [
            ("Invoke-MgGraphRequest 404", "NotFound 404 False True"),
            ("Invoke-MgGraphRequest 429", "TooManyRequests 429 True False"), ("Get-MgUser 404", "  False False"),
        ])
    func answers(call: String, expected: String) async throws {
        let script =
            "try { \(call) } catch { $r = $_.Exception.Response; "
            + "\"$($r.StatusCode) $($r.StatusCode.value__) $($r.StatusCode -eq 429) $($r.StatusCode -eq 'NotFound')\" }"
        var session = NativeSession()
        let outcome = await NativeEngine(sources: [AnsweringSource()]).run(script, in: &session)
        guard case .completed(let result) = outcome else {
            Issue.record("it did not run: \(outcome)")
            return
        }
        #expect(result.objects.map(\.text) == [expected])
    }
}

/// A source whose service refuses everything.
private struct RefusingSource: CmdletSource {
    func knows(_ name: String) -> Bool { name.lowercased() == "get-refused" }

    func open(_ call: CmdletCall) async throws(CmdletFault) -> any CmdletRows {
        throw .interrupted(PipelineStop(refusedWith: NativeError("Refused", "No.", isReadable: true)))
    }
}

/// A source whose service answers with an error.
private struct FailingSource: CmdletSource {
    func knows(_ name: String) -> Bool { name.lowercased() == "get-failure" }

    func open(_ call: CmdletCall) async throws(CmdletFault) -> any CmdletRows {
        throw .failed(NativeError("Failed", "No.", isReadable: true))
    }
}

@Suite("Scripts that only PowerShell itself may run", .timeLimit(.minutes(5)))
struct HandedOverScripts {
    @Test(
        "what the engine is not certain of is handed over",
        arguments: [
            "'\u{30AB}' -eq '\u{304B}'", "'', '{}' | ConvertFrom-Json",
            "@{a=1;b=2} | ConvertTo-Json", "'{bad' | ConvertFrom-Json", "'abc' -match '(?<=(a))b'", "$env:PATH",
            "[io.file]::ReadAllText('x')", "$PSVersionTable", "1 > x", "Get-Process",
            "1..3 | Sort-Object -Culture sv", "'a'.IndexOf('b', 0, 1)",
            "1 | Select-Object -First 1 -PipelineVariable x",
            "'{0:G4}' -f 12345.0", "[datetime]'14:00'", "$x.y++", "'x' | sort",
            "$args", "[environment]::Exit(1)",
            "'a' -eq \"a\u{301}\"", "2 -eq '0xFFFFFFFF'", "[int]3000000000", "'abc'.Chars(1)", "@{a=1}.Item",
            "(1.5d).Scale", "$h.x = 1",
            "while ($true) { $x = 1 }", "$a = 1; while ($true) { $a = , $a }", "$s = 'a'; 1..40 | % { $s = $s + $s }",
        ])
    func handedOver(script: String) async {
        var session = NativeSession()
        guard case .handedOver(let reason, let hasSent) = await NativeEngine().run(script, in: &session) else {
            Issue.record("\(script) ran")
            return
        }
        #expect(!reason.isEmpty)
        #expect(!hasSent)
        #expect(session.variables.isEmpty)
    }
}
