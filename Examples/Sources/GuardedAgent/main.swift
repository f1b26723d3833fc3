// Judges a script that a model wants to run, before any process is started.
//
//     swift run GuardedAgent 'Get-Mailbox | Where-Object Name -like "A*" | Remove-Mailbox'
import Glibc
import MMCore
import MMGuard

guard let script = CommandLine.arguments.dropFirst().first else {
    print("usage: GuardedAgent SCRIPT")
    exit(2)
}

let verdict = GuardEngine.standard.judge(script: script, module: .exchangeOnline)

switch verdict.decision {
case .allow:
    print("runs: \(verdict.guardClass)")
case .ask:
    print("a person must say yes: \(verdict.reason)")
    print("Run it? [y/N] ", terminator: "")
    guard readLine()?.lowercased() == "y" else { exit(5) }
    print("runs, because a person said so")
case .deny:
    print("never runs: \(verdict.reason)")
    if let instead = verdict.instead { print("instead: \(instead)") }
    exit(4)
}
