/// The forms of queries to package managers: by verbs that nearly all of them share, or by the letters of the first option.
struct SoftwareManager: Sendable {
    /// The letters of a first option that make a query: the first letter, in upper case, and the following letters that it needs or must
    /// not have.
    struct Letters: Sendable {
        var starts: String
        var needs = ""
        var forbids = ""
    }

    /// Query verbs in addition to the shared ones.
    var verbs: Set<String> = []
    /// First options that make a query, for managers whose operation is an option.
    var modes: Set<String> = []
    /// Words after the verb that make a change of it.
    var changes: Set<String> = []
    /// The forms of a first option that consists of letters; if there are any, verbs don't count.
    var letters: [Letters] = []
    /// Verbs that are queries if nothing follows them.
    var alone: Set<String> = []
    /// Options with which no verb changes anything.
    var trials: Set<String> = []

    private static let shared = ShellWords.list("software-looks")
    private static let sharedChanges = ShellWords.list("software-changes")
    /// Options before the verb that only control output and prompts. Other options may load or change something.
    private static let manners = ShellWords.list("software-manners")

    private static let pacman = SoftwareManager(letters: [
        Letters(starts: "Q"), Letters(starts: "T"), Letters(starts: "F", forbids: "y"),
        Letters(starts: "S", needs: "silgp", forbids: "yuc"), Letters(starts: "h"), Letters(starts: "V"),
    ])
    private static let apt = SoftwareManager(trials: ["--dry-run", "--simulate", "-s", "--just-print"])
    private static let trial = SoftwareManager(trials: ["--dry-run", "--simulate", "--assumeno"])

    /// The managers with forms of their own.
    private static let table: [String: SoftwareManager] = {
        var table: [String: SoftwareManager] = [
            "xbps-install": SoftwareManager(letters: [Letters(starts: "n")]),
            "xbps-remove": SoftwareManager(letters: [Letters(starts: "n")]),
            "rpm": SoftwareManager(
                modes: ["--verify", "--querytags"], letters: [Letters(starts: "q"), Letters(starts: "V")]),
            "brew": SoftwareManager(
                verbs: ["cat", "log"], modes: ["--prefix", "--cellar", "--repository"], alone: ["tap", "services"],
                trials: ["--dry-run"]),
            "nix-env": SoftwareManager(
                modes: ["-q", "-qa", "--query"], changes: ["--install", "-i", "--uninstall", "-e", "--upgrade", "-u"]),
            "zypper": SoftwareManager(verbs: ["lr", "se", "if", "lu", "lp", "pa", "ps"], trials: ["--dry-run"]),
            "emerge": SoftwareManager(
                modes: ["-s", "-S", "--search", "--searchdesc", "--info"], trials: ["-p", "-pv", "-vp", "--pretend"]),
            "add-apt-repository": SoftwareManager(modes: ["-L", "--list"]),
            "flatpak": SoftwareManager(verbs: ["remote-info", "remote-ls", "remotes"]),
            "dpkg": SoftwareManager(
                modes: [
                    "-l", "-L", "-s", "-S", "-c", "-I", "-p", "-C", "-V", "--list", "--listfiles", "--status",
                    "--search",
                    "--contents", "--info", "--verify", "--get-selections", "--audit", "--print-architecture",
                ], trials: ["--dry-run"]),
        ]
        for name in ["apt", "apt-get", "aptitude", "nala"] { table[name] = apt }
        for name in ["snap", "port", "dnf", "dnf4", "dnf5", "yum", "apk", "microdnf", "tdnf"] { table[name] = trial }
        for name in ["pacman", "yay", "paru", "pacaur", "trizen", "aura", "pikaur", "yaourt"] { table[name] = pacman }
        return table
    }()

    /// Returns whether the arguments of a manager only make a query.
    static func asksOnly(_ name: String, _ words: [String]) -> Bool {
        guard ShellPrograms.software.contains(name), let first = words.first else { return false }
        if words.count == 1, ["--version", "--help", "-h", "-V", "-v"].contains(first) { return true }
        let manager = table[name] ?? SoftwareManager()
        if !manager.trials.isDisjoint(with: words.prefix { $0 != "--" }) { return true }
        guard sharedChanges.union(manager.changes).isDisjoint(with: words) else { return false }
        if manager.modes.contains(first) { return true }
        if !manager.letters.isEmpty { return manager.letters.asks(first) }
        let rest = words.drop { manners.contains(String($0.prefix { $0 != "=" })) }
        guard let verb = rest.first else { return false }
        if rest.count == 1, manager.alone.contains(verb) { return true }
        return shared.contains(verb) || manager.verbs.contains(verb)
    }
}

extension [SoftwareManager.Letters] {
    /// Returns whether an option that consists of letters makes a query.
    fileprivate func asks(_ word: String) -> Bool {
        if word.hasPrefix("--query") { return true }
        guard word.hasPrefix("-"), !word.hasPrefix("--") else { return false }
        let option = word.dropFirst()
        let rest = option.dropFirst()
        return contains { letters in
            option.first.map { letters.starts.contains($0) } == true
                && (letters.needs.isEmpty || rest.contains { letters.needs.contains($0) })
                && !rest.contains { letters.forbids.contains($0) }
        }
    }
}
