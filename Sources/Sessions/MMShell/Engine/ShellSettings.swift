package import MMCore
package import MMSystem

/// What a local shell is started with.
public struct ShellSettings: Sendable {
    /// How long each rung of ending a command may take before the next one.
    package struct Times: Sendable, Hashable {
        /// After SIGINT, until SIGTERM.
        package var interrupt: Duration = .seconds(1)
        /// After SIGTERM, until SIGKILL.
        package var terminate: Duration = .seconds(1)
        /// After SIGKILL, until the shell itself is replaced.
        package var kill: Duration = .seconds(1)
        /// How long a new shell may take until it answers.
        package var start: Duration = .seconds(60)
        /// Before a silent command is first looked at, which may have stopped itself.
        package var stopped: Duration = .seconds(1)

        /// The usual times.
        package init() {}
    }

    /// The session's name; commands see it as `MM_SESSION`.
    public var name: String
    /// The shell's language.
    public var kind: ShellKind
    /// The shell's program; nil looks it up in `PATH`.
    package var program: String?
    /// All of its environment.
    public var environment: [String: String]
    /// Where it starts.
    public var directory: String
    /// Where its private folder is made.
    package var temporaryDirectory: String
    /// Rows and columns of its terminal.
    public var terminal = ShellCommand.Size(rows: 24, columns: 80)
    /// Times of the rungs.
    package var times = Times()
    /// Which commands may run, how long, and how much they may write.
    package var policy = ShellPolicy.open
    /// How far it is kept from the rest of the machine.
    public var sandbox = SandboxProfile.guarded
    /// What the kernel enforces on everything that the session starts; no core files by default.
    package var limits: [ResourceLimit] = [.coreFiles(0)]
    /// What all processes of the session may use together; needs a delegated control group.
    package var treeLimits: TreeLimits?
    /// Is told of the session's processes.
    package var processes: ShellProcesses?
    /// Takes the listener of its proxy in the shell's own network, once for each shell that is started.
    package var takesListener: (@Sendable (PolledListener) -> Void)?

    /// Settings.
    /// - Parameters:
    ///   - name: the session's name.
    ///   - kind: the shell's language.
    ///   - environment: all of its environment; see `ShellEnvironment.scrubbed`.
    ///   - directory: where it starts; nil is the home folder of the environment.
    public init(name: String, kind: ShellKind = .bash, environment: [String: String], directory: String? = nil) {
        self.name = name
        self.kind = kind
        self.environment = environment
        self.directory = directory ?? environment["HOME"] ?? "/"
        temporaryDirectory = environment["TMPDIR"] ?? "/tmp"
    }

    /// A limit of the kernel.
    package enum ResourceLimit: Sendable, Hashable {
        /// Address space of each process, in bytes.
        case memory(UInt64)
        /// Processor time of each process, in seconds.
        case processorTime(UInt64)
        /// Size of each file that is written, in bytes.
        case fileSize(UInt64)
        /// Open files of each process.
        case openFiles(UInt64)
        /// Size of core files, in bytes.
        case coreFiles(UInt64)
    }
}

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
