import MMCore

/// `shell sessions`, `ssh sessions`: the caller's sessions.
struct ShellSessionList: Operation {
    typealias Input = NoInput

    let place: ShellPlace

    var declaration: OperationDeclaration {
        place.declaration(
            "sessions", place.isLocal ? "Shell sessions" : "SSH sessions",
            place.isLocal ? "List your shell sessions." : "List your sessions on hosts.",
            effects: .init(readOnly: true, idempotent: true),
            examples: [("mm \(place.rawValue) sessions", "name, kind, directory, what runs")])
    }

    func run(_ input: NoInput, in context: OperationContext) async throws(MMError) -> OperationAnswer {
        let shells = context.services.shells
        var rows: [JSONValue] = []
        for member in await shells.members(of: context.call.shellOwner, in: place) {
            let use = await shells.use(of: member.key)
            var row: JSONObject = ["session": .string(member.key.name), "kind": .string(member.kind)]
            row["host"] = member.host.map(JSONValue.string)
            if let directory = await member.workingDirectory { row["cwd"] = .string(directory) }
            let running = await shells.running(in: member.key)
            row["state"] = running == nil ? "ready" : "busy"
            row["job"] = running.map { .string($0.handle) }
            row["sandbox"] = member.sandbox.map(JSONValue.string)
            row["commands"] = .int(Int64(use.commands))
            row["idle_seconds"] = .int(use.idle.components.seconds)
            row["created"] = .string(member.created.iso8601)
            rows.append(.object(row))
        }
        return .value(
            .array(rows),
            columns: place.isLocal
                ? ["session", "kind", "state", "cwd", "sandbox", "commands", "idle_seconds"]
                : ["session", "host", "kind", "state", "cwd", "commands", "idle_seconds"])
    }
}
