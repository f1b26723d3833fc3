/// The lists of programs, options and variables that are known by their names. The table of words says what each contains.
enum ShellPrograms: String {
    case readers, privileged, software, destroyers, carriers, mailers, wrappers, joiners, starters, noticed
    case printers, shells, interpreters, verbless, early, loaders, loadingFolders = "loading-folders"
    case loadingOptions = "loading-options", programVariables = "program-variables", prompts
    case commandVariables = "command-variables", inherited, showing, inspectors, measuring, makers

    /// Returns whether the list contains a word.
    func contains(_ word: String) -> Bool { ShellWords.contains(word, in: rawValue) }

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

    /// Returns the words of a client that say what it does: the consecutive words before its options. The client's own options
    /// may precede them.
    static func verbs(_ words: [String]) -> [String] {
        var rest = words[...]
        while let first = rest.first, first.hasPrefix("-") {
            rest = rest.dropFirst(early.contains(first) ? 2 : 1)
        }
        return Array(rest.prefix { !$0.hasPrefix("-") })
    }

}
