internal import MMCore
import ShellSyntax

/// What the arguments of well-known programs make of them.
extension ShellJudge {
    /// Whether files or folders go that can't be told one by one: recursive, by a pattern, by a variable, outside of here.
    func removes(_ call: ShellScript.Command) -> Bool {
        call.arguments.contains { word in
            if word.value.hasPrefix("-") {
                return word.value == "--recursive" || word.value == "--no-preserve-root"
                    || (!word.value.hasPrefix("--") && word.value.contains { "rR".contains($0) })
            }
            return !word.isFixed || word.value.contains { "*?[{".contains($0) } || word.value.hasPrefix("/")
                || word.value.hasPrefix("~") || word.value.split(separator: "/").contains("..")
        }
    }

    /// Whether a path is a device or belongs to the system.
    func isSystem(_ word: String) -> Bool {
        guard word.hasPrefix("/") else { return false }
        let path = context.path(word) ?? word
        if ["/dev/null", "/dev/zero", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/random", "/dev/urandom"].contains(
            path)
            || path.hasPrefix("/dev/fd/") || path.hasPrefix("/dev/shm/")
        {
            return false
        }
        return [
            "/dev/", "/etc/", "/boot/", "/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/proc/", "/sys/",
            "/root/.ssh/",
        ]
        .contains { path.hasPrefix($0) && !path.hasPrefix("/usr/local/") }
            || ["/.bashrc", "/.profile", "/.bash_profile", "/.zshrc", "/.ssh/authorized_keys"].contains {
                path.hasSuffix($0)
            }
    }

    /// Whether a word names a file that holds keys or passwords.
    func isSecret(_ word: String) -> Bool {
        let text = word.split(separator: "=", maxSplits: 1).last.map(String.init) ?? word
        let path = context.path(text.hasPrefix("@") ? String(text.dropFirst()) : text) ?? text
        if ["/etc/shadow", "/etc/gshadow", "/etc/sudoers"].contains(path) || path.hasPrefix("/etc/ssh/ssh_host_") {
            return !path.hasSuffix(".pub")
        }
        for part in [
            "/.ssh/id_", "/.aws/credentials", "/.netrc", "/.pgpass", "/.azure/", "/.gnupg/", "/.docker/config.json",
            "/.kube/config", "/.git-credentials", "/.config/gh/hosts.yml",
        ] where path.contains(part) || (text.hasPrefix("~") && text.contains(part)) {
            return !path.hasSuffix(".pub")
        }
        return path.hasPrefix("/proc/") && path.hasSuffix("/environ")
    }

    static func git(_ words: [String]) -> ShellRule {
        // Options before the subcommand; -C and -c take a word.
        var rest = words[...]
        while let first = rest.first, first.hasPrefix("-") {
            rest = rest.dropFirst(first == "-C" || first == "-c" ? 2 : 1)
        }
        let verb = rest.first ?? "status"
        let arguments = rest.dropFirst()
        func has(_ flags: String...) -> Bool { arguments.contains { flags.contains($0) } }
        switch verb {
        case "status", "log", "diff", "show", "blame", "describe", "rev-parse", "ls-files", "ls-tree", "shortlog",
            "grep",
            "cat-file", "reflog", "rev-list", "help", "version", "count-objects", "fsck", "whatchanged", "name-rev":
            return .reads
        case "push": return .network
        case "clean": return has("-n", "--dry-run") ? .reads : .removes
        case "reset": return has("--hard", "--merge") ? .removes : .writes
        case "checkout", "restore", "switch": return has("-f", "--force", ".", "--") ? .removes : .writes
        case "branch", "tag", "remote", "stash", "worktree":
            if has("-D", "-d", "--delete", "drop", "clear", "prune") { return .removes }
            return arguments.isEmpty || has("-v", "-a", "-r", "--list", "-l", "list", "show") ? .reads : .writes
        case "filter-branch", "filter-repo", "gc", "prune": return .removes
        case "send-email": return .mail
        default: return .writes
        }
    }

