import MMCore
import MMDesk
import MMGuard
package import MMShell

/// `shell run`, `ssh`: runs a command in a persistent session.
struct ShellRun: CatalogueOperation {
    let place: ShellPlace

    struct Input: Sendable {
        let command: String
        let session: NamedSession
        let options: SessionOptions
        /// The time after which the command is cancelled.
        let timeout: Duration?
        /// How long the caller waits for the command's end.
        let yield: Duration?
        let reads: ShellCommand.Input?
        let size: ShellCommand.Size?
        let isBeside: Bool
        let waitFor: String?
        /// Whether the answer at a terminal is the command's own output.
        let isText: Bool
        /// Whether the call's input is the keys of a person's terminal.
        let isTyped: Bool
    }

    /// Whether a person types into a command: it takes typed input, and the caller waits for its end.
    private static let takesKeys: @Sendable (JSONObject) -> Bool = { given in
        given["input"]?.string.flatMap { ShellCommand.Input(rawValue: $0) }?.usesTerminal == true
            && ["yield", "wait_for", "beside", "device"].allSatisfy { given[$0] == nil }
    }

    var declaration: OperationDeclaration {
        let local =
            "Runs a command in a persistent shell session of this machine: directory, variables "
            + "and functions stay for the next call. Returns status, exit_code, stdout, stderr, cwd. A command that takes "
            + "longer than `yield` keeps running: status running and a job handle for shell_wait, shell_read, "
            + "shell_write, shell_jobs. "
        let remote =
            "Runs a command in a persistent shell session on a host by SSH: directory and "
            + "variables stay for the next call. Returns status, exit_code, stdout, stderr, cwd. A command that takes longer "
            + "than `yield` keeps running: status running and a job handle for ssh_wait, "
            + "ssh_read, ssh_write, ssh_jobs. "
        let declaration = place.declaration(
            "run", place.isLocal ? "Run in a shell" : "Run on a host",
            place.isLocal
                ? "Run a command in a persistent shell session on this machine."
                : "Run a command in a persistent session on a host over SSH.",
            place.isLocal
                ? local + "Example: {\"command\": \"cd /srv && ls\"}"
                : remote + "Example: {\"host\": \"web1\", \"command\": \"df -h\"}",
            effects: .init(readOnly: false, destructive: true, openWorld: true), home: .pool,
            examples: place.isLocal
                ? [
                    ("mm shell run 'cd /srv && ls'", "the next `mm shell run pwd` prints /srv"),
                    ("mm shell run 'make' --session build --yield 5", "answers after 5 s with a handle"),
                ]
                : [
                    ("mm ssh web1 'uptime'", "prints its output and ends with its exit status"),
                    ("mm ssh web1 'sudo id' --input terminal", "asks for the password at your terminal"),
                    ("mm ssh admin@switch1 'show version' --device", "network equipment"),
                ]
        ).takingKeys(when: Self.takesKeys)
        return place.isLocal
            ? declaration
            : declaration.taking(
                .opensWithout(argument: "command", operation: ShellTerminal(place: place).declaration.name))
    }

    var fields: [InputField] {
        let command = InputField(
            "command", .text, "Command to run; can have several lines.", .required,
            .at(place.isLocal ? 0 : 1), .readsFiles)
        let limits = [
            InputField("timeout", .integer(1...604_800), "Seconds until the command is cancelled (default 300)."),
            InputField(
                "yield", .integer(0...3600),
                "Seconds to wait before returning a job handle; the command keeps running (default 30 for models)."
            ),
            InputField(
                "input", .choice(["none", "terminal", "screen"]),
                "Input of the command: none, typed input, or a full screen (default: piped input, else none)."),
            InputField("rows", .integer(1...1000), "Lines of the screen (default 24)."),
            InputField("columns", .integer(1...1000), "Columns of the screen (default 80)."),
        ]
        let kinds = ShellKind.allCases.map(\.rawValue) + ["python"]
        let options =
            place.isLocal
            ? [
                InputField("shell", .choice(kinds), "Kind of a new session (default bash)."),
                InputField(
                    "directory", .text, "Directory of a new session.", .short("C"), .notForModels,
                    .completes(.files)),
            ] : SessionOptions.connectFields
        let answers = [
            InputField(
                "beside", .flag, "Run the command beside the session, in a separate shell that starts in its directory."
            ),
            InputField("wait_for", .text, "Return as soon as the output contains this text."),
            InputField(
                "output", .choice(["text", "json"]), "The command's own output, or the whole answer.",
                .notOnCommandLine,
                .notForModels),
            InputField(
                "typed", .flag, "The call's input is the keys of a person's terminal.", .notOnCommandLine,
                .notForModels),
        ]
        return
            (place.isLocal
            ? [command] + place.sessionFields() : place.sessionFields(at: 0, creates: true) + [command])
            + limits + options + answers
    }

