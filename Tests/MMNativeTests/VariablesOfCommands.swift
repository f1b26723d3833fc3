import MMNative
import Testing

/// `-OutVariable` and `-ErrorVariable`, by which a script keeps what single commands put out.
@Suite("Variables that commands fill", .timeLimit(.minutes(2)))
struct VariablesOfCommands: RunningReports {
    private static let echo =
        "function f { [CmdletBinding()] param([Parameter(ValueFromPipeline)][string]$x) "
        + "process { $x; Write-Error $x } }; "
    private static let inner = "function g { [CmdletBinding()] param() Write-Error own; "

    @Test(
        "each gets the errors of its own command, and a function's those of the commands that end its pipelines",
        arguments: [
            (echo + "f a -ErrorVariable one 2>$null | f -ErrorVariable two 2>$null; \"$one/$two\"", ["a", "a/a"]),
            (echo + "$null = f a -ev one -ea SilentlyContinue | ForEach-Object { 1 }; $one.Count", ["1"]),
            (echo + "$null = f a 2>$null | f -ErrorVariable two 2>$null; $two.Count", ["1"]),
            (
                echo + inner + "f a | f }; $null = g -ErrorVariable all 2>$null; \"$all\"",
                ["own a"]
            ),
            (echo + inner + "$y = f a }; g -ErrorVariable all 2>$null; \"$all\"", ["own a"]),
            (inner + "try { throw 'caught' } catch { } }; g -ErrorVariable all 2>$null; \"$all\"", ["own caught"]),
            (
                echo + inner + "f a -ErrorVariable script:deep }; $null = g -ErrorVariable all 2>$null; \"$deep/$all\"",
                ["a/own a"]
            ),
            (inner + "$all = 'mine' }; g -ErrorVariable all 2>$null; \"$all\"", ["own"]),
            (
                "1 | ForEach-Object { 1 } -ErrorVariable one "
                    + "| ForEach-Object { Write-Error late -ea SilentlyContinue } -ErrorVariable two; \"$one/$two\"",
                ["/late"]
            ),
            (
                "try { Get-Item nope -ErrorAction Stop -ErrorVariable e } catch { }; "
                    + "$e.Count; $e[0].GetType().Name; $e[0].ErrorRecord.FullyQualifiedErrorId",
                [
                    "1", "ActionPreferenceStopException",
                    "PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand",
                ]
            ),
            (
                "try { 1 | ForEach-Object { 1 } -ErrorVariable one | ForEach-Object { throw 'late' } } catch { }; "
                    + "$one.Count",
                ["0"]
            ),
        ])
    func errors(script: String, texts: [String]) async throws {
        guard case .completed(let result) = await outcome(script) else {
            Issue.record("\(script) did not run")
            return
        }
        #expect(result.objects.map(\.text) == texts)
    }

    @Test(
        "objects are kept without the messages that stand among them",
        arguments: [
            (echo + "$null = f a -OutVariable out 2>&1; \"$out\"", ["a"]),
            (echo + "(f a -OutVariable out 2>&1).Count; \"$out\"", ["2", "a"]),
            (echo + "$null = f a 2>&1 | ForEach-Object { \"<$_>\" } -OutVariable out; \"$out\"", ["<a> <a>"]),
        ])
    func objects(script: String, texts: [String]) async throws { #expect(try await self.texts(script) == texts) }

    @Test(
        "a variable whose value only the other engine has is left to PowerShell",
        arguments: ["-OutVariable a", "-OutVariable +a", "-ErrorVariable script:a"])
    func foreign(parameter: String) async {
        var session = NativeSession()
        session.foreignVariables = ["a"]
        let engine = NativeEngine(host: NativeHost(), isPatient: true)
        let end = await engine.run("Write-Output z \(parameter)", in: &session)
        guard case .handedOver(let reason, _) = end else {
            Issue.record("it ran: \(end)")
            return
        }
        #expect(reason == "the variable $a, which was set in the other engine")
    }

    @Test(
        "a command whose arguments don't fit is left to PowerShell if it names a variable",
        arguments: [
            "function f { [CmdletBinding()] param($x) 1 }; $e = 5; f -y 2 -ErrorVariable e; \"$e\"",
            "function f { [CmdletBinding()] param([int]$x) 1 }; f -x abc -ev e; $e.Count",
            "function f { [CmdletBinding()] param([ValidateSet('a')]$x) 1 }; 1 | f -x b -OutVariable o; $o.Count",
            "$o = 5; Select-Object -Foo 1 -OutVariable o; \"$o\"",
            "$p = @{ Foo = 1; OutVariable = 'o' }; 1 | Select-Object @p; \"$o\"",
        ])
    func unfit(script: String) async {
        #expect(await refusal(script) == "the variables of a command whose arguments don't fit")
    }

    @Test("the failure of a command whose arguments don't fit is an error where it names no variable")
    func unfitWithoutVariable() async {
        let script = "function f { [CmdletBinding()] param($x) 1 }; f -y 2; 1 | Select-Object -Foo 1; 'on'"
        guard case .completed(let result) = await outcome(script) else {
            Issue.record("it did not run")
            return
        }
        #expect(result.objects.map(\.text) == ["on"])
        #expect(result.errors.count == 2)
    }

    @Test(
        "a script that is left to PowerShell adds nothing to a list of the session",
        arguments: [
            "$null = Write-Output z -OutVariable +a", "$null = Write-Output z -ov +a",
            "$null = Write-Output z -OutV +a",
            "$p = @{ OutVariable = '+a' }; $null = Write-Output z @p",
            "function f { [CmdletBinding()] param() 'z' }; $null = f -OutVariable +a",
        ])
    func abandoned(script: String) async {
        var session = NativeSession()
        let engine = NativeEngine(host: NativeHost(), isPatient: true)
        _ = await engine.run("$null = Write-Output y -OutVariable a", in: &session)
        guard case .handedOver = await engine.run("\(script); [math]::Abs([single]1)", in: &session) else {
            Issue.record("\(script) ran")
            return
        }
        guard case .completed(let result) = await engine.run("\"$a\"", in: &session) else {
            Issue.record("the list is lost")
            return
        }
        #expect(result.objects.map(\.text) == ["y"])
    }

    @Test(
        "a + before the name keeps what the variable had",
        arguments: [
            ("$a = 'x', 'y'; $null = Write-Output z -OutVariable +a; \"$a\"", ["x y z"]),
            ("$a = 'x'; $null = Write-Output z -OutVariable +a; $a.Count", ["2"]),
            ("$a = @{ k = 1 }; $null = Write-Output z -OutVariable +a; $a.Count; $a[0].k", ["2", "1"]),
            ("$null = Write-Output z -OutVariable +a; \"$a\"", ["z"]),
            ("Set-StrictMode -Version Latest; $null = Write-Output z -OutVariable +a; \"$a\"", ["z"]),
            (
                "$a = [System.Collections.Generic.List[object]]::new(); $b = $a; "
                    + "$null = Write-Output z -OutVariable +a; $b.Count",
                ["1"]
            ),
            ("$a = 'x', 'y'; $b = $a; $null = Write-Output z -OutVariable +a; $b.Count", ["2"]),
        ])
    func kept(script: String, texts: [String]) async throws { #expect(try await self.texts(script) == texts) }
}
