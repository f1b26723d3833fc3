import MMGuard

let verdict = GuardEngine.standard.judge(
    script: "Get-Mailbox -Filter 'Alias -like \"test*\"' | Remove-Mailbox", module: .exchangeOnline)
print(verdict.decision, verdict.reason)
