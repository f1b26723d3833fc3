import MMCore
import MMShell

extension ShellOperations {
    private static let shells = ShellKind.allCases.map(\.rawValue) + ["python"]

    private var runFields: [InputField] {
        var fields: [InputField] = isLocal ? [] : sessionFields(at: 0, creates: true)
        fields.append(
            InputField(
                "command", .text, "The command, as in a script; several lines work.", isRequired: true,
                at: .positional(isLocal ? 0 : 1), readsFiles: true))
        if isLocal { fields += sessionFields() }
        fields += [
            InputField("timeout", .integer(1...604_800), "Seconds until the command is cancelled (default 300)."),
            InputField(
                "yield", .integer(0...3600), "Seconds until the call answers with a job handle while it goes on (30)."),
        ]
        fields.append(
            InputField(
                "input", .choice(["none", "terminal", "screen"]),
                "What it reads: nothing, typed input, or a full screen (default: piped input, else nothing)."))
        fields += [
            InputField("rows", .integer(1...1000), "Lines of its screen (default 24)."),
            InputField("columns", .integer(1...1000), "Columns of its screen (default 80)."),
        ]
        if isLocal {
            fields += [
                InputField("shell", .choice(Self.shells), "Kind of a new session (default bash)."),
                InputField(
                    "directory", .text, "Where a new session starts.", at: .option("C"), isOfferedToModels: false),
            ]
        } else {
            fields += Self.connectFields
        }
        fields += [
            InputField(
                "beside", .flag, "Run it beside the session, in a shell of its own that begins where it stands."),
            InputField("wait_for", .text, "Answer as soon as this text was written."),
            InputField(
                "output", .choice(["text", "json"]), "The command's own output, or the whole answer.", at: .absent,
                isOfferedToModels: false),
        ]
        return fields
    }

    var run: AnyOperation {
        let local =
            "Runs a command in a lasting shell session of this machine: directory, variables and functions stay for the "
            + "next call. Answers status, exit_code, stdout, stderr, cwd. What takes longer than `yield` goes on: status "
            + "running and a job handle for shell_wait, shell_read, shell_write, shell_jobs. "
        let remote =
            "Runs a command in a lasting shell session on a host by SSH: directory and variables stay for the next call. "
            + "Answers status, exit_code, stdout, stderr, cwd. What takes longer than `yield` goes on: status running and a "
            + "job handle for ssh_wait, ssh_read, ssh_write, ssh_jobs. "
        return AnyOperation(
            declaration(
                "run", isLocal ? "Run in a shell" : "Run on a host",
                isLocal
                    ? "Run a command in a shell session of this machine that lasts."
                    : "Run a command on a host by SSH, in a session that lasts.",
                isLocal
                    ? local + "Example: {\"command\": \"cd /srv && ls\"}"
                    : remote + "Example: {\"host\": \"web1\", \"command\": \"df -h\"}",
                effects: .init(readOnly: false, destructive: true, openWorld: true), home: .pool,
                examples: isLocal
                    ? [
                        ("mm shell run 'cd /srv && ls'", "the next `mm shell run pwd` says /srv"),
                        ("mm shell run 'make' --session build --yield 5", "answers after 5 s with a handle"),
                    ]
                    : [
                        ("mm ssh web1 'uptime'", "its output; the exit status is the command's"),
                        ("mm ssh admin@switch1 'show version' --device", "network equipment"),
                    ]),
            fields: runFields
        ) { [self] (input, context) async throws(MMError) in
            try await run(input, context)
        }
    }

