internal import MMCore
import ShellSyntax

/// What stands around a command of which no table tells everything: files that run later and are named to it, files that the
/// session wrote and it reads, and texts that only a program with a language of its own would take.
extension ShellJudge {
    // MARK: Places from which something runs later

    private static let laterPlaces = [
        "/etc/cron", "/etc/at.", "/var/spool/cron", "/etc/profile", "/etc/bash", "/etc/zsh", "/etc/sudoers",
        "/etc/ld.so",
        "/etc/systemd/", "/etc/init", "/etc/rc", "/etc/pam", "/etc/passwd", "/etc/shadow", "/etc/group", "/etc/ssh/",
        "/etc/udev/", "/etc/security/", "/etc/apt/", "/etc/logrotate", "/etc/modules", "/etc/modprobe", "/lib/systemd/",
        "/usr/lib/systemd/", "/etc/environment", "/etc/xdg/autostart", "/boot/",
    ]

    /// Whether a path is one of those from which the system, or whoever signs in, later runs or loads something.
    func runsLater(_ path: String) -> Bool {
        if Self.laterPlaces.contains(where: path.hasPrefix) { return true }
        return !path.hasPrefix("/usr/") && !path.hasPrefix("/dev/") && !path.hasPrefix("/proc/") && isSystem(path)
            && !path.hasPrefix("/etc/") && !path.hasPrefix("/sys/") && !path.hasPrefix("/bin/")
            && !path.hasPrefix("/lib")
    }

    /// Whether what is written there changes the machine: a place of the system, and on a host, which has no walls, every place
    /// that is neither a home, nor for temporary files, nor below where the session stands.
    func isOfMachine(_ word: String) -> Bool {
        if isSystem(word) { return true }
        guard context.isRemote, word.hasPrefix("/") else { return false }
        let path = context.path(word) ?? word
        if let directory = context.directory, directory.count > 1, (path + "/").hasPrefix(directory + "/") {
            return false
        }
        return !["/tmp/", "/var/tmp/", "/home/", "/root/", "/dev/", "/run/user/", "/mnt/", "/media/", "/Users/"]
            .contains {
                (path + "/").hasPrefix($0)
            }
    }

    /// Such a path that stands somewhere in a text.
    func laterPlace(in text: String) -> String? {
        text.split { " \t\n'\"@,;=:".contains($0) }.lazy.map(String.init).first { word in
            (word.hasPrefix("/") || word.hasPrefix("~")) && runsLater(word)
        }
    }

    /// Options whose value is a file that is read.
    private static func reads(_ option: String) -> Bool {
        if ["-c", "-f", "-i", "-C", "-F", "-I", "-r", "-R", "-e", "-p", "-k", "-s", "-T", "-u"].contains(option) {
            return true
        }
        let parts = option.drop { $0 == "-" }.lowercased().split { "-_".contains($0) }
        return parts.contains { part in
            [
                "config", "conf", "cfg", "file", "input", "in", "from", "source", "src", "ca", "cert", "cacert", "key",
                "rcfile",
                "settings", "root", "read", "list", "include", "exclude", "template", "schema",
            ].contains(part)
        }
    }

    /// The file of the system that a program writes, as the place among its words says: the value of an option that is none of
    /// those that read, or the last of several operands.
    func namedPlace(of call: ShellScript.Command) -> String? {
        let words = call.arguments.map(\.value)
        let operands = words.indices.filter { index in
            !words[index].hasPrefix("-")
                && (index == 0 || !words[index - 1].hasPrefix("--") || words[index - 1].contains("="))
        }
        for (index, word) in words.enumerated() {
            let option = word.hasPrefix("-") ? String(word.prefix { $0 != "=" }) : nil
            if let option {
                guard word.count > option.count + 1, !Self.reads(option) else { continue }
                let value = String(word.dropFirst(option.count + 1))
                if value.hasPrefix("/") || value.hasPrefix("~") {
                    if runsLater(value) { return value }
                } else if let place = laterPlace(in: value), value.contains(where: { "@%#".contains($0) }) {
                    return place
                }
                continue
            }
            guard runsLater(word) else { continue }
            if index > 0, words[index - 1].hasPrefix("-"), !words[index - 1].contains("=") {
                let before = words[index - 1]
                let isBundle = !before.hasPrefix("--") && before.count > 2
                if Self.reads(isBundle ? "-\(before.suffix(1))" : before) { continue }
                return word
            }
            if index == operands.last, operands.count > 1 { return word }
        }
        return nil
    }

