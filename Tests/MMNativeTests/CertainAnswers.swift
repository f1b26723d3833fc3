import MMCore
import MMNative
import Testing

@Suite("Answers that are PowerShell's, or none", .timeLimit(.minutes(5)))
struct CertainAnswers: RunningReports {
    @Test(
        "numbers of every type are numbers in an answer",
        arguments: [
            ("[decimal]'1.10'", "1.1"), ("[decimal]'5'", "5.0"), ("[math]::Round(10 / 4, 1)", "2.5"), ("[byte]7", "7"),
            ("[decimal]::MaxValue", "79228162514264337593543950335.0"), (",@([byte]1, [decimal]'2.5')", "[1,2.5]"),
            ("[pscustomobject]@{ a = [decimal]'0.25' }", "{\"a\":0.25}"),
            ("[pscustomobject]@{ a = [regex]'x+' }", "{\"a\":\"x+\"}"),
        ])
    func numbers(script: String, json: String) async throws {
        guard case .completed(let result) = await outcome(script), let value = result.objects.first else {
            Issue.record("\(script) did not run")
            return
        }
        #expect(value.json(depth: 3) == (try JSONParser.parse(json)), "\(script): \(value.json(depth: 3))")
    }

    private static let log =
        "$d = @{ Level = 'Warn' }; function Log { param($Message, $Level = 'Info') \"[$Level] $Message\" }\n"

