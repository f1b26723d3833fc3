// Runs a command in a session of the user's pool. The session may already be signed in, and stays open for the next
// program. If no pool runs, one is started.
//
//     swift run PoolSessions Contoso exo 'Get-Mailbox -ResultSize 1'
import Glibc
import MicrosoftMaster

let words = Array(CommandLine.arguments.dropFirst())
guard words.count == 3 else {
    print("usage: PoolSessions CONNECTION MODULE COMMAND")
    exit(2)
}
do throws(MMError) {
    let mm = try await MM.pool(named: "PoolSessions")
    // As JSON each row is an object; otherwise the answer is one text, as PowerShell shows it.
    let answer = try await mm(
        "run",
        [
            "connection": .string(words[0]), "module": .string(words[1]), "command": .string(words[2]),
            "output": "json",
        ])
    for note in answer.notes { print("# \(note)") }
    for try await row in answer.rows { print(row) }
} catch {
    // The message says what happened, the hint what to do, such as a code to sign in with.
    print(error.description)
    exit(error.exitCode)
}
