import MMCore
import ShellSyntax

/// The preparation of a shell and the form in which commands are passed to it.
///
/// The shell reads short lines from a pipe. Each contains a command, or names a private file with the command's text,
/// runs it with the streams of the session, and reports its end. Output of the shell itself (traces of these lines,
/// notices of jobs, prompts) goes to the null device; descriptors 7 and 8 lead to the session's output and errors, 9 to
/// the reports.
///
/// After a syntax error, an interrupt or an abort by `set -u` the rest of the line is not run, but the shell returns to
/// its main loop: a hook in its prompt reports this, and the shell is then asked for the report by a separate line.
///
/// The number that identifies a report occurs only in these lines, after the command. A running command finds it in no
/// variable, so that it can't report an end too early.
struct ShellDialect: Sendable {
    let kind: ShellKind

    /// The first letter of a report of a command's end, followed by `id status directory`.
    static let endMark = UInt8(ascii: "r")
    /// The first letter of a report of the exported variables, in the form that the same shell reads.
    static let exportsMark = UInt8(ascii: "x")
    /// The first letter of a report that the prompt was shown, followed by the status.
    static let promptMark = UInt8(ascii: "p")

    /// The first lines that the shell runs. It receives the session's output, errors and reports as descriptors 3, 4
    /// and 5.
    var boot: String {
        preparation + "exec 7>&3 8>&4 9>&5; exec 3>&- 4>&- 5>&-; exec >/dev/null 2>&1\n" + functions
    }

    private var preparation: String {
        switch kind {
        case .bash: "PS1= PS2= PROMPT_COMMAND=; unset HISTFILE; set +o history +H; shopt -u promptvars\n"
        case .zsh:
            """
            zmodload zsh/parameter
            unsetopt zle prompt_sp prompt_cr bang_hist check_jobs hup notify; unset HISTFILE RPS1
            setopt interactive_comments no_beep hist_ignore_space; HISTSIZE=0; PS1= PS2=

            """
        case .dash: "PS1= PS2=; unset HISTFILE\n"
        // BusyBox's shell mistakes the end of a background job, which interrupts its reading, for the end of its input,
        // and would exit. With `ignoreeof` it exits only on request, and keeps reading.
        case .ash: "PS1= PS2=; unset HISTFILE; set -o ignoreeof\n"
        }
    }

    /// How bash calls `__mm_hook` before it shows a prompt. Mostly there is nothing to report, and then no function is
    /// called.
    ///
    /// An interrupt after a program starts but before bash waits for it brings the prompt at once. bash then waits for
    /// the program after the next simple command, whose status becomes the program's. The assignment absorbs this
    /// status; otherwise a test in the hook would get it, and `set -e` would end the shell.
    ///
    /// An alias may replace keywords, so it contains none.
    static let bashPrompt =
        "PROMPT_COMMAND='__mm_s=$? || __mm_v=; ((${__mm_i:-0})) && __mm_hook \"$__mm_s\"; __mm_i='"

    private var functions: String {
        let whole = """
            \(kind.mending)__mm_begin() { \(kind.calling("return")) "$__mm_p"; }
            __mm_end() {
            __mm_mend || __mm_v=
            \(kind.calling("set")) +e
            case ${__mm_x-} in ?*) __mm_x=
            { \(kind.printf) x; \(kind.calling("export")) -p; \(kind.printf) '\\0'; } >&9 ;; esac
            __mm_i=; \(withoutHook)\(report("\"$2\"", "\"$1\""))
            }
            __mm_hook() { __mm_mend || __mm_v=; case ${__mm_i-} in ?*) \(kind.printf) 'p%s\\0' "$1" >&9 ;; esac; }

            """
        switch kind {
        case .bash: return whole + Self.bashPrompt + "\n"
        case .zsh: return whole + "__mm_prompt() { __mm_hook \"$?\"; __mm_i=; }\nprecmd_functions=(__mm_prompt)\n"
        // The prompt is the only hook, and its substitutions run in a copy of the shell. It is set only while a command
        // runs, and removed when the command has ended normally.
        case .dash, .ash: return whole + Self.posixPrompt + "\n"
        }
    }

    /// How shells call `__mm_hook` that can do so only in what they show as a prompt. What it mends in a copy of the
    /// shell isn't mended, so it doesn't say so.
    static let posixPrompt = "__mm_h='$(__mm_hook \"$?\" 8>/dev/null)'"

    /// Sets the hook; the line continues even if a user has made the prompt read-only.
    private var withHook: String { kind.hooksByPrompt ? "\\command \\eval 'PS1=$__mm_h'; " : "" }
    private var withoutHook: String { kind.hooksByPrompt ? "\\command \\eval PS1=; " : "" }

