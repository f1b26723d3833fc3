import MMNative
import Testing

@Suite("Messages among a command's objects, and code of texts", .timeLimit(.minutes(2)))
struct MergedStreams: RunningReports {
    @Test(
        "errors, warnings and messages stand among the objects where they are sent there",
        arguments: [
            ("$r = & { Write-Error bad; 'ok' } 2>&1; $r.Count; \"$($r[0])\"; $r[1]", ["2", "bad", "ok"]),
            ("(& { 'one'; Write-Warning two; 'three' } 3>&1) -join ','", ["one,two,three"]),
            ("$r = Write-Error x 2>&1; $r.GetType().Name; $r.Exception.Message", ["ErrorRecord", "x"]),
            ("function f { Write-Error a; Write-Warning b; Write-Host c; 'd' }; $r = f *>&1; $r.Count", ["4"]),
            ("function f { Write-Host c; 'd' }; (f 6>&1 | ForEach-Object { \"[$_]\" }) -join ''", ["[c][d]"]),
            (
                "1, 2 | ForEach-Object { Write-Error $_; $_ } 2>&1 | ForEach-Object { \"<$_>\" }",
                ["<1>", "<1>", "<2>", "<2>"]
            ),
            ("function f { Write-Error inner 2>$null; 'x' }; @(f 2>&1).Count", ["1"]),
            ("& { Write-Error gone; 'kept' } 2>&1 | Where-Object { $_ -is [string] }", ["kept"]),
            ("Write-Warning noted *> log.txt; Get-Content log.txt", ["noted"]),
            ("$r = & { Write-Error first } 2>&1; $Error.Count", ["1"]),
            ("$r = Write-Verbose hi -Verbose 4>&1; \"$r\"; $r.Message", ["hi", "hi"]),
            ("$r = Write-Debug hi -Debug 5>&1; $r.Message", ["hi"]),
            ("$r = Write-Verbose hi 4>&1; $null -eq $r", ["True"]),
            ("$r = Write-Verbose hi -Verbose 6>&1; $null -eq $r", ["True"]),
            (
                "function f { [CmdletBinding()] param() Write-Verbose v; 'o' }; "
                    + "$r = f -Verbose *>&1; \"$($r[0])\"; $r[1]",
                ["v", "o"]
            ),
            ("\"$(Write-Host a -Tone red 6>&1)\"", ["a -Tone red"]),
            ("$r = Write-Information hi 6>&1; $r.MessageData", ["hi"]),
            ("$r = Write-Information hi -InformationAction Ignore 6>&1; $null -eq $r", ["True"]),
            ("'text' > out.txt | Out-Null; Get-Content out.txt", ["text"]),
            ("'text' > out.txt | ForEach-Object { 'not' }; Get-Content out.txt", ["text"]),
            ("'text' > $null | ForEach-Object { 'not' }; 'end'", ["end"]),
        ])
    func merged(script: String, texts: [String]) async throws {
        guard case .completed(let result) = await outcome(script) else {
            Issue.record("\(script) did not run")
            return
        }
        #expect(result.objects.map(\.text) == texts)
        #expect(result.failure == nil)
    }

    @Test("a script that changes something leaves such redirections to PowerShell", arguments: ["2>&1", "*>&1"])
    func changing(redirection: String) async throws {
        var session = NativeSession()
        let end = await NativeEngine(host: NativeHost()).run("$r = Write-Error x \(redirection); 1", in: &session)
        guard case .handedOver(let reason, _) = end else {
            Issue.record("it ran: \(end)")
            return
        }
        #expect(reason == "a redirection")
    }

    @Test(
        "a text becomes a block, and one that could change something doesn't run",
        arguments: [
            ("& ([scriptblock]::Create('1 + 1'))", ["2"]),
            ("[scriptblock]::Create('param($a) $a + 1').Invoke(2)", ["3"]),
            ("$b = [scriptblock]::Create('$_ -gt 2 # more'); (1, 3 | Where-Object $b) -join ','", ["3"]),
            ("$x = 5; Invoke-Command -ScriptBlock ([scriptblock]::Create('$x * 2'))", ["10"]),
        ])
    func blocks(script: String, texts: [String]) async throws { #expect(try await self.texts(script) == texts) }

    @Test(
        "a text with a cmdlet that isn't a reading one, or that is no single block, is handed over",
        arguments: ["Set-Mailbox x", "1 }; & { 2", "function f { 1 }"])
    func strangeBlocks(text: String) async throws {
        guard case .handedOver = await outcome("& ([scriptblock]::Create('\(text)'))") else {
            Issue.record("\(text) ran")
            return
        }
    }

    @Test(
        "small differences between .NET's calls",
        arguments: [
            ("[IO.Path]::GetFileNameWithoutExtension($null) + '|'", ["|"]), ("[regex]::Escape([char]'.')", ["\\."]),
            ("'a,,b'.Split('', [StringSplitOptions]::RemoveEmptyEntries)", ["a,,b"]),
            ("(Get-Date '18:05').ToString('HH:mm')", ["18:05"]),
            ("([datetime]'6:30 PM').TimeOfDay.ToString()", ["18:30:00"]),
            ("([datetime]'18:05').Date -eq (Get-Date).Date", ["True"]), ("\"$(Get-Command Get-Date)\"", ["Get-Date"]),
            ("$x = 1; function f { $x = 2; Get-Variable x -Scope Script -ValueOnly }; f", ["1"]),
            (
                "(ConvertTo-Html -Title t -Body b) -join ' ' -like '*<title>t</title>*b <table> </table> </body></html>'",
                ["True"]
            ),
            ("((ConvertTo-Html -Title t -Property a) -join '') -like '*<table></table>*'", ["True"]),
        ])
    func calls(script: String, texts: [String]) async throws { #expect(try await self.texts(script) == texts) }
}