    private func run(_ input: InputReader, _ context: OperationContext) async throws(MMError) -> OperationAnswer {
        let text = try input.requiredText("command")
        let isModel = context.call.caller.surface == .mcp
        let configuration = try configuration(context)
        if isLocal, try input.text("directory") != nil, !mayNamePlaces(context, configuration) {
            throw MMError(.invalidInput, "Where a session starts is a person's choice.", hint: "Use cd in the command.")
        }
        let name = try key(input, context)
        let known = try? await context.services.shells.existing(name)
        let kind = input.has("shell") ? try input.text("shell") : nil
        var language = Language.shell
        if isLocal, (known?.kind ?? kind ?? configuration.shell) == "python" { language = .python }
        let isDevice = isLocal ? false : try input.flag("device")
        if !isLocal, known.map({ $0.kind == "device" }) ?? isDevice { language = .device }
        try await clear(text, language, name, known, context, configuration)
        let (member, isNew) = try await session(input, context, configuration)
        let limit = try input.integer("timeout").map { Duration.seconds($0) } ?? configuration.commandTime
        // A person at a terminal waits; a model is better served by a handle.
        let patience = try input.integer("yield").map { Duration.seconds($0) } ?? (isModel ? .seconds(30) : limit)
        await context.note(command: text, configuration, secrets: member.secrets)
        guard case .shell = member.body else {
            return try await device(text, member, .after(min(limit, context.deadline.remaining)), context)
        }
        let runner = ShellRunner(sessions: context.services.shells, member: member)
        let wanted = try input.text("wait_for")
        let form = try input.text("output") ?? "text"
        let yields = try input.integer("yield") != nil
        // A terminal that waits to the end sees what is written as it comes.
        let flows =
            context.isTerminal && context.call.patience == nil && form == "text" && wanted == nil
            && !yields && member.holdsBack
        let given = member.holdsBack && context.call.patience == nil ? context.call.input : nil
        let reads = try input.text("input").flatMap { ShellCommand.Input(rawValue: $0) }
        let task = try await runner.start(
            text, input: reads ?? (given == nil ? ShellCommand.Input.none : .pipe), size: try Self.size(input),
            timeLimit: limit, patience: patience, isBeside: try input.flag("beside"),
            keeping: flows
                ? .flowing
                : .all(context.services.outputs, owner: "/\(context.call.caller.server ?? "")"))
        if let given, task.job.command.input == .pipe { Self.hand(given, to: task.job) }
        if flows { return flowing(task, member, context) }
        // A caller who does not wait hears of it as soon as it runs.
        if context.call.patience != nil {
            context.call.progress(ProgressReport(done: 0, total: nil, message: "running \(task.handle)"))
        }
        let prompt = await withTaskCancellationHandler {
            await ShellRunner.wait(task.job, until: .after(patience), for: wanted)
        } onCancel: {
            task.job.cancel()
        }
        // Who called off the call wants nothing to go on.
        if Task.isCancelled { throw MMError(.cancelled, "The command was cancelled.") }
        await context.services.shells.touch(member.key)
        return await finished(task, member, isNew, prompt, form, context)
    }

    /// Hands over a caller's input for as long as the command runs.
    private static func hand(_ input: any CallInput, to job: ShellJob) {
        let feeding = Task {
            // A command that takes no more, and a caller that has gone, end it alike.
            while let bytes = try? await input.next() {
                do { try await job.feed(bytes) } catch { return }
            }
            try? await job.feed(nil)
        }
        Task {
            _ = await job.settled()
            feeding.cancel()
        }
    }

    /// An answer that is what the command writes, while it runs.
    private func flowing(_ task: ShellTask, _ member: ShellSessions.Member, _ context: OperationContext)
        -> OperationAnswer
    {
        let output = CommandOutput(of: task) { _ in
            note(task, member, context)
            await context.services.shells.touch(member.key)
        }
        return OperationAnswer(.output(output.stream))
    }

    /// Notes what a command has done, for the record of the call.
    private func note(_ task: ShellTask, _ member: ShellSessions.Member, _ context: OperationContext) {
        context.record.note("session", .string(member.host ?? member.key.name))
        guard let end = task.job.end else { return }
        context.record.note("exitCode", .int(Int64(end.exitCode)))
        for stream in [ShellCommand.Stream.stdout, .stderr] {
            context.record.note("\(stream.rawValue)Bytes", .int(Int64(task.job.output(stream).total)))
        }
    }

    private static func size(_ input: InputReader) throws(MMError) -> ShellCommand.Size? {
        let (rows, columns) = (try input.integer("rows"), try input.integer("columns"))
        return rows == nil && columns == nil ? nil : ShellCommand.Size(rows: rows ?? 24, columns: columns ?? 80)
    }

