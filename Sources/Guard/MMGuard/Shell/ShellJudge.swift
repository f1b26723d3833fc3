internal import MMCore
import ShellSyntax

/// Judges shell commands by what stands in them.
///
/// A shell can do what its user can, in ways that no text shows: this is the guard's word on what a command says it does.
/// The walls are the sandbox profiles.
struct ShellJudge {
    /// What the texts of one call write, those within others too.
    final class Record {
        var memory: ShellMemory
        init(_ memory: ShellMemory) { self.memory = memory }
    }

    var context: ShellContext
    let record: Record
    /// What variables were set to in this text, where that is fixed.
    var variables: [String: String] = [:]
    /// Variables that hold the name of a new temporary file or folder, wherever they are used.
    var scratch: Set<String> = []
    static let deepest = 8

    init(context: ShellContext, memory: ShellMemory = ShellMemory()) {
        self.context = context
        record = Record(memory)
    }

    /// What is found in a text.
    func findings(in text: String, depth: Int = 0) -> [GuardFinding] {
        guard depth < Self.deepest else { return [finding(.unreadable, subject: "commands within commands")] }
        let script: ShellScript
        do throws(ShellRefusal) {
            script = try ShellScript.parse(text, as: .whole)
        } catch {
            return [finding(.unreadable, subject: error.construct, more: ": \(error.construct)")]
        }
        var found: [GuardFinding] = []
        let fed = Set(script.commands.filter(\.readsPipe).compactMap { $0.words.first?.value })
        let functions = Set(script.functions)
        var judge = self
        judge.scratch.formUnion(Self.scratchVariables(script))
        for binding in script.bindings { found += judge.binding(binding, depth) }
        var previous: ShellScript.Command?
        for var call in script.commands {
            judge.expand(&call)
            // What a plain text is written by can be read where it stands.
            if call.readsPipe, previous?.controlOperator == .pipe, let text = previous.flatMap(judge.output) {
                call.document = text
                call.readsPipe = false
            }
            found += judge.judge(call, depth)
            judge.follow(call)
            if let name = call.words.first?.value, functions.contains(name), fed.contains(name) {
                found.append(finding(.recursion, subject: name))
            }
            previous = call
        }
        return found
    }

    func finding(_ rule: ShellRule, subject: String, more: String = "") -> GuardFinding {
        let shown = String(subject.prefix(60))
        return GuardFinding(
            rule: rule.rawValue, classes: rule.classes, kind: rule.kind,
            reason: "“\(shown)”: \(rule.reason)\(more)", instead: rule.instead, subject: shown)
    }

    // MARK: One command

    func judge(_ call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        var found: [GuardFinding] = []
        for assignment in call.assignments {
            let name = assignment.value.prefix { $0 != "=" && $0 != "+" && $0 != "[" }
            let value = assignment.value.drop { $0 != "=" }.dropFirst()
            found += variable(
                String(name), ShellScript.Word(String(value), isFixed: assignment.isFixed),
                isHanded: !call.words.isEmpty, depth)
        }
        for redirect in call.redirections where redirect.opensFile { found += judge(redirect) }
        // The brackets of a test are no pattern.
        for word in call.words where !["[", "[["].contains(word.value) && context.isOwn(word.value) {
            found.append(finding(.ownFiles, subject: word.value))
        }
        // Within such words the shell runs what stands in the variable, or in the subscript.
        for word in call.words + call.assignments + call.redirections.map(\.target) where word.value.contains("@P}") {
            found.append(finding(.dynamic, subject: word.value))
        }
        if let text = call.document, text.contains("@P}") { found.append(finding(.dynamic, subject: "@P")) }
        let prints = ShellPrograms.printers.contains(call.program)
        let packs = Self.packers.contains(call.program)
        for word in call.words.dropFirst()
        where isSecret(word.value) || prints && Self.isSettings(word.value) || packs && Self.isKeyFolder(word.value) {
            found.append(finding(.secrets, subject: word.value))
        }
        if readsAll(call) { found.append(finding(.secrets, subject: call.program)) }
        guard let first = call.words.first else { return found }
        guard first.isFixed, !first.value.contains(where: { "*?[{".contains($0) }) || ["[", "[["].contains(first.value)
        else {
            return found + [finding(.dynamic, subject: first.value)]
        }
        found += judge(named: call, depth)
        return found
    }

