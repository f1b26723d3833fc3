package import MMCore
import MMSystem

/// Which shell language a session speaks.
public enum ShellKind: String, Sendable, Hashable, CaseIterable {
    /// GNU bash.
    case bash
    /// Z shell.
    case zsh
    /// Debian's `/bin/sh`.
    case dash
    /// BusyBox's shell.
    case ash

    /// The language of a program by its file name: `/usr/bin/zsh` is `zsh`, `/bin/sh` and `/bin/busybox` have their own.
    /// - Returns: nil for a program of which nothing is known.
    package init?(program: String) {
        switch program.split(separator: "/").last.map(String.init) {
        case "bash", "rbash": self = .bash
        case "zsh": self = .zsh
        case "dash", "sh": self = .dash
        case "ash", "busybox": self = .ash
        default: return nil
        }
    }

    /// Whether only the prompt is there to run something of ours after each command.
    var hooksByPrompt: Bool { self == .dash || self == .ash }

    /// The shell's own `printf`, also where a command has defined a function of that name. zsh's `command` would start a program.
    var printf: String { hooksByPrompt ? #"\command printf"# : #"\builtin printf"# }

    /// Where this shell lies.
    /// - Parameter path: the folders to look in, as in the variable `PATH`.
    /// - Throws: `.notFound`, naming the Debian package.
    package func locate(path: String) throws(MMError) -> String {
        let name = self == .ash ? "busybox" : rawValue
        guard let program = ExecutableSearch.find(name, path: path) else {
            throw MMError(
                .notFound, "The shell \(name) is not installed in \(path).",
                hint: "Install the Debian package \(name), or choose another shell.")
        }
        return program
    }

    /// What makes the program an interactive shell that reads no start-up file and edits no lines. Only an interactive
    /// shell gives up a whole list of commands on SIGINT.
    var arguments: [String] {
        switch self {
        case .bash: ["--norc", "--noprofile", "--noediting", "-i"]
        case .zsh: ["-f", "-i", "+Z"]
        case .dash: ["-i"]
        case .ash: ["ash", "-i"]
        }
    }
}
