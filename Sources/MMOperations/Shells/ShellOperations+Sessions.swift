import MMCore
import MMShell

extension ShellOperations {
    /// The list of sessions.
    var sessions: AnyOperation {
        AnyOperation(
            declaration(
                "sessions", isLocal ? "Shell sessions" : "SSH sessions",
                isLocal ? "List your shell sessions." : "List your sessions on hosts.",
                effects: .init(readOnly: true, idempotent: true),
                examples: [("mm \(place.rawValue) sessions", "name, kind, directory, what runs")]),
            fields: []
        ) { [self] (_, context) async throws(MMError) in
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
                columns: isLocal
                    ? ["session", "kind", "state", "cwd", "sandbox", "commands", "idle_seconds"]
                    : ["session", "host", "kind", "state", "cwd", "commands", "idle_seconds"])
        }
    }

    /// Closing.
    var close: AnyOperation {
        AnyOperation(
            declaration(
                "close", "Close a session", "End a session and all that it started.",
                effects: .init(readOnly: false, destructive: true, idempotent: true, openWorld: !isLocal),
                examples: [
                    (isLocal ? "mm shell close build" : "mm ssh close web1", "ends it"),
                    ("mm \(place.rawValue) close --all", "ends all of yours"),
                ]),
            fields: sessionFields(at: 0) + [InputField("all", .flag, "All of your sessions.")]
        ) { [self] (input, context) async throws(MMError) in
            let shells = context.services.shells
            var closed: [JSONValue] = []
            if try input.flag("all") {
                for member in await shells.members(of: context.call.shellOwner, in: place) {
                    await shells.close(member.key)
                    closed.append(.string(member.key.name))
                }
            } else {
                let key = try key(input, context)
                _ = try await shells.existing(key)
                await shells.close(key)
                closed.append(.string(key.name))
            }
            return OperationAnswer(
                .value(["closed": .array(closed)]),
                text: closed.isEmpty
                    ? "There was none." : "Closed: \(closed.compactMap(\.string).joined(separator: ", "))")
        }
    }

    /// Starting over.
    var reset: AnyOperation {
        AnyOperation(
            declaration(
                "reset", "Start a session over", "Replace a session's shell by a new one in its first state.",
                effects: .init(readOnly: false, destructive: true, idempotent: true, openWorld: !isLocal),
                examples: [(isLocal ? "mm shell reset build" : "mm ssh reset web1", "a new shell under the same name")]),
            fields: sessionFields(at: 0)
        ) { [self] (input, context) async throws(MMError) in
            let key = try key(input, context)
            let member = try await context.services.shells.existing(key)
            switch member.body {
            case .shell(let session): try await session.reset()
            case .screen: await context.services.shells.close(key)
            }
            return OperationAnswer(
                .value(["session": .string(key.name), "status": "reset"]), text: "The session \(key.name) starts over.")
        }
    }

    /// Where it stands.
    var cwd: AnyOperation {
        AnyOperation(
            declaration(
                "cwd", "Working directory", "Say in which directory a session stands.",
                effects: .init(readOnly: true, idempotent: true, openWorld: !isLocal),
                examples: [(isLocal ? "mm shell cwd" : "mm ssh cwd web1", "the directory alone")]),
            fields: sessionFields(at: 0)
        ) { [self] (input, context) async throws(MMError) in
            let key = try key(input, context)
            let member = try await context.services.shells.existing(key)
            let path = try await directory(of: member)
            return OperationAnswer(.value(["session": .string(key.name), "cwd": .string(path)]), text: path)
        }
    }

    /// A session's directory; a host is asked when nothing has run there yet.
    func directory(of member: ShellSessions.Member) async throws(MMError) -> String {
        if let path = await member.workingDirectory { return path }
        guard case .shell(let session) = member.body else {
            throw MMError(.unsupported, "A device has no working directory.")
        }
        return try await session.run("pwd", deadline: .after(.seconds(20))).end.workingDirectory
    }
}