    private func judge(_ redirect: ShellScript.Redirection) -> [GuardFinding] {
        let target = redirect.target.value
        if context.isOwn(target) { return [finding(.ownFiles, subject: target)] }
        if !redirect.writes { return isSecret(target) ? [finding(.secrets, subject: target)] : [] }
        if target.hasPrefix("/dev/tcp/") || target.hasPrefix("/dev/udp/") {
            return [finding(.network, subject: target)]
        }
        if ["/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty", ""].contains(target) { return [] }
        if isSystem(target) { return [finding(.device, subject: "> " + target)] }
        return [finding(.writes, subject: "> " + target)]
    }

    private func judge(named call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        let name = call.program
        let words = call.arguments.map(\.value)
        func one(_ rule: ShellRule) -> [GuardFinding] {
            [finding(rule, subject: ([name] + words.prefix(3)).joined(separator: " "))]
        }
        var found: [GuardFinding] = []
        if let started = starts(call, depth) { return started }
        if Self.onlyLooks(name, words) { return one(.reads) }
        if let written = runsWritten(call, depth) { found += written }
        if ShellPrograms.wrappers.contains(name) {
            if ShellPrograms.privileged.contains(name) { found += one(.rights) }
            return found + inner(of: call, depth)
        }
        if ShellPrograms.shells.contains(name) { return found + shell(call, depth) }
        if Self.isInterpreter(name) { return found + interpreter(call, depth) }
        if let row = CarriedText.table[name] { found += carried(call, row, depth) }
        if ShellPrograms.starters.contains(name) { found += started(among: call, depth) }
        if let text = call.document, ClientVerbs.readsLines(name) {
            for line in text.split(whereSeparator: \.isNewline) {
                let typed = line.split(separator: " ").map(String.init)
                if let rule = ClientVerbs.rule(name, typed) { found += [finding(rule, subject: "\(name): \(line)")] }
            }
        }
        if let rule = ClientVerbs.rule(name, words) {
            // A row that says it only looks has the last word.
            return rule == .reads && found.isEmpty ? one(.reads) : found + one(rule)
        }
        switch name {
        case "device": return equipment(call, depth)
        case "source", ".":
            if words.contains(where: Self.isStandardInput) || words.contains("<()") {
                return call.document.map { findings(in: $0, depth: depth + 1) } ?? one(.fed)
            }
        case "test", "[", "[[", "let", "declare", "typeset", "local", "readonly", "export", "mapfile", "readarray",
            "hash", "printf", "read", "unset", "compgen", "complete", "jobs", "enable", "bind", "fc":
            if let hidden = hiddenCommands(of: call, depth) { return hidden }
        case "eval", "trap", "alias", "su", "ssh": found += texts(of: call, depth)
        case "rm", "unlink", "rmdir": return one(removes(call) ? .removes : .writes)
        case "command" where words.first == "-v" || words.first == "-V": return one(.reads)
        case "find", "fd": return search(call, depth)
        case "git":
            found += git(call, depth)
            return found + one(Self.runsPrograms(git: words) ? .dynamic : Self.git(words))
        case "kill": return one(words.dropFirst().contains("-1") || words == ["-1"] ? .removes : .writes)
        case "logger":
            let sends = words.contains {
                $0 == "-n" || $0.hasPrefix("--serv") || $0.hasPrefix("-n") && !$0.hasPrefix("-no")
            }
            return one(sends ? .network : .reads)
        case "curl", "wget", "http", "https", "xh": return one(Self.uploads(name, words) ? .network : .writes)
        case "rsync":
            found += words.contains { $0.contains(":") && !$0.hasPrefix("-") } ? one(.network) : []
            found += words.contains { $0.hasPrefix("--del") || $0 == "--remove-source-files" } ? one(.removes) : []
            return found.isEmpty ? one(.writes) : found
        case "dd", "tee", "cp", "mv", "install", "ln", "truncate":
            if words.contains(where: {
                isSystem($0.hasPrefix("of=") ? String($0.dropFirst(3)) : $0) && !$0.hasPrefix("if=")
            }) {
                // Copying from such a place is no change of it.
                let targets = name == "tee" || name == "dd" || name == "truncate" ? words : Array(words.suffix(1))
                if targets.contains(where: { isSystem($0.hasPrefix("of=") ? String($0.dropFirst(3)) : $0) }) {
                    return one(.device)
                }
            }
            return found + one(name == "truncate" ? .removes : .writes)
        case "chmod": return one(Self.opensUp(words) ? .rights : .writes)
        case "systemctl", "service", "rc-service", "launchctl":
            let looks: Set = [
                "status", "list-units", "list-unit-files", "is-active", "is-enabled", "show", "cat", "list",
            ]
            let verb = words.first { !$0.hasPrefix("-") && !(name == "service" && $0 == words.first) }
            if verb.map({ looks.contains($0) || $0.hasPrefix("list-") }) ?? true { return one(.reads) }
            // A user's own services act with the user's own rights.
            return one(words.contains("--user") ? .writes : .rights)
        case "docker", "podman", "kubectl", "helm", "terraform", "tofu", "oc", "nerdctl", "docker-compose":
            return found + one(Self.cluster(words))
        case "gpg", "gpg2": return one(words.contains { $0.hasPrefix("--export-secret") } ? .secrets : .writes)
        case "mm": return call.assignments.isEmpty ? own(words, one) : one(.ownProgram)
        case "mm-mcp", "mm-sandbox": return one(.ownProgram)
        default: break
        }
        switch name {
        case "export", "declare", "typeset", "readonly", "local", "read", "printf", "mapfile", "readarray", "getopts":
            let set = sets(call, depth)
            return set.isEmpty ? one(.reads) : set
        case "apt", "apt-get", "dpkg", "rpm", "dnf", "yum", "brew", "apk", "pacman", "snap":
            let looks: Set = [
                "list", "search", "show", "info", "policy", "-l", "-L", "-s", "-S", "-qa", "-q", "-qi", "-ql",
                "madison",
                "--list", "--version",
            ]
            return one(words.first.map { looks.contains($0) } == true ? .reads : .software)
        default: break
        }
        if name.hasPrefix("mkfs.") || ShellPrograms.destroyers.contains(name) { return found + one(.removes) }
        if ShellPrograms.privileged.contains(name) { return found + one(.rights) }
        if ShellPrograms.software.contains(name) { return found + one(.software) }
        if ShellPrograms.carriers.contains(name) { return found + one(.network) }
        if ShellPrograms.mailers.contains(name) { return found + one(.mail) }
        if ShellPrograms.readers.contains(name) { return found + one(looks(call) ?? .reads) }
        found += embedded(in: call, depth)
        // A program that nothing is known of runs with the user's rights, as the user's own programs do.
        return found + one(Self.removesToo(name, words) ? .removes : .writes)
    }

