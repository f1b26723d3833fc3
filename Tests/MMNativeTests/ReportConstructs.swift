import MMNative
import PowerShellSyntax
import Testing

/// What published reports use of the language and of .NET for which no answer of a real PowerShell was recorded: they
/// run where a script only reads, and are right by the language's specification.
@Suite("Constructs of reports")
struct ReportConstructs {
    private func outcome(
        _ script: String, attached: [(name: String, bytes: [UInt8])] = [], answers: [String: String] = [:],
        isPatient: Bool = true
    ) async -> NativeOutcome {
        var session = NativeSession()
        let host = NativeHost(attached: attached, answers: answers)
        return await NativeEngine(host: host, isPatient: isPatient).run(script, in: &session)
    }

    private func texts(_ script: String, answers: [String: String] = [:]) async throws -> [String] {
        let attached = [(name: "own.xml", bytes: Array("<?xml version=\"1.0\"?>\n<a>\n  <b>1</b>\n</a>".utf8))]
        let end = await outcome(script, attached: attached, answers: answers)
        guard case .completed(let result) = end else {
            Issue.record("\(script) did not run: \(end)")
            return []
        }
        #expect(result.errors.isEmpty && result.failure == nil, "\(script): \(result.errors)")
        return result.objects.map(\.text)
    }

