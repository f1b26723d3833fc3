internal import MMCore
import ShellSyntax

/// What the arguments of well-known programs make of them.
extension ShellJudge {
    /// Whether files or folders go that can't be told one by one: recursive, by a pattern, by a variable, outside of here.
    func removes(_ call: ShellScript.Command) -> Bool {
        let operands = call.arguments.filter { !$0.value.hasPrefix("-") }
        if !operands.isEmpty, !call.arguments.contains(where: { $0.value.hasPrefix("--no-p") }),
            operands.allSatisfy({ isScratch($0) || isMadeAgain($0) })
        {
            return false
        }
        return call.arguments.contains { word in
            if word.value.hasPrefix("-") {
                // Long options may be shortened.
                return word.value.hasPrefix("--r") || word.value.hasPrefix("--no-p")
                    || (!word.value.hasPrefix("--") && word.value.contains { "rR".contains($0) })
            }
            return !word.isFixed || word.value.contains { "*?[{".contains($0) } || word.value.hasPrefix("/")
                || word.value.hasPrefix("~") || word.value.split(separator: "/").contains("..")
        }
    }

    /// Files of a user that say what runs at the next sign-in, or who may sign in.
    private static let startFiles = [
        "/.bashrc", "/.profile", "/.bash_profile", "/.bash_login", "/.bash_logout", "/.bash_aliases", "/.zshrc",
        "/.zshenv",
        "/.zprofile", "/.zlogin", "/.config/fish/config.fish", "/.ssh/authorized_keys", "/.ssh/authorized_keys2",
        "/.ssh/rc",
        "/.ssh/config", "/.pam_environment", "/.gitconfig", "/.xprofile", "/.xsessionrc",
    ]
    private static let startFolders = [
        "/.config/systemd/user/", "/.local/share/systemd/user/", "/.config/autostart/", "/.git/hooks/",
        "/var/spool/cron/",
    ]

    /// Whether a path is a device or belongs to the system, or says what runs at the next sign-in.
    func isSystem(_ word: String) -> Bool {
        let meant = context.path(word) ?? "/" + word
        if Self.startFiles.contains(where: { meant.hasSuffix($0) })
            || Self.startFolders.contains(where: { meant.contains($0) })
        {
            return true
        }
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
    }

    /// Whether a word names a file that holds keys or passwords.
    func isSecret(_ word: String) -> Bool {
        let text = word.split(separator: "=", maxSplits: 1).last.map(String.init) ?? word
        let path = context.path(text.hasPrefix("@") ? String(text.dropFirst()) : text) ?? text
        if ["/etc/shadow", "/etc/gshadow", "/etc/sudoers"].contains(path) || path.hasPrefix("/etc/ssh/ssh_host_") {
            return !path.hasSuffix(".pub")
        }
        for part in Self.secretFiles where path.contains(part) || (text.hasPrefix("~") && text.contains(part)) {
            return !path.hasSuffix(".pub")
        }
        if let pattern = path.firstIndex(where: { "*?[{".contains($0) }), !path.hasSuffix(".pub") {
            // What stands before the pattern may be the beginning of such a name: `~/.ssh/*`, `~/.net*`.
            let fixed = path[..<pattern]
            if let hidden = fixed.range(ofLast: "/."), fixed[hidden.upperBound...].utf8.count > 0,
                Self.secretFiles.contains(where: { $0.hasPrefix(fixed[hidden.lowerBound...]) })
            {
                return true
            }
        }
        return path.hasPrefix("/proc/") && path.hasSuffix("/environ")
    }

    /// Programs that take whole folders along.
    static let packers: Set<String> = [
        "tar", "bsdtar", "zip", "7z", "7za", "cp", "rsync", "scp", "grep", "rg", "cpio", "mv",
    ]

    /// Whether a word names a folder that holds keys.
    static func isKeyFolder(_ word: String) -> Bool {
        let path = word.hasSuffix("/") ? String(word.dropLast()) : word
        return [".ssh", ".aws", ".gnupg", ".kube", ".azure", ".docker"].contains {
            path == $0 || path.hasSuffix("/" + $0)
        }
    }

    private static let secretFiles = [
        "/.ssh/id_", "/.aws/credentials", "/.netrc", "/.pgpass", "/.azure/", "/.gnupg/", "/.docker/config.json",
        "/.kube/config", "/.git-credentials", "/.config/gh/hosts.yml",
    ]

    /// Whether a web client sends more than a question.
    static func uploads(_ name: String, _ words: [String]) -> Bool {
        let flags = [
            "-d", "--data", "--data-raw", "--data-binary", "--data-urlencode", "--data-ascii", "--json", "-F", "--form",
            "-T", "--upload-file", "--post-data", "--post-file", "--body-data", "--body-file", "--form-string",
        ]
        for (index, word) in words.enumerated() {
            let flag = word.split(separator: "=", maxSplits: 1).first.map(String.init) ?? word
            if flags.contains(flag) { return true }
            // Long options may be shortened; a file of options may hold any of them.
            if ["--dat", "--form", "--uplo", "--json", "--post", "--body-", "--conf"].contains(where: flag.hasPrefix) {
                return true
            }
            if name == "curl", word.hasPrefix("-"), !word.hasPrefix("--"),
                word.dropFirst().contains(where: { "dFTK".contains($0) })
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
        for (index, word) in words.enumerated() {
            let isMount = ["-v", "--volume", "--mount"].contains(word)
            let value = isMount && index + 1 < words.count ? words[index + 1] : word
            guard isMount || ["-v/", "--volume=", "--mount="].contains(where: word.hasPrefix) else { continue }
            if Self.isMachine(mounted: value) { return .rights }
        }
        if words.contains(where: { $0 == "--privileged" || $0.hasPrefix("--pid=host") || $0 == "exec" || $0 == "push" })
        {
            return words.contains("push") ? .network : words.contains("exec") ? .writes : .rights
        }
        return words.first(where: { !$0.hasPrefix("-") }).map { looks.contains($0) } == true ? .reads : .writes
    }

    /// Whether a mount hands a container the machine's own files, or its engine's socket.
    private static func isMachine(mounted value: String) -> Bool {
        let sources = value.split(separator: ",").compactMap { part -> Substring? in
            for start in ["--volume=", "--mount=", "source=", "src=", "-v"] where part.hasPrefix(start) {
                return part.dropFirst(start.count)
            }
            return part.hasPrefix("/") ? part : nil
        }
        return sources.contains { source in
            let path = source.prefix { $0 != ":" }
            return path == "/" || path.hasSuffix("docker.sock")
                || ["/etc", "/root", "/home", "/usr", "/boot", "/dev", "/proc", "/sys", "/var"].contains {
                    path == $0 || path.hasPrefix($0 + "/") && $0 != "/home"
                }
        }
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

extension StringProtocol {
    /// Where a text begins and ends that occurs last.
    fileprivate func range(ofLast text: String) -> Range<Index>? {
        var index = endIndex
        while index > startIndex {
            index = self.index(before: index)
            if self[index...].hasPrefix(text) { return index..<self.index(index, offsetBy: text.count) }
        }
        return nil
    }
}

extension String {
    fileprivate func replacingPrefix(_ prefix: String) -> String {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : self
    }
}