    @Test(
        "a parameter that is written out takes precedence over a splatted one",
        arguments: [
            (Self.log + "Log b @d -Level Error", ["[Error] b"]), (Self.log + "Log b -Level Error @d", ["[Error] b"]),
            (Self.log + "Log b -Lev Error @d", ["[Error] b"]), (Self.log + "Log @d b", ["[Warn] b"]),
            (
                "function F { [CmdletBinding()] param($x) Write-Verbose $x; $VerbosePreference }\n"
                    + "$d = @{ Verbose = $true; x = 1 }; F @d -Verbose:$false",
                ["SilentlyContinue"]
            ),
        ])
    func splats(script: String, output: [String]) async throws { #expect(try await texts(script) == output) }

    @Test(
        "what a script may not be sure of is handed over",
        arguments: [
            Self.log + "$e = @{ Level = 'X' }; Log b @d @e",
            // The engine keeps these in a form of its own.
            "$x = [xml]'<r a=\"1\"><i>1</i></r>'; $x.r", "[xml]'<r/>'", "([xml]'<r><i/></r>').SelectNodes('/r/i')",
            "[regex]'a'", "[System.Text.StringBuilder]::new('a')", "'abc', 'q' | Select-String b",
            "'abc' | Select-String b | Out-Host",
            "Test-Path $null", "Test-Path env:PATH", "Get-ChildItem env:", "New-Item env:FOO",
            "Set-Content a1.txt x; Test-Path a?.txt", "Set-Content a1.txt x; Test-Path 'a[0-9].txt'",
            "Get-Content function:prompt", "'env:PATH' | Test-Path", "[regex]'a('", "[regex]::new('(')",
            "foreach ($e in @{ a = 1 }.GetEnumerator()) { \"$e\" }", "Write-Host @{ a = 1 }",
            "[IO.File]::WriteAllText('a.txt', 'x', 'utf8')",
            "[IO.File]::WriteAllBytes('a.txt', [byte[]](0xE9, 0x41)); "
                + "[IO.File]::ReadAllText('a.txt', [Text.Encoding]::Latin1)",
            "[IO.StreamWriter]::new('a.txt', $false, [Text.Encoding]::Unicode)",
            // The error of a list's element is wrapped in another.
            "[int[]]('1', 'x')", "[int[]]'x'", "function f([datetime[]]$a) { $a }; f 1, x",
        ])
    func unsure(script: String) async {
        guard case .handedOver = await outcome(script) else {
            Issue.record("\(script) was carried out")
            return
        }
    }

    @Test(
        "small answers",
        arguments: [
            (
                "$x = [xml]'<r a=\"1\" b=\"2\"/>'; foreach ($a in $x.r.Attributes) { $a.Name }\n"
                    + "$x.r.Attributes | ForEach-Object { $_.Value }; @($x.r.Attributes).Count; $x.r.Attributes.Count",
                ["a", "b", "1", "2", "2", "2"]
            ),
            (
                "$x = [xml]'<r a=\"1\" b=\"2\"/>'; $x.r.Attributes['b'].Value; $x.r.Attributes[0].Name\n"
                    + "$x.r.Attributes.GetNamedItem('a').Value; $null -eq $x.r.Attributes['c']",
                ["2", "a", "1", "True"]
            ),
            (
                "1..4 | Set-Content a.txt; try { Get-Content a.txt -TotalCount 1 -Tail 1 -ErrorAction Stop } catch { "
                    + "$_.FullyQualifiedErrorId }",
                ["TailAndHeadCannotCoexist,Microsoft.PowerShell.Commands.GetContentCommand"]
            ),
            (
                "$x = $null; try { $x | Export-Csv a.csv -ErrorAction Stop } catch { $_.FullyQualifiedErrorId }; "
                    + "$r = 1 | Where-Object { $false }; $r | Export-Csv b.csv -ErrorAction Stop; Test-Path b.csv",
                [
                    "ParameterArgumentValidationErrorNullNotAllowed,Microsoft.PowerShell.Commands.ExportCsvCommand",
                    "True",
                ]
            ),
            (
                "$o = [pscustomobject]@{ a = 1 }; $o, $null, $o | ConvertTo-Csv -ErrorAction SilentlyContinue; "
                    + "\"$($Error[0])\"",
                ["\"a\"", "\"1\"", "\"1\"", "Cannot bind argument to parameter 'InputObject' because it is null."]
            ),
            ("'one'.GetType(); [int]", ["System.String", "System.Int32"]), ("Test-Path ''", ["False"]),
            ("Set-Content a.txt x; Test-Path a.txt; Test-Path '*.txt'", ["True", "True"]),
            ("\"$([pscustomobject]@{})|\"", ["|"]), ("([regex]'a+').Replace('baab', 'x')", ["bxb"]),
            (
                "[IO.File]::WriteAllText('a.txt', 'é', [Text.Encoding]::Unicode); "
                    + "[IO.File]::ReadAllBytes('a.txt') -join ','",
                ["255,254,233,0"]
            ),
            (
                "[IO.File]::WriteAllText('a.txt', 'é', [Text.Encoding]::ASCII); [IO.File]::ReadAllBytes('a.txt') -join ','",
                ["63"]
            ),
            (
                "[IO.File]::WriteAllLines('a.txt', @('é'), [Text.Encoding]::UTF8); "
                    + "[IO.File]::ReadAllBytes('a.txt') -join ','",
                ["239,187,191,195,169,10"]
            ),
            (
                "[IO.File]::AppendAllText('a.txt', 'é', [Text.Encoding]::Latin1); "
                    + "[IO.File]::ReadAllBytes('a.txt') -join ','",
                ["233"]
            ),
            (
                "[IO.File]::WriteAllText('a.txt', 'é', [Text.Encoding]::Unicode); "
                    + "[IO.File]::ReadAllText('a.txt', [Text.Encoding]::UTF8)",
                ["é"]
            ),
            ("[Text.Encoding]::Unicode.GetPreamble() -join ','", ["255,254"]),
            (
                "[IO.Path]::GetFullPath('/a/../b'); [IO.Path]::GetFullPath('./a/../b.txt')\n"
                    + "[IO.Path]::GetFullPath('C:\\a\\..\\b'); [IO.Path]::GetFullPath('a/b')",
                ["/b", "b.txt", "C:/b", "a/b"]
            ),
            (
                "$v = $null; Test-Path variable:v; Test-Path Variable:\\V; Test-Path variable:w; $s = 1\n"
                    + "function f { Test-Path variable:script:s; Test-Path variable:global:w }; f",
                ["True", "True", "False", "True", "False"]
            ),
            (
                "$x = [xml]'<r><i id=\"1\">a</i><i id=\"2\">b</i></r>'; $x.r.i | ? id -eq 2 | % InnerText\n"
                    + "($x.r.i | Select-Object id).id -join ','; $x.r.i | % id",
                ["b", "1,2", "1", "2"]
            ),
        ])
    func small(script: String, output: [String]) async throws {
        #expect(try await texts(script) == output, "\(script)")
    }

    @Test("a script reads the variables of the environment that it or an earlier line has set")
    func environment() async throws {
        let script =
            "$env:FOO = 'bar'; \"[$env:foo]\"; $env:FOO += 'x'; [Environment]::GetEnvironmentVariable('FOO')\n"
            + "[Environment]::SetEnvironmentVariable('A', 'b'); $env:A; Test-Path env:A; $env:A = $null; \"[$env:A]\"\n"
            + "[Environment]::SetEnvironmentVariable('U', 'c', 'User'); \"[$env:U]\""
        #expect(try await texts(script) == ["[bar]", "barx", "b", "True", "[]", "[]"])
        var session = NativeSession()
        let engine = NativeEngine(host: NativeHost(), isPatient: true)
        _ = await engine.run("$env:FOO = 'kept'", in: &session)
        guard case .completed(let result) = await engine.run("$env:FOO", in: &session) else {
            Issue.record("the second line did not run")
            return
        }
        #expect(result.objects.map(\.text) == ["kept"])
    }

    @Test("an ignored error leaves no trace but that the command failed")
    func ignored() async throws {
        let script = "Get-Content nope.txt -ErrorAction Ignore -ErrorVariable e; $?; $Error.Count; @($e).Count"
        #expect(try await texts(script) == ["False", "0", "0"])
        let silent = "Get-Content nope.txt -ErrorAction SilentlyContinue -ErrorVariable e; $Error.Count; @($e).Count"
        #expect(try await texts(silent) == ["1", "1"])
    }

    @Test("a wait ends with the time of its run")
    func wait() async {
        var session = NativeSession()
        let outcome = await NativeEngine(host: NativeHost(), isPatient: true).run(
            "Start-Sleep 80000", in: &session, deadline: .after(.milliseconds(50)))
        guard case .stopped = outcome else {
            Issue.record("it ended by itself: \(outcome)")
            return
        }
    }
}