    // MARK: Commands within commands

    /// What a wrapper such as `env` or `sudo` starts.
    private func inner(of call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        let name = call.program
        let arguments = call.arguments.map(\.value)
        if name == "command", ["-v", "-V"].contains(arguments.first) {
            return [finding(.reads, subject: "command -v")]
        }
        var index = 1
        var isUnsure = false
        var leading = ShellPrograms.leadingWords[name] ?? 0
        var set: [GuardFinding] = []
        let takesValue = ShellPrograms.valueOptions[name] ?? []
        while index < call.words.count {
            let word = call.words[index]
            if name == "env", let split = Self.split(call.words[index...]) { return text(split, depth) }
            if word.value == "--" {
                index += 1
                break
            }
            if word.value.hasPrefix("-"), word.value.count > 1 {
                // Of an option that isn't known nobody can say whether the next word belongs to it.
                isUnsure = !takesValue.contains(word.value) && word.value.hasPrefix("--") && !word.value.contains("=")
                index += takesValue.contains(word.value) ? 2 : 1
                if isUnsure { continue }
            } else if word.value.contains("="), name == "env" || name == "sudo" || name == "doas" {
                set += variable(String(word.value.prefix { $0 != "=" }), isHanded: true)
                index += 1
            } else if leading > 0 {
                leading -= 1
                index += 1
            } else {
                break
            }
        }
        guard let inside = call.inner(index..<call.words.count) else { return set + [finding(.reads, subject: name)] }
        var found = set
        found += depth < Self.deepest ? judge(inside, depth + 1) : [finding(.unreadable, subject: name)]
        if isUnsure, depth < Self.deepest, let later = call.inner((index + 1)..<call.words.count) {
            found += judge(later, depth + 1).filter(Self.weighs)
        }
        if ShellPrograms.joiners.contains(name), inside.words.contains(where: { $0.value.contains(" ") }) {
            found += findings(in: inside.words.map(\.value).joined(separator: " "), depth: depth + 1).filter(
                Self.weighs)
        }
        // What xargs appends is not known: for what removes, it is as bad as a pattern.
        if name == "xargs" || name == "parallel", ["rm", "unlink"].contains(inside.program) {
            found.append(finding(.removes, subject: "\(name) \(inside.program)"))
        }
        return found
    }

