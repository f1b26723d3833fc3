package import MMCore
import MMGuard
import MMShell

extension ShellCallContext {
    /// Returns when a command may be handed to a shell.
    /// - Throws: `denied`, `confirmation_needed`.
    func clear(
        shell command: String, shown: String? = nil, in session: ShellSessionName, host: String?, directory: String?
    ) async throws(MMError) {
        context.record.note("module", .string(session.place.rawValue))
        context.record.note("session", .string(host ?? session.name))
        context.record.note("commandBytes", .int(Int64(command.utf8.count)))
        let place = ShellContext(
            isRemote: session.place == .ssh, home: session.place == .shell ? services.paths.home : nil,
            directory: directory, ownFiles: ShellOpening.ownFiles(services))
        let verdict = try await services.guarding.guards.verdict(
            shell: command, in: place, policy: configuration.guardPolicy)
        try await Clearance(
            ConfirmationRequest(
                connection: "\(session.place.rawValue):\(host ?? session.name)", module: session.place.rawValue,
                title: "run in \(session.place.rawValue)",
                text: shown ?? command, verdict: verdict)
        ).settle(in: context, with: services.guarding)
    }

    /// Notes a command where the security file asks for a record of commands.
    func note(command: String, secrets: [Secret], isRefused: Bool = false) async {
        await ShellAudit.record(
            command, outcome: isRefused ? "refused" : "handed over", configuration, secrets: secrets, services)
    }
}

/// The record of commands that a security file may ask for (`audit_log`).
package enum ShellAudit {
    /// Writes a command down where the file asks for it.
    package static func record(
        _ command: String, outcome: String, _ configuration: ShellsConfiguration, secrets: [Secret],
        _ services: ShellServices
    ) async {
        guard configuration.policy.isEnabled else { return }
        let log: AuditLog
        switch configuration.policy.audit {
        case .off: return
        case .standard: log = services.audit
        case .file(let path): log = AuditLog(path: path)
        }
        let clean = Redactor(known: secrets).text(command)
        do throws(MMError) {
            try await log.append([
                "operation": "shell_command", "outcome": .string(outcome),
                "command": .string(String(clean.prefix(4000))),
            ])
        } catch {
            services.log.error("the record of a command could not be written: \(error.message)")
        }
    }
}