    @Test("an argument too many is named")
    func surplus() async throws {
        guard case .completed(let result) = await outcome("1 | Select-Object a b; 'on'") else {
            Issue.record("it did not run")
            return
        }
        #expect(
            result.errors.map(\.message) == ["A positional parameter cannot be found that accepts argument 'b'."])
        #expect(result.objects.map(\.text) == ["on"])
    }

    @Test(
        "what a published report asks of PowerShell itself",
        arguments: [
            (
                "param([string]$DebugPreference = 'a', [string]$VerbosePreference = 'b') \"$DebugPreference$VerbosePreference\"",
                ["ab"]
            ),
            ("param([IO.FileInfo]$folder = $null) $null -eq $folder", ["True"]),
            ("$null -eq @(1, 2)['a']", ["True"]),
            ("$null -eq 'text'['a']", ["True"]),
            (
                "Set-StrictMode -Version 3; try { @(1, 2)['a'] } catch { $_.FullyQualifiedErrorId }",
                ["InvalidCastFromStringToInteger"]
            ),
            ("@(1, 2)['1']", ["2"]),
            (
                "try { [datetime]$null } catch { $_.Exception.Message }",
                ["Cannot convert null to type \"System.DateTime\"."]
            ),
            ("Get-ExecutionPolicy -Scope CurrentUser", ["Unrestricted"]),
            ("$p = Get-Process -Id $pid; $p.PriorityClass = 'High'; $p.Id -eq $pid", ["True"]),
            ("[datetime]::Compare([datetime]'2026-01-01', [datetime]'2026-01-02')", ["-1"]),
            ("([datetime]'2026-01-01').AddSeconds(1.23456789).Ticks - ([datetime]'2026-01-01').Ticks", ["12345678"]),
            ("[timespan]::FromSeconds(1.23456789).Ticks", ["12345678"]),
            ("(1 | Select-Object @{ n = 'a'; expr = { $_ + 1 } }).a", ["2"]),
            ("(1 | Select-Object @{ lab = 'a'; Express = { $_ + 1 } }).a", ["2"]),
            (
                "try { Send-MailMessage -To a@b.example -From c@b.example -Subject s -SmtpServer mail.b.example -ErrorAction Stop } "
                    + "catch { $_.Exception.Message -match 'mail.b.example' }",
                ["True"]
            ),
        ] as [(String, [String])])
    func asked(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "texts for pages, files without rows, types without properties, and cmdlets that nothing leads to",
        arguments: [
            ("[System.Net.WebUtility]::HtmlEncode(\"Ün ☃ 😀 <b> '\")", ["&#220;n ☃ &#128512; &lt;b&gt; &#39;"]),
            (
                "'[' + [System.Web.HttpUtility]::HtmlEncode($null) + ']'; [System.Net.WebUtility]::HtmlEncode(5)",
                ["[]", "5"]
            ),
            ("([pscustomobject]@{ a = 'é' } | ConvertTo-Html -Fragment) -match '<td>'", ["<tr><td>&#233;</td></tr>"]),
            (
                "1 | Where-Object { $_ -gt 5 } | Export-Csv a.csv -Append; "
                    + "1..2 | ForEach-Object { [pscustomobject]@{ a = $_ } | Export-Csv a.csv -Append }; Get-Content a.csv",
                ["\"a\"", "\"1\"", "\"2\""]
            ),
            (
                "if ($true | Select-Object Name) { 'an object' }; $null -eq (5 | Select-Object Name).Name",
                ["an object", "True"]
            ),
            ("Where-Object { $_ }; Select-Object a; Sort-Object a; 'on'", ["on"]),
        ] as [(String, [String])])
    func smaller(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "a mandatory parameter refuses what is nothing, unless it declares that it accepts it",
        arguments: [
            ("[AllowNull()]$v", "$null", "[]"), ("$v", "''", "[]"), ("[AllowEmptyString()][string]$v", "''", "[]"),
            ("[AllowEmptyCollection()][string[]]$v", "@()", "[]"),
            ("[hashtable]$v", "@{}", "[System.Collections.Hashtable]"),
            ("$v", "$null", "ParameterArgumentValidationErrorNullNotAllowed,f InvalidData"),
            ("[string]$v", "''", "ParameterArgumentValidationErrorEmptyStringNotAllowed,f InvalidData"),
            ("[string]$v", "$null", "ParameterArgumentValidationErrorEmptyStringNotAllowed,f InvalidData"),
            ("[string[]]$v", "@()", "ParameterArgumentValidationErrorEmptyArrayNotAllowed,f InvalidData"),
            ("[string[]]$v", "@('a', '')", "ParameterArgumentValidationErrorEmptyStringNotAllowed,f InvalidData"),
        ])
    func nothings(declared: String, given: String, expected: String) async throws {
        let script =
            "function f { param([Parameter(Mandatory)]\(declared)) \"[$v]\" } "
            + "try { f \(given) } catch { \"$($_.FullyQualifiedErrorId) $($_.CategoryInfo.Category)\" }"
        #expect(try await texts(script) == [expected])
    }

    @Test("a question that nobody answers ends the run, whatever the script catches, and remarks stay out of its text")
    func unanswered() async throws {
        let script = "try { $n = Read-Host 'Name'; 'got' } catch { \"caught $_\" }; 'end'"
        guard case .completed(let result) = await outcome(script) else {
            Issue.record("it did not run")
            return
        }
        #expect(result.objects.isEmpty)
        #expect(result.failure?.message.contains("set --param n=") == true)
        let host = NativeHost()
        var session = NativeSession()
        let engine = NativeEngine(host: host, isPatient: true)
        guard case .completed(let paused) = await engine.run("Read-Host 'Press Enter'; 'end'", in: &session) else {
            Issue.record("it did not run")
            return
        }
        #expect(paused.objects.map(\.text).last == "end" && paused.information.isEmpty)
        #expect(host.remarks.count == 1)
    }

    @Test(
        "other processes, and mail where a PowerShell may send it, are left to that",
        arguments: [
            ("Get-Process", true), ("Get-Process -Id 4711", true), ("Send-MailMessage -To a -Subject b", false),
        ])
    func elsewhere(script: String, isPatient: Bool) async {
        guard case .handedOver = await outcome(script, isPatient: isPatient) else {
            Issue.record("\(script) ran")
            return
        }
    }

    @Test("new ids are of the fourth version, and no two are the same")
    func newIDs() async throws {
        let made = try await texts(
            "[guid]::NewGuid().ToString(); [string][System.Guid]::NewGuid(); [guid]::NewGuid() -is [guid]")
        #expect(made.count == 3 && made[0] != made[1] && made[2] == "True")
        for id in made.prefix(2) {
            #expect(id.split(separator: "-").map(\.count) == [8, 4, 4, 4, 12])
            #expect(
                id.split(separator: "-")[2].hasPrefix("4") && "89ab".contains(id.split(separator: "-")[3].prefix(1)))
        }
    }

    @Test(
        "`$?` tells how the statement before it ended",
        arguments: [
            ("Write-Error 'x' -ErrorAction SilentlyContinue; $?; $?", ["False", "True"]),
            ("Write-Error 'x' -ErrorAction SilentlyContinue; if (-not $?) { 'failed' }", ["failed"]),
            ("Write-Error 'x' -ErrorAction SilentlyContinue; $ok = $?; \"$ok $?\"", ["False True"]),
            ("$x = Write-Error 'x' -ErrorAction SilentlyContinue; $?", ["False"]),
            ("Write-Error 'x' -ErrorAction SilentlyContinue; $x = 5; $?", ["True"]),
            ("1..2 | % { Write-Error 'x' -ErrorAction SilentlyContinue; $? }", ["False", "False"]),
            ("if ($true) { Write-Error 'x' -ErrorAction SilentlyContinue; 'y' }; $?", ["y", "True"]),
            ("1 | Out-Null; $?", ["True"]),
        ])
    func success(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "what a command's object has beside what is known of it is handed over, and never nothing",
        arguments: [
            "('a b a' | Select-String 'a' -SimpleMatch).Matches.Count", "'ab' | Select-String 'a' | % Context",
            "(Get-Culture).NumberFormat.NaNSymbol", "(Get-Host).UI.RawUI.WindowTitle",
            "1..2 | % { Write-Error 'x' -ErrorAction SilentlyContinue }; $?",
        ])
    func unknownMembers(script: String) async {
        guard case .handedOver = await outcome(script) else {
            Issue.record("\(script) ran")
            return
        }
    }

    @Test("lines are found, and a culture writes titles")
    func found() async throws {
        #expect(try await texts("('a.b', 'axb' | Select-String 'a.b' -SimpleMatch).Line") == ["a.b"])
        #expect(try await texts("('a.b' | Select-String 'a.b' -SimpleMatch).Pattern") == ["a.b"])
        #expect(try await texts("(Get-Culture).TextInfo.ToTitleCase('anna meier')") == ["Anna Meier"])
        #expect(
            try await texts(
                "[cultureinfo]::CurrentCulture.TextInfo.ListSeparator; ([cultureinfo]'de-DE').TextInfo.ListSeparator")
                == [",", ";"])
    }

    @Test(
        "XML is read, walked, changed and written",
        arguments: [
            ("([xml]'<a><b>1</b><b>2</b></a>').a.b", ["1", "2"]),
            ("([xml]'<a x=\"1\"><B>t</B></a>').a.b", ["t"]),
            ("([xml]'<a x=\"1\"/>').a.X", ["1"]),
            ("([xml]'<a><b k=\"1\">t</b></a>').a.b.'#text'", ["t"]),
            ("([xml]'<a><b k=\"1\">t</b></a>').a.b.InnerText", ["t"]),
            ("([xml]'<a> <b/> <c></c> </a>').OuterXml", ["<a><b /><c></c></a>"]),
            ("([xml]'<a>1 &lt; 2 &amp; &#65;</a>').a", ["1 < 2 & A"]),
            ("([xml]'<a k=\"&quot;&lt;\"/>').OuterXml", ["<a k=\"&quot;&lt;\" />"]),
            ("[xml]$x = '<t><tr>','</tr></t>'; $x.OuterXml", ["<t><tr></tr></t>"]),
            (
                "[xml]$x = '<t><r/></t>'; $c = $x.CreateAttribute('class'); $c.Value = 'n'; "
                    + "$x.t.Attributes.Append($c) | Out-Null; $x.OuterXml", ["<t class=\"n\"><r /></t>"]
            ),
            (
                "[xml]$x = '<t><tr><td>on</td><td>off</td></tr></t>'; foreach ($r in $x.t.SelectNodes('tr')) { "
                    + "if ([string]$r.td[1] -eq 'off') { $r.SelectNodes('td')[1].SetAttribute('class', 'bad') } }; $x.OuterXml",
                ["<t><tr><td>on</td><td class=\"bad\">off</td></tr></t>"]
            ),
            ("$x = [xml]'<a><b id=\"1\"/><b id=\"2\"/></a>'; $x.SelectSingleNode(\"//b[@id='2']\").id", ["2"]),
            ("$x = [xml]'<a><p><n>x</n><v>1</v></p></a>'; $x.SelectSingleNode(\"/a/p[n='x']/v\").InnerText", ["1"]),
            ("$x = [xml]'<a xmlns=\"u\"><b>1</b></a>'; $x.SelectNodes('//b').Count; $x.a.b", ["0", "1"]),
            ("$x = [xml]'<a><b>1</b></a>'; $x.a.b = '2'; $x.a.OuterXml", ["<a><b>2</b></a>"]),
            (
                "$x = [xml]'<a/>'; $n = $x.CreateElement('b'); $n.InnerText = 'x<y'; [void]$x.DocumentElement.AppendChild($n); $x.OuterXml",
                ["<a><b>x&lt;y</b></a>"]
            ),
            ("$x = New-Object System.Xml.XmlDocument; $x.LoadXml('<a/>'); $x.DocumentElement.Name", ["a"]),
            ("$x = New-Object xml; $x.Load('C:\\temp\\own.xml'); $x.a.b", ["1"]),
            (
                "[xml]$x = Get-Content own.xml; $x.Save('new.xml'); Get-Content new.xml -Raw",
                ["<?xml version=\"1.0\"?>\n<a>\n  <b>1</b>\n</a>"]
            ),
            ("([xml]'<a><b/><b/><c/></a>').a.ChildNodes.Count", ["3"]),
            ("([xml]'<a><b k=\"1\"/></a>').a.b.ToString()", ["b"]),
        ] as [(String, [String])])
    func xml(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "a text that is no XML is the script's own error",
        arguments: ["<a>", "<a></b>", "a", "<a/><b/>", "<a x=1/>", "<a>&x;</a>"])
    func malformed(text: String) async throws {
        #expect(try await texts("try { [xml]$x = '\(text)'; 'read' } catch { 'caught' }") == ["caught"])
    }

    @Test(
        "paths, folders, files, addresses and the machine",
        arguments: [
            ("[IO.Path]::IsPathRooted('C:\\x'), [IO.Path]::IsPathRooted('x\\y')", ["True", "False"]),
            ("[IO.Path]::Combine('C:\\a', 'b', 'c.txt')", ["C:\\a/b/c.txt"]),
            ("[System.IO.Path]::GetFileNameWithoutExtension('C:\\a\\b.c.csv')", ["b.c"]),
            ("[IO.Path]::GetExtension('a.csv'); [IO.Path]::ChangeExtension('x/a.csv', 'html')", [".csv", "x/a.html"]),
            ("[IO.Path]::GetDirectoryName('C:\\a\\b.csv')", ["C:\\a"]),
            (
                "[IO.File]::WriteAllText('o.txt', 'é'); [IO.File]::Exists('o.txt'); [IO.File]::ReadAllText('o.txt')",
                ["True", "é"]
            ),
            ("[IO.Directory]::Exists('none')", ["False"]),
            ("[Environment]::NewLine.Length; [Environment]::GetFolderPath('Desktop')", ["1", "Home/Desktop"]),
            ("[uri]::EscapeDataString('a b&ü'); [uri]::UnescapeDataString('a%20b')", ["a%20b%26%C3%BC", "a b"]),
            ("(Get-TimeZone).Id -eq [TimeZoneInfo]::Local.Id", ["True"]),
        ] as [(String, [String])])
    func library(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "a trap says what becomes of the errors of its block",
        arguments: [
            ("trap { \"caught $_\"; continue } throw 'a'; 'on'", ["caught a", "on"]),
            ("function F { trap { 'in'; continue } throw 'x'; 'after' }; F; 'end'", ["in", "after", "end"]),
            ("trap { 'outer'; continue } & { throw 'x'; 'never' }; 'end'", ["outer", "end"]),
            ("trap { 'outer'; continue } if ($true) { trap { break } throw 'x' }; 'end'", ["outer", "end"]),
            ("foreach ($i in 1..2) { trap { continue } if ($i -eq 1) { throw 'x' }; $i }", ["1", "2"]),
            ("1, 0, 2 | Where-Object { trap { $true; continue } 1 / $_ }", ["1", "0", "2"]),
        ] as [(String, [String])])
    func trap(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "the host asks with choices, and answers are found by label, key and place",
        arguments: [("Yes", "0"), ("n", "1"), ("1", "1"), ("", "1")])
    func choices(answer: String, place: String) async throws {
        for choices in [
            "('&Yes','&No')", "[System.Management.Automation.Host.ChoiceDescription[]]('&Yes','&No')",
            "@((New-Object System.Management.Automation.Host.ChoiceDescription '&Yes','Goes on'), "
                + "[System.Management.Automation.Host.ChoiceDescription]::new('&No', 'Ends'))",
        ] {
            let script =
                "$Host.UI.RawUI.WindowTitle = 'x'; $r = $Host.UI.PromptForChoice('Go', 'Sure?', \(choices), 1); $r"
            #expect(try await texts(script, answers: ["r": answer]) == [place])
        }
    }

    @Test(
        "commands by computed names, tables as objects, and patterns over tables",
        arguments: [
            ("$c = Get-Command Get-Date; (& $c.Name '2026-01-02').Year", ["2026"]),
            ("function F { 'own' }; $n = 'F'; & \"$n\"", ["own"]),
            ("[ordered]@{a=1;b=2} | Select-Object a | ForEach-Object { $_.a }", ["1"]),
            ("@(@{x=1}, 'Hash') -match 'Hash' | Measure-Object | % Count", ["2"]),
            ("function F { param([PSTypeName('X')][PSCustomObject]$o) $o.v }; F ([pscustomobject]@{v=3})", ["3"]),
        ] as [(String, [String])])
    func constructs(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "a script that may change something goes to PowerShell whole where it uses them",
        arguments: [
            "[xml]$x = '<a/>'", "trap { continue } 'a'", "irm https://a.example",
            "function F { param([PSTypeName('X')]$o) $o }; F 1", "& (Get-Command Get-Date).Name",
        ])
    func changing(script: String) async throws {
        let parsed = PowerShellParser.parse(utf16: Array(script.utf16))
        let isHeld: Bool =
            if case .handedOver = await outcome(script, isPatient: false) { true } else { false }
        #expect(isHeld || NativeEngine.unrecorded(in: parsed) != nil)
    }
}