    /// A text that is run as a command.
    func text(_ word: ShellScript.Word, _ depth: Int) -> [GuardFinding] {
        guard word.isFixed else { return [finding(.dynamic, subject: word.value)] }
        return findings(in: word.value, depth: depth + 1)
    }

    private func texts(of call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        var words = Array(call.arguments)
        if words.first?.value == "--" { words.removeFirst() }
        switch call.program {
        case "eval":
            if words.count == 1, Self.isOwnOutput(words[0].value) { return [finding(.writes, subject: words[0].value)] }
            guard words.allSatisfy(\.isFixed) else { return [finding(.dynamic, subject: "eval")] }
            return findings(in: words.map(\.value).joined(separator: " "), depth: depth + 1)
        case "trap": return words.count > 1 && words[0].value != "-" ? text(words[0], depth) : []
        case "alias":
            return words.flatMap { word -> [GuardFinding] in
                guard let equals = word.value.firstIndex(of: "=") else { return [] }
                return text(
                    ShellScript.Word(String(word.value[word.value.index(after: equals)...]), isFixed: word.isFixed),
                    depth)
            }
        case "su":
            guard let index = words.firstIndex(where: { $0.value == "-c" || $0.value == "--command" }),
                index + 1 < words.count
            else { return [] }
            return text(words[index + 1], depth)
        default: return []
        }
    }

    /// A shell that is started: with a text of its own, a file, or what it is fed.
    private func shell(_ call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        let words = Array(call.arguments)
        if let index = words.firstIndex(where: {
            $0.value.hasPrefix("-") && !$0.value.hasPrefix("--") && $0.value.contains("c")
        }) {
            guard index + 1 < words.count else { return [finding(.unreadable, subject: call.program)] }
            return text(words[index + 1], depth)
        }
        if let document = call.document { return findings(in: document, depth: depth + 1) }
        if words.contains(where: { Self.isStandardInput($0.value) }), call.readsPipe {
            return [finding(.fed, subject: call.program)]
        }
        let runsFile = words.contains { !$0.value.hasPrefix("-") } && !words.contains { $0.value == "-s" }
        if call.readsPipe, !runsFile { return [finding(.fed, subject: call.program)] }
        if words.contains(where: { $0.value == "<()" }) { return [finding(.fed, subject: call.program)] }
        // A file of start-up commands is run before the first line is.
        if words.contains(where: { $0.value.hasPrefix("--rcfile") || $0.value.hasPrefix("--init-file") }) {
            return [finding(.dynamic, subject: call.program)]
        }
        return [finding(.writes, subject: ([call.program] + words.prefix(2).map(\.value)).joined(separator: " "))]
    }

    private func runsInput(_ words: [String]) -> Bool {
        words.isEmpty || words.contains("-")
            || words.allSatisfy { $0.hasPrefix("-") && !["-c", "-e", "-m"].contains($0) }
    }

    private func search(_ call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        let words = call.words
        var found: [GuardFinding] = []
        var index = 0
        while index < words.count {
            let word = words[index]
            index += 1
            switch word.value {
            case "-delete": found.append(finding(findsMadeAgain(call) ? .writes : .removes, subject: "find -delete"))
            case "-exec", "-execdir", "-ok", "-okdir", "-x", "-X":
                // What is started ends where the program says so: each word belongs to one command alone.
                let end = words[index...].firstIndex { $0.value == ";" || $0.value == "+" } ?? words.count
                guard let inside = call.inner(index..<end) else { continue }
                index = end + 1
                found +=
                    depth < Self.deepest ? judge(inside, depth + 1) : [finding(.unreadable, subject: call.program)]
                if ["rm", "unlink", "shred"].contains(inside.program) {
                    found.append(finding(.removes, subject: "find \(word.value) \(inside.program)"))
                }
            case "-fprint", "-fprint0", "-fprintf", "-fls":
                let file = index < words.count ? words[index].value : ""
                found.append(finding(isSystem(file) ? .device : .writes, subject: "\(word.value) \(file)"))
            default: continue
            }
        }
        return found.isEmpty ? [finding(.reads, subject: call.program)] : found
    }
}
