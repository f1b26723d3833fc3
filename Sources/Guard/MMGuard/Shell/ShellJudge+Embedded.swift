internal import MMCore
import ShellSyntax

/// Commands in the arguments of programs that the table of carriers lacks, found from the text.
extension ShellJudge {
    /// Judges the command among the arguments of a program that starts one: `docker exec NAME rm -rf /data`.
    /// - Parameter isKnown: whether the program is known to start others. Otherwise only words that are almost
    ///   certainly a command count.
    func started(among call: ShellScript.Command, _ depth: Int, isKnown: Bool = true) -> [GuardFinding] {
        guard depth < Self.deepest else { return [finding(.unreadable, subject: call.program)] }
        func counts(_ finding: GuardFinding) -> Bool { Self.weighs(finding) || finding.rule == ShellRule.fed.rawValue }
        var found = ShellWords.contains(call.program, in: "secret-starters") ? withSecrets(call, depth) : []
        let package = Self.package(in: call.words.map(\.value))
        let mark =
            call.words.firstIndex { ShellWords.contains($0.value, in: "command-marks") } ?? call.words.endIndex
        for index in call.words.indices.dropFirst() {
            let word = call.words[index]
            let name = word.value.split(separator: "/").last.map(String.init) ?? ""
            if let package, index < package.index { continue }
            // Only the command follows this separator.
            if word.value == "--", isKnown, Self.divided.contains(call.program),
                let inside = call.inner(from: index + 1)
            {
                return found + judge(inside, depth + 1).filter(counts)
            }
            let isTerminal = ["tmux", "screen"].contains(call.program)
            if isKnown, word.value.contains(" ") {
                found += isTerminal ? handed(word, depth) : embedded(in: word.value, depth)
            }
            // The program's own verb may have the name of a command: `docker rm`, `npm exec`.
            let isFirst =
                !isKnown
                || [
                    "npx", "bunx", "uvx", "tmux", "screen", "watchexec", "nodemon", "viddy", "ld.so", "bwrap", "honcho",
                ].contains(call.program)
            let isProgram = Self.programFolders.contains { word.value.hasPrefix($0) }
            let isNamed = isKnown && index == package?.index
            let isTold = mark < index
            let isCommand =
                isKnown
                ? isStrong(name) || isNamed || isTold && isClient(name)
                    || isTerminal && ShellPrograms.carriers.contains(name)
                : isProgram && (isStrong(name) || ShellPrograms.privileged.contains(name))
                    || ["rm", "sh", "bash", "sudo", "shred"].contains(word.value)
                        && index + 1 < call.words.count && call.words[index + 1].value.hasPrefix("-")
            guard index > 1 || isFirst, word.isFixed, !word.value.hasPrefix("-"), isCommand,
                var inside = call.inner(from: index)
            else { continue }
            if isNamed { inside.words[0].value = Self.program(ofPackage: word.value) }
            let isFetched = isNamed && package?.isFetched == true
            if package?.isCertain == true, isNamed, kind(inside, depth + 1) == nil,
                leavesWorkspace(inside, isFetched: true)
            {
                found.append(finding(.stranger, subject: inside.name))
            }
            found += judge(inside, depth + 1).filter {
                counts($0) || isFetched && $0.rule == ShellRule.stranger.rawValue
            }
            if !isKnown, context.asksInterpreters, ShellPrograms.shells.contains(name) {
                found.append(finding(.interpreter, subject: "\(call.program) \(word.value)"))
            }
            // An image or a service may have the name of a program.
            if !isKnown || !found.isEmpty || !ShellWords.contains(call.program, in: "container-clients") {
                return found
            }
        }
        return found
    }

    /// Judges the command to which a program gives secrets in its environment or in a file `{}`: whether it shows them,
    /// and as a text for a shell.
    private func withSecrets(_ call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        call.arguments.enumerated().flatMap { index, word -> [GuardFinding] in
            // The command may be the value of an option: `--command='echo $X'`.
            let isOption = word.value.hasPrefix("--") && word.value.contains("=")
            let text = isOption ? String(word.value.drop { $0 != "=" }.dropFirst()) : word.value
            let commands = (try? ShellScript.parse(text, as: .whole))?.commands ?? []
            let isText = text.contains(" ")
            let shows = commands.contains { inside in
                let words = inside.arguments.map(\.value)
                return switch inside.program {
                case "printenv": true
                case "env", "export", "set": words.isEmpty && (isText || index == call.arguments.count - 1)
                case "echo", "printf": words.contains { $0.contains("$") }
                default: ShellPrograms.printers.contains(inside.program) && words.contains("{}")
                }
            }
            return (isText ? handed(ShellScript.Word(text, isFixed: word.isFixed), depth) : [])
                + (shows ? [finding(.secrets, subject: word.value)] : [])
        }
    }