    /// Programs that show, compare and find, and take no text that they would run.
    private static let lookers: Set<String> = [
        "locate", "plocate", "mlocate", "exa", "eza", "lsd", "dust", "duf", "colordiff", "difft", "icdiff", "wdiff",
        "sdiff",
        "diff3", "zdiff", "xzdiff", "zcmp", "xzgrep", "bzgrep", "zipgrep", "ack", "pt", "ugrep", "rga", "vgrep",
        "md5deep", "rhash",
        "getfacl", "getfattr", "lsattr", "namei", "systemd-analyze", "augtool", "debsums", "cloc", "scc", "tokei",
        "meld",
        "sshd", "named-checkconf", "nginx", "apachectl", "apache2ctl", "promtool", "shellcheck", "yamllint", "visudo",
    ]

    /// Whether what stands last among a program's words, or behind its options, may be a file that it writes.
    static func writesPlaces(_ name: String) -> Bool {
        !lookers.contains(name) && !ShellPrograms.readers.contains(name) && !ShellPrograms.shells.contains(name)
            && !isInterpreter(name) && CarriedText.table[name]?.operand == nil && !ClientVerbs.isCloud(name)
            && !ShellPrograms.privileged.contains(name)
            && ![
                "git", "tar", "cp", "mv", "ln", "install", "scp", "ssh", "rsync", "find", "fd", "ed", "zip", "docker",
                "podman",
            ]
            .contains(name)
    }

    // MARK: Files that the session wrote

    /// Programs whose operands are files that they move or keep, and don't take for anything.
    private static let movers: Set<String> = [
        "cp", "mv", "ln", "install", "rename", "chmod", "chown", "chgrp", "touch", "rm", "unlink", "rmdir", "shred",
        "tee", "dd",
        "truncate", "mkdir", "tar", "zip", "gzip", "xz", "bzip2", "zstd", "git", "scp", "rsync", "sftp", "curl", "wget",
        "sed",
        "find", "fd", "mktemp", "dos2unix", "unix2dos", "shellcheck", "shfmt", "prettier", "eslint", "gpg", "openssl",
        "test",
        "vi", "vim", "nano", "code", "emacs", "docker", "podman", "unzip", "patch",
    ]

    /// What is found in files that the session wrote and a program reads, because it is told so, because they are called like it,
    /// or because it builds what lies in its folder.
    func readsWritten(_ call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        var found: [GuardFinding] = []
        for assignment in call.assignments where !call.words.isEmpty {
            let value = assignment.value.drop { $0 != "=" }.dropFirst()
            found += written(String(value), by: nil, depth) ?? []
        }
        let name = call.program
        guard !record.memory.files.isEmpty, !ShellPrograms.shells.contains(name), !Self.isInterpreter(name),
            !Self.movers.contains(name), CarriedText.table[name]?.usual.isEmpty ?? true
        else { return found }
        let isReader = ShellPrograms.readers.contains(name)
        let builds = ShellPrograms.verbless.contains(name) && CarriedText.table[name] == nil
        let named =
            isReader
            ? []
            : Set(
                call.arguments.map {
                    ShellMemory.name($0.value.split { "=@".contains($0) }.last.map(String.init) ?? "")
                })
        for (file, texts) in record.memory.files.sorted(by: { $0.key < $1.key }) {
            let isOwn = name.utf8.count > 3 && file.hasPrefix(".") && file.dropFirst().hasPrefix(name)
            guard isOwn || builds || named.contains(file) else { continue }
            for text in texts { found += text.map { embedded(in: $0, depth) } ?? [] }
        }
        return found
    }

    // MARK: Texts for programs that nothing is known of

    /// Options behind which a program takes a text that it runs, by the letters that programs use for it.
    private static let textLetters: Set<String> = ["-e", "-c", "-x", "-E", "-ex", "-cmd", "-r"]

    /// What a host is asked about before a program that nothing is known of gets a text which only a language would hold.
    func takesText(_ call: ShellScript.Command) -> [GuardFinding] {
        // Texts of a program that the table knows were read in its language.
        guard context.asksInterpreters, CarriedText.table[call.program] == nil else { return [] }
        let words = call.arguments.map(\.value)
        for (index, word) in words.enumerated() where Self.textLetters.contains(word) && index + 1 < words.count {
            let text = words[index + 1]
            let isCode =
                text.contains(where: { "();{}`!".contains($0) }) && text.contains(where: { "( !".contains($0) })
            if isCode || text.hasPrefix("/bin/") || text.hasPrefix("/tmp/") {
                return [finding(.interpreter, subject: "\(call.program) \(word) \(text)")]
            }
        }
        for word in words where Self.isCode(word) {
            return [finding(.interpreter, subject: "\(call.program) \(word)")]
        }
        return []
    }

    /// Whether a text is written in a language: it calls something with a value, or joins statements.
    private static func isCode(_ text: String) -> Bool {
        guard text.contains("("), text.contains(")") else { return false }
        let calls = ["system(", "exec(", "eval(", "popen(", "spawn(", "shell(", "open(", "run(", "os.", "process("]
        return calls.contains(where: text.contains)
    }
}