    func input(from reader: InputReader) throws(MMError) -> Input {
        var options = place.isLocal ? SessionOptions() : try SessionOptions(connecting: reader)
        if place.isLocal {
            options.kind = try reader.text("shell")
            options.directory = try reader.text("directory")
        }
        let (rows, columns) = (try reader.integer("rows"), try reader.integer("columns"))
        return Input(
            command: try reader.requiredText("command"), session: try .required(from: reader, at: place),
            options: options, timeout: try reader.integer("timeout").map { .seconds($0) },
            yield: try reader.integer("yield").map { .seconds($0) },
            reads: try reader.text("input").flatMap { ShellCommand.Input(rawValue: $0) },
            size: rows == nil && columns == nil ? nil : ShellCommand.Size(rows: rows ?? 24, columns: columns ?? 80),
            isBeside: try reader.flag("beside"), waitFor: try reader.text("wait_for"),
            isText: try reader.text("output") ?? "text" == "text", isTyped: try reader.flag("typed"))
    }

    func run(
        _ input: Input, in context: OperationContext, with services: ShellServices
    ) async throws(MMError) -> OperationAnswer {
        let call = try ShellCallContext(context, services)
        if input.options.directory != nil, !call.mayNamePlaces {
            throw MMError(
                .invalidInput, "Only a person can choose the directory of a session.", hint: "Use cd in the command.")
        }
        let (cleared, admission) = try await clear(input, call)
        let (member, isNew) = try await call.member(input.session, input.options)
        if isNew { try await call.refuseOwnFiles(input.command, in: member) }
        let limit = input.timeout ?? call.configuration.commandTime
        // A person at a terminal waits for the end; a model gets a handle.
        let patience = input.yield ?? (context.call.caller.surface == .mcp ? .seconds(30) : limit)
        await call.note(command: input.command, secrets: member.secrets)
        if input.isTyped { return try await typed(cleared, input, admission, member, call) }
        guard case .shell = member.body else {
            var answer = try await device(cleared, member, .after(min(limit, context.deadline.remaining)), call)
            if context.isTerminal, !input.options.isDevice {
                answer.notes.append(
                    "This session is for a network device: its output includes errors. For a shell there, use another --session."
                )
            }
            return answer
        }
        // A terminal that waits for the end gets the output as it comes.
        let flows =
            context.isTerminal && context.call.backgroundAfter == nil && input.isText && input.waitFor == nil
            && input.yield == nil && member.holdsBack
        let given = member.holdsBack && context.call.backgroundAfter == nil ? context.call.input : nil
        let task = try await ShellRunner(sessions: call.shells, member: member).start(
            cleared, input: input.reads ?? (given == nil ? ShellCommand.Input.none : .pipe), size: input.size,
            timeLimit: limit, patience: patience, isBeside: input.isBeside,
            keeping: flows
                ? .flowing
                : .all(
                    services.work.outputs.of(context.call.caller), owner: "/\(context.call.caller.server ?? "")"),
            admission: admission, call: context.record.call, turn: call.turn(in: member))
        var handed: HandedInput?
        if let given, task.job.command.input == .pipe { handed = HandedInput(given, to: task.job) }
        if flows { return flowing(task, handed, member, call) }
        // A caller that doesn't wait is told as soon as the command runs.
        if context.call.backgroundAfter != nil {
            context.call.progress(ProgressReport(done: 0, total: nil, message: "running \(task.handle)"))
        }
        let prompt = await withTaskCancellationHandler {
            await ShellRunner.wait(task.job, until: .after(patience), for: input.waitFor)
        } onCancel: {
            task.job.cancel()
        }
        let isInputUnused = task.isRunning ? await handed?.letGo() ?? false : false
        // If the call was cancelled, the command must not go on.
        if Task.isCancelled { throw MMError(.cancelled, "The command was cancelled.") }
        if let fault = handed?.fault { throw fault }
        await call.shells.touch(member.key)
        var answer = await finished(
            task, member, isNew, prompt, isText: input.isText, cleared.verdict.notes.first, context)
        if isInputUnused, task.isRunning { answer.notes.append("Its input was ended, because none had come so far.") }
        return answer
    }

