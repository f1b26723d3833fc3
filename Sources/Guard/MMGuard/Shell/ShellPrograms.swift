/// The programs and builtins that are known by their names.
enum ShellPrograms {
    /// Programs that only read, or change only the shell's own state.
    static let readers = ShellWords.list("readers")

    /// Programs that use other rights, or change rights, users, mounts, services, kernel and firewall.
    static let privileged = ShellWords.list("privileged")

    /// Package managers.
    static let software = ShellWords.list("software")

    /// Programs that destroy data by nature.
    static let destroyers = ShellWords.list("destroyers")

    /// Programs that send data elsewhere or let others in.
    static let carriers = ShellWords.list("carriers")

    /// Programs that send mail.
    static let mailers = ShellWords.list("mailers")

    /// Programs that run a command in their arguments.
    static let wrappers = ShellWords.list("wrappers")

    /// Wrappers that pass their words to a shell as one text.
    static let joiners = ShellWords.list("joiners")

    /// Programs that start a command in their arguments, after words of their own.
    static let starters = ShellWords.list("starters")

    /// Programs whose name in a text shows that it contains a command.
    static let noticed = ShellWords.list("noticed")

    /// Programs that show the content of files.
    static let printers = ShellWords.list("printers")

    /// Shells, which run texts as commands.
    static let shells = ShellWords.list("shells")

    /// Interpreters, which run their input.
    static let interpreters = ShellWords.list("interpreters")

    /// Programs whose verbs only concern the current project: they add, remove and generate its own files, which they can generate again.
    /// Also programs whose first words are texts or files.
    static let verbless = ShellWords.list("verbless")

    /// Options of wrappers that take the next word.
    static let valueOptions: [String: Set<String>] = [
        "env": ["-u", "-C", "-S", "--unset", "--chdir", "--split-string"], "nice": ["-n"],
        "ionice": ["-c", "-n", "-p"],
        "timeout": ["-k", "-s", "--kill-after", "--signal"], "stdbuf": ["-i", "-o", "-e"],
        "xargs": [
            "-I", "-n", "-P", "-L", "-d", "-E", "-a", "-s", "--max-args", "--max-procs", "--max-lines", "--delimiter",
            "--arg-file", "--max-chars", "--process-slot-var",
        ], "watch": ["-n", "--interval"],
        "sudo": ["-u", "-g", "-h", "-p", "-C", "-r", "-t", "-U", "-D", "-R", "-T"], "doas": ["-u", "-C"],
        "time": ["-f", "-o", "--format", "--output"],
        "runuser": ["-u", "-g", "-G"], "taskset": ["-p"], "chrt": ["-p"], "flock": ["-w", "-E"],
        "strace": ["-e", "-o", "-p", "-s"], "ltrace": ["-e", "-o", "-p", "-s"], "parallel": ["-j", "-a", "--arg-file"],
        "exec": ["-a"],
        "setpriv": [
            "--reuid", "--regid", "--ruid", "--euid", "--rgid", "--egid", "--groups", "--inh-caps", "--ambient-caps",
            "--bounding-set", "--securebits", "--selinux-label", "--apparmor-profile", "--pdeathsig",
        ],
    ]

    /// The number of words that wrappers take before the command.
    static let leadingWords: [String: Int] = ["timeout": 1, "flock": 1, "taskset": 1, "chrt": 1]

    /// Options of clients before their verb that take the next word.
    static let early = ShellWords.list("early")

    /// Returns the words of a client that say what it does: the consecutive words before its options. The client's own options
    /// may precede them.
    static func verbs(_ words: [String]) -> [String] {
        var rest = words[...]
        while let first = rest.first, first.hasPrefix("-") {
            rest = rest.dropFirst(early.contains(first) ? 2 : 1)
        }
        return Array(rest.prefix { !$0.hasPrefix("-") })
    }

    /// Variables that make later commands load or run something else.
    static let loaders = ShellWords.list("loaders")

    /// Variables with the folders from which programs load code.
    static let loadingFolders = ShellWords.list("loading-folders")

    /// Variables with options that may make programs load code.
    static let loadingOptions = ShellWords.list("loading-options")

    /// The last words of the names of variables whose value is a program.
    static let programVariables = ShellWords.list("program-variables")

    /// Variables that a shell evaluates when it shows a prompt or a trace.
    static let prompts = ShellWords.list("prompts")

    /// Variables that contain a command for other programs to run.
    static let commandVariables = ShellWords.list("command-variables")

    /// Variables that programs always get, so that setting one is enough.
    static let inherited = ShellWords.list("inherited")

    /// Variables that only change how something is shown or parsed.
    static let showing = ShellWords.list("showing")
}
