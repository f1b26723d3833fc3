package import MMCore
import MMSessions

/// `shell sessions`, `ssh sessions`: the caller's sessions.
struct ShellSessionList: CatalogueOperation {
    typealias Input = NoInput

    let place: ShellPlace

    var declaration: OperationDeclaration {
        place.declaration(
            "sessions", place.isLocal ? "Shell sessions" : "SSH sessions",
            place.isLocal ? "List your shell sessions." : "List your sessions on hosts.",
            effects: .init(readOnly: true, idempotent: true),
            examples: [("mm \(place.rawValue) sessions", "name, kind, directory, what runs")])
    }

    func run(
        _ input: NoInput, in context: OperationContext, with shells: ShellSessions
    ) async throws(MMError) -> OperationAnswer {
        let owner = context.call.shellOwner
        let reports = Dictionary(await shells.reports(of: owner).map { ($0.key, $0) }) { first, _ in first }
        var rows: [JSONValue] = []
        for member in await shells.members(of: owner, in: place) {
            guard let report = reports[member.key] else { continue }
            var row: JSONObject = ["session": .string(member.key.name), "kind": .string(member.kind)]
            row["host"] = member.host.map(JSONValue.string)
            if let directory = await member.workingDirectory { row["cwd"] = .string(directory) }
            let running = shells.running(in: member.key)
            row["state"] = running == nil ? "ready" : "busy"
            row["job"] = running.map { .string($0.handle) }
            row["sandbox"] = member.sandbox.map(JSONValue.string)
            row["commands"] = .int(Int64(report.commands))
            row["idle_seconds"] = .int(report.idle.components.seconds)
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

/// A shell session, as `shell_sessions` and `ssh_sessions` list it.
package struct ShellSessionRow: Sendable {
    /// Its name.
    package let name: String
    /// The host; `nil` for a session on this machine.
    package let host: String?
}

extension OperationService {
    /// Returns the caller's shell sessions in a place.
    /// - Throws: the errors of the operation.
    package func shellSessions(
        _ place: ShellPlace, in context: CallContext
    ) async throws(MMError) -> [ShellSessionRow] {
        let answer = try await call(ShellSessionList(place: place).declaration, [:], in: context)
        guard case .value(let value) = answer.body else { return [] }
        return (value.array ?? []).compactMap { row in
            row["session"]?.string.map { ShellSessionRow(name: $0, host: row["host"]?.string) }
        }
    }
}
