import MMCore
import Testing

@testable import MMNative

@Suite("Scripts with files, questions and functions of their own", .timeLimit(.minutes(5)))
struct NativeScripts {
    private func run(
        _ script: String, host: NativeHost = NativeHost(), values: [String: String] = [:],
        arguments: [String: PSValue] = [:]
    ) async throws -> NativeResult {
        var session = NativeSession()
        let engine = NativeEngine(host: host, arguments: arguments)
        switch await engine.run(script, values: values, in: &session) {
        case .completed(let result): return result
        case .handedOver(let reason, _): throw MMError(.unsupported, reason)
        case .stopped: throw MMError(.cancelled, "stopped")
        }
    }

    private static let asking =
        "function F { [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')] "
        + "param([Parameter(ValueFromPipeline)]$n) process { "
        + "if ($PSCmdlet.ShouldProcess(\"user $_\", 'Remove')) { \"did $_\" } else { \"not $_\" } } };"

    @Test(
        "a function asks a person before its changes as its attributes and its caller say",
        arguments: [
            ("1..2 | F", "y", ["did 1", "did 2"]), ("1..2 | F", "", ["did 1", "did 2"]),
            ("1..2 | F", "a", ["did 1", "did 2"]), ("1..2 | F", "n", ["not 1", "not 2"]),
            ("1..2 | F", "l", ["not 1", "not 2"]), ("1..2 | F", "what?", ["not 1", "not 2"]),
            ("1..2 | F -Confirm:$false", nil, ["did 1", "did 2"]), ("1 | F -cf:$false", nil, ["did 1"]),
            ("$p = @{ Confirm = $false }; 1 | F @p", nil, ["did 1"]),
            ("1 | F -WhatIf:$false -Confirm:$false", nil, ["did 1"]),
            ("function G { 1 | F -Confirm:$false; 2 | F }; G", "n", ["did 1", "not 2"]),
            (
                "function H { [CmdletBinding()] param() if ($PSCmdlet.ShouldContinue('Go on?', 'H')) { 'on' } }; H",
                "y",
                ["on"]
            ),
        ] as [(String, String?, [String])])
    func asks(script: String, answer: String?, texts: [String]) async throws {
        let host = NativeHost(answers: answer.map { ["Confirm": $0] } ?? [:])
        #expect(try await run(Self.asking + script, host: host).objects.map(\.text) == texts)
        // A rehearsal shows what a yes would change.
        let rehearsed = try await run(Self.asking + script, host: NativeHost().forRehearsal).objects.map(\.text)
        #expect(rehearsed == texts.map { $0.replacing("not", with: "did") })
    }