    /// Whether a web client sends more than a question.
    static func uploads(_ name: String, _ words: [String]) -> Bool {
        let flags = [
            "-d", "--data", "--data-raw", "--data-binary", "--data-urlencode", "--data-ascii", "--json", "-F", "--form",
            "-T", "--upload-file", "--post-data", "--post-file", "--body-data", "--body-file", "--form-string",
        ]
        for (index, word) in words.enumerated() {
            let flag = word.split(separator: "=", maxSplits: 1).first.map(String.init) ?? word
            if flags.contains(flag) { return true }
            if name == "curl", word.hasPrefix("-"), !word.hasPrefix("--"),
                word.dropFirst().contains(where: { "dFT".contains($0) })
            {
                return true
            }
            let method: String? =
                if word == "-X" || word == "--request" || word == "--method" {
                    index + 1 < words.count ? words[index + 1] : nil
                } else if word.hasPrefix("-X") || word.hasPrefix("--request=") || word.hasPrefix("--method=") {
                    word.split(separator: "=").last.map(String.init)?.replacingPrefix("-X")
                } else {
                    nil
                }
            if let method, !["GET", "HEAD", "OPTIONS"].contains(method.uppercased()) { return true }
        }
        return ["http", "https", "xh"].contains(name)
            && words.contains { ["POST", "PUT", "PATCH", "DELETE"].contains($0.uppercased()) }
    }

    /// Whether a mode lets everybody write, or makes a program run as its owner.
    static func opensUp(_ words: [String]) -> Bool {
        guard
            let mode = words.first(where: {
                !$0.hasPrefix("-") || $0.dropFirst().contains { "rwxst".contains($0) } && $0.count > 2
            })
        else { return true }
        if mode.utf8.allSatisfy({ (0x30...0x37).contains($0) }) {
            let value = UInt32(mode, radix: 8) ?? 0o7777
            return value & 0o002 != 0 || value & 0o6000 != 0
        }
        return mode.split(separator: ",").contains { clause in
            let who = clause.prefix { "ugoa".contains($0) }
            let adds = clause.contains("+") || clause.contains("=")
            if adds, clause.contains("s") { return true }
            return adds && clause.contains("w") && (who.isEmpty || who.contains("o") || who.contains("a"))
        }
    }

    static func cluster(_ words: [String]) -> ShellRule {
        let destroys: Set = [
            "rm", "rmi", "prune", "kill", "delete", "destroy", "uninstall", "drain", "down", "purge", "force-unlock",
        ]
        let looks: Set = [
            "ps", "images", "logs", "inspect", "get", "describe", "version", "info", "list", "ls", "status", "top",
            "plan",
            "history", "events", "stats", "explain", "api-resources", "config", "show", "diff", "output", "validate",
        ]
        if words.contains(where: { destroys.contains($0) }) { return .removes }
        if words.contains(where: { $0 == "--privileged" || $0.hasPrefix("--pid=host") || $0 == "exec" || $0 == "push" })
        {
            return words.contains("push") ? .network : words.contains("exec") ? .writes : .rights
        }
        return words.first(where: { !$0.hasPrefix("-") }).map { looks.contains($0) } == true ? .reads : .writes
    }

    func own(_ words: [String], _ one: (ShellRule) -> [GuardFinding]) -> [GuardFinding] {
        let verb = words.first { !$0.hasPrefix("-") } ?? "help"
        let looks: Set = [
            "status", "sessions", "cmdlets", "endpoints", "version", "help", "doctor", "guard", "output", "jobs",
            "completions",
        ]
        // Whoever works with mm from within one of its sessions is judged by none of its tools' rules, and whoever confirms
        // there confirms for itself.
        return one(looks.contains(verb) ? .reads : .ownProgram)
    }
}

extension String {
    fileprivate func replacingPrefix(_ prefix: String) -> String {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : self
    }
}
