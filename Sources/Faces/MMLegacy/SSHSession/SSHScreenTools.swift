import MMCore
import MMOperations
import MMShell

/// The tools for terminals: network devices, screens, keys, and `sudo` passwords.
enum SSHScreenTools {
    static var all: [ProfileTool] { [inputBySession, readScreen, sendKeys] }

    // MARK: Commands

    /// Runs a command on a network device, in privileged mode if a password for it is given.
    static func device(_ command: String, _ call: SSHTools.Call, _ host: SSHHostArguments, within limit: Duration)
        async throws(MMError) -> String
    {
        _ = try await call.toolCall.check(command, place: .ssh, directory: nil)
        let member = try await call.member(host, isDevice: true)
        guard case .screen(let screen) = member.body else { throw MMError(.internalError, "This isn't a terminal.") }
        let deadline = Deadline.after(limit)
        let prompt = try await screen.learnPrompt(deadline: deadline)
        if let password = host.enablePassword, !prompt.stem.isEmpty {
            let here = try await screen.run("", deadline: deadline)
            if here.prompt.hasSuffix(">") {
                _ = try await screen.enable(
                    password: password, command: call.arguments.text("enable_command") ?? "enable", deadline: deadline)
            }
        }
        let answer = try await screen.run(lines: command, deadline: deadline)
        if let question = answer.question { return "Command paused waiting for user input (\(question))." }
        return SSHTools.result(answer.error == nil ? 0 : 1, [("STDOUT", answer.text)])
    }

