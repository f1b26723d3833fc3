import Glibc
import MMCore
import MMShell

extension ShellOperations {
    private var jobField: InputField {
        InputField("job", .text, "Handle of the command (cmd-…).", at: .positional(0))
    }

    /// Reading: what a command wrote, what a device's screen shows, or a text file.
    var read: AnyOperation {
        let streams = ShellCommand.Stream.allCases.map(\.rawValue) + ["display"]
        var fields = [
            jobField,
            InputField("path", .text, "Instead: a file to read as text."),
            InputField("offset", .integer(0...Int.max), "First byte, from 0; `next` of the last answer goes on."),
            InputField("limit", .integer(1...(16 << 20)), "Most bytes (default 20000)."),
            InputField("stream", .choice(streams), "Which output (default stdout); display: the screen as it is now."),
        ]
        fields += isLocal ? sessionFields() : hostFields
        return AnyOperation(
            declaration(
                "read", "Read output or a file",
                "Read what a command wrote, from an offset on, or a text file; else what background jobs wrote.",
                effects: .init(readOnly: true, openWorld: !isLocal),
                examples: [("mm \(place.rawValue) read cmd-… --offset 20000", "goes on where the answer was cut")]),
            fields: fields
        ) { [self] (input, context) async throws(MMError) in
            if let path = try input.text("path") {
                return try await download(path, input, context, isText: true)
            }
            if try input.text("job") == nil { return try await display(input, context) }
            let task = try await task(input, context)
            let word = try input.text("stream") ?? "stdout"
            let limit = try input.integer("limit") ?? 20_000
            guard let stream = ShellCommand.Stream(rawValue: word) else {
                return Self.display(task)
            }
            // No character is longer than four bytes: with so many there is always one to show.
            let page = await task.page(stream, from: try input.integer("offset") ?? 0, limit: max(limit, 4))
            let text = ShellText(page.bytes, isCut: page.start > 0 || page.next < page.total || task.isRunning)
            var object: JSONObject = [
                "job": .string(task.handle), "status": .string(ShellReport(task: task, room: 0).status),
                "stream": .string(word), "offset": .int(Int64(page.start)), "next": .int(Int64(page.next - text.left)),
                "total": .int(Int64(page.total)), "text": .string(text.text),
            ]
            if text.isBase64 { object["encoding"] = "base64" }
            if let end = task.job.end { object["exit_code"] = .int(Int64(end.exitCode)) }
            return OperationAnswer(.value(.object(object)), text: context.isTerminal ? text.text : nil)
        }
    }

    /// Typing.
    var write: AnyOperation {
        var fields = [
            jobField,
            InputField("text", .text, "What is typed, or the file's content.", at: .positional(1), readsFiles: true),
            InputField("secret", .text, "Instead of text: the name of a stored secret."),
            InputField("no_enter", .flag, "Don't press Enter afterwards."),
            InputField("path", .text, "Instead of a command: a file to write the text to."),
            InputField("append", .flag, "Add to the file instead of replacing it."),
        ]
        fields += isLocal ? sessionFields() : hostFields
        return AnyOperation(
            declaration(
                "write", "Type or write", "Type text into a running command, or write a text file.",
                effects: .init(readOnly: false, destructive: true, openWorld: !isLocal),
                examples: [("mm \(place.rawValue) write cmd-… yes", "types yes and Enter")]),
            fields: fields
        ) { [self] (input, context) async throws(MMError) in
            if let path = try input.text("path") {
                return try await upload(
                    path, FileSource(Array((try input.written("text") ?? "").utf8)), input, context,
                    appends: try input.flag("append"))
            }
            var typed: ShellInput
            if let name = try input.text("secret") {
                typed = .secret(try await secret(toType: name, input, context))
            } else {
                let text = try input.written("text") ?? ""
                typed = try input.flag("no_enter") ? .text(text) : .line(text)
            }
            return try await type(&typed, input, context)
        }
    }

    /// Keys.
    var keys: AnyOperation {
        let fields =
            [
                jobField,
                InputField(
                    "keys", .textList, "Keys in order: enter, tab, esc, up, f5, ctrl-c, alt-x, single characters.",
                    isRequired: true, at: .positional(1)),
            ] + (isLocal ? [] : hostFields)
        return AnyOperation(
            declaration(
                "keys", "Press keys", "Press keys in a running command's terminal.",
                effects: .init(readOnly: false, destructive: true, openWorld: !isLocal),
                examples: [("mm \(place.rawValue) keys cmd-… ctrl-c", "interrupts it")]),
            fields: fields
        ) { [self] (input, context) async throws(MMError) in
            var typed = try ShellInput.keys(try input.textList("keys") ?? [])
            return try await type(&typed, input, context)
        }
    }

