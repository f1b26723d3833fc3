import Glibc
import MMCore
import MMShell

/// `shell jobs`, `ssh jobs`: lists the commands of a caller's sessions, and ends them.
struct ShellJobs: CatalogueOperation {
    let place: ShellPlace

    struct Input: OperationInput {
        @Argument("cancel", "Handle of a command to cancel; its session is kept.") var cancelled: String?
        @Argument("signal", "With cancel: send only this signal.", of: signals.map(\.name)) private var word: String?

        var signal: Int32? { Self.signals.first { $0.name == word }?.number }

        private static let signals = [
            ("INT", SIGINT), ("TERM", SIGTERM), ("KILL", SIGKILL), ("HUP", SIGHUP), ("USR1", SIGUSR1),
            ("USR2", SIGUSR2), ("STOP", SIGSTOP), ("CONT", SIGCONT),
        ].map { (name: $0.0, number: $0.1) }
    }

    var declaration: OperationDeclaration {
        place.declaration(
            "jobs", "Commands", "List the commands of your sessions, or cancel one.",
            effects: .init(readOnly: false, destructive: true, idempotent: true, openWorld: !place.isLocal),
            examples: [("mm \(place.rawValue) jobs --cancel cmd-…", "ends it, forcibly if necessary")])
    }

    func run(
        _ input: Input, in context: OperationContext, with services: WorkServices
    ) async throws(MMError) -> OperationAnswer {
        if let handle = input.cancelled {
            if let signal = input.signal {
                let task = try await services.command(handle, of: context.call)
                let isSent = await task.job.signal(signal)
                return await .report(task, context, more: ["signal_sent": .bool(isSent)])
            }
            return try await services.work(handle, of: context.call).end(for: context, from: services)
        }
        let rows = services.shells.tasks(of: context.call.shellOwner, in: place).map {
            task -> JSONValue in
            var row: JSONObject = [
                "job": .string(task.handle), "session": .string(task.session.name),
                "status": .string(ShellReport(task: task, room: 0).status), "command": .string(task.summary),
                "started": .string(task.started.iso8601),
            ]
            if let end = task.job.end { row["exit_code"] = .int(Int64(end.exitCode)) }
            return .object(row)
        }
        return .value(.array(rows), columns: ["job", "session", "status", "exit_code", "command"])
    }
}
