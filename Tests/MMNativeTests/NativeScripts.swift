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
        ("(1..4).Where({ $_ -gt 2 }); 1,2 | Sort -Descending", ["3", "4", "2", "1"]),
        ("'a','b' > list.txt; 'c' >> list.txt; (Get-Content list.txt).Count", ["3"]),
        ("$ProgressPreference = 'SilentlyContinue'; $env:TEMP + '\\x'", ["Temp\\x"]),
        ("Compare-Object @('a','b') @('b','c') | % { $_.SideIndicator + $_.InputObject }", ["=>c", "<=a"]),
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

    @Test("questions are answered by the variable that takes them, and end the script where nobody answers")
    func questions() async throws {
        let answered = try await run(
            "$user = Read-Host 'Which user'; \"u $user\"", host: NativeHost(answers: ["User": "lena"]))
        #expect(answered.objects.map(\.text) == ["u lena"])
        let alone = try await run("'before'; $user = Read-Host 'Which user'; 'after'")
        #expect(alone.objects.map(\.text) == ["before"])
        #expect(alone.failure?.message.contains("--param user=") == true)
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

    @Test("secrets are never asked for", arguments: ["$c = Get-Credential", "Read-Host 'Password' -AsSecureString"])
    func secrets(script: String) async throws {
        #expect(try await run(script).failure != nil)
    }

    @Test("lines for the person are whole, and progress is none of them")
    func messages() async throws {
        let result = try await run(
            "Write-Host 'a' -NoNewline -ForegroundColor Red; Write-Host 'b'; Write-Progress -Activity 'x' -Status 'y'")
        #expect(result.information == ["ab"])
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
