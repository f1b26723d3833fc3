import MMCore
import Testing

@testable import MMNative

@Suite("What parameters refuse, and how PowerShell says so", .timeLimit(.minutes(5)))
struct RefusedArguments {
    private func run(_ script: String) async -> NativeOutcome {
        var session = NativeSession()
        return await NativeEngine().run(script, in: &session)
    }

    @Test(
        "truth values, texts, conditions and shares of progress",
        arguments: [
            (
                "function t([bool]$on) { $on }; t 'yes'", "ParameterArgumentTransformationError,t",
                "Cannot convert value \"System.String\" to type \"System.Boolean\". Boolean parameters accept only"
            ),
            ("function t([bool]$on) { $on }; t $null", "ParameterArgumentTransformationError,t", "value \"\" to type"),
            (
                "function t([switch]$on) { $on }; t -on:'no'", "ParameterArgumentTransformationError,t",
                "to type \"System.Management.Automation.SwitchParameter\""
            ),
            (
                "function t { [CmdletBinding()] param([bool[]]$all) $all }; t $true, 'x'",
                "ParameterArgumentTransformationError,t", "Boolean parameters accept only"
            ),
            (
                "function t { [CmdletBinding()] param([string]$name) $name }; t 'a', 'b'",
                "ParameterArgumentTransformationError,t", "Cannot convert value to type System.String."
            ),
            (
                "function t([ValidateScript({ $_ -lt 9 }, ErrorMessage = '{0} is not{1}')]$n) { $n }; t 12",
                "ParameterArgumentValidationError,t", "on parameter 'n'. 12 is not $_ -lt 9 "
            ),
            (
                "function t([ValidatePattern('^[a-c]+$', ErrorMessage = 'no {1} in {0}')]$n) { $n }; t xyz",
                "ParameterArgumentValidationError,t", "on parameter 'n'. no ^[a-c]+$ in xyz"
            ),
            (
                "Write-Progress -Activity Reading -PercentComplete 100.7",
                "ParameterArgumentValidationError,Microsoft.PowerShell.Commands.WriteProgressCommand",
                "'PercentComplete'. The 101 argument is greater than the maximum allowed range of 100."
            ),
            (
                "Write-Progress -Activity Reading -ParentId -5",
                "ParameterArgumentValidationError,Microsoft.PowerShell.Commands.WriteProgressCommand",
                "'ParentId'. The -5 argument is less than the minimum allowed range of -1."
            ),
            (
                "Write-Host done -ForegroundColor Rred",
                "CannotConvertArgumentNoMessage,Microsoft.PowerShell.Commands.WriteHostCommand",
                "Unable to match the identifier name Rred to a valid enumerator name."
            ),
        ])
    func refused(script: String, id: String, part: String) async throws {
        guard case .completed(let result) = await run(script) else {
            throw MMError(.internalError, "\(script) did not run")
        }
        #expect(result.objects.isEmpty && result.errors.map(\.id) == [id])
        #expect(result.errors.first?.message.contains(part) == true, "\(result.errors)")
    }

    @Test(
        "what they accept nevertheless, and other small print of values",
        arguments: [
            ("function t([bool]$on, [switch]$s) { $on; $s.IsPresent }; t 2.5 -s:$false", ["True", "False"]),
            ("function t([bool]$on = 'set') { $on }; t", ["True"]),
            ("function t([bool[]]$all) { $all }; t 'a', 0", ["True", "False"]),
            ("function t([string]$name) { $name }; t 1, 2", ["1 2"]),
            ("function t([switch]$s) { \"$s\" }; t -s:$null; t -s:$true", ["False", "True"]),
            ("Write-Progress -Activity Reading -PercentComplete 99.6 -Id 3; 'done'", ["done"]),
            ("Write-Host a -ForegroundColor darkred -BackgroundColor 7; 'done'", ["done"]),
            ("'x{2, 3}' -match '^x{2, 3}$'; 'x{,3}' -match '^x{,3}$'; 'xx' -match '^x{2}$'", ["True", "True", "True"]),
            ("'{a} {bc}' -replace '{(\\w+)}', '<$1>'; '{1..' -match '{1[.]'", ["<a> <bc>", "True"]),
            ("\"a`nb\", \"c`n\", 'd' | Out-String -NoNewline", ["a\nbc\nd"]),
            (
                "([pscustomobject]@{x=1}).psobject.TypeNames",
                ["System.Management.Automation.PSCustomObject", "System.Object"]
            ),
        ] as [(String, [String])])
    func accepted(script: String, texts: [String]) async throws {
        guard case .completed(let result) = await run(script) else {
            throw MMError(.internalError, "\(script) did not run")
        }
        #expect(result.objects.map(\.text) == texts && result.errors.isEmpty, "\(result.objects.map(\.text))")
    }

    @Test(
        "what isn't certain is handed over",
        arguments: [
            "([object]'abc').ToString()", "([Object]5).Equals(5)",
            "function t([ValidateRange(1, 3)]$n) { $n }; try { t 9 } catch { $_.Exception.InnerException.Message }",
            "function t([Parameter(Position=0)]$a, [Parameter(Position=0)]$b) { $a }; t 1",
            "function t([Parameter(Position=0)]$a, [Parameter(ValueFromRemainingArguments)]$r) { $r }; t 1 2 -other 3",
            "$l = [Collections.Generic.List[string]]@('a'); $l.ForEach({ $_ })",
            "Write-Error bad -Activity reading", "Write-Error bad -CategoryReason none",
            "function t([ValidateSet('a', 'b', ErrorMessage = 'not {0}')]$n) { $n }; t c",
        ])
    func handedOver(script: String) async {
        guard case .handedOver = await run(script) else {
            Issue.record("\(script) ran")
            return
        }
    }
}
