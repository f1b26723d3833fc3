import MMCore
import PowerShellSyntax
import Testing

@testable import MMGuard

@Suite("What a session remembers", .timeLimit(.minutes(5)))
struct SessionMemoryTests {
    private let engine = GuardEngine()

    /// The verdict over the last of several scripts that ran one after the other in a session.
    private func verdict(_ scripts: [String]) -> Verdict {
        var memory = SessionMemory.fresh
        var last: Verdict?
        for script in scripts {
            let result = engine.judgeInSession(
                script: script, parsed: PowerShellParser.parse(script),
                in: ScriptContext(module: "exo", memory: memory), policy: .standard, confirmed: false)
            (last, memory) = (result.verdict, result.memory)
        }
        return last ?? engine.judge(script: "", policy: .standard)
    }

    @Test(
        "what an earlier script defined or put into a variable counts in the next one",
        arguments: [
            ["function Get-Date { Remove-Mailbox ceo }", "Get-Date"],
            ["Set-Alias gx Remove-Mailbox", "Get-Mailbox ann"],
            ["iex $x", "Get-Mailbox ann"],
            ["class Box { [Some.Module.Kind] $Kind }; function Get-Mailbox { Remove-Mailbox ceo }", "Get-Mailbox ann"],
            ["function Show-It { Get-Mailbox ann }", "Show-It"],
            ["$all = Get-Mailbox -ResultSize Unlimited", "$all | Set-Mailbox -CustomAttribute1 x"],
            ["$f = Get-ChildItem ~/.ssh", "$f | Select-String ."],
            ["$f = Get-ChildItem a.csv", "$f.Replace('a', 'b')"],
            ["$sb = (Get-Command prompt).ScriptBlock", "1 | Select-Object @{n='x';e=$sb}"],
            ["$e = $Error[0]", "$e.Foo"],
            [
                "$m = 'GET'", "function f { $global:m = 'DELETE' }; f",
                "Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            ],
            [
                "function f { $global:m = [int]4 }; f", "$m = 'GET'; $r = [ref]$m",
                "Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'",
            ],
            ["[int]$m = 4", "$m = 'GET'; Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'"],
            [
                "$lst = Get-Mailbox -ResultSize Unlimited; throw 'stop'; $lst = 'emi'",
                "$lst | Set-Mailbox -CustomAttribute1 x",
            ],
        ])
    func remembered(scripts: [String]) {
        let last = verdict(scripts)
        #expect(last.decision != .allow, "\(last.rule): \(last.reason)")
    }

    @Test("a script that runs as a file leaves what it put into the session's variables, not its own")
    func file() {
        func judged(_ script: String, _ memory: SessionMemory) -> (verdict: Verdict, memory: SessionMemory) {
            engine.judgeInSession(
                script: script, parsed: PowerShellParser.parse(script),
                in: ScriptContext(module: "exo", memory: memory), policy: .standard, confirmed: false)
        }
        let request = "Invoke-MgGraphRequest -Method $m -Uri '/v1.0/users/x'"
        let before = judged("$m = 'GET'", .fresh).memory
        let own = before.afterFile(judged("$m = 'DELETE'", before).memory, keepingNames: false)
        #expect(judged(request, own).verdict.decision == .allow)
        let outer = before.afterFile(judged("$global:m = 'DELETE'", before).memory, keepingNames: false)
        #expect(judged(request, outer).verdict.decision == .ask)
    }

    @Test(
        "what an earlier script plainly read can be worked on without asking",
        arguments: [
            ["$m = Get-Mailbox ann", "$m | Set-Mailbox -CustomAttribute1 x"],
            ["$names = 'ann', 'bob'", "$names | ForEach-Object { Set-Mailbox $_ -CustomAttribute1 x }"],
            ["$cols = 'Name', 'Alias'", "Get-Mailbox ann | Select-Object $cols"],
            ["Remove-Mailbox ann", "Get-Mailbox bob"],
        ])
    func known(scripts: [String]) {
        let last = verdict(scripts)
        #expect(last.decision == .allow, "\(last.rule): \(last.reason)")
    }
}
