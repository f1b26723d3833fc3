internal import MMCore
import ShellSyntax

/// Scripts in the arguments, the input and the files of interpreters.
extension ShellJudge {
    /// Returns whether a name is an interpreter's, in any of its versions.
    static func isInterpreter(_ name: String) -> Bool {
        if ShellPrograms.interpreters.contains(name) { return true }
        let stem = String(name.prefix { !$0.isNumber && $0 != "." })
        return stem.count < name.count
            && name.dropFirst(stem.count).allSatisfy { $0.isNumber || $0 == "." }
            && ["python", "perl", "ruby", "php", "lua", "node", "tclsh", "pypy"].contains(stem)
    }

    /// Returns whether a script runs another one from an address, as PHP, R and Gradle do.
    static func includesFetched(_ text: String, in program: String) -> Bool {
        guard ["php", "R", "gradle"].contains(where: program.hasPrefix), text.contains("://") else { return false }
        if text.contains("file_put_contents"), ["require", "include"].contains(where: text.contains) { return true }
        return ["include", "require", "source", "apply from", "apply(from"].contains { word in
            text.firstRange(of: word).map { text[$0.upperBound...].prefix(24).contains("://") } ?? false
        }
    }

    /// Judges an interpreter by the scripts in its arguments, in its input, or in a file that the session wrote.
    func interpreter(_ given: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        let call = PowerShellOption.named(in: given)
        if Self.checksSyntax(call) { return [finding(.reads, subject: call.program)] }
        let words = call.arguments.map(\.value)
        let row = CarriedText.table[call.program] ?? CarriedText.table["python3"] ?? CarriedText()
        var found = carried(call, row, depth)
        // Such an option loads a module before the script.
        if call.program == "perl" {
            for word in words where word.hasPrefix("-M") {
                found += findings(inScript: "use \(word.dropFirst(2))", of: "perl", depth)
            }
        }
        let texts = sorted(call, by: row)
        let subject = ([call.program] + given.arguments.prefix(2).map(\.value)).joined(separator: " ")
        let asks = finding(.interpreter, subject: subject)
        let tells = words.count == 1 && call.program == "php" && ["-m", "-i", "--ini"].contains(words[0])
        let shown: Set = ["--version", "-version", "-V", "-v", "--help", "-h", "-?"]
        if tells || words.allSatisfy(shown.contains), !words.isEmpty {
            return found + [finding(.reads, subject: call.program)]
        }
        // The script comes from an address.
        let script = texts.operands.first {
            !$0.value.hasPrefix("-") && (call.program != "deno" || $0.value != "run")
        }
        let isFetched =
            script?.value.contains("://") == true
            || texts.texts.contains { Self.includesFetched($0.word.value, in: call.program) }
        if isFetched || call.program == "deno" && texts.texts.isEmpty && words.contains(where: { $0.contains("://") }) {
            found.append(finding(.fed, subject: "\(call.program) \(script?.value ?? "")"))
        }
        if !texts.texts.allSatisfy({ $0.word.value == "-" }) {
            if context.asksInterpreters { found.append(asks) }
        } else {
            let file = script
            let named = file.flatMap(call.input)
            if let input = named ?? (file == nil || file?.value == "-" ? call.inputs[0] : nil) {
                found += read(input, by: call, depth)
            }
            if file == nil || file?.value == "-" || named != nil, context.asksInterpreters { found.append(asks) }
        }
        if let index = words.firstIndex(of: "-m"), index + 1 < words.count {
            found += module(at: index + 1, of: call, depth)
        }
        if call.program == "php", words.contains("-S") || words.contains("-run"), !servesProject(words, ["-t"]) {
            found.append(finding(.network, subject: "php -S"))
        }
        if call.program == "ruby", words.contains("-run"), words.contains("httpd") {
            found.append(finding(.network, subject: "ruby -run -e httpd"))
        }
        if case .other = ScriptText.Language(program: call.program) { found += embedded(in: call, depth) }
        if texts.texts.isEmpty, let task = texts.operands.dropFirst().first?.value {
            found += console(task, of: call, depth)
        }
        if texts.texts.isEmpty, texts.operands.count > 1, let rule = administers(call) {
            found.append(finding(rule, subject: texts.operands.prefix(2).map(\.value).joined(separator: " ")))
        } else if texts.texts.isEmpty {
            found += named(by: call)
        }
        return found + [finding(.writes, subject: subject)]
    }

