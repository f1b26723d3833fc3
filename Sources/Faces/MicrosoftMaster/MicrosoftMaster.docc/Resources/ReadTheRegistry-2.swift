import MMCore

let paths = StatePaths(environment: ProcessEnvironment.read())
let registry = ConnectionRegistry(path: paths.registry)

let snapshot = try registry.snapshot()
for connection in snapshot.connections {
    print(connection.name, connection.tenant ?? "", connection.expectedEmail ?? "")
}
for problem in snapshot.problems { print(problem.message, problem.hint) }
