import MMCore
import MMDesk
import MMGuard
import MMShell

/// `shell terminal`, `ssh terminal`: a person's terminal in a persistent session. It goes on when the person leaves,
/// and the next call reattaches to it.
struct ShellTerminal: CatalogueOperation {
    let place: ShellPlace

    struct Input: Sendable {
        let session: NamedSession
        let options: SessionOptions
        let size: ShellCommand.Size
        let type: String
    }

    var declaration: OperationDeclaration {
        OperationDeclaration(
            "\(place.rawValue)_terminal", command: [place.rawValue, "terminal"],
            title: place.isLocal ? "Open a terminal" : "Open a terminal on a host",
            summary: place.isLocal
                ? "Open a terminal in a session on this machine, or reattach to one that is still running."
                : "Open a terminal in a session on a host, or reattach to one that is still running.",
            effects: .init(readOnly: false, destructive: true, openWorld: true),
            toolset: place.isLocal ? .shell : .ssh, audience: .person, home: .pool,
            examples: place.isLocal
                ? [
                    .init(
                        "mm shell terminal build",
                        "a terminal in the session `build`; Ctrl-] d detaches and leaves it running. Short form: `mm shell build`"
                    )
                ]
                : [
                    .init(
                        "mm ssh terminal web1",
                        "a terminal on web1; Ctrl-] d detaches and leaves it running. Short form: `mm ssh web1`"
                    )
                ]
        ).taking(.opens)
    }

    var fields: [InputField] {
        let screen = [
            InputField("rows", .integer(1...1000), "Lines of the terminal.", .notOnCommandLine, .notForModels),
            InputField(
                "columns", .integer(1...1000), "Columns of the terminal.", .notOnCommandLine, .notForModels),
            InputField("term", .text, "Terminal type (TERM).", .notOnCommandLine, .notForModels),
        ]
        guard place.isLocal else {
            return place.sessionFields(at: 0, creates: true) + SessionOptions.connectFields + screen
        }
        return place.sessionFields(at: 0) + [
            InputField(
                "shell", .choice(ShellKind.allCases.map(\.rawValue)), "Kind of a new session (default bash)."),
            InputField("directory", .text, "Directory of a new session.", .short("C"), .completes(.files)),
        ] + screen
    }

    func input(from reader: InputReader) throws(MMError) -> Input {
        var options = place.isLocal ? SessionOptions() : try SessionOptions(connecting: reader)
        if place.isLocal {
            options.kind = try reader.text("shell")
            options.directory = try reader.text("directory")
        }
        let type = try reader.text("term") ?? "xterm"
        let isName = type.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || [0x2B, 0x2D, 0x2E].contains(byte)
        }
        return Input(
            session: try .required(from: reader, at: place), options: options,
            size: ShellCommand.Size(
                rows: try reader.integer("rows") ?? 24, columns: try reader.integer("columns") ?? 80),
            type: isName && !type.isEmpty ? type : "xterm")
    }

    func run(
        _ input: Input, in context: OperationContext, with services: ShellServices
    ) async throws(MMError) -> OperationAnswer {
        let call = try ShellCallContext(context, services)
        let keys = try call.keys(
            otherwise: "Run a command instead: mm \(place.isLocal ? "shell run" : "ssh HOST") 'COMMAND'.")
        guard !input.options.isDevice else {
            throw MMError(
                .unsupported, "Terminals of network devices are not supported.",
                hint: "mm ssh HOST 'show version' --device")
        }
        let key = call.key(input.session)
        context.record.note("module", .string(key.place.rawValue))
        context.record.note("session", .string(key.host ?? key.name))
        let (task, viewer) = try await task(input, key, call)
        guard let terminal = task.terminal else {
            throw MMError(
                .conflict, "The session “\(key.name)” is running \(task.handle): \(task.summary)",
                hint:
                    "Wait for it, cancel it (`mm \(place.rawValue) jobs \(task.handle) --cancel`), or use another session.",
                details: ["job": .string(task.handle)])
        }
        let view = TerminalView(
            of: task, terminal, first: viewer, at: input.size, keys: keys,
            again: "Run the same command to reattach.",
            closing: "The terminal was closed."
        ) {
            await call.shells.touch(key)
        }
        return OperationAnswer(.output(view.stream))
    }

    /// Returns the command of the terminal: the running one, otherwise a new interactive shell in the session, with its
    /// first viewer.
    private func task(_ input: Input, _ key: ShellSessionName, _ call: ShellCallContext) async throws(MMError)
        -> (task: ShellTask, viewer: KeptTerminal.Viewer?)
    {
        if let running = call.shells.running(in: key) { return (running, nil) }
        let (member, _) = try await call.member(input.session, input.options)
        guard case .shell = member.body, let line = command(of: member.kind, type: input.type) else {
            throw MMError(
                .unsupported, "A session of the kind \(member.kind) has no terminal.",
                hint: "Use another session with another shell (--shell bash).")
        }
        let terminal = KeptTerminal(input.size)
        let viewer = terminal.attach(showsScreen: false)
        let task = try await ShellRunner(sessions: call.shells, member: member).start(
            .admitted(ShellLine(line)), input: .screen, size: input.size, timeLimit: TerminalView.longest,
            patience: .zero, call: call.context.record.call, turn: call.turn(in: member), terminal: terminal,
            summary: "a terminal")
        task.letGo()
        return (task, viewer)
    }

    /// Returns the command line that starts an interactive shell, with a terminal set to UTF-8 and Ctrl-Z.
    private func command(of kind: String, type: String) -> String? {
        let shell: String
        switch kind {
        case "bash", "zsh", "dash": shell = "\(kind) -i"
        case "ash": shell = "busybox ash -i"
        case _ where !place.isLocal: shell = "\"${SHELL:-/bin/sh}\" -i"
        default: return nil
        }
        return "stty susp '^Z' iutf8 echoctl echoke 2>/dev/null; TERM=\(type) \(shell)"
    }
}