    /// Judges a module that Python runs.
    private func module(at index: Int, of call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        let words = call.arguments.map(\.value)
        let module = words[index]
        var found: [GuardFinding] = []
        if ["http.server", "SimpleHTTPServer", "smtpd", "aiosmtpd", "pyftpdlib"].contains(module),
            !servesProject(words, module == "http.server" ? ["-d", "--directory"] : nil)
        {
            found.append(finding(.network, subject: "\(call.program) -m \(module)"))
        }
        // `timeit` runs the code that it measures.
        if module == "timeit" {
            for text in words[(index + 1)...] where !text.hasPrefix("-") {
                found += findings(inScript: text, of: call.program, depth)
            }
        }
        // A module that is run is judged as a program with its name.
        if depth < Self.deepest, let inside = call.inner(from: call.words.count - words.count + index) {
            found += judge(inside, depth + 1).filter(Self.weighs)
        }
        return found
    }

    /// Judges what the console of a framework reads: statements or code.
    private func console(_ task: String, of call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        guard ["shell", "dbshell", "tinker"].contains(task) else { return [] }
        switch call.inputs[0] {
        case .text(let text, isFixed: true):
            return carried(
                ShellScript.Word(text), task == "dbshell" ? .statements : .script, program: call.program, depth)
        case .output, .text: return [finding(.fed, subject: "\(call.program) \(task)")]
        default: return []
        }
    }

    /// Returns whether a shell or interpreter runs nothing of its files, and only checks whether it could.
    static func checksSyntax(_ call: ShellScript.Command) -> Bool {
        guard let option = call.arguments.first?.value else { return false }
        return ShellWords.contains("\(call.program):\(option)", in: "syntax-checks")
            && call.arguments.dropFirst().allSatisfy { !$0.value.hasPrefix("-") }
    }

    /// Returns whether a server in the sandbox only shows files of the workspace, as those do that builds start.
    /// - Parameter options: the options that name another folder; `nil` if the server may be written to.
    private func servesProject(_ words: [String], _ options: [String]?) -> Bool {
        guard context.hasWalls, let options, isInWorkspace("."), !words.contains(where: { $0.contains("0.0.0.0") })
        else { return false }
        return words.indices.allSatisfy { index in
            guard let option = options.first(where: words[index].hasPrefix) else { return true }
            let rest = words[index].dropFirst(option.count).drop { $0 == "=" }
            return isInWorkspace(rest.isEmpty ? words.dropFirst(index + 1).first ?? "/" : String(rest))
        }
    }

    /// Returns the rule for the task of a framework's administration script, by the rows for its name or the task's.
    func administers(_ call: ShellScript.Command) -> ShellRule? {
        let operands = call.arguments.map(\.value).filter { !$0.hasPrefix("-") }
        if operands.count > 1, ShellMemory.name(operands[0]) == "setup.py" {
            return ["upload", "register"].contains(where: operands.contains) ? .network : nil
        }
        let console = console(of: call) ?? call
        let words = console.arguments.map(\.value)
        guard ShellWords.contains(console.program, in: "project-consoles"), let task = words.first else { return nil }
        if let rule = ClientVerbs.rule(console.program, words, looks: false) { return rule }
        if words.contains(where: ClientVerbs.isStatement) { return .removes }
        // It takes back all migrations.
        if task == "migrate", words.last == "zero" { return .removes }
        let parts = task.split { ":-._/".contains($0) }.map(String.init)
        if parts == ["migrate", "refresh"] { return .removes }
        // A cache that is cleared is filled again.
        return parts.contains("cache") || parts.contains("clear")
            ? nil : WordMeaning.rule("", [parts.joined(separator: "-")])
    }

    /// Judges the script that an interpreter reads from its input.
    func read(_ input: ShellScript.Input, by call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        switch input {
        case .output, .text(_, isFixed: false): [finding(.fed, subject: call.program)]
        case .text(let text, isFixed: true): findings(inScript: text, of: call.program, depth)
        case .file(let file): written(file.value, by: call.program, depth) ?? []
        }
    }

    /// Judges the commands that another program reads from its input, in its own language.
    func read(
        _ input: ShellScript.Input?, by call: ShellScript.Command, as language: CarriedText.Language, _ depth: Int
    ) -> [GuardFinding] {
        switch input {
        case .output:
            // Piping a dump into a database is common, and for macro processors and calculators the effect isn't known
            // for any text.
            let isUsual = language == .statements ? producer.map(Self.handsText) ?? true : language == .unknown
            return isUsual ? [] : [finding(.fed, subject: call.program)]
        case .text(let text, let isFixed):
            return carried(ShellScript.Word(text, isFixed: isFixed), language, program: call.program, depth)
        case .file(let file): return written(file.value, by: call.program, depth) ?? []
        case nil: return []
        }
    }

    /// Returns whether a command only passes on what files or databases of this machine contain.
    private static func handsText(_ call: ShellScript.Command) -> Bool {
        let name = call.program
        return (ShellPrograms.readers.contains(name) || ShellPrograms.makers.contains(name) || name == "pg_restore")
            && !fetchesText(name)
    }