    /// Connects a command to the terminal of a person, who types into it.
    private func typed(
        _ cleared: Cleared<ShellLine>, _ input: Input, _ admission: ShellPolicy.Admission,
        _ member: ShellSessions.Member, _ call: ShellCallContext
    ) async throws(MMError) -> OperationAnswer {
        let keys = try call.keys(
            otherwise: "Add --yield 0, and answer the command with `mm \(place.rawValue) write`, which is judged.")
        let size = input.size ?? ShellCommand.Size(rows: 24, columns: 80)
        let terminal = KeptTerminal(size)
        let viewer = terminal.attach(showsScreen: false)
        let task = try await ShellRunner(sessions: call.shells, member: member).start(
            cleared, input: .screen, size: size, timeLimit: input.timeout ?? TerminalView.longest,
            patience: call.configuration.commandTime, admission: admission, call: call.context.record.call,
            turn: call.turn(in: member), terminal: terminal)
        task.letGo()
        let words = ["mm", place.rawValue] + (place.isLocal ? ["terminal"] : []) + input.session.words
        let view = TerminalView(
            of: task, terminal, first: viewer, at: size, keys: keys,
            again: "`\(words.map(ShellWord.quoted).joined(separator: " "))` reattaches to it."
        ) {
            await call.shells.touch(member.key)
        }
        return OperationAnswer(.output(view.stream))
    }

    /// Returns an answer that streams the command's output while it runs.
    private func flowing(
        _ task: ShellTask, _ input: HandedInput?, _ member: ShellSessions.Member, _ call: ShellCallContext
    ) -> OperationAnswer {
        let output = CommandOutput(of: task, input: input) { _ in
            note(task, member, call.context)
            await call.shells.touch(member.key)
        }
        return OperationAnswer(.output(output.stream))
    }

    /// Notes the result of a command in the record of the call.
    private func note(_ task: ShellTask, _ member: ShellSessions.Member, _ context: OperationContext) {
        context.record.note("session", .string(member.host ?? member.key.name))
        guard let end = task.job.end else { return }
        context.record.note("exitCode", .int(Int64(end.exitCode)))
        for stream in [ShellCommand.Stream.stdout, .stderr] {
            context.record.note("\(stream.rawValue)Bytes", .int(Int64(task.job.output(stream).total)))
        }
    }

    /// Judges a command before anything is started.
    private func clear(
        _ input: Input, _ call: ShellCallContext
    ) async throws(MMError) -> (Cleared<ShellLine>, ShellPolicy.Admission) {
        let (configuration, opening) = (call.configuration, call.opening)
        let (text, key) = (input.command, call.key(input.session))
        let known = try? await call.shells.existing(key)
        let directory = await call.directory(of: known, key, input.options)
        // The guard can't parse the languages of devices and Python, so it judges the call of the program instead.
        let wanted = place.isLocal ? input.options.kind ?? configuration.usualShell : nil
        let kind = known?.kind ?? wanted ?? (input.options.isDevice ? "device" : nil)
        let judged =
            switch kind {
            case "python": "python3 -c " + ShellWord.quoted(text)
            case "device": "device " + ShellWord.quoted(text)
            default: text
            }
        do throws(MMError) {
            // The confinement `argv` runs only the programs that its owner lists.
            let cleared =
                opening.confinement == .argv && place.isLocal
                ? Cleared.admitted(ShellLine(text))
                : try await call.clear(
                    shell: judged, shown: text, in: key, known, directory: directory, isBash: kind == "bash")
            let admission = try configuration.policy.check(text, directory: directory ?? "/")
            return (cleared, admission)
        } catch {
            await call.note(command: text, secrets: known?.secrets ?? [], isRefused: true)
            throw error
        }
    }

