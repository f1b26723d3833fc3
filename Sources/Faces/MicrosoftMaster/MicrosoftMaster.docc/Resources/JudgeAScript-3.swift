import MMGuard

let policy = GuardPolicy(.strict, overrides: [.send: .deny])
let verdict = GuardEngine.standard.judge(
    script: "Get-Mailbox -Filter 'Alias -like \"test*\"' | Remove-Mailbox", module: .exchangeOnline, policy: policy)

switch verdict.decision {
case .allow:
    print("It may run: \(verdict.guardClass.meaning)")
case .ask:
    print("A person decides: \(verdict.reason)")
case .deny:
    print("It never runs: \(verdict.reason)")
    if let instead = verdict.instead { print("Instead: \(instead)") }
}
for line in verdict.place?.underlined ?? [] { print(line) }
