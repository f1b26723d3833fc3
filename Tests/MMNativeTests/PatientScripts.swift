import MMCore
import PowerShellSyntax
import Testing

@testable import MMNative

@Suite("Scripts of which not everything fits", .timeLimit(.minutes(5)))
struct PatientScripts {
    private func outcome(_ script: String, missing: Set<String> = [], isPatient: Bool = true) async -> NativeOutcome {
        var session = NativeSession()
        let engine = NativeEngine(host: NativeHost(), missing: missing, isPatient: isPatient)
        return await engine.run(script, in: &session)
    }

    @Test(
        "run where they never reach what doesn't fit",
        arguments: [
            ("if ($false) { Get-Clipboard }; 'end'", ["end"]),
            ("foreach ($i in 1..2) { if ($i -gt 5) { [net.webclient]$x = 'a' }; $i }", ["1", "2"]),
            ("function F { Get-Clipboard }; 'end'", ["end"]),
            ("function F([System.Xml.XmlNode]$x) { 1 }; if ($false) { F }; 'end'", ["end"]),
            ("switch (1) { 1 { 'one' } 2 { Get-Clipboard } }", ["one"]),
            ("try { 'a' } catch { Get-Clipboard } finally { 'b' }", ["a", "b"]),
            ("$r = if ($true) { 1 } else { Get-Clipboard }; $r", ["1"]),
            ("while ($false) { Get-Clipboard }; 'end'", ["end"]),
        ] as [(String, [String])])
    func unreached(script: String, texts: [String]) async throws {
        guard case .completed(let result) = await outcome(script) else {
            Issue.record("\(script) did not run")
            return
        }
        #expect(result.objects.map(\.text) == texts)
        #expect(result.errors.isEmpty && result.failure == nil)
        guard case .handedOver(_, let hasSent) = await outcome(script, isPatient: false) else {
            Issue.record("\(script) ran although not all of it fits")
            return
        }
        #expect(!hasSent)
    }

    private static let called =
        "a call of the script Test.ps1, which was not inserted: hand it in with --attach Test.ps1, unless it has exit or "
        + "$script: variables"

    @Test(
        "end where they reach it, and don't begin where it certainly runs",
        arguments: [
            ("'a'; if ($true) { Get-Clipboard }; 'b'", "the command Get-Clipboard"),
            ("function F { Get-Clipboard }; F", "the command Get-Clipboard"),
            ("function F([System.Xml.XmlNode]$x) { 1 }; if ($true) { F }", "the function F"),
            ("'a'; Get-Clipboard", "the command Get-Clipboard"),
            ("function F { 'ran' }; F -?", "the help of F"),
            ("'a'; if (", "the script does not parse: if statement missing condition"),
            ("try { Get-Clipboard } catch { 'no' }", "the command Get-Clipboard"),
            ("1..2 | ForEach-Object { if ($_ -gt 5) { Get-Clipboard } }", "the command Get-Clipboard"),
            (
                "'a'; . \"$PSScriptRoot\\..\\Utility\\Connect.ps1\"",
                "the script Connect.ps1, which is not here: hand it in with --attach Connect.ps1"
            ),
            ("'a'; & ./lib/Test.ps1 -A 1", Self.called),
            ("'a'; & ('./lib/Test' + '.ps1')", Self.called),
        ])
    func reached(script: String, reason: String) async {
        guard case .handedOver(let told, _) = await outcome(script) else {
            Issue.record("\(script) ran")
            return
        }
        #expect(told == reason)
    }

    @Test(
        "that change something don't begin, wherever it stands",
        arguments: [
            ("if ($false) { Set-ExecutionPolicy Bypass -Wrong 1 }", "the parameter -Wrong of Set-ExecutionPolicy"),
            ("function F { Get-Content a.csv -Delimiter a }", "-Delimiter of Get-Content"),
            ("if ($false) { Remove-Item a -WhatIf }", "-WhatIf of Remove-Item"),
            ("if ($false) { New-Object System.Net.Mail.MailMessage }", "New-Object of System.Net.Mail.MailMessage"),
            ("if ($false) { New-Object -TypeName Net.Mail.SmtpClient('a') }", "New-Object of Net.Mail.SmtpClient"),
            (
                ". \"$PSScriptRoot\\..\\Connect.ps1\"",
                "the script Connect.ps1, which is not here: hand it in with --attach Connect.ps1"
            ),
            (
                ". (Join-Path $PSScriptRoot 'lib/Connect.ps1')",
                "the script Connect.ps1, which is not here: hand it in with --attach Connect.ps1"
            ),
            ("& (Join-Path $PSScriptRoot 'Test.ps1') -A 1", Self.called),
            ("$path = \"$PSScriptRoot\\Test.ps1\"\n& $path -A 1", Self.called),
            ("& ([IO.Path]::Combine($PSScriptRoot, 'lib', 'Test.ps1'))", Self.called),
            (". $path", "a command whose name is computed"),
        ])
    func unfit(script: String, reason: String) {
        let parsed = PowerShellParser.parse(utf16: Array(script.utf16))
        #expect(NativeEngine(host: NativeHost()).unsupportedReason(parsed) == reason)
    }

