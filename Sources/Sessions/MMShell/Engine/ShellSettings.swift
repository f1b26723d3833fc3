public import MMCore
package import MMSystem

/// The settings with which a local shell is started.
public struct ShellSettings: Sendable {
    /// How long each step of stopping a command may take before the next one.
    package struct Times: Sendable, Hashable {
        /// After SIGINT, until SIGTERM.
        package var interrupt: Duration = .seconds(1)
        /// After SIGTERM, until SIGKILL.
        package var terminate: Duration = .seconds(1)
        /// After SIGKILL, until the shell itself is replaced.
        package var kill: Duration = .seconds(1)
        /// How long a new shell may take until it answers.
        package var start: Duration = .seconds(60)
        /// How long a host may take for a signal, if its shell took no longer to start; a slower host gets up to
        /// `slowReach`.
        package var reach: Duration = .seconds(2)
        /// The longest time that a signal to a host may take.
        package var slowReach: Duration = .seconds(5)
        /// The time until a silent command is first checked for having stopped itself.
        package var stopped: Duration = .seconds(1)

        /// Returns how long a host may take for a signal, by the time that its shell took to answer.
        func reach(after answer: Duration) -> Duration { max(reach, min(answer * 4, slowReach)) }

        /// Creates the default times.
        package init() {}
    }

    /// The session's name; commands see it as `MM_SESSION`.
    public var name: String
    /// The shell's language.
    public var kind: ShellKind
    /// The shell's program; `nil` looks it up in `PATH`.
    package var program: String?
    /// The complete environment.
    public var environment: [String: String]
    /// The directory in which it starts.
    public var directory: String
    /// The last directory of a session of before, in which this one goes on; `nil` for one that begins anew.
    package var continues: String?
    /// The folder in which its private folder is created.
    package var temporaryDirectory: String
    /// Rows and columns of its terminal.
    public var terminal = ShellCommand.Size(rows: 24, columns: 80)
    /// The times of the stop ladder.
    package var times = Times()
    /// Which commands may run, how long, and how much they may write.
    package var policy = ShellPolicy.open
    /// How far it is separated from the rest of the machine.
    public var sandbox = SandboxProfile.guarded
    /// The limits that the kernel enforces on everything that the session starts; no core files by default.
    package var limits: [ResourceLimit] = [.coreFiles(0)]
    /// The limits on all processes of the session together; they need a delegated control group.
    package var treeLimits: TreeLimits?
    /// The set that the session's processes are added to.
    package var processes: ShellProcesses?
    /// Receives the listener of its proxy in the shell's own network, once for each shell that is started.
    package var takesListener: (@Sendable (PolledListener) -> Void)?

    /// Creates settings.
    /// - Parameters:
    ///   - name: the session's name.
    ///   - kind: the shell's language.
    ///   - environment: the complete environment; by default that of this process without its secrets
    ///     (``ShellEnvironment/scrubbed(_:)``).
    ///   - directory: where it starts; `nil` for the home folder of the environment.
    public init(
        name: String, kind: ShellKind = .bash,
        environment: [String: String] = ShellEnvironment.scrubbed(ProcessEnvironment.read()), directory: String? = nil
    ) {
        self.name = name
        self.kind = kind
        self.environment = environment
        self.directory = directory ?? environment["HOME"] ?? "/"
        temporaryDirectory = environment["TMPDIR"] ?? "/tmp"
    }

    /// A resource limit of the kernel.
    package enum ResourceLimit: Sendable, Hashable {
        /// Address space of each process, in bytes.
        case memory(UInt64)
        /// Processor time of each process, in seconds.
        case processorTime(UInt64)
        /// Size of core files, in bytes.
        case coreFiles(UInt64)
    }
}

/// The language of a session's shell.
public enum ShellKind: String, Sendable, Hashable, CaseIterable {
    /// GNU bash.
    case bash
    /// Z shell.
    case zsh
    /// Debian's `/bin/sh`.
    case dash
    /// BusyBox's shell.
    case ash

    /// Finds the language of a program by its file name: `/usr/bin/zsh` is `zsh`; `/bin/sh` and `/bin/busybox` have
    /// their own.
    /// - Returns: `nil` for an unknown program.
    package init?(program: String) {
        switch program.split(separator: "/").last.map(String.init) {
        case "bash", "rbash": self = .bash
        case "zsh": self = .zsh
        case "dash", "sh": self = .dash
        case "ash", "busybox": self = .ash
        default: return nil
        }
    }

    /// Whether the prompt is the only way to run the session's code after each command.
    var hooksByPrompt: Bool { self == .dash || self == .ash }

    /// Returns the path of this shell.
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

    /// The arguments for an interactive shell that reads no start-up file and edits no lines. Only an interactive shell
    /// gives up a whole list of commands on SIGINT.
    var arguments: [String] {
        switch self {
        case .bash: ["--norc", "--noprofile", "--noediting", "-i"]
        case .zsh: ["-f", "-i", "+Z"]
        case .dash: ["-i"]
        case .ash: ["ash", "-i"]
        }
    }
}
