import Glibc
import MMCore

do throws(MMError) {
    let snapshot = try ConnectionRegistry().snapshot()
    let connection = try snapshot.connection(named: CommandLine.arguments.dropFirst().first ?? "")
    print(connection.name, connection.isReadOnly ? "may only read" : "may write")
} catch {
    print(error.description)
    exit(error.exitCode)
}