    @Test(
        "what a caller wants to see or to be asked first is handed over, and a function without the attribute has no such parameter",
        arguments: [
            ("1 | F -WhatIf", "-WhatIf of F"), ("1 | F -Confirm", "-Confirm of F"),
            ("$p = @{ WhatIf = $true }; 1 | F @p", "-WhatIf of F"),
            ("function G { [CmdletBinding()] param() 1 }; G -WhatIf", "parameter name 'WhatIf'"),
        ])
    func previews(script: String, reason: String) async throws {
        var session = NativeSession()
        switch await NativeEngine(host: NativeHost()).run(Self.asking + script, in: &session) {
        case .completed(let result):
            #expect(
                result.errors.first?.message.contains(reason) == true
                    || result.failure?.message.contains(reason) == true)
        case .handedOver(let why, _): #expect(why.contains(reason), "\(why)")
        case .stopped: Issue.record("stopped")
        }
    }

    @Test(
        "an answer is given by the name of the variable that takes it, whatever its type",
        arguments: [
            "$n = Read-Host 'How many?'", "[int]$n = Read-Host 'How many?'", "[int]$script:n = Read-Host 'How many?'",
        ])
    func namedAnswers(script: String) async throws {
        #expect(try await run(script + "; \"$n\"", host: NativeHost(answers: ["n": "5"])).objects.map(\.text) == ["5"])
    }

    @Test("a question before a change that nobody answers ends the script")
    func unanswered() async throws {
        let result = try await run(Self.asking + "1 | F; 'after'")
        #expect(result.objects.isEmpty)
        #expect(result.failure?.message.contains("set --param Confirm=") == true)
    }

    @Test("a script asks before its changes as its attributes say")
    func scriptAsks() async throws {
        let script =
            "[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High')] param() "
            + "if ($PSCmdlet.ShouldProcess('a')) { 'did' } else { 'not' }"
        #expect(try await run(script, host: NativeHost(answers: ["Confirm": "n"])).objects.map(\.text) == ["not"])
        #expect(try await run(script, host: NativeHost(answers: ["Confirm": "y"])).objects.map(\.text) == ["did"])
    }

    private static let scripts: [(script: String, texts: [String])] = [
        ("function Add-One([int]$n) { $n + 1 }; Add-One 2; Add-One -n 4", ["3", "5"]),
        (
            "function F { param([switch]$All, $X = 'd') \"$All $X\" }; F; F -All; $p = @{X=3}; F @p",
            ["False d", "True d", "False 3"]
        ),
        ("function F { process { \"<$_>\" } }; 1,2 | F", ["<1>", "<2>"]),
        ("filter G { $_ * 2 }; 1..3 | G", ["2", "4", "6"]),
        ("function F { begin { 'b' } process { $_ } end { 'e' } }; 1 | F", ["b", "1", "e"]),
        ("$n = 1; function F { $script:n += 5; $n }; F; $n", ["6", "6"]),
        ("$n = 1; function F { $n = 9; $n }; F; $n", ["9", "1"]),
        // The type of a caller's variable is not that of the function's own variable of this name.
        (
            "[string]$n = 'a,b'; function F { $n = $n -split ','; $n.Count; $n += 1; $n.Count }; F; $n",
            ["2", "3", "a,b"]
        ),
        (
            "function F([string]$n) { G; $n = 5; $n.GetType().Name }; function G { $n = 1, 2; $n.Count }; F x",
            ["2", "String"]
        ),
        ("[int]$n = 1; function F { [string]$n = 5; $n + 1 }; F; $n = '7'; $n + 1", ["51", "8"]),
        ("[int]$n = 1; function F { $script:n = '7'; $script:n + 1 }; F; $n + 1", ["8", "8"]),
        ("[switch]$s = $true; function F { $s.IsPresent }; F", ["True"]),
        ("function F { $args.Count; $args[1] }; F a b", ["2", "b"]),
        ("$b = { 'in' }; & $b; & { param($x) \"got $x\" } 7", ["in", "got 7"]),
        (
            "$l = [System.Collections.Generic.List[string]]::new(); $l.Add('a'); $l.Add('b'); [void]$l.Remove('a'); $l.Count; $l[0]",
            ["1", "b"]
        ),
        ("$o = [pscustomobject]@{A=1}; $p = $o; $p.A = 2; $o.A", ["2"]),
        ("$o = [pscustomobject]@{A=1}; $o | Add-Member -NotePropertyName B -NotePropertyValue 3; $o.B", ["3"]),
        ("$o = [pscustomobject]@{A=1;B=2}; $n = 'B'; $o.$n; $o.PSObject.Properties.Name -join ','", ["2", "A,B"]),
        ("$h = @{}; $h.Add('k', 1); $h['j'] = 2; $h.ContainsKey('k'); $h.Remove('k'); $h.Count", ["True", "1"]),
        ("try { throw 'x' } catch [System.Exception] { \"c $($_.Exception.Message)\" }", ["c x"]),
        ("'a' 2>$null | Out-File .\\x.txt; Get-Content ./X.TXT", ["a"]),
        (
            "[pscustomobject]@{N='q'} | Export-Csv C:\\temp\\r.csv -NoTypeInformation; (Import-Csv C:\\temp\\r.csv).N; Test-Path C:\\temp\\r.csv; Test-Path C:\\temp\\s.csv",
            ["q", "True", "False"]
        ),
        ("Join-Path 'a' 'b'; Split-Path 'a\\b.csv' -Leaf", ["a/b", "b.csv"]),
        ("$t = \"k = v`nj=w\" | ConvertFrom-StringData; $t.k; $t.j", ["v", "w"]),
        ("(New-Object -ComObject Shell.Application).Namespace('shell:Downloads').Self.Path", ["Home\\Downloads"]),
        ("try { $Error = 'x' } catch { 'read-only' }", ["read-only"]),
        ("try { New-TimeSpan -Start $null -End '2026-01-05' } catch { 'no start' }", ["no start"]),
        ("[Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12; 'on'", ["on"]),
        ("[datetime]::ParseExact('20260105-1530', 'yyyyMMdd-HHmm', $null).ToString('g')", ["01/05/2026 15:30"]),
        (
            "[datetime]::ParseExact('20260105','yyyyMMdd',[cultureinfo]::InvariantCulture).ToString('s')",
            ["2026-01-05T00:00:00"]
        ),
        ("try { [datetime]::ParseExact('x','yyyy',$null) } catch { 'none' }", ["none"]),
        (
            "$n = 0; if ([int]::TryParse('42', [ref]$n)) { $n }; [int]::TryParse('x', [ref]$n); $n",
            ["42", "False", "0"]
        ),
        ("[guid]::TryParse('x', $([ref][guid]::Empty))", ["False"]),
        ("[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('SGFsbG8='))", ["Hallo"]),
        (
            "[Convert]::ToInt64('1073741824'); [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes('ab'))",
            ["1073741824", "YWI="]
        ),
        (
            "([datetime]'23-Nov-2025 08:37').ToString('s'); ([datetime]'1/2/2026 3:04:05 PM').ToString('s')",
            ["2025-11-23T08:37:00", "2026-01-02T15:04:05"]
        ),
        ("'A1' -match '(?im)^[{(]?a\\d$'; 5 -ne '-'", ["True", "True"]),
        ("([datetime]'2026-01-05').DayOfWeek - [System.DayOfWeek]::Saturday + 7", ["Tuesday"]),
        ("$s = '1 GB (1,073,741,824 bytes)'; $s.Value; $s.ToMB()", ["1 GB (1,073,741,824 bytes)", "1024"]),
        (
            "('11/01/2026 12:00' | New-TimeSpan -End '11/03/2026').Days; ([pscustomobject]@{A=1}).ToString().Length",
            ["1", "0"]
        ),
        ("(1..4).Where({ $_ -gt 2 }); 1,2 | Sort -Descending", ["3", "4", "2", "1"]),
        ("$null | Format-Wide; @{ab=1} | Format-Wide | Out-String | % Trim", ["ab"]),
        ("\"$([double]::MaxValue) $([double]::MinValue)\"", ["1.79769313486232E+308 -1.79769313486232E+308"]),
        (
            "$o = [pscustomobject]@{A=1}; $o.PSObject.Properties['a'].Value; $null -eq $o.PSObject.Properties['x']; "
                + "$p = $o.PSObject.Properties; $p['a'].Name; $null -eq $p['x']", ["1", "True", "A", "True"]
        ),
        ("$r = $null.ForEach({ 1 }); $null -eq $r; $r.Count; $null.Where({ 1 }).Count", ["False", "0", "0"]),
        ("'a','b' > list.txt; 'c' >> list.txt; (Get-Content list.txt).Count", ["3"]),
        ("$ProgressPreference = 'SilentlyContinue'; $env:TEMP + '\\x'", ["Temp\\x"]),
        ("Compare-Object @('a','b') @('b','c') | % { $_.SideIndicator + $_.InputObject }", ["=>c", "<=a"]),
        ("$n = 4; Write-Output `n\"count: $n of\"\" x\"' $n'", ["\ncount: 4 of\" x $n"]),
        ("1,2 | % { $_ } -OutVariable all | Out-Null; 3 | % { $_ } -OutVariable +all | Out-Null; $all.Count", ["3"]),
        (
            "function F { [CmdletBinding()] param($X) $X; Write-Error 'bad' -ErrorAction SilentlyContinue }; F 7 -OutVariable global:o -ErrorVariable e; $o[0]; $e.Count",
            ["7", "7", "1"]
        ),
        ("param([Parameter(Position=0)][int]$Days = 3) process { \"p $Days\" } end { 'e' }", ["p 3", "e"]),
        ("begin { 'b' } process { 'p' } end { 'e' }", ["b", "p", "e"]),
        ("@('a','b').IndexOf('b'); @(1,2).IndexOf(9)", ["1", "-1"]),
        ("([pscustomobject]@{A=1}) -eq ''; ([pscustomobject]@{A=1}) -ne 'x'", ["False", "True"]),
        ("[pscustomobject]@{T=@{k='v'}} | Select-Object -ExpandProperty T | % { $_.k }", ["v"]),
        ("(Get-Date '2026-01-01T00:00:00' | New-TimeSpan -End ([datetime]'2026-01-03')).Days", ["2"]),
        ("\"$(Get-Location)\\x.csv\"; \"$PWD/y\"", [".\\x.csv", "./y"]),
        (
            "try { (Get-Date) - $null } catch { \"$_\" }; $ErrorActionPreference = 'SilentlyContinue'; (Get-Date) - 1; 'on'",
            ["Multiple ambiguous overloads found for \"op_Subtraction\" and the argument count: \"2\".", "on"]
        ),
        ("$null - 2; $null / 4; 5 - $null; $null % 3", ["-2", "0", "5", "0"]),
        ("$f = @() | ? { $_ }; \"<$($f -join ' and ')>\"", ["<>"]),
        ("$h = @{}; [int]$h['k'] += 2; [int]$h['k'] += 3; $h['k']; [int]$n += '4'; $n", ["5", "4"]),
        ("function Set-It { $script:a = 1; $b = 2 }; . Set-It; \"$a $b\"", ["1 2"]),
        (
            "[math]::Round(2.5, 0, [MidpointRounding]::AwayFromZero); [math]::Round(7, 2, [MidpointRounding]::AwayFromZero)",
            ["3", "7"]
        ),
        ("[System.Web.HttpUtility]::HtmlDecode('&lt;b&gt; &#39;&amp;&quot; &x')", ["<b> '&\" &x"]),
        ("[System.Web.HttpUtility]::HtmlEncode('<b> \"&')", ["&lt;b&gt; &quot;&amp;"]),
        ("$Sender = 'me'; $Event = 1; \"$Sender $Event\"", ["me 1"]),
        ("$r = [ordered]@{A=1;B=2}; ([pscustomobject]$r).B; @{x=1;y=2}['x','y'] -join ','", ["2", "1,2"]),
        ("$null -as [datetime]; (\"a`nb\" | Out-String).Length", ["", "4"]),
    ]

    @Test("run whole", arguments: scripts)
    func whole(script: String, texts: [String]) async throws {
        let result = try await run(script)
        #expect(result.objects.map(\.text) == texts)
        #expect(result.errors.isEmpty && result.failure == nil)
    }

    @Test("what they write is handed over, and nothing of it is on the machine")
    func files() async throws {
        let host = NativeHost(attached: [("in.csv", Array("N\n1\n2\n".utf8))])
        _ = try await run(
            "Import-Csv C:\\in.csv | Export-Csv \"$env:USERPROFILE\\Downloads\\out.csv\" -NoTypeInformation", host: host
        )
        #expect(host.written.map(\.name) == ["out.csv"])
        #expect(host.written.first.map { String(decoding: $0.bytes, as: UTF8.self) } == "\"N\"\n\"1\"\n\"2\"\n")
    }

    @Test(
        "a file that was removed is gone, and is listed once when it is written again",
        arguments: [
            ("Remove-Item a.txt", ["b.txt"]), ("Remove-Item *.txt", []),
            ("Remove-Item a.txt; Set-Content a.txt 2", ["b.txt", "a.txt"]),
            ("Remove-Item a.txt; Set-Content A.TXT 2; Remove-Item .\\a.txt; 'x' >> a.txt", ["b.txt", "a.txt"]),
            ("Move-Item a.txt c.txt; Copy-Item c.txt a.txt", ["b.txt", "c.txt", "a.txt"]),
        ])
    func rewritten(script: String, names: [String]) async throws {
        let host = NativeHost()
        let listing = "; Get-ChildItem -File | ForEach-Object Name"
        let result = try await run("Set-Content a.txt 1; Set-Content b.txt 1; " + script + listing, host: host)
        #expect(host.written.map(\.name) == names)
        #expect(result.objects.map(\.text).sorted() == names.sorted())
    }

    @Test(
        "a file has the encoding and the byte order mark that the command names, once",
        arguments: [
            ("'ä' | Set-Content a.txt", [0xC3, 0xA4, 0x0A]),
            ("'ä' | Set-Content a.txt -Encoding utf8NoBOM", [0xC3, 0xA4, 0x0A]),
            (
                "'ä' | Out-File a.txt -Encoding utf8BOM -Append; 'b' | Out-File a.txt -Encoding utf8BOM -Append",
                [0xEF, 0xBB, 0xBF, 0xC3, 0xA4, 0x0A, 0x62, 0x0A]
            ),
            ("'ä' | Out-File a.txt -Encoding unicode", [0xFF, 0xFE, 0xE4, 0x00, 0x0A, 0x00]),
            (
                "'ä' | Add-Content a.txt -Encoding BigEndianUnicode; if ((Get-Content a.txt) -ne 'ä') { Remove-Item a.txt }",
                [0xFE, 0xFF, 0x00, 0xE4, 0x00, 0x0A]
            ),
            ("'ä' | Set-Content a.txt -Encoding ascii", [0x3F, 0x0A]),
            ("'ä' | Set-Content a.txt -Encoding ([Text.Encoding]::UTF8)", [0xEF, 0xBB, 0xBF, 0xC3, 0xA4, 0x0A]),
            (
                "[pscustomobject]@{ a = 1 } | Export-Csv a.txt -Encoding utf8BOM -UseQuotes AsNeeded",
                [0xEF, 0xBB, 0xBF, 0x61, 0x0A, 0x31, 0x0A]
            ),
        ] as [(String, [UInt8])])
    func encoded(script: String, bytes: [UInt8]) async throws {
        let host = NativeHost()
        _ = try await run(script, host: host)
        #expect(host.written.first?.bytes == bytes)
    }

    @Test("the room for files is what the files take, whatever was written before")
    func room() {
        let large = [UInt8](repeating: 0x61, count: 100)
        var files = RunFiles(attached: [("in.bin", large)], most: 256)
        func writes(_ name: String, isAppending: Bool = false) -> Bool {
            files.write(large, to: name, isAppending: isAppending)
        }
        for name in ["a", "b", "c", "d"] {
            #expect(writes(name))
            #expect(!writes(name, isAppending: true))
            #expect(writes(name))
            files.remove(name)
        }
        files.put(large, at: "in.bin", isWritten: true)
        #expect(writes("e"))
        #expect(!writes("f"))
    }

    @Test("questions are answered by the variable that takes them, and end the script where nobody answers")
    func questions() async throws {
        let answered = try await run(
            "$user = Read-Host 'Which user'; \"u $user\"", host: NativeHost(answers: ["User": "lena"]))
        #expect(answered.objects.map(\.text) == ["u lena"])
        let alone = try await run("'before'; $user = Read-Host 'Which user'; 'after'")
        #expect(alone.objects.map(\.text) == ["before"])
        #expect(alone.failure?.message.contains("--param user=") == true)
    }

    @Test(
        "nobody has to answer what only decides whether something is opened",
        arguments: [
            "$open = Read-Host 'Open it?'; if ($open -match '^y') { Invoke-Item x.csv }; 'end'",
            "if ($true) { $open = Read-Host 'Open it?' }; if ($Open -eq 'Y' -or $open -eq 'y') { ii x.csv } else { Write-Host no }; 'end'",
            "function Show { $open = Read-Host 'Open it?'; if ($open -eq 'y') { Start-Process x.csv } }; Show; 'end'",
            "try { $open = Read-Host 'Open it?'; if ($open) { Write-Host opening; Invoke-Item x.csv } } catch { Write-Host no }; 'end'",
        ])
    func openingQuestions(_ script: String) async throws {
        let end = try await run(script)
        #expect(end.objects.map(\.text) == ["end"])
        #expect(end.failure == nil)
        let named = try await run(
            script.replacing("'end'", with: "\"$open\""), host: NativeHost(answers: ["open": "n"]))
        #expect(named.failure == nil)
    }

    @Test(
        "an answer that decides anything else is waited for",
        arguments: [
            "$a = Read-Host 'Go on?'; if ($a -eq 'y') { 'more' }; 'end'",
            "$a = Read-Host 'Open it?'; if ($a -eq 'y') { Invoke-Item x.csv } else { exit 1 }; 'end'",
            "$a = Read-Host 'Open it?'; if ($a -eq 'y') { Invoke-Item x.csv }; \"$a\"; 'end'",
            "$a = Read-Host 'Open it?'; if ($a -eq 'y') { Invoke-Item x.csv }; 'end'; $script:a",
            "do { $a = Read-Host 'Open it?' } until ($a -in 'y', 'n'); if ($a -eq 'y') { Invoke-Item x.csv }; 'end'",
            "$a = Read-Host 'Open it?'; if ($a -eq 'y') { Invoke-Item x.csv; 'opened' }; 'end'",
            "$a = 'x'; $a = Read-Host 'Open it?'; if ($a -eq 'y') { Invoke-Item x.csv }; 'end'",
        ])
    func decidingQuestions(_ script: String) async throws {
        let end = try await run(script)
        #expect(end.objects.isEmpty)
        #expect(end.failure?.message.contains("--param a=") == true)
    }

    @Test("parameters take switches and lists, and one that must be given is asked for")
    func parameters() async throws {
        let given = try await run(
            "param([switch]$All, [string[]]$Names, [Parameter(Mandatory)][string]$Id) \"$All $($Names.Count) $Id\"",
            values: ["Id": "x"], arguments: ["All": .bool(true), "Names": .array([.string("a"), .string("b")])])
        #expect(given.objects.map(\.text) == ["True 2 x"])
        let asked = try await run(
            "param([Parameter(Mandatory)][string]$Id) $Id", host: NativeHost(answers: ["Id": "y"]))
        #expect(asked.objects.map(\.text) == ["y"])
    }

    @Test(
        "what a parameter demands of its values is checked, in functions and in the script's own block",
        arguments: [
            ("[ValidateRange(1, 90)][int]", "91", "greater than the maximum allowed range of 90"),
            ("[ValidatePattern('^[a-z]+$')][string]", "A1", "does not match the"),
            ("[ValidateLength(2, 3)][string]", "abcd", "is too long"),
            ("[ValidateScript({ $_ -gt 5 })][int]", "4", "did not return a result of True"),
        ])
    func checks(declared: String, wrong: String, says: String) async throws {
        let script = try await run("param(\(declared)$X) 'ran'", values: ["X": wrong])
        #expect(script.failure?.message.contains(says) == true && script.objects.isEmpty)
        let function = try await run("function F { param(\(declared)$X) 'ran' }; F '\(wrong)'")
        #expect(function.errors.first?.message.contains(says) == true && function.objects.isEmpty)
    }

    @Test("a window tells what it has to say, and other components of Windows are refused")
    func components() async throws {
        let told = try await run("$w = New-Object -ComObject wscript.shell; $w.popup('Done', 0, 'T', 0)")
        #expect(told.objects.map(\.text) == ["1"])
        #expect(told.information.first?.contains("Done") == true)
        let refused = try await run("'a'; New-Object -ComObject Excel.Application; 'b'")
        #expect(refused.objects.map(\.text) == ["a"])
        #expect(refused.failure?.message.contains("Excel.Application") == true)
    }

    @Test("a person is asked what a script asks, and the answer named beforehand goes first")
    func asked() async throws {
        let questions = Mutex<[String]>([])
        let host = NativeHost(
            answers: ["b": "named"],
            ask: { question in
                questions.withLock { $0.append(question) }
                return "typed"
            })
        let result = try await run(
            "param([Parameter(Mandatory)][string]$Id) $a = Read-Host 'First'; $b = Read-Host 'Second'; \"$Id $a $b\"",
            host: host)
        #expect(result.objects.map(\.text) == ["typed typed named"])
        #expect(questions.withLock { $0 } == ["Id", "First"])
    }

    @Test("Export-Excel writes a workbook whose parts are whole")
    func workbook() async throws {
        let host = NativeHost()
        _ = try await run(
            "[pscustomobject]@{Name='a<b';N=1.5;On=$true}, [pscustomobject]@{Name='c';N=$null;On=$false} | Export-Excel C:\\r.xlsx -WorksheetName 'My/Sheet' -AutoFilter -BoldTopRow -FreezeTopRow",
            host: host)
        let bytes = try #require(host.written.first?.bytes)
        #expect(bytes.starts(with: [0x50, 0x4B, 3, 4]))
        let text = String(decoding: bytes, as: UTF8.self)
        for part in [
            "<sheet name=\"MySheet\"", "a&lt;b", "<v>1.5</v>", "t=\"b\"><v>1</v>", "<autoFilter ref=\"A1:C3\"/>",
            "ySplit=\"1\"",
        ] {
            #expect(text.contains(part), "\(part)")
        }
        #expect(StoredArchive.checksum(Array("123456789".utf8)) == 0xCBF4_3926)
        #expect(Workbook.letters(0) == "A" && Workbook.letters(26) == "AA" && Workbook.letters(701) == "ZZ")
    }

    @Test("Export-Excel writes dates as numbers with a date's format")
    func dates() async throws {
        let host = NativeHost()
        _ = try await run("[pscustomobject]@{ D = [datetime]'2026-01-02 12:00' } | Export-Excel r.xlsx", host: host)
        let text = String(decoding: try #require(host.written.first?.bytes), as: UTF8.self)
        #expect(text.contains("<c r=\"A2\" s=\"2\"><v>46024.5</v></c>") && text.contains("numFmtId=\"22\""))
    }

    @Test("Export-Excel adds sheets to the script's own workbook, and rows to its sheets")
    func sheets() async throws {
        let host = NativeHost()
        _ = try await run(
            """
            $a = [pscustomobject]@{Name='x';N=1}
            $a | Export-Excel r.xlsx -WorksheetName One -Title 'All of it' -TitleBold -AutoFilter -FreezeTopRow
            $a | Export-Excel r.xlsx -WorksheetName Two -StartRow 3 -StartColumn 2
            [pscustomobject]@{N=7;Name='y'} | Export-Excel r.xlsx -WorksheetName two -Append
            """, host: host)
        #expect(host.written.count == 1)
        let text = String(decoding: try #require(host.written.first?.bytes), as: UTF8.self)
        for part in [
            "<sheet name=\"One\" sheetId=\"1\"", "<sheet name=\"Two\" sheetId=\"2\"", "xl/worksheets/sheet2.xml",
            "<c r=\"A1\" s=\"1\" t=\"inlineStr\"><is><t xml:space=\"preserve\">All of it</t>", "<c r=\"B3\"><v>1</v>",
            "ySplit=\"2\" topLeftCell=\"A3\"", "<autoFilter ref=\"A2:B3\"/>", "<c r=\"C4\"><v>1</v>",
            "<c r=\"C5\"><v>7</v>",
        ] {
            #expect(text.contains(part), "\(part)")
        }
    }

    @Test("secrets are never asked for", arguments: ["$c = Get-Credential", "Read-Host 'Password' -AsSecureString"])
    func secrets(script: String) async throws {
        let questions = Mutex<[String]>([])
        let host = NativeHost(ask: { question in
            questions.withLock { $0.append(question) }
            return "typed"
        })
        let result = try await run(script + "; 'after'", host: host)
        #expect(result.failure?.message.contains("mm does not pass to scripts") == true)
        #expect(result.objects.isEmpty)
        #expect(questions.withLock { $0.isEmpty })
    }

    @Test(
        "a secret that a script makes of a text is shown nowhere",
        arguments: [
            ("$s = ConvertTo-SecureString 'p@ss word' -AsPlainText -Force; \"$s\"; $s.Length", [secret, "9"]),
            (
                "$s = 'abc' | ConvertTo-SecureString -AsPlainText -Force; $s -is [securestring]; $s -is [string]",
                ["True", "False"]
            ),
            (
                "[securestring]$s = ConvertTo-SecureString -String 'abc' -AsPlainText -Force; Write-Host $s; $s | Out-String -Stream",
                [secret]
            ),
            (
                "$s = ConvertTo-SecureString -AsPlainText 'abc' -Force; $c = New-Object System.Management.Automation.PSCredential -ArgumentList 'ann', $s; \"$c\"; $c.UserName; \"$($c.Password)\"",
                ["System.Management.Automation.PSCredential", "ann", secret]
            ),
            (
                "function F([pscredential]$C, [Security.SecureString]$S) { if ($C) { $C.UserName } else { 'none' } }; $s = ConvertTo-SecureString 'abc' -AsPlainText -Force; F; F ([pscredential]::new('bob', $s)) $s",
                ["none", "bob"]
            ),
            ("try { ConvertTo-SecureString '' -AsPlainText -Force } catch { 'empty' }", ["empty"]),
        ])
    func madeSecrets(script: String, texts: [String]) async throws {
        #expect(try await run(script).objects.map(\.text) == texts)
        let shown = try await run("ConvertTo-SecureString 'abc' -AsPlainText -Force").objects
        #expect(shown.map { $0.json(depth: 3) } == [.string(Self.secret)])
    }

    private static let secret = "System.Security.SecureString"

    @Test(
        "a secret that a script made can't be read",
        arguments: [
            "[Runtime.InteropServices.Marshal]::SecureStringToBSTR($s)", "$c.GetNetworkCredential().Password",
            "$s | ConvertFrom-SecureString", "$c | ConvertTo-Json",
        ])
    func unreadSecrets(line: String) async {
        let made = "$s = ConvertTo-SecureString 'abc' -AsPlainText -Force; $c = [pscredential]::new('ann', $s); "
        await #expect(throws: MMError.self) { try await run(made + line) }
    }

    @Test("lines for the person are whole, and progress is none of them")
    func messages() async throws {
        let result = try await run(
            "Write-Host 'a' -NoNewline -ForegroundColor Red; Write-Host 'b'; Write-Progress -Activity 'x' -Status 'y'")
        #expect(result.information == ["ab"])
        #expect(
            try await run("Write-Host (Get-Location) ([uri]'https://a.example/b')").information == [
                ". https://a.example/b"
            ])
    }

    @Test(
        "a script is told more where it asks for it",
        arguments: [
            ("Write-Verbose v; Write-Information i; Write-Debug d", []),
            ("Write-Verbose v -Verbose; Write-Verbose w -Verbose:$false", ["VERBOSE: v"]),
            (
                "$VerbosePreference = 'Continue'; Write-Verbose v; $VerbosePreference = 'SilentlyContinue'; Write-Verbose w",
                ["VERBOSE: v"]
            ),
            ("$script:DebugPreference = 'Continue'; function F { Write-Debug d }; F", ["DEBUG: d"]),
            ("Write-Information i -InformationAction Continue; Write-Information 5 -InformationAction Ignore", ["i"]),
            (
                "$InformationPreference = 'Continue'; Write-Information i; Write-Information j -infa SilentlyContinue",
                ["i"]
            ),
        ] as [(String, [String])])
    func remarks(script: String, told: [String]) async throws {
        #expect(try await run(script).information == told)
    }

    @Test(
        "without a host nothing of the machine is there",
        arguments: ["Get-Content x", "Read-Host", "$env:TEMP", "'a' > x"])
    func alone(script: String) async {
        var session = NativeSession()
        guard case .handedOver = await NativeEngine().run(script, in: &session) else {
            Issue.record("it ran")
            return
        }
    }
}
