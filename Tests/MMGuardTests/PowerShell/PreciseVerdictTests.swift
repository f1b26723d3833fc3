import MMCore
import MMGuard
import Testing

@Suite("Everyday scripts that look dangerous and are not")
struct PreciseVerdictTests {
    @Test(
        "is allowed",
        arguments: [
            "$ErrorActionPreference = 'Stop'; Get-Mailbox ann",
            "function Get-Size($m) { (Get-MailboxStatistics $m).TotalItemSize }; Get-Mailbox ann | % { Get-Size $_.Identity }",
            "class Row { [string]$Name; [int]$Count }; [Row]@{ Name = 'a'; Count = 1 }",
            "$p = @{ ResultSize = 5 }; Get-Mailbox @p | Select-Object Name",
            "$d = @{}; Get-Mailbox -ResultSize 5 | % { $d[$_.Alias] = $_.DisplayName }; $d",
            "$l = [System.Collections.Generic.List[object]]::new(); $l.Add(1); $l",
            "for ($i = 0; $i -lt 5; $i++) { $i }",
            "Get-Mailbox -ResultSize 5 | Tee-Object -Variable boxes | Select-Object Name",
            "Get-Mailbox -ResultSize 5 -OutVariable m | Out-Null; $m.Count",
            "Get-CsOnlineUser -Filter { LineUri -ne $null }",
            "try { Get-Mailbox x } catch { \"failed: $($_.Exception.Message)\" }",
            "(Get-AzContext).Subscription.Id",
            "Update-MgUser -UserId ann@contoso.com -JobTitle Director",
            "Invoke-MgGraphRequest GET /v1.0/users -Body @{ '$top' = 5 }",
        ])
    func allowed(script: String) {
        let verdict = GuardEngine().judge(script: script, policy: .standard)
        #expect(verdict.decision == .allow, "\(verdict.rule): \(verdict.reason)")
    }

    @Test("a long script is judged like a short one")
    func long() {
        let script = String(repeating: "Get-Mailbox ann | Select-Object Name\n", count: 29_000)
        #expect(script.utf8.count > 1 << 20)
        let change = GuardEngine().judge(script: script + "Remove-Mailbox ann", policy: .standard)
        #expect(change.decision == .ask)
        #expect(change.place?.line == 29_001)
    }

    @Test("a text that can't run is an error for its author, with the place, and nothing for a person to confirm")
    func broken() {
        let error = GuardEngine().judge(script: "Get-Mailbox (", policy: .standard).error()
        #expect(error?.code == .invalidInput)
        #expect(error?.message.contains("line 1") ?? false)
    }

    @Test("the reason says what a command does", arguments: [("Get-Item x", "path"), ("Read-Host", "type")])
    func reasons(script: String, word: String) {
        #expect(GuardEngine().judge(script: script, policy: .standard).reason.contains(word))
    }
}
