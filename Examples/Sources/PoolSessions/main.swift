// Runs a command in a session of the user's pool: signed in already where it was used before, and still there for the
// next program.
//
//     mm pool start
//     swift run PoolSessions Contoso exo 'Get-Mailbox -ResultSize 1'
import Glibc
import MMCore
import MMOperations
import MMPool

let words = Array(CommandLine.arguments.dropFirst())
guard words.count == 3 else {
    print("usage: PoolSessions CONNECTION MODULE COMMAND")
    exit(2)
}
let environment = ProcessEnvironment.read()
do throws(MMError) {
    let url = environment["MM_SESSION_POOL_URL"] ?? "unix:/run/user/\(getuid())/mm/pool.sock"
    let pool = try PoolAddress(url: url, bearer: try PoolAddress.bearer(environment: environment))
    let service = RemoteOperationService(pool: pool, environment: environment)
    let context = CallContext(caller: Caller(surface: .library, name: "PoolSessions", server: nil))
    let arguments: JSONObject = [
        "connection": .string(words[0]), "module": .string(words[1]), "command": .string(words[2]),
    ]
    let answer = try await service.call("run", arguments, in: context)
    for note in answer.notes { print("# \(note)") }
    switch answer.body {
    case .value(let value): print(value)
    case .text(let text): print(text)
    default: print("An answer of another kind.")
    }
} catch {
    // The message says what happened, the hint what to do: a code to sign in with, a pool to start.
    print(error.description)
    exit(error.exitCode)
}
