import MMCore
import MMGuard
import MMShell

/// The target of typed input: a command, or a device with its own terminal.
struct TypingTarget: Sendable {
    private enum Kind {
        case command(ShellTask)
        case device(NamedSession)
    }

    private let kind: Kind
    private let call: ShellCallContext
    private var context: OperationContext { call.context }
    private var shells: ShellSessions { call.shells }

    /// Finds the target that a call's arguments name: without a handle the command that runs in the session, or else
    /// the device.
    init(job: String?, session: NamedSession?, place: ShellPlace, _ call: ShellCallContext)
        async throws(MMError)
    {
        self.call = call
        let context = call.context.call
        if let job {
            kind = .command(try await call.services.work.command(job, of: context))
            return
        }
        let session = try NamedSession.required(session)
        let key = session.key(of: context.shellOwner)
        if let running = call.shells.running(in: key) {
            kind = .command(running)
        } else if place.isLocal {
            throw MMError(
                .invalidInput, "No command is running in the session “\(key.name)”.",
                hint: "Name the `session` in which one is, or give `job`, the handle that run answered with (cmd-…).")
        } else {
            kind = .device(session)
        }
    }

    /// Types, and returns the answer with the result.
    /// - Throws: the guard's refusal of the lines that are sent with it.
    func type(_ typed: ShellInput, isSecret: Bool = false) async throws(MMError) -> OperationAnswer {
        switch kind {
        case .command(let task) where !isSecret:
            // Nobody is asked about what can't be typed.
            try task.job.checkTyping()
            try await clear(typed, for: task)
        case .device(let session) where !isSecret: try await clear(typed, for: session)
        default: break
        }
        return switch kind {
        case .command(let task): try await type(typed, into: task)
        case .device(let session): try await type(typed, into: session)
        }
    }

    private func clear(_ typed: ShellInput, for task: ShellTask) async throws(MMError) {
        var line = task.line
        var (lines, isUnknown) = line.take(typed.bytes)
        let prompt = await task.job.waitingFor()
        // Input at a prompt that hides it is an answer, such as a password, and is not judged as a command.
        if prompt?.isSecret == true {
            task.line = TypedLine()
            return
        }
        if configuration.guardPolicy.name == .readonly, lines.isEmpty {
            lines = [line.text]
            isUnknown = line.isEdited
        }
        let member = try await shells.existing(task.session)
        try await call.clear(typed: lines, isUnknown: isUnknown, into: task.job.command.text, prompt, in: member)
        task.line = line
    }

    private func clear(_ typed: ShellInput, for session: NamedSession) async throws(MMError) {
        let key = session.key(of: context.call.shellOwner)
        let member = try await shells.existing(key)
        var line = await shells.line(of: key)
        for text in line.take(typed.bytes).lines where text.contains(where: { !$0.isWhitespace }) {
            _ = try await call.clear(
                shell: "device " + ShellWord.quoted(text), shown: text, in: key, member, directory: nil)
        }
        await shells.keep(line, of: key)
    }

    private var configuration: ShellsConfiguration { call.configuration }

    private func type(_ typed: ShellInput, into task: ShellTask) async throws(MMError) -> OperationAnswer {
        let before = Self.written(by: task)
        try await task.job.type(typed)
        // The answer should show the effect of the input.
        _ = await task.job.waitForQuiet(.milliseconds(150), until: .after(.seconds(2)))
        let prompt = await task.job.waitingFor()
        return await .report(
            task, context, prompt: prompt, more: ["written": .int(Int64(Self.written(by: task) - before))])
    }

    private static func written(by task: ShellTask) -> Int {
        task.job.page(.terminal, from: 0, limit: 0).total + task.job.page(.stdout, from: 0, limit: 0).total
    }

    private func type(_ typed: ShellInput, into session: NamedSession) async throws(MMError) -> OperationAnswer {
        let member = try await shells.existing(session.key(of: context.call.shellOwner))
        guard case .screen(let screen) = member.body else {
            throw MMError(.invalidInput, "This session has no screen.", hint: "Give the `job` to type into.")
        }
        // An open question gets the input as its answer; otherwise the keys are sent to the screen.
        do throws(MMError) {
            let answer = try await screen.answer(typed, deadline: .after(.seconds(30)))
            return .device(answer, member, isTerminal: context.isTerminal)
        } catch  where error.code == .conflict {
            try await screen.send(typed)
            _ = await screen.waitForQuiet(.milliseconds(200), until: .after(.seconds(5)))
            return try await .display(session, in: shells, context)
        }
    }

    /// Returns a stored secret to type: only for a host or program that its owner has allowed, and only at a prompt
    /// that hides its input.
    func secret(_ name: String) async throws(MMError) -> Secret {
        let task: ShellTask
        switch kind {
        case .device(.host(let named, _)):
            // A device asks at its own terminal, so whether it hides the input isn't known here.
            return try call.secret(name, for: .host(named.host))
        case .device(.local): throw MMError(.unsupported, "A local session isn't a device.")
        case .command(let command): task = command
        }
        let limit = Deadline.after(.seconds(5))
        var prompt = await task.job.waitingFor()
        while prompt?.isSecret != true, task.isRunning, !limit.hasPassed {
            _ = await task.job.wait(until: .after(.milliseconds(200)))
            prompt = await task.job.waitingFor()
        }
        guard let prompt, prompt.isSecret else {
            throw MMError(
                .conflict, "The command is not asking for hidden input, so the secret would be shown.",
                hint: "Wait until the answer has wants_secret (use wait), then write the secret again.")
        }
        guard !task.session.place.isLocal else {
            return try call.secret(name, for: .program(prompt.program ?? ""))
        }
        return try call.secret(name, for: .host(task.session.host ?? ""))
    }
}
