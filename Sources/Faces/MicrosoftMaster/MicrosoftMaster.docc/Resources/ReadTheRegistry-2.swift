import MMCore

let registry = ConnectionRegistry()

let snapshot = try registry.snapshot()
for connection in snapshot.connections {
    print(connection.name, connection.tenant ?? "", connection.expectedEmail ?? "")
}
for problem in snapshot.problems { print(problem.message, problem.hint) }