    private func finished(
        _ task: ShellTask, _ member: ShellSessions.Member, _ isNew: Bool, _ prompt: ShellPrompt?, isText: Bool,
        _ networkNote: String?, _ context: OperationContext
    ) async -> OperationAnswer {
        if task.isRunning { task.letGo() }
        note(task, member, context)
        var more = JSONObject()
        if let host = member.host { more["host"] = .string(host) }
        if let sandbox = member.sandbox, isNew { more["sandbox"] = .string(sandbox) }
        if let networkNote { more["network_note"] = .string(networkNote) }
        if isNew, let label = member.label { more["sandbox_note"] = .string(label) }
        var answer = await OperationAnswer.report(task, context, prompt: prompt, more: more)
        guard context.isTerminal else { return answer }
        if let end = task.job.end { answer.exitStatus = end.exitStatus }
        guard isText else { return answer }
        // At a terminal, the command's output and standard error are passed on unchanged.
        answer.standardError =
            task.job.strippingExitBanner(.stderr).bytes + task.job.strippingExitBanner(.terminal).bytes
        answer.body = .bytes(task.job.output(.stdout).bytes, contentType: "text/plain")
        return answer
    }

    // MARK: Devices

    private func device(
        _ cleared: Cleared<ShellLine>, _ member: ShellSessions.Member, _ deadline: Deadline, _ call: ShellCallContext
    ) async throws(MMError) -> OperationAnswer {
        guard case .screen(let screen) = member.body else {
            throw MMError(.internalError, "The host is not a network device.")
        }
        let answer: ScreenSession.Answer
        do throws(MMError) {
            answer = try await call.shells.using(member.key, isCommand: true) { () async throws(MMError) in
                try await screen.run(lines: cleared.act.text, deadline: deadline)
            }
        } catch  where error.code == .sessionLost {
            await call.shells.close(member.key)
            throw error
        }
        return .device(answer, member, isTerminal: call.context.isTerminal)
    }
}

extension String {
    /// The text without one trailing newline.
    package var droppingLastNewline: String { hasSuffix("\n") ? String(dropLast()) : self }
}

/// A caller's input, passed to a command while it runs. If it can't be read to its end, the command is stopped, so that
/// it doesn't take a part for the whole.
private final class HandedInput: Sendable {
    private struct State {
        var fault: MMError?
        /// Whether any of it, or its end, has been passed on.
        var hasBegun = false
        /// Whether the caller has left, so that what comes later is no longer passed on.
        var isClosed = false
        var feeding: Task<Void, Never>?
    }

    private let job: ShellJob
    private let state = Mutex(State())

    /// Why the command didn't get all of its input.
    var fault: MMError? { state.withLock { $0.fault } }

    init(_ input: any CallInput, to job: ShellJob) {
        self.job = job
        let feeding = Task { await feed(input) }
        state.withLock { $0.feeding = feeding }
        Task {
            _ = await job.waitForEnd()
            feeding.cancel()
        }
    }

    private func feed(_ input: any CallInput) async {
        do throws(MMError) {
            while let bytes = try await input.next() {
                let isWanted = state.withLock { state in
                    if !state.isClosed { state.hasBegun = true }
                    return !state.isClosed
                }
                guard isWanted else { return }
                // A command that takes no more input doesn't need the rest.
                do { try await job.feed(bytes) } catch { return }
            }
        } catch {
            // The same holds for one that has ended.
            guard !Task.isCancelled, job.end == nil else { return }
            var error = error
            error.hint = "The command was stopped, because it got only a part of its input: check what it did."
            state.withLock { [error] in $0.fault = error }
            return job.cancel()
        }
        state.withLock { $0.hasBegun = true }
        try? await job.feed(nil)
    }

    /// Lets the caller leave a command that goes on: input that hasn't begun is ended, for nobody would supply it any
    /// more, and the rest of one that has begun is passed on first.
    /// - Returns: whether the input was ended before it had begun.
    func letGo() async -> Bool {
        let (isUnused, feeding) = state.withLock { state -> (Bool, Task<Void, Never>?) in
            state.isClosed = !state.hasBegun
            return (state.isClosed, state.feeding)
        }
        guard isUnused else {
            await withTaskCancellationHandler {
                await feeding?.value
            } onCancel: {
                job.cancel()
            }
            return false
        }
        feeding?.cancel()
        try? await job.feed(nil)
        return true
    }
}

