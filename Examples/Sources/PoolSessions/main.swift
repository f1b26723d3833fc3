// Runs a command in a session of the user's pool: signed in already where it was used before, and still there for the
// next program. The pool is started where none runs.
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
    let answer = try await mm(
        "run", ["connection": .string(words[0]), "module": .string(words[1]), "command": .string(words[2])])
    for note in answer.notes { print("# \(note)") }
    for try await row in answer.rows { print(row) }
} catch {
    // The message says what happened, the hint what to do: a code to sign in with, a pool to start.
    print(error.description)
    exit(error.exitCode)
}