    /// Judges a command before anything is started.
    private func clear(
        _ text: String, _ language: Language, _ name: ShellSessionName, _ known: ShellSessions.Member?,
        _ context: OperationContext,
        _ configuration: ShellsConfiguration
    ) async throws(MMError) {
        let opening = opening(context, configuration)
        var directory = await known?.workingDirectory
        if directory == nil, isLocal { directory = opening.startDirectory }
        do throws(MMError) {
            // A device's and Python's language is no shell's: what the text does is for the program to know.
            let judged =
                switch language {
                case .shell: text
                case .python: "python3 -c " + Self.quoted(text)
                case .device: "device " + Self.quoted(text)
                }
            if opening.confinement != .argv || !isLocal {
                try await context.clear(
                    shell: judged, shown: text, in: name, host: known?.host, directory: directory, configuration)
            }
            try configuration.policy.check(text, directory: directory ?? "/")
        } catch {
            await context.note(command: text, configuration, secrets: known?.secrets ?? [], isRefused: true)
            throw error
        }
    }

    /// Which language a command is in.
    private enum Language { case shell, python, device }

    /// A text as one word of a shell.
    static func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    private func finished(
        _ task: ShellTask, _ member: ShellSessions.Member, _ isNew: Bool, _ prompt: ShellPrompt?, _ form: String,
        _ context: OperationContext
    ) async -> OperationAnswer {
        note(task, member, context)
        var more = JSONObject()
        if let host = member.host { more["host"] = .string(host) }
        if let sandbox = member.sandbox, isNew { more["sandbox"] = .string(sandbox) }
        if isNew, let label = member.label { more["sandbox_note"] = .string(label) }
        var answer = await answer(task, context, prompt: prompt, more: more)
        guard context.call.caller.surface == .terminal else { return answer }
        if let end = task.job.end { answer.exitStatus = end.exitStatus }
        guard form == "text" else { return answer }
        // At a terminal the command speaks for itself: its output as it was, its errors beside it.
        answer.standardError =
            task.job.strippingExitBanner(.stderr).bytes + task.job.strippingExitBanner(.terminal).bytes
        answer.body = .bytes(task.job.output(.stdout).bytes, contentType: "text/plain")
        return answer
    }

    // MARK: Devices

    private func device(
        _ text: String, _ member: ShellSessions.Member, _ deadline: Deadline, _ context: OperationContext
    ) async throws(MMError) -> OperationAnswer {
        guard case .screen(let screen) = member.body else { throw MMError(.internalError, "This is no device.") }
        let answer: ScreenSession.Answer
        do throws(MMError) {
            answer = try await screen.run(lines: text, deadline: deadline)
        } catch  where error.code == .sessionLost {
            await context.services.shells.close(member.key)
            throw error
        }
        return Self.answer(of: answer, member, isTerminal: context.call.caller.surface == .terminal)
    }

    /// What a device answered.
    static func answer(of answer: ScreenSession.Answer, _ member: ShellSessions.Member, isTerminal: Bool)
        -> OperationAnswer
    {
        var object: JSONObject = [
            "session": .string(member.key.name), "host": .string(member.host ?? ""),
            "status": answer.question == nil ? "exited" : "awaiting_input", "exit_code": answer.error == nil ? 0 : 1,
            "stdout": .string(answer.text), "prompt": .string(answer.question ?? answer.prompt),
        ]
        if let error = answer.error { object["error"] = .string(error) }
        var made = OperationAnswer(.value(.object(object)))
        if isTerminal {
            made.exitStatus = answer.error == nil ? 0 : 1
            if let question = answer.question {
                made.notes = [
                    "It asks: \(question)",
                    "Answer it: mm ssh write --host \(member.key.name) --text '…' (with nothing between the quotes: Enter).",
                ]
            }
            made.text = answer.text
        }
        return made
    }
}

extension String {
    /// The text without one line end at its end.
    var droppingLastNewline: String { hasSuffix("\n") ? String(dropLast()) : self }
}