    /// Runs a command as root: `sudo` asks for the password on a terminal and is answered there.
    static func sudo(
        _ command: String, _ password: Secret, _ call: SSHTools.Call, _ host: SSHHostArguments, within limit: Duration
    ) async throws(MMError) -> String {
        _ = try await call.toolCall.check(command, place: .ssh, directory: nil)
        guard !command.contains(where: \.isNewline) else {
            throw MMError(
                .invalidInput, "With sudo_password the command must be a single line.", hint: "Join the lines with `;`."
            )
        }
        let member = try await call.member(host, isDevice: true)
        guard case .screen(let screen) = member.body else { throw MMError(.internalError, "This isn't a terminal.") }
        let deadline = Deadline.after(limit)
        let whole = command.hasPrefix("sudo ") ? command : "sudo " + command
        let answer = try await screen.run(whole, answers: [("assword", .secret(password))], deadline: deadline)
        if answer.question != nil {
            _ = try? await screen.answer(.keys(["ctrl-c"]), deadline: .after(.seconds(5)))
            throw MMError(.forbidden, "sudo did not accept the password.")
        }
        let status = try await screen.run("echo $?", deadline: deadline)
        let code = status.text.split(whereSeparator: \.isWhitespace).last.flatMap { Int32($0) } ?? 0
        let lines = answer.text.split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.hasPrefix("[sudo] password for ") }
        return SSHTools.result(code, [("STDOUT", lines.joined(separator: "\n"))])
    }

    // MARK: Screens

    private static func screen(_ call: SSHTools.Call, opens: Bool) async throws(MMError) -> ScreenSession? {
        let host = try call.host()
        if !opens {
            let key = call.key(try call.opening.target(try host.target), "#screen")
            guard let member = try? await call.shells.existing(key), case .screen(let screen) = member.body else {
                return nil
            }
            return screen
        }
        guard case .screen(let screen) = try await call.member(host, isDevice: true).body else { return nil }
        return screen
    }

    /// Returns the command that is running in the host's session and accepts input, with its own screen and keys.
    private static func running(_ call: SSHTools.Call) async throws(MMError) -> ShellTask? {
        let key = call.key(try call.opening.target(try call.host().target))
        guard let task = call.shells.running(in: key), task.job.command.input != .none else { return nil }
        return task
    }

    /// Returns what a running command shows.
    static func view(of job: ShellJob) -> Screen {
        let size = job.command.size ?? ShellCommand.Size(rows: 24, columns: 80)
        var screen = Screen(rows: size.rows, columns: size.columns)
        for stream in [ShellCommand.Stream.stdout, .stderr, .terminal] {
            let total = job.page(stream, from: 0, limit: 0).total
            let bytes = job.page(stream, from: max(0, total - (256 << 10)), limit: 256 << 10).bytes
            // Output that didn't pass through a terminal has no carriage returns.
            screen.write(bytes.flatMap { $0 == 0x0A ? [0x0D, 0x0A] : [$0] })
        }
        return screen
    }

    /// Types a text and returns what appears. The text goes to a command in the host's shell that accepts input,
    /// otherwise to the host's terminal.
    private static func send(_ text: String, _ call: SSHTools.Call) async throws(MMError) -> String {
        if let running = try await running(call) {
            return try await SSHCommandTools.type(text, into: running)
        }
        guard let screen = try await screen(call, opens: true) else {
            throw MMError(.unavailable, "No active shell for this session")
        }
        if screen.view.text.isEmpty { _ = await screen.waitForQuiet(.milliseconds(200), until: .after(.seconds(5))) }
        try await screen.send(.text(text))
        _ = await screen.waitForQuiet(.milliseconds(200), until: .after(.seconds(3)))
        return screen.view.text
    }

    private static let inputBySession = SSHTools.tool(
        "send_input_by_session",
        "Send input to the active shell for a session.\n\nUseful for clearing stuck interactive states or sending input to "
            + "the current shell.",
        [
            SSHTools.hostOrAlias,
            FastSchema.Parameter("input_text", .text, "Text to send (e.g., 'q\\n' to quit pager, '\\x03' for Ctrl+C)"),
            SSHTools.optionalUser, SSHTools.optionalPort,
        ], SSHTools.acts
    ) { (call) async throws(MMError) in
        let output = try await send(call.arguments.written("input_text"), call)
        return "Input sent successfully\n"
            + (output.isEmpty ? "\nNo immediate output received" : "\nOutput:\n\(output)")
    }

    private static let readScreen = SSHTools.tool(
        "read_screen",
        "Read the terminal screen state for a session.\n\nReturns the current screen content from the terminal emulator, "
            + "including cursor position.",
        [
            SSHTools.hostOrAlias, SSHTools.optionalUser, SSHTools.optionalPort,
            FastSchema.Parameter("max_lines", .number, standard: 24, "Maximum number of lines to return (default: 24)"),
        ], SSHTools.looks
    ) { (call) async throws(MMError) in
        var shown = try await running(call).map { view(of: $0.job) }
        if shown == nil { shown = try await screen(call, opens: false)?.view }
        guard let view = shown else {
            let empty: JSONValue = [
                "error": "Interactive mode not enabled or session not found", "lines": [], "cursor_x": 0, "cursor_y": 0,
                "width": 0, "height": 0,
            ]
            return JSONWriter.string(empty, layout: .indented(2))
        }
        let lines = view.lines.prefix(max(1, call.arguments.number("max_lines") ?? 24))
        let object: JSONValue = [
            "lines": .array(lines.map(JSONValue.string)), "cursor_x": .int(Int64(view.cursor.column)),
            "cursor_y": .int(Int64(view.cursor.row)), "width": .int(Int64(view.columns)),
            "height": .int(Int64(view.rows)),
        ]
        return JSONWriter.string(object, layout: .indented(2))
    }

    private static let tokens: [(token: String, keys: String)] = [
        ("<enter>", "\r"), ("<return>", "\r"), ("<esc>", "\u{1B}"), ("<escape>", "\u{1B}"), ("<tab>", "\t"),
        ("<ctrl-c>", "\u{3}"), ("<ctrl-d>", "\u{4}"), ("<ctrl-z>", "\u{1A}"), ("<ctrl-g>", "\u{7}"),
        ("<up>", "\u{1B}[A"),
        ("<down>", "\u{1B}[B"), ("<right>", "\u{1B}[C"), ("<left>", "\u{1B}[D"), ("<space>", " "),
    ]

    /// Replaces tokens such as `<enter>` in a text with the keys that they stand for.
    static func keys(_ text: String) -> String {
        var typed = ""
        var rest = text[...]
        scan: while let first = rest.first {
            if first == "<" {
                for (token, keys) in tokens where rest.lowercased().hasPrefix(token) {
                    typed += keys
                    rest = rest.dropFirst(token.count)
                    continue scan
                }
            }
            typed.append(first)
            rest = rest.dropFirst()
        }
        return typed
    }

    private static let sendKeys = SSHTools.tool(
        "send_keys",
        "Send special keys or key sequences to a session.\n\nTokens: <enter>, <esc>, <tab>, <ctrl-c>, <ctrl-d>, <ctrl-z>, "
            + "<up>, <down>, <left>, <right>, <space>. Regular text is sent as-is: \"q<enter>\", \"<esc>:wq<enter>\".",
        [
            SSHTools.hostOrAlias,
            FastSchema.Parameter("keys", .text, "Key sequence to send (e.g., \"q<enter>\", \"<ctrl-c>\")"),
            SSHTools.optionalUser, SSHTools.optionalPort,
        ], SSHTools.acts
    ) { (call) async throws(MMError) in
        let output = try await send(keys(call.arguments.written("keys")), call)
        return "Successfully sent keys to \(call.arguments.written("host"))"
            + (output.isEmpty ? "" : "\nOutput: \(output)")
    }
}