    @Test(
        "that change something may use what only their run decides",
        arguments: [
            "Set-ExecutionPolicy Bypass -Scope Process -Force -Confirm:$false", "'a' | Set-Content a.txt -cf:$false",
            "Set-Variable a 1 -Scope Global -Confirm:$false -WhatIf:$false", "Remove-Item a.txt -wi:$false",
            "$o = New-Object PSObject -Property @{ a = 1 }", "$o = New-Object System.Collections.ArrayList",
            "$o = New-Object -ComObject WScript.Shell", "$o = New-Object -TypeName $type", "'a' | Out-File a.txt @more",
        ])
    func fit(script: String) {
        let parsed = PowerShellParser.parse(utf16: Array(script.utf16))
        #expect(NativeEngine(host: NativeHost()).unsupportedReason(parsed) == nil)
    }

    @Test("report a word that is no command anywhere, and go on")
    func missing() async throws {
        let script = "'a'; Export to CSV; try { Export } catch { \"caught: $($_.Exception.Message)\" }; 1 | Export; 'b'"
        guard case .completed(let result) = await outcome(script, missing: ["export"]) else {
            Issue.record("it did not run")
            return
        }
        let texts = result.objects.map(\.text)
        #expect(texts.first == "a" && texts.last == "b" && texts.count == 3)
        #expect(texts.dropFirst().first?.hasPrefix("caught: The term 'Export' is not recognized") == true)
        #expect(result.errors.map(\.id) == ["CommandNotFoundException", "CommandNotFoundException"])
    }

    @Test(
        "that only read have labels, single numbers, elements that are replaced, and tables shown whole",
        arguments: [
            (
                ":outer foreach ($a in 1..3) { foreach ($b in 1..3) { if ($b -eq 2) { continue outer }; \"$a$b\" } }",
                ["11", "21", "31"]
            ),
            (":Outer while ($true) { switch (1) { 1 { break outer } }; 'no' }; 'end'", ["end"]),
            (
                ":one for ($i = 0; $i -lt 3; $i++) { :two foreach ($b in 1..3) { if ($b -eq 2) { break two }; $i } }",
                ["0", "1", "2"]
            ),
            ("[float]$n = 1.1; \"$n $($n * 2) $($n.GetType().Name)\"", ["1.1 2.20000004768372 Single"]),
            (
                "[single]$n = '0.75'; $n.ToString(); '{0:N2}' -f $n; $n + 1; [math]::Round($n, 1); $n -eq 0.75",
                ["0.75", "0.75", "1.75", "0.8", "True"]
            ),
            ("[float]$n = $null; $n += 2; $n; if ($n -gt 1) { 'more' }", ["2", "more"]),
            ("$a = 1, 2, 3; $a[1] = 'x'; $a[-1] += 4; $a -join ','", ["1,x,7"]),
            ("function F { $l = @('a', 'b'); $l[0] = 'c'; return $l }; (F) -join ''", ["cb"]),
            ("$a = @(1); try { $a[3] = 1 } catch { 'outside' }", ["outside"]),
            ("'ab 1' -match @('ab', '1')", ["True"]),
            (
                "$o = [pscustomobject]@{Name=1}; $o.PSObject.Properties['name'].Value; $null -eq $o.PSObject.Properties['x']",
                ["1", "True"]
            ),
            (
                "$t = @{a=1}; $t.PSObject.Properties.Name -contains 'a'; $null -eq $t.PSObject.Properties['@odata.nextLink']; "
                    + "$null -eq $t.PSObject.Properties['a']", ["False", "True", "True"]
            ),
            ("$t = @{a=1} | Select-Object -First 1; $t.a", ["1"]),
            (
                "$w = [System.Diagnostics.Stopwatch]::StartNew(); $w.Stop(); $a = $w.Elapsed; $a -eq $w.Elapsed; $a.TotalMinutes -lt 1; "
                    + "$w.IsRunning; $w.Start(); $w.IsRunning; $w.Reset(); $w.ElapsedMilliseconds; \"took $($w.Elapsed)\"",
                ["True", "True", "False", "True", "0", "took 00:00:00"]
            ),
            (
                "$w = New-Object System.Diagnostics.Stopwatch; $w.Restart(); $w.Elapsed.ToString('hh\\:mm'); $w.Elapsed.TotalSeconds -ge 0",
                ["00:00", "True"]
            ),
            ("[math]::Round('2.345', 1); [math]::Floor('7.9')", ["2.3", "7"]),
            (
                "(Get-Date '2026-04-17 10:11:12' -Day 31 -Hour 0 -Minute 0 -Second 0).ToString('s')",
                ["2026-05-01T00:00:00"]
            ),
            (
                "(Get-Date -Date '2024-02-29' -Year 2026).ToString('s'); (Get-Date '2026-01-31' -Month 2).Day",
                ["2026-02-28T00:00:00", "28"]
            ),
        ] as [(String, [String])])
    func onlyReading(script: String, texts: [String]) async throws {
        guard case .completed(let result) = await outcome(script) else {
            Issue.record("\(script) did not run: \(await outcome(script))")
            return
        }
        #expect(result.objects.map(\.text) == texts)
        #expect(result.errors.isEmpty && result.failure == nil)
    }