    /// Returns the place of the word by which a package runner names what it runs, whether it may fetch that from a
    /// registry, and whether it certainly does, as nothing of the project has that name or version: `npx -y NAME`,
    /// `pipx run NAME`, `bundle exec NAME`.
    static func package(in words: [String]) -> (index: Int, isFetched: Bool, isCertain: Bool)? {
        guard let first = words.first.map({ ShellMemory.name($0) }) else { return nil }
        var index = 1
        var isFetched = ["npx", "bunx", "uvx", "pnpx"].contains(first)
        if !isFetched {
            guard ShellWords.contains(first, in: "project-runners") else { return nil }
            if words.count > 2, words[1] == "tool" { index = 2 }
            guard index < words.count, ["exec", "run", "x", "dlx"].contains(words[index]) else { return nil }
            isFetched =
                words[index] == "dlx" || words[index] == "x" || index == 2 || first == "pipx"
                || words.contains { $0.hasPrefix("--package") }
            index += 1
        }
        let taking: Set = [
            "-n", "--name", "--from", "--with", "--package", "-p", "--python", "--spec", "--group", "--extra",
        ]
        while index < words.count, words[index].hasPrefix("-"), words[index] != "--" {
            index += taking.contains(words[index]) ? 2 : 1
        }
        if index < words.count, words[index] == "--" { index += 1 }
        guard index < words.count else { return nil }
        let isTold = words[..<index].contains {
            ["-y", "--yes", "-p", "dlx"].contains($0) || $0.hasPrefix("--package")
        }
        let isCertain = isTold || isFetched && (first != "npx" || words[index].dropFirst().contains("@"))
        return (index, isFetched || isTold, isCertain)
    }

    /// Returns the name of the program that a package has: `@angular/cli@17` is called `cli`.
    static func program(ofPackage package: String) -> String {
        let parts = package.split(separator: "/").map(String.init)
        // A scope's tool has the scope's name.
        let name = parts.count > 1 && parts[1].hasPrefix("cli") ? parts[0].filter { $0 != "@" } : parts.last ?? package
        return name.firstIndex { "@=".contains($0) }.map { String(name[..<$0]) } ?? name
    }

    private static let programFolders = ["/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/local/bin/"]

    private static let divided: Set<String> = ["kubectl", "oc", "doppler", "aws-vault", "chamber", "envchain"]

    private func isClient(_ name: String) -> Bool {
        ClientVerbs.isClient(name) || ShellWords.contains(name, in: "container-clients")
    }

    private func isStrong(_ name: String) -> Bool {
        CarriedText.table[name] != nil || name == "redis-cli" || ShellPrograms.shells.contains(name)
            || ShellPrograms.noticed.contains(name)
            || ShellPrograms.destroyers.contains(name)
            || ShellPrograms.wrappers.contains(name) || Self.isInterpreter(name)
            || ["find", "chown", "chmod", "curl", "wget"].contains(name)
    }

    /// Judges the commands in the arguments of an unknown program.
    func embedded(in call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        var found: [GuardFinding] = []
        var isMessage = false
        for word in call.arguments {
            defer { isMessage = Self.takesMessage(word.value) }
            if isMessage || !word.value.contains(where: \.isWhitespace) { continue }
            if let equals = word.value.firstIndex(of: "="), Self.takesMessage(String(word.value[..<equals])) {
                continue
            }
            found += embedded(in: word.value, depth)
        }
        return found
    }

    /// Returns whether the value of an option is only a message to people.
    private static func takesMessage(_ option: String) -> Bool {
        [
            "-m", "--message", "--title", "--body", "--description", "--notes", "--comment", "--subject", "--summary",
            "-t", "-b", "-am",
        ].contains(option)
    }

    /// Judges the commands within a text, found by the name of a program that removes files or acts with other rights.
    func embedded(in text: String, _ depth: Int) -> [GuardFinding] {
        guard depth < Self.deepest, text.utf8.count <= 256 << 10 else { return [] }
        let bytes = Array(text.utf8)
        func isPart(_ byte: UInt8) -> Bool {
            (0x41...0x5A).contains(byte & 0xDF) || (0x30...0x39).contains(byte) || "_-./".utf8.contains(byte)
        }
        var found: [GuardFinding] = []
        var index = 0
        var left = 32
        while index < bytes.count, left > 0 {
            guard isPart(bytes[index]) else {
                index += 1
                continue
            }
            let start = index
            while index < bytes.count, isPart(bytes[index]) { index += 1 }
            let name = String(decoding: bytes[start..<index].split(separator: 0x2F).last ?? [], as: UTF8.self)
            guard ShellPrograms.noticed.contains(name) || name.hasPrefix("mkfs."), index < bytes.count,
                bytes[index] == 0x20
            else { continue }
            left -= 1
            let quote = start > 0 && "\"'`".utf8.contains(bytes[start - 1]) ? bytes[start - 1] : 0x0A
            let tail = bytes[start...].prefix { $0 != quote && $0 != 0x0A }
            var judged = findings(in: String(decoding: tail, as: UTF8.self), depth: depth + 1)
            if judged.contains(where: { $0.rule == ShellRule.unreadable.rawValue }) {
                let shorter = tail.prefix { !"\"'`)}".utf8.contains($0) }
                judged = findings(in: String(decoding: shorter, as: UTF8.self), depth: depth + 1)
            }
            found += judged.filter(Self.weighs)
        }
        return found
    }
}
