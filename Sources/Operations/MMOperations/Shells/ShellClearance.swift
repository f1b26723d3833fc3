package import MMCore
import MMDesk
import MMGuard
import MMShell

extension ShellCallContext {
    /// Returns the command once it may be run.
    /// - Parameters:
    ///   - command: the text that is judged.
    ///   - shown: the text that is run and shown to a person, if it differs from the judged one.
    ///   - member: the session, if it exists.
    ///   - directory: its working directory, or that in which it will start.
    ///   - isBash: whether bash runs it.
    /// - Throws: `denied`, `confirmation_needed`.
    func clear(
        shell command: String, shown: String? = nil, in session: ShellSessionName, _ member: ShellSessions.Member?,
        directory: String?, isBash: Bool = false
    ) async throws(MMError) -> Cleared<ShellLine> {
        context.record.note("module", .string(session.place.rawValue))
        context.record.note("session", .string(member?.host ?? session.name))
        context.record.note("commandBytes", .int(Int64(command.utf8.count)))
        var place = place(of: session, member, directory)
        place.isBash = isBash
        let (verdict, memory) = try await services.guarding.guards.verdict(
            shell: command, in: place, policy: configuration.guardPolicy,
            remembering: await shells.memory(of: session))
        if verdict.decision == .ask, let part = GuardEngine.unfinishedPart(in: command) {
            throw MMError(
                .invalidInput, "The command has \(part.construct) in line \(part.line), column \(part.column).",
                hint: "Close it and send the command again; nothing was run.", details: ["field": "command"])
        }
        let cleared = try await settle(verdict, shown ?? command, title: "run in", session, member?.host, place)
        await shells.remember(memory, of: session)
        return cleared
    }

    /// Returns once lines may be typed into a running program.
    /// - Parameters:
    ///   - lines: the lines to type.
    ///   - isUnknown: whether their content can't be determined.
    ///   - command: the command that was started.
    ///   - prompt: the prompt that it waits at, if known.
    /// - Throws: `denied`, `confirmation_needed`.
    func clear(
        typed lines: [String], isUnknown: Bool, into command: String, _ prompt: ShellPrompt?,
        in member: ShellSessions.Member
    ) async throws(MMError) {
        let place = place(of: member.key, member, await member.workingDirectory)
        var memory = await shells.memory(of: member.key)
        for line in lines {
            let (verdict, next) = try await services.guarding.guards.verdict(
                typed: TypedText(
                    line, program: prompt?.program, command: command, isAnswer: prompt != nil, isUnknown: isUnknown),
                in: place, policy: configuration.guardPolicy, remembering: memory)
            memory = next
            try await settle(verdict, line, title: "type in", member.key, member.host, place)
        }
        await shells.remember(memory, of: member.key)
    }

    /// Refuses a command that touches mm's own files on a host that turned out to be this machine.
    /// - Throws: `denied`.
    func refuseOwnFiles(_ command: String, in member: ShellSessions.Member) async throws(MMError) {
        guard member.isHere else { return }
        let place = place(of: member.key, member, await member.workingDirectory)
        let verdict = try await services.guarding.guards.verdict(
            shell: command, in: place, policy: configuration.guardPolicy)
        guard verdict.classes.contains(.session) else { return }
        try await settle(verdict, command, title: "run in", member.key, member.host, place)
    }

    /// Returns the guard's description of where a session's commands run.
    private func place(
        of session: ShellSessionName, _ member: ShellSessions.Member?, _ directory: String?
    ) -> ShellContext {
        let (isLocal, isHere) = (session.place == .shell, member?.isHere ?? false)
        // A session keeps the walls with which it was opened.
        let walls = isLocal ? member.map(\.walls) ?? opening.walls(around: opening.startDirectory) : nil
        var place = ShellContext(
            isRemote: !isLocal && !isHere, home: isLocal || isHere ? services.paths.home : nil, directory: directory,
            ownFiles: ShellOpening.ownFiles(services), workspace: walls?.workspace,
            asksInterpreters: !isLocal && configuration.asksInterpreters)
        place.isOffline = walls?.network == WorkspaceRules.Network.none
        return place
    }

    /// Settles a text with everything that its verdict depends on, because the same text does something else in another
    /// folder, within other walls, and in another session.
    @discardableResult
    private func settle(
        _ verdict: Verdict, _ text: String, title: String, _ session: ShellSessionName, _ host: String?,
        _ place: ShellContext
    ) async throws(MMError) -> Cleared<ShellLine> {
        // Its name would let whoever reads the question use the owner's sessions.
        let owner = Hex.text(SHA256.digest(Array(session.owner.utf8)).prefix(8))
        var parameters: JSONObject = ["session": .string(session.name), "owner": .string(owner)]
        parameters["directory"] = place.directory.map { .string($0) }
        parameters["workspace"] = place.workspace.map { .string($0) }
        // A person reads them, so what doesn't hold is left out.
        let facts = [
            ("offline", place.isOffline), ("remote", place.isRemote), ("bash", place.isBash),
            ("asksInterpreters", place.asksInterpreters),
        ]
        for (name, holds) in facts where holds { parameters[name] = true }
        return try await Clearance(
            ShellLine(text),
            ConfirmationRequest(
                connection: "\(session.place.rawValue):\(host ?? session.name)", module: session.place.rawValue,
                title: "\(title) \(session.place.rawValue)", text: text, parameters: parameters, verdict: verdict)
        ).settle(in: context, with: services.guarding)
    }

    /// Records a command if the security file asks for it.
    func note(command: String, secrets: [Secret], isRefused: Bool = false) async {
        await ShellAudit.record(
            command, outcome: isRefused ? "refused" : "handed over", configuration, secrets: secrets, services)
    }
}

/// The record of commands that a security file may ask for (`audit_log`).
package enum ShellAudit {
    /// Records a command if the file asks for it.
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