    /// Returns the code that writes a report. The directory may contain any byte but NUL, which ends the report.
    private func report(_ id: String, _ status: String) -> String {
        #"\#(kind.printf) 'r%s %s %s\0' \#(id) \#(status) "${PWD-}" >&9"#
    }

    /// Returns the line that runs a command.
    /// - Parameters:
    ///   - id: the number that identifies its report.
    ///   - text: the command itself, if it can stand in the line; see `fitsLine`.
    ///   - file: otherwise the file with its text; a path of the session's own, without quotes.
    ///   - previous: the value of `$?` at its start.
    ///   - pipe: the path of the pipe that it reads, without quotes, if its input is one.
    ///   - terminal: the path of its terminal.
    ///   - effects: what the command may do to the shell.
    func line(
        id: String, text: String, file: String?, previous: Int32, input: ShellCommand.Input, pipe: String?,
        terminal: String, effects: CommandEffects
    ) -> [UInt8] {
        let hidden = "7>&- 8>&- 9>&-"
        let streams: String
        switch input {
        case .none: streams = effects.mayStartPrograms ? "</dev/null >&7 2>&8 \(hidden)" : ">&7 2>&8"
        case .pipe: streams = "<'\(pipe ?? "/dev/null")' >&7 2>&8 \(hidden)"
        case .terminal: streams = "<\(terminal) >&7 2>&8 \(hidden)"
        case .screen: streams = "<\(terminal) >\(terminal) 2>\(terminal) \(hidden)"
        }
        let tellsExports = effects.mayExport
        // zsh keeps lines that don't begin with a blank in its history.
        var start = kind == .zsh ? " " : ""
        // A hook that runs in a copy of the shell can't undo what an aborted command has set.
        if kind.hooksByPrompt { start += "\(kind.calling("set")) +e; " }
        start += withHook + "__mm_i=1" + (tellsExports ? " __mm_x=1" : "")
        // After an assignment the status is 0; any other one has to be set by a function.
        start += previous == 0 ? "; " : " __mm_p=\(previous); __mm_begin; "
        // zsh would write the trace of a command with redirected streams to the shell's own streams.
        if kind == .zsh { start += "{ " }
        // Programs that edit the typed line would ask the terminal for its width, or move its cursor, in their output.
        // Before a special builtin the assignment would last.
        if input == .terminal, !kind.hooksByPrompt { start += "TERM=dumb " }
        var line = Array(start.utf8)
        line.reserveCapacity(start.utf8.count + text.utf8.count + 160)
        if let file {
            line += "\(kind.calling(".")) '\(file)'".utf8
        } else {
            line += "\(kind.calling("eval")) ".utf8
            ShellSnapshot.quote(text.utf8, into: &line)
        }
        if kind == .zsh { line += "; }".utf8 }
        line += " \(streams); ".utf8
        // zsh reads the line byte by byte, so it gets the short call; other shells read blocks, where a longer line
        // saves the call.
        if tellsExports || kind == .zsh {
            line += "__mm_end \"$?\" \(id)\n".utf8
        } else {
            line += "\(report(id, "\"$?\"")); __mm_i=; \(withoutHook)\(kind.calling("set")) +e\n".utf8
        }
        return line
    }

    /// Returns whether a command can stand in the line that runs it: a short line that means the same there as in a
    /// file.
    func fitsLine(_ text: String, _ effects: CommandEffects) -> Bool {
        // Outside a file bash prints notices of jobs and of killed programs, as for a person.
        if kind == .bash, effects.mayStartPrograms { return false }
        // zsh reads its input byte by byte. A pipe takes a line of up to 4096 bytes in one piece.
        let bytes = Array(text.utf8)
        guard bytes.count <= (kind == .zsh ? 200 : 1000), bytes.last != UInt8(ascii: "\\"),
            !Self.wantsFile.contains(where: { ByteSearch.find($0, in: bytes) != nil })
        else { return false }
        // These shells print notices of ended jobs between the commands of a file, but not between those of a line.
        if kind.hooksByPrompt { return true }
        guard !bytes.contains(0x0A) else { return false }
        // A shell prints the number of a background job that is started from its own line.
        func joins(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "&") || byte == UInt8(ascii: ">") }
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "&") {
            guard index > 0 && joins(bytes[index - 1]) || index + 1 < bytes.count && joins(bytes[index + 1]) else {
                return false
            }
        }
        return true
    }

    /// Constructs that work only in a file: returning from it, knowing its name, or ending within a here-document.
    private static let wantsFile = ["return", "<<", "SOURCE", "LINENO", "caller", "ZSH_EVAL", "%x", "%N"].map {
        Array($0.utf8)
    }

    /// Returns a line that makes an idle shell report a status, even if the command has removed the hook.
    func probe(id: String, status: Int32) -> String { "__mm_end \(status) \(id)\n" }

    /// Returns the line that restores a snapshot's exported variables and directory in a new shell.
    /// - Parameter file: the file with the commands that set them.
    static func restoring(from file: String) -> String {
        ". '\(file)' </dev/null >/dev/null 2>&1 7>&- 8>&- 9>&-\n"
    }
}

