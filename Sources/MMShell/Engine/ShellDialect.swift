import MMCore

/// How a shell is prepared and how a command is handed to it.
///
/// The shell reads short lines from a pipe. Each holds a command, or names a private file with its body, runs it with the
/// streams of the session, and reports. What the shell itself prints (traces of these lines, notices of jobs, prompts)
/// goes to the null device; descriptors 7 and 8 lead to the session's output and errors, 9 to the reports.
///
/// The report is also made by the prompt hook, in the shell's main loop: after a syntax error, an interrupt or an abort
/// by `set -u` the rest of the line is not run, but the loop comes round.
struct ShellDialect: Sendable {
    let kind: ShellKind

    /// A report's first letter: the end of a command, then `id status directory`.
    static let endMark = UInt8(ascii: "r")
    /// A report's first letter: the exported variables, as the shell itself would read them.
    static let exportsMark = UInt8(ascii: "x")

    /// What the shell runs first. It was given the session's output, errors and reports as 3, 4 and 5.
    var boot: String {
        preparation + "exec 7>&3 8>&4 9>&5; exec 3>&- 4>&- 5>&-; exec >/dev/null 2>&1\n" + functions
    }

    private var preparation: String {
        switch kind {
        case .bash: "PS1= PS2= PROMPT_COMMAND=; unset HISTFILE; set +o history +H\n"
        case .zsh:
            """
            unsetopt zle prompt_sp prompt_cr bang_hist check_jobs hup notify; unset HISTFILE RPS1
            setopt interactive_comments no_beep hist_ignore_space; HISTSIZE=0; PS1= PS2=

            """
        case .dash, .ash: "PS1= PS2=; unset HISTFILE\n"
        }
    }

    private var functions: String {
        // The directory may hold any byte but NUL, which ends the report.
        let report = #"printf 'r%s %s %s\0' "$__mm_i" "$1" "${PWD-}" >&9"#
        let whole = """
            __mm_begin() { return "$__mm_p"; }
            __mm_end() {
            set +e
            if [ -n "${__mm_i-}" ]; then
            \(report); __mm_i=
            if [ -n "${__mm_x-}" ]; then __mm_x=; { printf x; export -p; printf '\\0'; } >&9; fi
            fi
            \(kind.hooksByPrompt ? "PS1=" : "")
            return "$1"
            }

            """
        switch kind {
        case .bash: return whole + "PROMPT_COMMAND='__mm_end \"$?\"'\n"
        case .zsh: return whole + "__mm_hook() { __mm_end \"$?\"; }\nprecmd_functions=(__mm_hook)\n"
        case .dash, .ash:
            // The prompt is the only hook, and what it substitutes runs in a copy of the shell: it is there only while a
            // command runs, and gone when that has ended as it should.
            return whole
                + "__mm_hook() { if [ -n \"${__mm_i-}\" ]; then \(report); fi; }\n__mm_h='$(__mm_hook \"$?\")'\n"
        }
    }

    /// The line that runs a command.
    /// - Parameters:
    ///   - id: what its report is known by.
    ///   - text: the command itself, where it can stand in the line; see `fitsLine`.
    ///   - file: where its text lies otherwise; a path of ours, without quotes.
    ///   - previous: the status that `$?` has at its start.
    ///   - tellsExports: whether the exported variables are to be told afterwards.
    func line(
        id: String, text: String, file: String?, previous: Int32, input: ShellCommand.Input, tellsExports: Bool
    ) -> [UInt8] {
        let streams: String
        switch input {
        case .none: streams = "</dev/null >&7 2>&8"
        case .terminal: streams = "</dev/tty >&7 2>&8"
        case .screen: streams = "</dev/tty >/dev/tty 2>/dev/tty"
        }
        // zsh keeps what does not begin with a blank in its history.
        var line = Array("\(kind == .zsh ? " " : "")__mm_i=\(id) __mm_p=\(previous)".utf8)
        if kind.hooksByPrompt { line += Array(" PS1=$__mm_h".utf8) }
        if tellsExports { line += Array(" __mm_x=1".utf8) }
        // zsh would trace what runs with streams of its own to the streams of the shell.
        line += Array((kind == .zsh ? "; __mm_begin; { " : "; __mm_begin; ").utf8)
        if let file {
            line += Array(". '\(file)'".utf8)
        } else {
            line += Array("eval ".utf8) + ShellSnapshot.quoted(Array(text.utf8))
        }
        if kind == .zsh { line += Array("; }".utf8) }
        return line + Array(" \(streams) 7>&- 8>&- 9>&-; __mm_end \"$?\"\n".utf8)
    }

    /// Whether a command can stand in the line that runs it: a short line that means the same there as in a file.
    func fitsLine(_ text: String) -> Bool {
        // zsh reads its input byte by byte, and a pipe takes a line of up to 4096 bytes in one piece.
        let bytes = text.utf8
        guard bytes.count <= (kind == .zsh ? 200 : 1000), !bytes.contains(0x0A), bytes.last != UInt8(ascii: "\\")
        else { return false }
        // A shell tells the number of a background job that is started from its own line.
        for (index, byte) in zip(bytes.indices, bytes) where byte == UInt8(ascii: "&") {
            let before = index > bytes.startIndex ? bytes[bytes.index(before: index)] : 0
            let next = bytes.index(after: index)
            let after = next < bytes.endIndex ? bytes[next] : 0
            let joints: [UInt8] = [UInt8(ascii: "&"), UInt8(ascii: ">")]
            guard joints.contains(before) || joints.contains(after) else { return false }
        }
        // Only a file can be returned from, know its own name, or be cut off within a here-document.
        return !["return", "<<", "SOURCE", "LINENO", "caller", "ZSH_EVAL", "%x", "%N"].contains {
            text.contains($0)
        }
    }

    /// A line that makes an idle shell report even when the command has taken its hook away.
    func probe(id: String, status: Int32) -> String {
        "\\command printf 'r%s %s %s\\0' \(id) \(status) \"${PWD-}\" >&9\n"
    }

    /// Puts a body's exported variables and directory back into a new shell.
    static func restoring(_ snapshot: ShellSnapshot, file: String) -> String {
        ". '\(file)' </dev/null >/dev/null 2>&1 7>&- 8>&- 9>&-\n"
    }
}
