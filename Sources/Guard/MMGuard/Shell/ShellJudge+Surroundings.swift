internal import MMCore
import ShellSyntax

/// Effects that a command may have through its surroundings, for programs without a complete table entry: named files
/// that are run later, files that the session wrote and the program reads, and arguments that look like code for an
/// interpreter.
extension ShellJudge {
    /// Returns whether a project's program in the sandbox migrates, fills or tests what a setting or an option calls
    /// the production: `RAILS_ENV=production rake db:migrate`, `alembic -x env=prod upgrade head`. To build for it, and
    /// to serve it here, is usual.
    func actsOnProduction(_ call: ShellScript.Command) -> Bool {
        guard context.hasWalls, !call.words.isEmpty, !ShellPrograms.readers.contains(call.program) else { return false }
        return names(call, "production")
            && ([call.program] + call.words.prefix(5).dropFirst().map(\.value)).contains { word in
                !word.contains { "=/".contains($0) } && Self.says("production-acts", word)
            }
    }

    /// Adapts findings for a project's program that is told to work on what its tests made, which they make again:
    /// `RAILS_ENV=test rake db:reset`.
    func inTests(_ found: [GuardFinding], _ call: ShellScript.Command) -> [GuardFinding] {
        guard context.hasWalls, names(call, "test-stage"), !names(call, "production"),
            !call.words.contains(where: { Self.isAddress($0.value) })
        else { return found }
        return found.map { finding in
            let words = finding.subject?.split(separator: " ").map(String.init) ?? []
            let isTask = words.prefix(2).contains { word in
                ["migrators", "target-runners", "project-consoles"].contains { ShellWords.contains(word, in: $0) }
            }
            return isTask && finding.rule == ShellRule.removes.rawValue && words.first != "rm"
                ? self.finding(.writes, subject: words[0]) : finding
        }
    }

    static func says(_ list: String, _ text: some StringProtocol) -> Bool {
        text.lowercased().split { !$0.isLetter }.contains { ShellWords.contains(String($0), in: list) }
    }

    /// Returns whether a setting or an option names an environment of a list: `RAILS_ENV=production`, `-x env=prod`.
    private func names(_ call: ShellScript.Command, _ list: String) -> Bool {
        let words = call.words.map(\.value)
        return (call.assignments.map(\.value) + words.filter { $0.contains("=") }).contains { word in
            let name = word.prefix { $0 != "=" }
            return Self.says("environments", name) && Self.says(list, word.dropFirst(name.count))
        }
            || zip(words, words.dropFirst()).contains { option, value in
                (["-e", "-x"].contains(option) || option.hasPrefix("--") && Self.says("environments", option))
                    && !value.contains(" ") && Self.says(list, value)
            }
    }

    // MARK: Places from which something runs later

    private static let laterPlaces = ShellWords.list("later-places")

    /// Returns whether the system, or a user who signs in, later runs or loads files from this path.
    func runsLater(_ path: String) -> Bool {
        if Self.laterPlaces.contains(where: path.hasPrefix) { return true }
        return !path.hasPrefix("/usr/") && !path.hasPrefix("/dev/") && !path.hasPrefix("/proc/") && isSystem(path)
            && !path.hasPrefix("/etc/") && !path.hasPrefix("/sys/") && !path.hasPrefix("/bin/")
            && !path.hasPrefix("/lib")
    }

    /// Returns whether writing to a path changes the machine: paths of the system, and on a host, which has no sandbox,
    /// every path except home folders and folders for temporary files. A folder that isn't known is a home, in which
    /// sessions begin. Hidden names in a home and its `bin` are no exception: programs read their settings and code
    /// there, also such as otherwise only look.
    func isOfMachine(_ word: String) -> Bool {
        if isSystem(word) { return true }
        guard context.isRemote, let path = context.path(word) ?? context.path("~/" + word) else { return false }
        guard let rest = Self.behindHome(path) else {
            return !["/tmp/", "/var/tmp/", "/dev/", "/run/user/", "/mnt/", "/media/"].contains {
                (path + "/").hasPrefix($0)
            }
        }
        return rest.first.map { $0.hasPrefix(".") || $0 == "bin" } == true
    }

    /// Returns the parts of a path behind the home in which it is; `nil` outside of homes.
    static func behindHome(_ path: String) -> ArraySlice<Substring>? {
        let parts = path.split(separator: "/")
        switch parts.first {
        case "root": return parts.dropFirst()
        case "home", "Users": return parts.dropFirst(2)
        default: return nil
        }
    }

    /// Returns whether a place is a home itself, where the settings of shells are. A folder that isn't known is one.
    func isHome(_ place: String) -> Bool {
        guard let path = context.path(place) ?? context.path("~/" + place) else { return true }
        return Self.behindHome(path)?.isEmpty == true || path == context.path("~")
    }