/// A command's output, streamed to a terminal while the command runs. If the reader goes away, the command is
/// cancelled.
private final class CommandOutput: Sendable {
    private struct State {
        /// The end of standard error, held back because it may be the message that an interactive shell writes on exit.
        var banner: [UInt8] = []
        var isOver = false
        var end = AnswerEnd()
    }

    private let task: ShellTask
    private let input: HandedInput?
    private let concluded: @Sendable (ShellEnd) async -> Void
    private let state = Mutex(State())

    /// Creates the output of a command whose limits have a window.
    /// - Parameters:
    ///   - input: the input that the command gets.
    ///   - concluded: called when the command has ended, before the reader gets the end.
    init(of task: ShellTask, input: HandedInput?, concluded: @escaping @Sendable (ShellEnd) async -> Void) {
        self.task = task
        self.input = input
        self.concluded = concluded
    }

    deinit { task.job.cancel() }

    /// The rows, followed by the exit status and the notes for a person.
    var stream: ItemStream {
        ItemStream(end: { [self] in state.withLock { $0.end } }) { [self] () async throws(MMError) in
            try await next()
        }
    }

    private func next() async throws(MMError) -> [ArraySlice<UInt8>]? {
        while !state.withLock({ $0.isOver }) {
            let pieces = await task.job.take()
            if Task.isCancelled {
                task.job.cancel()
                throw MMError(.cancelled, "The command was cancelled.")
            }
            let rows = (pieces ?? []).compactMap { row(of: $0) }
            if pieces != nil {
                if rows.isEmpty { continue }
                return rows
            }
            let rest = await conclude()
            if let fault = input?.fault { throw fault }
            if !rest.isEmpty { return [CommandPiece(rest, isError: true).row] }
        }
        return nil
    }

    private func row(of piece: ShellPiece) -> ArraySlice<UInt8>? {
        guard piece.stream == .stderr else {
            return CommandPiece(piece.bytes, isError: piece.stream == .terminal).row
        }
        let bytes = state.withLock { state -> [UInt8] in
            let (said, banner) = ShellExitBanner.split(state.banner + piece.bytes)
            state.banner = banner
            return said
        }
        return bytes.isEmpty ? nil : CommandPiece(bytes, isError: true).row
    }

    /// Waits for the end of the command and completes the answer's end.
    /// - Returns: the rest of standard error.
    private func conclude() async -> [UInt8] {
        let end = await task.job.waitForEnd()
        await concluded(end)
        var notes = ShellReport(task: task, room: 0).notes
        if task.job.dropped > 0 {
            notes.append("\(task.job.dropped) bytes were left out: the command was stopped before they were read.")
        }
        return state.withLock { [notes] state in
            state.isOver = true
            state.end = AnswerEnd(notes: notes)
            state.end.exitStatus = end.exitStatus
            return end.cause == .shellEnded ? [] : state.banner
        }
    }
}

/// The line that an interactive shell itself writes to standard error when it ends: `exit` or `logout`.
enum ShellExitBanner {
    private static let words = ["exit\n", "logout\n"].map { Array($0.utf8) }

    /// Splits an output into the text and the banner at its end, if there is one. The banner is a line of its own or
    /// the whole output.
    static func split(_ bytes: [UInt8]) -> (said: [UInt8], banner: [UInt8]) {
        for word in words where bytes.suffix(word.count).elementsEqual(word) {
            let rest = bytes.dropLast(word.count)
            if rest.isEmpty || rest.last == 0x0A { return (Array(rest), word) }
        }
        return (bytes, [])
    }
}

extension ShellJob {
    /// Returns the kept output of a stream without the banner.
    package func strippingExitBanner(_ stream: ShellCommand.Stream) -> Output {
        var output = output(stream)
        guard stream == .stderr, let end, end.cause == .shellEnded, output.omitted == 0 else { return output }
        let (said, banner) = ShellExitBanner.split(output.head + output.tail)
        output.total -= banner.count
        output.head = said
        output.tail = []
        return output
    }
}

extension ShellEnd {
    /// The exit status for a terminal that ran the command: the command's own, that of timeout(1), or 1.
    var exitStatus: Int32 {
        switch cause {
        case .finished, .shellEnded: exitCode
        case .deadline: 124
        case .cancelled, .flood, .closed, .lost: 1
        }
    }
}
