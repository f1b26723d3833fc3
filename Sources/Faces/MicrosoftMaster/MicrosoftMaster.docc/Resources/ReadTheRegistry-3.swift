import Glibc
import MMCore

do throws(MMError) {
    let paths = StatePaths(environment: ProcessEnvironment.read())
    let snapshot = try ConnectionRegistry(path: paths.registry).snapshot()
    let connection = try snapshot.connection(named: CommandLine.arguments.dropFirst().first ?? "")
    print(connection.name, connection.isReadOnly ? "may only read" : "may write")
} catch {
    print(error.description)
    exit(error.exitCode)
}