    /// Returns the first such path in a text.
    func laterPlace(in text: String) -> String? {
        text.split { " \t\n'\"@,;=:".contains($0) }.lazy.map(String.init).first { word in
            (word.hasPrefix("/") || word.hasPrefix("~")) && runsLater(word)
        }
    }

    /// Returns whether an option's value is a file to read.
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

    /// Returns the file of the system that a program writes, by its position: the value of an option that doesn't name
    /// a file to read, or the last of several operands.
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

    /// Returns whether the last operand of a program, or the value of an option, may be a file that it writes.
    static func writesPlaces(_ name: String) -> Bool {
        !ShellWords.contains(name, in: "lookers") && !ShellPrograms.readers.contains(name)
            // The command that a wrapper starts is judged with its own words.
            && !ShellPrograms.shells.contains(name) && !ShellPrograms.wrappers.contains(name)
            && !isInterpreter(name) && CarriedText.table[name]?.operand == nil && !ClientVerbs.isClient(name)
            && !ShellPrograms.privileged.contains(name)
            && ![
                "git", "tar", "cp", "mv", "ln", "install", "scp", "ssh", "rsync", "find", "fd", "ed", "zip", "docker",
                "podman",
            ]
            .contains(name)
    }

    // MARK: Files that the session wrote

    /// Returns the findings in files that the session wrote and a program reads: because its arguments name them,
    /// because they have the name of its configuration file, or because it builds the contents of its folder.
    func readsWritten(_ call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        var found: [GuardFinding] = []
        for assignment in call.assignments where !call.words.isEmpty {
            let value = assignment.value.drop { $0 != "=" }.dropFirst()
            found += written(String(value), by: nil, depth) ?? []
        }
        let name = call.program
        for (file, texts) in record.memory.files where runs(file, call) && record.open.insert(file).inserted {
            defer { record.open.remove(file) }
            for text in texts {
                found += text.map { judge(buildFile: file, $0, depth) } ?? [finding(.fed, subject: "\(name) \(file)")]
            }
        }
        guard !record.memory.files.isEmpty, !ShellPrograms.shells.contains(name), !Self.isInterpreter(name),
            !ShellWords.contains(name, in: "movers"), CarriedText.table[name]?.usual.isEmpty ?? true
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
            let isOwn =
                file == ".\(name)rc" || name.utf8.count > 3 && file.hasPrefix(".") && file.dropFirst().hasPrefix(name)
            guard isOwn || builds || named.contains(file) else { continue }
            let unknown = isOwn ? [finding(.fed, subject: "\(name) \(file)")] : []
            for text in texts { found += text.map { embedded(in: $0, depth) } ?? unknown }
        }
        return found
    }

    /// Returns whether a program that builds or tests a project may run a file as code: one by which the project says
    /// how it is built, a test, a source of a language that is compiled, or one that the program's words name.
    private func runs(_ file: String, _ call: ShellScript.Command) -> Bool {
        let name = call.program
        if ShellWords.contains(name, in: "planners") {
            // A plan starts the programs that the configuration names.
            return Self.isConfiguration(file)
                && call.arguments.contains { ShellWords.contains($0.value, in: "planning-verbs") }
        }
        let isContainer = ["docker", "podman", "buildah", "nerdctl", "docker-compose"].contains(name)
        if isContainer, ["Dockerfile", "Containerfile"].contains(where: file.hasPrefix) {
            return call.arguments.contains { ["build", "bud", "buildx", "compose", "up"].contains($0.value) }
        }
        let tests =
            Self.isInterpreter(name)
            && call.arguments.prefix(3).contains { ["--test", "test", "unittest", "pytest"].contains($0.value) }
        // The commands of an application load it whole.
        let isConsole = console(of: call) != nil || ShellWords.contains(name, in: "project-consoles")
        let builds =
            tests || isConsole || ShellPrograms.verbless.contains(name)
            || ShellWords.contains(name, in: "code-runners")
            || ShellPrograms.starters.contains(name)
                && (!isContainer || call.arguments.contains { $0.value == "compose" })
        guard builds else { return false }
        if ShellWords.contains(file, in: "build-files") { return true }
        guard let program = ScriptText.program(ofFile: file) else { return false }
        if isConsole { return true }
        let parts = ScriptText.parts(of: file.split { "-.".contains($0) }.joined(separator: "_"))
        return program == "code" || parts.contains { ["test", "tests", "spec", "cy"].contains($0) }
            || call.arguments.contains { ShellMemory.name($0.value) == file }
    }

    /// Returns whether a file is the configuration of a program that plans changes of infrastructure.
    private static func isConfiguration(_ file: String) -> Bool {
        [".tf", ".tf.json", ".tofu", ".tofu.json", ".hcl"].contains(where: file.hasSuffix)
    }

    /// Judges a file that builds run as code.
    private func judge(buildFile name: String, _ text: String, _ depth: Int) -> [GuardFinding] {
        let ending = name.split(separator: ".").last.map(String.init) ?? name
        if ["Dockerfile", "Containerfile"].contains(where: name.hasPrefix) {
            // What is removed there is the image's own.
            let rules: [ShellRule] = [.network, .mail, .secrets]
            return text.replacing("\\\n", with: " ").split(whereSeparator: \.isNewline).filter { $0.hasPrefix("RUN ") }
                .flatMap { handed(ShellScript.Word(String($0.dropFirst(4))), depth) }
                .filter { found in rules.contains { $0.rawValue == found.rule } }
        }
        if Self.isConfiguration(name) {
            return text.contains("\"external\"") ? [finding(.interpreter, subject: name)] : []
        }
        if Self.includesFetched(text, in: ending) { return [finding(.fed, subject: name)] }
        let program = ScriptText.program(ofFile: name) ?? (name.hasSuffix("file") ? "ruby" : nil)
        let isFromOutside = text.contains("://")
        let code = (program.map { findings(inScript: text, of: $0, depth) } ?? []).filter { found in
            // What an address answers is run: `exec(urlopen("http://…").read())`.
            Self.weighs(found) || isFromOutside && ["exec", "eval"].contains { found.subject?.hasSuffix($0) == true }
        }
        if let program, program != "code" { return code }
        if ["yml", "yaml"].contains(ending) {
            let opens = ["docker.sock", "\"/:", "- /:", "privileged: true"].contains(where: text.contains)
            let commands = text.split(whereSeparator: \.isNewline).flatMap { line in
                handed(ShellScript.Word(Self.command(ofSetting: line)), depth).filter(Self.weighs)
            }
            return commands + (opens ? [finding(.rights, subject: name)] : [])
        }
        // A program and its words stand on one line.
        return code
            + text.split(whereSeparator: \.isNewline).flatMap { line in
                let words = ScriptText(String(line), .other).texts
                return words.isEmpty
                    ? [] : handed(ShellScript.Word(words.joined(separator: " ")), depth).filter(Self.weighs)
            }
    }

    /// Returns the command in a line of a list or of settings: `- cmd: make x`.
    private static func command(ofSetting line: Substring) -> String {
        let text = line.drop { " \t-".contains($0) }
        let keys = ["cmd: ", "run: ", "command: ", "script: ", "sh: ", "entry: "]
        return keys.first(where: text.hasPrefix).map { String(text.dropFirst($0.count)) } ?? String(text)
    }

    // MARK: Code for unknown programs

    /// The usual options whose value is code that a program runs.
    private static let textLetters: Set<String> = ["-e", "-c", "-x", "-E", "-ex", "-cmd", "-r"]

    /// Returns the finding for an unknown program on a host whose arguments look like code.
    func takesText(_ call: ShellScript.Command) -> [GuardFinding] {
        // For a program in the table, its code was judged in its own language.
        guard context.asksInterpreters, CarriedText.table[call.program] == nil else { return [] }
        let words = call.arguments.map(\.value)
        for (index, word) in words.enumerated() where Self.textLetters.contains(word) && index + 1 < words.count {
            let text = Self.withoutSubstitutions(words[index + 1])
            let isCode =
                text.contains(where: { "();{}`!".contains($0) }) && text.contains(where: { "( !".contains($0) })
            if isCode && !looks(byTable: call) || text.hasPrefix("/bin/") || text.hasPrefix("/tmp/") {
                return [finding(.interpreter, subject: "\(call.program) \(word) \(text)")]
            }
        }
        for word in words where Self.isCode(word) {
            return [finding(.interpreter, subject: "\(call.program) \(word)")]
        }
        return []
    }

    /// Returns a word without the commands whose output the shell puts there.
    private static func withoutSubstitutions(_ word: String) -> String {
        var rest = word[...]
        var text = ""
        while let start = rest.firstRange(of: "$(") {
            text += rest[..<start.lowerBound]
            var depth = 0
            rest = rest[rest.index(after: start.lowerBound)...].drop { letter in
                depth += letter == "(" ? 1 : letter == ")" ? -1 : 0
                return depth > 0
            }.dropFirst()
        }
        return text + rest
    }

    /// Returns whether a text is code: it calls a function that can run programs.
    private static func isCode(_ text: String) -> Bool {
        guard text.contains("("), text.contains(")") else { return false }
        let calls = ["system(", "exec(", "eval(", "popen(", "spawn(", "shell(", "open(", "run(", "os.", "process("]
        return calls.contains(where: text.contains)
    }
}