    /// Judges a script.
    func findings(inScript text: String, of program: String, _ depth: Int) -> [GuardFinding] {
        if program == "sed" || program == "gsed" { return stream(text, depth) }
        if ["pwsh", "powershell"].contains(program) { return powerShell(text, depth) }
        guard depth < Self.deepest else { return [finding(.unreadable, subject: program)] }
        let language = ScriptText.Language(program: program)
        let script = ScriptText(text, language)
        let (rules, started) = script.rules { text in
            self.handed(ShellScript.Word(text), depth)
        }
        var found = started + rules.map { finding($0.0, subject: "\(program): \($0.1)") }
        if context.hasWalls, Self.isInterpreter(program), let name = script.unknownCall {
            found.append(finding(.dynamic, subject: "\(program): \(name)"))
        }
        // In the sandbox, that folder is removed with the session.
        if context.hasWalls, script.movesFiles,
            script.texts.contains(where: Self.isPassing)
        {
            found.append(finding(.removes, subject: "\(program): a move to /tmp"))
        }
        if script.copiesFiles, script.texts.contains("/dev/null") {
            found.append(finding(.removes, subject: "\(program): /dev/null in place of a file"))
        }
        for text in script.texts {
            for word in text.split(whereSeparator: \.isWhitespace).prefix(200).map(String.init) {
                if context.isOwn(word) { found.append(finding(.ownFiles, subject: word)) }
                if isSecret(word) || script.readsFiles && Self.isSettings(word) {
                    found.append(finding(.secrets, subject: word))
                }
                if script.writesFiles, Self.isKeyFolder(word) { found.append(finding(.secrets, subject: word)) }
                if script.writesFiles, isSystem(String(word.drop { "<>+ ".contains($0) })) {
                    found.append(finding(.device, subject: word))
                }
            }
        }
        return found
    }

    /// Judges a script for PowerShell as one for its sessions; the programs that it starts are judged as the shell's.
    private func powerShell(_ text: String, _ depth: Int) -> [GuardFinding] {
        let words = text.lowercased().split(whereSeparator: \.isWhitespace).map(String.init)
        // In the sandbox, that folder is removed with the session.
        if context.hasWalls, words.contains(where: Self.isPassing),
            words.contains(where: { ["move-item", "mi", "mv", "move"].contains($0) })
        {
            return [finding(.removes, subject: "pwsh: a move to /tmp")]
        }
        let secrets = words.map { $0.filter { !"'\"();{}".contains($0) } }.filter {
            isSecret($0) || Self.isSettings($0)
        }
        let found = secrets.map { finding(.secrets, subject: $0) }
        if Self.overwritesEach(words) {
            return [finding(.removes, subject: "pwsh: the content of files that it finds")]
        }
        let judged = GuardEngine.standard.judge(script: text, policy: .standard).findings
        return found
            + judged.flatMap { each -> [GuardFinding] in
                let name = each.subject ?? text
                // A module is code as a script is: the project's own, or one that is installed.
                if context.hasWalls, ["import-module", "ipmo"].contains(name.lowercased()) {
                    return words.flatMap { written($0, by: "pwsh", depth) ?? [] }
                }
                if each.kind == .classified {
                    // Files of the workspace may be read here.
                    guard !each.classes.isSubset(of: [.read, .write, .secret]) else { return [] }
                    let sends = !each.classes.isDisjoint(with: [.external, .send])
                    let rule: ShellRule = each.classes == [.session] ? .rights : sends ? .network : .removes
                    return [finding(rule, subject: "pwsh: \(name)")]
                }
                let parts = name.lowercased().split(separator: "-", maxSplits: 1).map(String.init)
                guard parts.count == 2 else {
                    let isPath = name.hasPrefix("./") || name.hasPrefix(".\\")
                    let found = handed(ShellScript.Word(text), depth)
                    return isPath || !found.isEmpty || (try? ShellScript.parse(text, as: .whole)) != nil
                        ? found : [finding(.dynamic, subject: "pwsh: \(name)")]
                }
                return ShellWords.contains(name.lowercased(), in: "powershell-tools")
                    || ShellWords.contains(parts[0], in: "powershell-makes")
                    || parts.contains(where: Self.building.contains)
                    ? [] : [finding(.dynamic, subject: "pwsh: \(name)")]
            }
    }

    /// Returns whether a command of PowerShell replaces the content of files that a pattern or another command names.
    private static func overwritesEach(_ words: [String]) -> Bool {
        words.indices.contains { index in
            guard
                ["set-content", "clear-content", "out-file", "clc"].contains(words[index].filter { !"({".contains($0) })
            else { return false }
            let target = words[(index + 1)...].first { !$0.hasPrefix("-") } ?? ""
            return target.contains { "($*?".contains($0) }
        }
    }
}