    /// A stored secret that is to be typed: only for the host or program that its owner has named, and only where what is
    /// typed stays unseen.
    private func secret(toType name: String, _ input: InputReader, _ context: OperationContext) async throws(MMError)
        -> Secret
    {
        let configuration = try configuration(context)
        if !isLocal, try input.text("job") == nil {
            // A device asks at a terminal of its own, of which nothing is known here.
            let target = try SSHTarget(named: try input.requiredText("host"), user: nil, port: nil)
            return try secret(name, for: .host(target.host), configuration, context)
        }
        let task = try await task(input, context)
        let limit = Deadline.after(.seconds(5))
        var prompt = await task.job.waitingFor()
        while prompt?.isSecret != true, task.isRunning, !limit.hasPassed {
            _ = await task.job.wait(until: .after(.milliseconds(200)))
            prompt = await task.job.waitingFor()
        }
        guard let prompt, prompt.isSecret else {
            throw MMError(
                .conflict, "The command asks for nothing that stays unseen: a secret would be shown.",
                hint: "Wait until the answer says wants_secret (wait), then write the secret again.")
        }
        guard !isLocal else {
            return try secret(name, for: .program(prompt.program ?? ""), configuration, context)
        }
        let host = task.session.name.split(separator: "#", maxSplits: 1).first.map(String.init) ?? ""
        let target = try SSHTarget(named: host, user: nil, port: nil)
        return try secret(name, for: .host(target.host), configuration, context)
    }

    private func type(_ typed: inout ShellInput, _ input: InputReader, _ context: OperationContext)
        async throws(MMError) -> OperationAnswer
    {
        if !isLocal, try input.text("job") == nil {
            let member = try await context.services.shells.existing(try key(input, context))
            guard case .screen(let screen) = member.body else {
                throw MMError(.invalidInput, "This session has no screen.", hint: "Give the `job` that is typed into.")
            }
            // An open question is answered; without one the keys go to the screen as they are.
            do throws(MMError) {
                let answer = try await screen.answer(typed, deadline: .after(.seconds(30)))
                return Self.answer(of: answer, member, isTerminal: context.isTerminal)
            } catch  where error.code == .conflict {
                try await screen.send(typed)
                _ = await screen.waitForQuiet(.milliseconds(200), until: .after(.seconds(5)))
                return try await display(input, context)
            }
        }
        let task = try await task(input, context)
        let before = task.job.page(.terminal, from: 0, limit: 0).total + task.job.page(.stdout, from: 0, limit: 0).total
        try await task.job.type(typed)
        // Whoever types wants to see what it did.
        _ = await task.job.waitForQuiet(.milliseconds(150), until: .after(.seconds(2)))
        let prompt = await task.job.waitingFor()
        let after = task.job.page(.terminal, from: 0, limit: 0).total + task.job.page(.stdout, from: 0, limit: 0).total
        return await answer(task, context, prompt: prompt, more: ["written": .int(Int64(after - before))])
    }

    /// Waiting.
    var wait: AnyOperation {
        AnyOperation(
            declaration(
                "wait", "Wait for a command", "Wait until a command ends, writes a text or a pattern, or is quiet.",
                effects: .init(readOnly: true, openWorld: true),
                examples: [("mm \(place.rawValue) wait cmd-… --for 'Listening'", "until the text is there")]),
            fields: [
                jobField,
                InputField("for", .text, "Until this text was written."),
                InputField("matching", .text, "Until a line matches this regular expression."),
                InputField("quiet", .integer(1...3600), "Until nothing was written for so many seconds."),
                InputField("yield", .integer(0...3600), "Seconds until the call answers in any case (default 30)."),
            ]
        ) { [self] (input, context) async throws(MMError) in
            let task = try await task(input, context)
            let seconds = try input.integer("yield") ?? (context.isTerminal ? 86_400 : 30)
            let prompt = await ShellRunner.wait(
                task.job, until: min(.after(.seconds(seconds)), context.isTerminal ? .never : context.deadline),
                for: try input.text("for"),
                matching: try input.text("matching").map { (text) throws(MMError) in try Pattern(text) },
                quiet: try input.integer("quiet").map { .seconds($0) })
            if Task.isCancelled { throw MMError(.cancelled, "The wait was called off; the command goes on.") }
            return await answer(task, context, prompt: prompt)
        }
    }

