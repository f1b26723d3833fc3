// Reads a registry of connections as mm does and reports its errors, for checking it before it is deployed.
//
//     swift run RegistryCheck [FILE]
import Glibc
import MMCore

do throws(MMError) {
    let file = CommandLine.arguments.dropFirst().first
    let snapshot = try ConnectionRegistry(path: file ?? StatePaths().registry).snapshot()
    for connection in snapshot.connections {
        let who = connection.expectedEmail ?? connection.appId ?? "no account"
        print(
            "\(connection.name): \(connection.tenant ?? "no tenant"), \(who), \(connection.isReadOnly ? "reads" : "writes")"
        )
    }
    for problem in snapshot.problems { print("! \(problem.message) \(problem.hint)") }
    exit(snapshot.problems.isEmpty ? 0 : 1)
} catch {
    print(error.description)
    exit(error.exitCode)
}
