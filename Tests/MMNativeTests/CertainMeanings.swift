import MMNative
import PowerShellSyntax
import Testing

@Suite("What a script that changes something may use besides what was recorded", .timeLimit(.minutes(5)))
struct CertainMeanings: RunningReports {
    @Test(
        "what a standard defines, in full",
        arguments: [
            ("[Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes('Grüße'))", "R3LDvMOfZQ=="),
            ("[Text.Encoding]::Unicode.GetString([Convert]::FromBase64String('YQBiAA=='))", "ab"),
            ("[uri]::EscapeDataString(\"o'neil+1@a b\")", "o%27neil%2B1%40a%20b"),
            ("[System.Web.HttpUtility]::UrlEncode('a:b/c d')", "a%3ab%2fc+d"),
            ("[System.Net.WebUtility]::UrlEncode('a:b/c d')", "a%3Ab%2Fc+d"),
            ("[IO.Path]::GetFileNameWithoutExtension('C:\\a\\photo of Ann.jpg')", "photo of Ann"),
            ("try { throw 'x' } catch [System.Exception] { $_.Exception.Message }", "x"),
            ("try { throw 'x' } catch [Exception] { \"$_\" }", "x"),
            ("$n = 0; [int]::TryParse('12', [ref]$n); $n", "True 12"),
            (
                "'abc' | Set-Content a.txt -NoNewline; [Convert]::ToBase64String([IO.File]::ReadAllBytes('a.txt'))",
                "YWJj"
            ),
            ("Add-Type -AssemblyName System.Web; 'on'", "on"), ("[Environment]::UserInteractive", "True"),
            ("[BitConverter]::ToUInt32([byte[]](1, 2, 3, 255, 9), 0)", "4278387201"),
            ("[BitConverter]::ToInt32([byte[]](0, 255, 255, 255, 255), 1)", "-1"),
            ("1..3 | % { @{n=$_} } | Select-Object -First 1 -ExpandProperty n", "1"),
            ("$l = [Collections.Generic.List[char]]::new(); $l.Add('a'); $l.Count", "1"),
            ("[System.Diagnostics.Stopwatch]::StartNew().Elapsed.TotalMinutes -lt 1", "True"),
            ("$t = Measure-Command { $x = 1 }; $t.TotalHours -lt 1; $x", "True 1"),
        ])
    func standards(script: String, expected: String) async throws {
        #expect(NativeEngine.unrecorded(in: PowerShellParser.parse(utf16: Array(script.utf16))) == nil)
        var session = NativeSession()
        guard case .completed(let result) = await NativeEngine(host: NativeHost()).run(script, in: &session) else {
            Issue.record("\(script) did not run")
            return
        }
        #expect(result.errors.isEmpty && result.failure == nil, "\(result.errors)")
        #expect(result.objects.map(\.text).joined(separator: " ") == expected)
    }

    @Test(
        "random values of exactly the kind that was asked for",
        arguments: [
            ("(1..200 | % { Get-Random -Minimum 3 -Maximum 6 } | Sort-Object -Unique) -join ','", "3,4,5"),
            ("(Get-Random -InputObject (1..9) -Count 9 | Sort-Object) -join ','", "1,2,3,4,5,6,7,8,9"),
            ("('a', 'b', 'c' | Get-Random -Count 5 | Sort-Object) -join ','", "a,b,c"),
            ("@(@() | Get-Random).Count", "0"), ("@(1..5 | ? { $_ -gt 9 } | Get-Random -Count 2).Count", "0"),
            ("(Get-Random) -ge 0", "True"), ("@(Get-Random -Maximum 9 -Count 4).Count", "4"),
            (
                "$p = [System.Web.Security.Membership]::GeneratePassword(14, 5); "
                    + "\"$($p.Length) $(($p -replace '[a-zA-Z0-9]').Length -ge 5)\"", "14 True"
            ),
        ])
    func random(script: String, expected: String) async throws {
        #expect(try await texts(script) == [expected])
        #expect(NativeEngine.unrecorded(in: PowerShellParser.parse(utf16: Array(script.utf16))) == nil)
    }

    @Test(
        "what tells of a machine or was never compared stays out",
        arguments: [
            "[Environment]::MachineName", "[Environment]::UserName", "Get-TimeZone", "[TimeZoneInfo]::Local",
            "Get-Culture", "[single]1.5", "Add-Type -TypeDefinition 'class A {}'", "class C { }",
            "New-Object -ComObject Excel.Application", "[ipaddress]'10.0.0.1'",
            "Get-Mailbox | Select $o -ExpandProperty $o", "Get-Mailbox | Select-Object -Expand Name -Property Id",
        ])
    func uncertain(script: String) {
        #expect(NativeEngine.unrecorded(in: PowerShellParser.parse(utf16: Array(script.utf16))) != nil)
    }

    /// A question in a window whose answer decides about more than a file.
    private static let window =
        "$w = New-Object -ComObject wscript.shell; $a = $w.Popup('Go on?', 0, 'Ask', 4); "
        + "if ($a -eq 6) { 'on' } else { 'off' }"

    @Test(
        "a script that changes something asks what a window would ask",
        arguments: [
            (window, "y", "on"), (window, "No", "off"), (window, "", "off"), (window, "maybe", nil), (window, nil, nil),
            (
                "$w = New-Object -ComObject wscript.shell; $a = $w.Popup('Open?', 0, 'Ask', 4); "
                    + "if ($a -eq 6) { Invoke-Item a.csv }; 'end'", nil, "end"
            ),
            ("$w = New-Object -ComObject wscript.shell; $w.Popup('Done') | Out-Null; 'end'", nil, "end"),
        ] as [(String, String?, String?)])
    func windows(script: String, answer: String?, expected: String?) async throws {
        #expect(NativeEngine.unrecorded(in: PowerShellParser.parse(utf16: Array(script.utf16))) == nil)
        let host = NativeHost(answers: answer.map { ["a": $0] } ?? [:])
        var session = NativeSession()
        guard case .completed(let result) = await NativeEngine(host: host).run(script, in: &session) else {
            Issue.record("\(script) did not run")
            return
        }
        #expect(result.objects.map(\.text) == (expected.map { [$0] } ?? []))
        #expect((result.failure == nil) == (expected != nil))
    }
}
