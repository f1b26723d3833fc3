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
            ("function f { param([ValidateNotNullOrWhiteSpace()]$n) \"$n\" }; (f ' a ') + (f 1)", " a 1"),
            (
                "function f { param([ValidateNotNullOrWhiteSpace()][string[]]$n) 1 }; try { f 'a', ' ' } catch { 'bad' }",
                "bad"
            ),
            ("function f { param([ValidateNotNullOrWhiteSpace()]$n) 1 }; try { f @() } catch { 'bad' }", "bad"),
            (
                "function f { param([ValidateNotNullOrWhiteSpace()][ValidateNotNullOrEmpty()]$n) 1 }; "
                    + "try { f ' ' } catch { 'bad' }", "bad"
            ),
            (
                "function f { param([ValidateNotNullOrWhiteSpace()]$n) }; try { f ' ' } catch { $_.Exception.Message }",
                "Cannot validate argument on parameter 'n'. The argument is null, empty, or consists of only "
                    + "white-space characters. Provide an argument that contains non white-space characters, "
                    + "and then try the command again."
            ),
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
        "may have names in any language, and one position for two while no argument needs it",
        arguments: [
            ("function f { param([string]$Funktionsbrevlåda) $Funktionsbrevlåda }; f -Funktionsbrevlåda a", ["a"]),
            ("function f { param($Größe, $Œuvre) \"$Größe $Œuvre\" }; f -GRÖß 1 -œ 2; f 3 4", ["1 2", "3 4"]),
            (
                "function f { param([Parameter(Position=1)]$a, [Parameter(Position=1)]$b) \"$a $b\" }; f -a 1 -b 2; f -b 1 2",
                ["1 2", "2 1"]
            ),
        ])
    func names(script: String, output: [String]) async throws { #expect(try await texts(script) == output) }

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

    private static let advanced = "function f { [CmdletBinding()] param($a, [switch]$s, $b) "

    @Test(
        "are in $PSBoundParameters as they were bound, common ones included",
        arguments: [
            ("$PSBoundParameters.Keys -join ',' }; f -b 1 -Verbose -a 2 -s", "b,Verbose,a,s"),
            ("$PSBoundParameters.Keys -join ',' }; f 1 2 -s", "s,a,b"),
            ("$PSBoundParameters['Verbose'].IsPresent }; f -Verbose", "True"),
            ("$PSBoundParameters.s.IsPresent }; f -s", "True"),
            ("$PSBoundParameters['s'].GetType().Name }; f -s", "SwitchParameter"),
            ("$PSBoundParameters['Verbose'] -eq $true }; f -vb:$false", "False"),
            ("$PSBoundParameters.ContainsKey('Debug') }; f -db", "True"),
            ("\"$($PSBoundParameters.ErrorAction) $($PSBoundParameters['wa'])\" }; f -ea stop", "Stop "),
            ("$PSBoundParameters.ErrorVariable }; f -ev +bad", "+bad"),
            ("$PSBoundParameters.Keys -join ',' }; $p = @{ Verbose = $true }; f -a 1 @p", "a,Verbose"),
            (
                "$PSBoundParameters.ErrorAction }; $p = @{ ErrorAction = 'Stop' }; f -ErrorAction Continue @p",
                "Continue"
            ),
        ])
    func bound(script: String, text: String) async throws {
        #expect(try await texts(Self.advanced + script) == [text])
    }

    @Test(
        "say in PowerShell's words what a value lacks",
        arguments: [
            (
                "[ValidateScript({ $_ -gt 5 })]", "4",
                "The \" $_ -gt 5 \" validation script for the argument with value \"4\" did not return a result of True. "
                    + "Determine why the validation script failed, and then try the command again."
            ),
            (
                "[ValidateLength(2, 3)]", "'a'",
                "The character length (1) of the argument is too short. Specify an argument with a length that is greater "
                    + "than or equal to \"2\", and then try the command again."
            ),
            (
                "[ValidateCount(2, 2)]", "1, 2, 3",
                "The parameter requires exactly 2 value(s) - 3 value(s) were provided."
            ),
            (
                "[ValidateRange('Positive')]", "0",
                "The argument \"0\" cannot be validated because its value is not greater than zero."
            ),
            (
                "[ValidateRange('NonNegative')]", "-1",
                "The argument \"-1\" cannot be validated because its value is not greater than or equal to zero."
            ),
        ])
    func refused(declared: String, value: String, message: String) async throws {
        let script = "function f { param(\(declared)$x) }; try { f (\(value)) } catch { $_.Exception.Message }"
        #expect(try await texts(script) == ["Cannot validate argument on parameter 'x'. " + message])
    }
}
