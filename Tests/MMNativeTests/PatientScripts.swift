import MMCore
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
            ("foreach ($i in 1..2) { if ($i -gt 5) { [xml]$x = 'a' }; $i }", ["1", "2"]),
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

    @Test(
        "end where they reach it, and don't begin where it certainly runs",
        arguments: [
            ("'a'; if ($true) { Get-Clipboard }; 'b'", "the command Get-Clipboard"),
            ("function F { Get-Clipboard }; F", "the command Get-Clipboard"),
            ("function F([System.Xml.XmlNode]$x) { 1 }; if ($true) { F }", "the function F"),
            ("'a'; Get-Clipboard", "the command Get-Clipboard"),
            ("try { Get-Clipboard } catch { 'no' }", "the command Get-Clipboard"),
            ("1..2 | ForEach-Object { if ($_ -gt 5) { Get-Clipboard } }", "the command Get-Clipboard"),
        ])
    func reached(script: String, reason: String) async {
        guard case .handedOver(let told, _) = await outcome(script) else {
            Issue.record("\(script) ran")
            return
        }
        #expect(told == reason)
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
}
