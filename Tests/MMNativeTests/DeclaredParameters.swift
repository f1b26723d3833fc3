import MMCore
import Testing

@testable import MMNative

@Suite("What functions declare about their parameters", .timeLimit(.minutes(5)))
struct DeclaredParameters: RunningReports {
    @Test(
        "holds for their values",
        arguments: [
            (
                "function f { param([ValidateNotNullOrEmpty()][string[]]$n) 'ok' }; try { f 'a', '' } catch { 'bad' }",
                "bad"
            ),
            ("function f { param([ValidateNotNullOrEmpty()]$n) 'ok' }; try { f @() } catch { 'bad' }", "bad"),
            ("function f { param([ValidateNotNullOrEmpty()]$n) 'ok' }; try { f @{} } catch { 'bad' }", "bad"),
            ("function f { param([ValidateNotNull()]$n) 'ok' }; f ''", "ok"),
            ("function f { param([ValidateNotNull()]$n) 'ok' }; f @()", "ok"),
            ("function f { param([ValidateNotNull()]$n) 'ok' }; try { f 1, $null } catch { 'bad' }", "bad"),
            ("function f { param([ValidateNotNull()]$n) 'ok' }; try { f $null } catch { 'bad' }", "bad"),
            (
                "function f { param([ValidateSet('a', 'b', IgnoreCase = $false)]$n) 'ok' }; try { f 'A' } catch { 'bad' }",
                "bad"
            ),
            ("function f { param([ValidateSet('a', 'b', IgnoreCase = $false)]$n) 'ok' }; f 'a'", "ok"),
            ("function f { param([ValidateSet('a', 'b')]$n) 'ok' }; f 'A'", "ok"),
            (
                "function f { [CmdletBinding(PositionalBinding = $false)] param($x) \"$x\" }; try { f 1 } catch { 'bad' }",
                "bad"
            ),
            (
                "function f { [CmdletBinding(PositionalBinding = $false)] param([Parameter(Position = 0)]$x, $y) \"$x\" }; f 1",
                "1"
            ),
        ])
    func declared(script: String, text: String) async throws {
        #expect(try await texts(script) == [text])
    }

    @Test(
        "leaves it to the caller what becomes of errors",
        arguments: [
            ("f -ErrorAction SilentlyContinue", ["on"]), ("f -ea 0", ["on"]),
            ("try { f -ErrorAction Stop } catch { \"c $_\" }", ["c e"]),
            ("$p = @{ ErrorAction = 'Stop' }; try { f @p } catch { \"c $_\" }", ["c e"]),
            ("f -ErrorAction SilentlyContinue; $ErrorActionPreference", ["on", "Continue"]),
        ])
    func errors(call: String, output: [String]) async throws {
        #expect(try await texts("function f { [CmdletBinding()] param() Write-Error e; 'on' }; \(call)") == output)
    }

    @Test(
        "decides with the caller what is shown",
        arguments: [
            ("-WarningAction SilentlyContinue", []), ("-wa Ignore", []), ("-WarningAction Continue", ["w"]),
            ("-ProgressAction SilentlyContinue", ["w"]), ("-InformationAction SilentlyContinue", ["w"]),
        ] as [(String, [String])])
    func shown(words: String, warnings: [String]) async throws {
        let script = "function f { [CmdletBinding()] param() Write-Warning 'w'; g }; function g { 'x' }; f \(words)"
        for engine in [NativeEngine(), NativeEngine(host: NativeHost())] {
            var session = NativeSession()
            guard case .completed(let result) = await engine.run(script, in: &session) else {
                Issue.record("\(script) did not run")
                continue
            }
            #expect(result.objects.map(\.text) == ["x"] && result.warnings == warnings)
        }
    }

    @Test(
        "and that nothing here carries out, is handed over",
        arguments: [
            "function f { [CmdletBinding()] param() Write-Warning 'w' }; f -WarningVariable wv; $wv.Count",
            "function f { [CmdletBinding()] param() Write-Warning 'w' }; f -WarningAction Stop",
            "function f { [CmdletBinding()] param() 1 }; f -InformationVariable iv",
            "Write-Warning 'w' -WarningVariable wv",
            "function f { [CmdletBinding()] param() 1 }; f -OutBuffer 5",
            "function f { [CmdletBinding(SupportsPaging)] param() 1 }; f",
            "function f { param([Parameter(Experimental = 'a')]$x) $x }; f 1",
            "function f { param([Parameter(Mandatory = 1)]$x) $x }; f 1",
            "$private:x = 1; function f { $x }; f",
        ])
    func handedOver(script: String) async {
        guard case .handedOver = await outcome(script) else {
            Issue.record("\(script) ran")
            return
        }
    }

    @Test(
        "each of several places of an assignment has its type",
        arguments: [
            ("[int]$have, [int]$need = '9,10' -split ','; $have -lt $need", ["True"]),
            ("[int]$a, [string]$b = '10', 9; $a.GetType().Name; $b.GetType().Name", ["Int32", "String"]),
            ("[int]$a, $b = '1', '2'; $a = '5'; $a + 1; $b + 1", ["6", "21"]),
            ("$a = @(1); $a += [System.Collections.Generic.List[int]]@(2, 3); $a.Count", ["3"]),
            ("try { [int]$x = 'abc' } catch { }; $x = 'def'; $x", ["def"]),
        ])
    func typed(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }
}