    @Test(
        "that only read test lists, split the texts of one, name parts of errors, and have variables that PowerShell sets as well",
        arguments: [
            (
                "$l = [System.Collections.Generic.List[object]]::new(); $l -is [System.Collections.IEnumerable]; "
                    + "$l -is [hashtable]; $l -isnot [string]; $l -is [System.Collections.IDictionary]; "
                    + "$l -is [System.Collections.Generic.List[object]]; $l -is [array]",
                ["True", "False", "True", "False", "True", "False"]
            ),
            ("('a b', 'c d').Split(' ') -join ','", ["a,b,c,d"]),
            (
                "function F { param([System.Management.Automation.ErrorRecord]$Record) $Record.Exception.Message; "
                    + "$Record -is [System.Management.Automation.ErrorRecord] }; try { throw 'no' } catch { F $_ }",
                ["no", "True"]
            ),
            (
                "try { throw 'no' } catch { $_.GetType().FullName }", ["System.Management.Automation.ErrorRecord"]
            ),
            ("try { throw 'no' } catch { Write-Warning $_ }; 'end'", ["end"]),
            ("$profile = 'a'; $profile; foreach ($Profile in 'b', 'c') { $profile }", ["a", "b", "c"]),
            ("$n = 0; $t = Measure-Command { $n = 5; 'dropped' }; $n; $t.TotalSeconds -lt 60", ["5", "True"]),
            ("trap [System.Exception] { 'caught'; continue }; throw 'no'; 'end'", ["caught", "end"]),
            (
                "[pscustomobject]@{A=$null;B=$null} | ConvertTo-Csv -NoTypeInformation", ["\"A\",\"B\"", ","]
            ),
        ] as [(String, [String])])
    func commonConstructs(script: String, texts: [String]) async throws {
        guard case .completed(let result) = await outcome(script) else {
            Issue.record("\(script) did not run: \(await outcome(script))")
            return
        }
        #expect(result.objects.map(\.text) == texts)
        #expect(result.errors.isEmpty && result.failure == nil)
    }

    @Test("show what a service answered beside the properties of a type, in a table and in a list")
    func additionalProperties() async throws {
        let script =
            "$o = [pscustomobject]@{Id=1;More=[ordered]@{a='x';b=@(1, 2)}}; $o | Format-List; $o | Format-Table"
        guard case .completed(let result) = await outcome(script) else {
            Issue.record("it did not run: \(await outcome(script))")
            return
        }
        #expect(result.objects.map(\.text).allSatisfy { $0.contains("{[a, x], [b, System.Object[]]}") })
        guard case .handedOver = await outcome(script, isPatient: false) else {
            Issue.record("it ran although what it shows was not recorded")
            return
        }
    }

