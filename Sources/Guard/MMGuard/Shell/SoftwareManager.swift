/// How managers of software are asked something: by verbs that nearly all of them share, or by letters of their first option.
struct SoftwareManager: Sendable {
    /// The letters of a first option, in capitals, by which a question begins, with those after them that it needs and those that
    /// make more of it than a question.
    struct Letters: Sendable {
        var starts: String
        var needs = ""
        var forbids = ""
    }

    /// Verbs and first options that ask, beside those that all share.
    var verbs: Set<String> = []
    /// Words after the verb that make more of it than a question.
    var changes: Set<String> = []
    /// First options that are made of letters; where there are any, verbs count for nothing.
    var letters: [Letters] = []
    /// Verbs that ask where nothing stands behind them.
    var alone: Set<String> = []
    /// Options that keep every verb from changing anything.
    var trials: Set<String> = []

    private static let shared: Set<String> = [
        "list", "search", "show", "info", "policy", "madison", "find", "outdated", "leaves", "deps", "uses", "desc",
        "home",
        "config", "doctor", "changes", "repolist", "repoquery", "provides", "whatprovides", "check-update", "history",
        "list-updates", "repos", "packages", "patches", "depends", "rdepends", "help", "changelog", "why", "tasks",
        "connections", "interfaces", "services", "ls", "query", "status", "moo",
        "--list", "--listfiles", "--contents", "--version", "--query", "--help", "-h", "-l", "-L", "-s", "-S", "-q",
        "-qa",
        "-qi", "-ql", "-c",
    ]
    private static let sharedChanges: Set<String> = ["undo", "rollback", "redo", "start", "stop", "restart", "set"]

    private static let pacman = SoftwareManager(letters: [
        Letters(starts: "Q"), Letters(starts: "T"), Letters(starts: "F", forbids: "y"),
        Letters(starts: "S", needs: "silgp", forbids: "yuc"), Letters(starts: "h"), Letters(starts: "V"),
    ])
    private static let apt = SoftwareManager(trials: ["--dry-run", "--simulate", "-s", "--just-print"])
    private static let trial = SoftwareManager(trials: ["--dry-run", "--simulate", "--assumeno"])

    /// The managers that are asked in ways of their own.
    private static let table: [String: SoftwareManager] = {
        var table: [String: SoftwareManager] = [
            "xbps-install": SoftwareManager(letters: [Letters(starts: "n")]),
            "xbps-remove": SoftwareManager(letters: [Letters(starts: "n")]),
            "rpm": SoftwareManager(
                verbs: ["--verify", "--querytags"], letters: [Letters(starts: "q"), Letters(starts: "V")]),
            "brew": SoftwareManager(
                verbs: ["--prefix", "--cellar", "--repository", "cat", "log"], alone: ["tap", "services"],
                trials: ["--dry-run"]),
            "nix-env": SoftwareManager(changes: ["--install", "-i", "--uninstall", "-e", "--upgrade", "-u"]),
            "zypper": SoftwareManager(verbs: ["lr", "se", "if"], trials: ["--dry-run"]),
            "flatpak": SoftwareManager(verbs: ["remote-info", "remote-ls", "remotes"]),
            "dpkg": SoftwareManager(
                verbs: ["--get-selections", "--audit", "--print-architecture", "-I", "--info"], trials: ["--dry-run"]),
        ]
        for name in ["apt", "apt-get", "aptitude", "nala"] { table[name] = apt }
        for name in ["snap", "port", "dnf", "dnf4", "dnf5", "yum", "apk", "microdnf", "tdnf"] { table[name] = trial }
        for name in ["pacman", "yay", "paru", "pacaur", "trizen", "aura", "pikaur", "yaourt"] { table[name] = pacman }
        return table
    }()

    /// Whether words of a manager only ask it something.
    static func asksOnly(_ name: String, _ words: [String]) -> Bool {
        guard ShellPrograms.software.contains(name), let first = words.first else { return false }
        let manager = table[name] ?? SoftwareManager()
        if !manager.trials.isDisjoint(with: words) { return true }
        if manager.verbs.contains(first) { return true }
        if !manager.letters.isEmpty {
            if first.hasPrefix("--query") || first == "--help" || first == "--version" { return true }
            guard first.hasPrefix("-"), !first.hasPrefix("--") else { return false }
            let option = first.dropFirst()
            return manager.letters.contains { letters in
                let rest = option.dropFirst()
                return option.first.map { letters.starts.contains($0) } == true
                    && (letters.needs.isEmpty || rest.contains { letters.needs.contains($0) })
                    && !rest.contains { letters.forbids.contains($0) }
            }
        }
        if words.count == 1, manager.alone.contains(first) { return true }
        return shared.contains(first) && sharedChanges.union(manager.changes).isDisjoint(with: words)
    }
}