    /// Listing and cancelling.
    var jobs: AnyOperation {
        AnyOperation(
            declaration(
                "jobs", "Commands", "List the commands of your sessions, or cancel one.",
                effects: .init(readOnly: false, destructive: true, idempotent: true, openWorld: !isLocal),
                examples: [("mm \(place.rawValue) jobs --cancel cmd-…", "ends it, by force if need be")]),
            fields: [
                InputField("cancel", .text, "Handle of a command to end; its session stays."),
                InputField(
                    "signal", .choice(["INT", "TERM", "KILL", "HUP", "USR1", "USR2", "STOP", "CONT"]),
                    "With cancel: only send this signal."),
            ]
        ) { [self] (input, context) async throws(MMError) in
            let shells = context.services.shells
            if let handle = try input.text("cancel") {
                let task = try await shells.task(handle, of: context.call.shellOwner)
                if let word = try input.text("signal") {
                    let numbers = [
                        "INT": SIGINT, "TERM": SIGTERM, "KILL": SIGKILL, "HUP": SIGHUP, "USR1": SIGUSR1,
                        "USR2": SIGUSR2, "STOP": SIGSTOP, "CONT": SIGCONT,
                    ]
                    let isSent = await task.job.signal(numbers[word] ?? SIGTERM)
                    return await answer(task, context, more: ["signal_sent": .bool(isSent)])
                }
                task.job.cancel()
                _ = await task.job.wait(until: .after(.seconds(10)))
                return await answer(task, context)
            }
            let rows = await shells.tasks(of: context.call.shellOwner, in: place).map { task -> JSONValue in
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

    // MARK: Screens

    /// The arguments that name a host beside a handle.
    var hostFields: [InputField] {
        sessionFields(offersSession: false).map { field in
            InputField(
                field.name, field.kind, field.summary,
                at: field.placement == .option("s") ? .option("s") : .option(nil),
                isOfferedToModels: field.isOfferedToModels)
        }
    }

    private func display(_ input: InputReader, _ context: OperationContext) async throws(MMError) -> OperationAnswer {
        let member = try await context.services.shells.existing(try key(input, context))
        guard case .screen(let session) = member.body else { return await Self.background(of: member, context) }
        return Self.shown(session.view, ["session": .string(member.key.name)])
    }

    /// What background jobs of a shell wrote between its commands.
    private static func background(of member: ShellSessions.Member, _ context: OperationContext) async
        -> OperationAnswer
    {
        guard case .shell(let session) = member.body else { return .value(.object([:])) }
        let bytes = await session.takeBackgroundOutput()
        let clean = Redactor(known: member.secrets).text(ShellText(bytes).text)
        var object: JSONObject = [
            "session": .string(member.key.name), "stream": "background", "total": .int(Int64(bytes.count)),
            "text": .string(clean),
        ]
        if ShellText(bytes).isBase64 { object["encoding"] = "base64" }
        return OperationAnswer(.value(.object(object)), text: context.isTerminal ? clean : nil)
    }

    private static func display(_ task: ShellTask) -> OperationAnswer {
        let size = task.job.command.size ?? ShellCommand.Size(rows: 24, columns: 80)
        var screen = Screen(rows: size.rows, columns: size.columns)
        let total = task.job.page(.terminal, from: 0, limit: 0).total
        screen.write(task.job.page(.terminal, from: max(0, total - (256 << 10)), limit: 256 << 10).bytes)
        return shown(screen, ["job": .string(task.handle), "status": .string(ShellReport(task: task, room: 0).status)])
    }

    private static func shown(_ screen: Screen, _ head: JSONObject) -> OperationAnswer {
        var object = head
        object["screen"] = .string(screen.text)
        object["cursor"] = ["row": .int(Int64(screen.cursor.row)), "column": .int(Int64(screen.cursor.column))]
        object["alternate"] = .bool(screen.isAlternate)
        return OperationAnswer(.value(.object(object)), text: screen.text)
    }
}

extension OperationContext {
    /// Whether a person's terminal or script asks.
    var isTerminal: Bool { call.caller.surface == .terminal }
}