    @Test(
        "go on after a question whose answer goes nowhere",
        arguments: [
            "Read-Host 'Press Enter' | Out-Null; 'end'", "$null = Read-Host 'Press Enter'; 'end'",
            "[void](Read-Host 'Press Enter'); 'end'", "if ($true) { $null = Read-Host 'Press Enter' }; 'end'",
            "function Wait-Here { Read-Host 'Press Enter' | Out-Null }; Wait-Here; 'end'",
            "$null = $Host.UI.RawUI.ReadKey('NoEcho,IncludeKeyDown'); 'end'",
            "[void]$Host.UI.RawUI.ReadKey(); 'end'",
            "$ignored = 16, 17; while ($null -eq $k.VirtualKeyCode -or $ignored -contains $k.VirtualKeyCode) "
                + "{ $k = $Host.UI.RawUI.ReadKey('NoEcho') }; 'end'",
            "function Wait { do { $k = $Host.UI.RawUI.ReadKey() } until ($k.VirtualKeyCode -eq 13) }; Wait; 'end'",
        ])
    func pauses(script: String) async throws {
        guard case .completed(let result) = await outcome(script) else {
            Issue.record("\(script) did not run: \(await outcome(script))")
            return
        }
        #expect(result.objects.map(\.text) == ["end"])
        #expect(result.failure == nil)
        // Before a change it is the last moment to stop.
        switch await outcome(script, isPatient: false) {
        case .completed(let waiting):
            #expect(waiting.failure?.message.contains("there is nobody to answer") == true)
        case .handedOver(_, let hasSent): #expect(!hasSent)
        case .stopped: Issue.record("\(script) was stopped")
        }
    }

    @Test(
        "wait for an answer that something uses",
        arguments: [
            "function Ask { Read-Host 'Name' }; $name = Ask; 'end'", "$name = $(Read-Host 'Name'); 'end'",
            "if ((Read-Host 'Go on?') -eq 'y') { 'yes' }; 'end'", "$n = (Read-Host 'Name').Trim(); 'end'",
            "1..2 | ForEach-Object { Read-Host 'Name' }; 'end'",
            "while ($true) { $k = $Host.UI.RawUI.ReadKey(); if ($k.Character -eq 'q') { break } }; 'end'",
            "do { $k = $Host.UI.RawUI.ReadKey() } until ($k.Character); $k.Character; 'end'",
        ])
    func usedAnswers(script: String) async throws {
        guard case .completed(let result) = await outcome(script) else {
            Issue.record("\(script) did not run: \(await outcome(script))")
            return
        }
        #expect(result.objects.isEmpty)
        #expect(result.failure?.message.contains("there is nobody to answer") == true)
    }

    @Test("refuse several names for one that is expanded, as PowerShell does, and go on")
    func severalExpanded() async throws {
        guard
            case .completed(let result) = await outcome(
                "[pscustomobject]@{A=1;B=2} | Select-Object -ExpandProperty A, B; 'end'")
        else {
            Issue.record("it did not run")
            return
        }
        #expect(result.objects.map(\.text) == ["end"])
        #expect(result.errors.map(\.id) == ["CannotConvertArgument,Microsoft.PowerShell.Commands.SelectObjectCommand"])
    }

    @Test("show a wrapped table with all that is in it")
    func wrapped() async throws {
        let long = String(repeating: "word ", count: 60)
        let script = "[pscustomobject]@{Name='a';Text='\(long)'} | Format-Table Name, Text -Wrap"
        guard case .completed(let result) = await outcome(script) else {
            Issue.record("it did not run")
            return
        }
        #expect(result.objects.map(\.text).joined().contains(long.dropLast()))
    }

    @Test(
        "go elsewhere where a list that is held twice would change in one place alone",
        arguments: ["$a = 1, 2; $b = $a; $a[0] = 3; $b[0]", "$a = 1, 2; $o = @{l = $a}; $a[0] = 3; $o.l[0]"])
    func heldTwice(script: String) async {
        guard case .handedOver = await outcome(script) else {
            Issue.record("\(script) ran")
            return
        }
    }

    @Test(
        "that change something keep to what was recorded",
        arguments: [
            ":outer foreach ($a in 1..3) { continue outer }", "'a' -match @('a', 'b')",
        ])
    func recordedAlone(script: String) async {
        guard case .handedOver = await outcome(script, isPatient: false) else {
            Issue.record("\(script) ran")
            return
        }
    }

    @Test(
        "nobody has to answer whether a script signs in that is signed in, but whatever else an answer decides",
        arguments: [
            ("if ($a -eq 'N') { Disconnect-MgGraph | Out-Null; Connect-MgGraph -NoWelcome }", true),
            ("if ($a -eq 'N') { $null = Disconnect-MgGraph }", true),
            ("if ($a -eq 'N') { Disconnect-MgGraph; 'gone' }", false),
            ("if ($a -eq 'N') { Disconnect-MgGraph | Get-Clipboard }", false),
        ])
    func signingInAgain(line: String, isIdle: Bool) async throws {
        guard case .completed(let result) = await outcome("$a = Read-Host 'Use it? [Y/N]'; \(line); 'end'") else {
            Issue.record("it did not run")
            return
        }
        #expect(result.objects.map(\.text) == (isIdle ? ["end"] : []))
        #expect((result.failure == nil) == isIdle)
    }
}