/// What a command may do to the shell that runs it, judged by its text. In doubt, everything is assumed.
struct CommandEffects: Sendable, Hashable {
    /// Whether exported variables may have changed afterwards.
    var mayExport = true
    /// Whether functions or aliases may be defined; then no word can be assumed to have its usual meaning.
    var mayRedefine = true
    /// Whether a program may be started, or something read; then the session's descriptors must be closed for it.
    var mayStartPrograms = true
    /// Whether nothing is left to run once the running program has ended: only the last command starts one.
    var endsWithItsProgram = false
    /// Whether the command may set how the shell itself reacts to SIGINT, other than giving up its list.
    var mayTrapInterrupts = true

    /// The effects of a text that hasn't been analysed.
    static let everything = CommandEffects(of: "", known: false)

    /// Builtins that only change variables and settings of the shell.
    private static let setting: Set<String> = ["cd", "pushd", "popd", "export", "unset", "readonly", "umask", "ulimit"]

    /// Builtins of every shell that start nothing and read nothing.
    private static let quiet: Set<String> = [
        "cd", "pwd", "echo", "true", "false", ":", "test", "[", "umask", "export", "unset", "readonly",
    ]

    /// Judges a text.
    /// - Parameter known: `false` if words may have been redefined before.
    init(of text: String, known: Bool) {
        mayTrapInterrupts = Self.trapsInterrupts(text)
        // Longer texts aren't worth parsing. A text that this grammar accepts contains no expansion, assignment or
        // function.
        guard text.utf8.count <= 1000 else { return }
        let plain = try? ShellScript.parse(text)
        if let script = plain ?? (try? ShellScript.parse(String(Self.withoutAssignments(text[...])))) {
            endsWithItsProgram = script.commands.dropLast().allSatisfy {
                Self.quiet.contains($0.name) && $0.controlOperator != .pipe
            }
        }
        guard known, let script = plain else { return }
        for command in script.commands where !Self.setting.contains(command.name) {
            // Any other program leaves the shell unchanged.
            if ShellPolicy.never.contains(command.name) || command.name == "printf" { return }
        }
        mayRedefine = false
        mayExport = script.commands.contains { Self.setting.contains($0.name) }
        mayStartPrograms = script.commands.contains { command in
            !Self.quiet.contains(command.name) || command.controlOperator == .pipe
                || command.redirections.contains { $0.kind == .duplicate }
        }
    }

    /// Returns the text without plain assignments at its beginning, which start nothing.
    private static func withoutAssignments(_ text: Substring) -> Substring {
        guard let end = text.firstIndex(of: ";"), let equals = text[..<end].firstIndex(of: "=") else { return text }
        func isPlain(_ part: Substring) -> Bool {
            part.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == 0x5F }
        }
        let name = text[..<equals].drop { $0 == " " }
        guard !name.isEmpty, isPlain(name), isPlain(text[text.index(after: equals)..<end]) else { return text }
        return withoutAssignments(text[text.index(after: end)...])
    }

    /// Returns whether a command sets a trap on SIGINT. Quoted text is run by another shell, which inherits no trap
    /// after which it could continue.
    private static func trapsInterrupts(_ text: String) -> Bool {
        guard ByteSearch.find(Array("trap".utf8), in: Array(text.lowercased().utf8)) != nil else { return false }
        guard let script = try? ShellScript.parse(text, as: .whole) else { return true }
        func isTrapFunction(_ word: String) -> Bool { word.contains("TRAPINT") }
        if script.functions.contains(where: { isTrapFunction($0.name) }) { return true }
        return script.commands.contains { command in
            if (command.words + command.assignments).contains(where: { isTrapFunction($0.value) }) { return true }
            guard let place = command.words.firstIndex(where: { $0.value == "trap" }) else { return false }
            var operands = command.words[place...].dropFirst().filter { !$0.value.hasPrefix("-") }
            // The first operand is the trap's action.
            if operands.count > 1 { operands.removeFirst() }
            return operands.contains { !$0.isFixed || ["INT", "SIGINT", "2"].contains($0.value.uppercased()) }
        }
    }
}
