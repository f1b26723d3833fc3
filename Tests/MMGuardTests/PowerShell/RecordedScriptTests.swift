import MMCore
import MMGuard
import TestSupport
import Testing

@Suite("Recorded scripts", .timeLimit(.minutes(5)))
struct RecordedScriptTests {
    private let engine = GuardEngine()

    @Test("no recorded bypass is allowed or called a read, under any policy")
    func bypasses() throws {
        let cases = try Fixture.jsonLines("guard/bypass-cases.jsonl")
        #expect(cases.count > 100)
        for one in cases {
            let script = one["src"]?.string ?? ""
            for name in GuardPolicy.Name.allCases {
                let verdict = engine.judge(script: script, policy: GuardPolicy(name))
                #expect(verdict.decision != .allow, "\(one["id"]?.string ?? ""): \(script)")
                #expect(verdict.guardClass != .read, "\(one["id"]?.string ?? ""): \(script)")
                if name == .readonly { #expect(verdict.decision == .deny) }
            }
        }
    }

    @Test("at least 95 of 100 recorded reads run without asking")
    func reads() throws {
        var asked: [String] = []
        var count = 0
        for one in try Fixture.jsonLines("guard/read-cases.jsonl") where one["cat"]?.string?.hasPrefix("read") ?? false
        {
            let script = one["src"]?.string ?? ""
            count += 1
            let verdict = engine.judge(script: script, policy: .standard)
            if verdict.decision != .allow { asked.append("\(script): \(verdict.reason)") }
        }
        #expect(asked.count * 100 <= count * 5, "\(asked)")
    }

    @Test("recorded changes are no reads")
    func writes() throws {
        // These change nothing, or no more than a data file of the session's own folder.
        let harmless = [
            "Start-Sleep 1", "Write-Host hi -ForegroundColor Red", "Get-Mailbox > out.txt",
            "Get-Mailbox | Tee-Object -FilePath out.txt", "Set-Content a.txt b",
        ]
        for one in try Fixture.jsonLines("guard/read-cases.jsonl") where one["cat"]?.string == "write" {
            let script = one["src"]?.string ?? ""
            guard !harmless.contains(script) else { continue }
            #expect(engine.judge(script: script, policy: .standard).guardClass != .read, "\(script)")
            #expect(engine.judge(script: script, policy: GuardPolicy(.readonly)).decision == .deny, "\(script)")
        }
    }
}
