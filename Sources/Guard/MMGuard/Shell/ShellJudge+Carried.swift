internal import MMCore
import ShellSyntax

/// Commands and scripts in the arguments of other programs: found by the table of such programs, or from the text if
/// the table doesn't have the program.
extension ShellJudge {
    /// Returns whether a finding says what a command does. Such findings count even in a text that may not be a command.
    static func weighs(_ finding: GuardFinding) -> Bool {
        ![ShellRule.reads, .writes, .dynamic, .fed, .unreadable, .recursion, .interpreter, .unknown, .stranger].contains
        {
            $0.rawValue == finding.rule
        }
    }

    /// Returns whether a finding matters in a text that certainly is a command.
    static func matters(_ finding: GuardFinding) -> Bool {
        ![ShellRule.reads, .writes, .unreadable, .unknown, .stranger].contains { $0.rawValue == finding.rule }
    }

    /// Returns whether a name is an interpreter's, in any of its versions.
    static func isInterpreter(_ name: String) -> Bool {
        if ShellPrograms.interpreters.contains(name) { return true }
        let stem = String(name.prefix { !$0.isNumber && $0 != "." })
        return stem.count < name.count
            && ["python", "perl", "ruby", "php", "lua", "node", "tclsh", "pypy"].contains(stem)
    }

    // MARK: Interpreters

    /// Judges an interpreter by the scripts in its arguments, in its input, or in a file that the session wrote.
    func interpreter(_ call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        let words = call.arguments.map(\.value)
        let row = CarriedText.table[call.program] ?? CarriedText.table["python3"] ?? CarriedText()
        var found = carried(call, row, depth)
        // Such an option loads a module before the script.
        if call.program == "perl" {
            for word in words where word.hasPrefix("-M") {
                found += findings(inScript: "use \(word.dropFirst(2))", of: "perl", depth)
            }
        }
        let texts = self.texts(of: call, row)
        let asks = finding(.interpreter, subject: ([call.program] + words.prefix(2)).joined(separator: " "))
        let tells = words.count == 1 && call.program == "php" && ["-m", "-i", "--ini"].contains(words[0])
        if tells || words.allSatisfy({ ["--version", "-V", "-v", "--help", "-h", "-?"].contains($0) }), !words.isEmpty {
            return found + [finding(.reads, subject: call.program)]
        }
        // The script comes from an address.
        let script = texts.operands.first { call.program != "deno" || $0.value != "run" }
        let isFetched = script?.value.contains("://") == true
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
            let module = words[index + 1]
            if ["http.server", "SimpleHTTPServer", "smtpd", "aiosmtpd", "pyftpdlib"].contains(module),
                !servesProject(words, module == "http.server" ? ["-d", "--directory"] : nil)
            {
                found.append(finding(.network, subject: "\(call.program) -m \(module)"))
            }
            // `timeit` runs the code that it measures.
            if module == "timeit" {
                for text in words[(index + 2)...] where !text.hasPrefix("-") {
                    found += findings(inScript: text, of: call.program, depth)
                }
            }
            // A module that is run is judged as a program with its name.
            if depth < Self.deepest,
                let inside = call.inner((call.words.count - words.count + index + 1)..<call.words.count)
            {
                found += judge(inside, depth + 1).filter(Self.weighs)
            }
        }
        if call.program == "php", words.contains("-S") || words.contains("-run"), !servesProject(words, ["-t"]) {
            found.append(finding(.network, subject: "php -S"))
        }
        if call.program == "ruby", words.contains("-run"), words.contains("httpd") {
            found.append(finding(.network, subject: "ruby -run -e httpd"))
        }
        if case .other = ScriptText.Language(program: call.program) { found += embedded(in: call, depth) }
        // Its console reads statements or code.
        if let task = texts.operands.dropFirst().first?.value, texts.texts.isEmpty,
            ["shell", "dbshell", "tinker"].contains(task)
        {
            switch call.inputs[0] {
            case .text(let text, isFixed: true):
                found += carried(
                    ShellScript.Word(text), task == "dbshell" ? .statements : .script, program: call.program, depth)
            case .output, .text: found.append(finding(.fed, subject: "\(call.program) \(task)"))
            default: break
            }
        }
        if texts.texts.isEmpty, texts.operands.count > 1, let rule = Self.administers(texts.operands.map(\.value)) {
            found.append(finding(rule, subject: texts.operands.prefix(2).map(\.value).joined(separator: " ")))
        } else if texts.texts.isEmpty {
            found += named(by: call)
        }
        return found + [finding(.writes, subject: ([call.program] + words.prefix(2)).joined(separator: " "))]
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

    /// Returns the rule for the task of a framework's administration script.
    static func administers(_ operands: [String]) -> ShellRule? {
        guard operands.count > 1 else { return nil }
        if ShellMemory.name(operands[0]) == "setup.py" {
            return ["upload", "register"].contains(where: operands.contains) ? .network : nil
        }
        let tools: Set = ["manage.py", "artisan", "console", "spark", "yii", "ace", "bin/rails"]
        guard tools.contains(ShellMemory.name(operands[0])) else { return nil }
        // It takes back all migrations.
        if operands[1] == "migrate", operands.last == "zero" { return .removes }
        let parts = operands[1].split { ":-._".contains($0) }.map(String.init)
        if parts == ["migrate", "refresh"] { return .removes }
        // A cache that is cleared is filled again.
        return parts.contains("cache") || parts.contains("clear") ? nil : WordMeaning.rule("", [operands[1]])
    }

    /// Judges the script that an interpreter reads from its input.
    private func read(_ input: ShellScript.Input, by call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        switch input {
        case .output, .text(_, isFixed: false): [finding(.fed, subject: call.program)]
        case .text(let text, isFixed: true): findings(inScript: text, of: call.program, depth)
        case .file(let file): written(file.value, by: call.program, depth) ?? []
        }
    }

    /// Judges the commands that another program reads from its input, in its own language.
    private func read(
        _ input: ShellScript.Input?, by call: ShellScript.Command, as language: CarriedText.Language, _ depth: Int
    ) -> [GuardFinding] {
        switch input {
        case .output:
            // Piping a dump into a database is common, and for macro processors and calculators the effect isn't known for any text.
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
                if isSecret(word) { found.append(finding(.secrets, subject: word)) }
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
                if each.kind == .classified {
                    // Files of the workspace may be read here.
                    guard !each.classes.isSubset(of: [.read, .write, .secret]) else { return [] }
                    let sends = !each.classes.isDisjoint(with: [.external, .send])
                    return [finding(sends ? .network : .removes, subject: "pwsh: \(name)")]
                }
                let parts = name.lowercased().split(separator: "-", maxSplits: 1).map(String.init)
                guard parts.count == 2 else {
                    let isPath = name.hasPrefix("./") || name.hasPrefix(".\\")
                    let found = handed(ShellScript.Word(text), depth)
                    return isPath || !found.isEmpty || (try? ShellScript.parse(text, as: .whole)) != nil
                        ? found : [finding(.dynamic, subject: "pwsh: \(name)")]
                }
                let makes = ShellWords.list("powershell-makes")
                return makes.contains(parts[0]) || parts.contains(where: Self.building.contains)
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

    // MARK: The table

    private struct Carried {
        var texts: [(word: ShellScript.Word, language: CarriedText.Language)] = []
        var files: [ShellScript.Word] = []
        var operands: [ShellScript.Word] = []
    }

    /// Sorts a command's words according to its row of the table.
    private func texts(of call: ShellScript.Command, _ row: CarriedText) -> Carried {
        var carried = Carried()
        var rest = call.arguments
        while let word = rest.popFirst() {
            let text = word.value
            if text == "--" {
                carried.operands += rest
                break
            }
            if text.hasPrefix("+"), let language = row.plus {
                carried.texts.append((ShellScript.Word(String(text.dropFirst()), isFixed: word.isFixed), language))
                continue
            }
            guard text.hasPrefix("-"), text.utf8.count > 1 else {
                carried.operands.append(word)
                continue
            }
            if row.values.contains(text) {
                _ = rest.popFirst()
                continue
            }
            guard let (key, value) = Self.option(text, row) else { continue }
            let argument: ShellScript.Word? =
                if let value { ShellScript.Word(value, isFixed: word.isFixed) } else { rest.popFirst() }
            guard let argument else { continue }
            if let language = row.options[key] {
                carried.texts.append((argument, language))
            } else {
                carried.files.append(argument)
            }
        }
        if let (index, language) = row.operand,
            carried.texts.allSatisfy({ $0.language != language }) || language == .statements,
            carried.files.allSatisfy({ $0.value == "inplace" }) || language == .statements
        {
            // After an option that may or may not take a value, the operand's index is uncertain, so the following ones count too.
            for operand in carried.operands.dropFirst(index).prefix(index == 0 ? 1 : .max) {
                carried.texts.append((operand, language))
            }
        }
        return carried
    }

    /// Returns the option of a row that a word is or contains, with its value in the same word.
    private static func option(_ text: String, _ row: CarriedText) -> (key: String, value: String?)? {
        func isKnown(_ key: String) -> Bool { row.options[key] != nil || row.files.contains(key) }
        if isKnown(text) { return (text, nil) }
        if let equals = text.firstIndex(of: "="), isKnown(String(text[..<equals])) {
            return (String(text[..<equals]), String(text[text.index(after: equals)...]))
        }
        if text.hasPrefix("--") {
            // Long options may be abbreviated.
            let name = text.prefix { $0 != "=" }
            guard name.utf8.count > 4,
                let key = (Array(row.options.keys) + row.files).sorted().first(where: { $0.hasPrefix(name) })
            else { return nil }
            return (key, name.count < text.count ? String(text.dropFirst(name.count + 1)) : nil)
        }
        guard row.bundlesLetters else { return nil }
        // Several option letters may follow one dash, one of which takes a value.
        var letters = text.dropFirst()
        while let letter = letters.popFirst() {
            guard letter.isLetter else { return nil }
            if isKnown("-\(letter)") { return ("-\(letter)", letters.isEmpty ? nil : String(letters)) }
        }
        return nil
    }

    /// Judges the texts that a program of the table runs.
    func carried(_ call: ShellScript.Command, _ row: CarriedText, _ depth: Int) -> [GuardFinding] {
        let parts = texts(of: call, row)
        var found: [GuardFinding] = []
        for (word, language) in parts.texts {
            found += carried(word, language, program: call.program, depth)
            if language == .shell,
                namesProgram(word.value.hasPrefix("exec=") ? String(word.value.dropFirst(5)) : word.value)
            {
                found.append(finding(.loader, subject: "\(call.program) \(word.value)"))
            }
        }
        for file in parts.files {
            let language: CarriedText.Language = row.options.values.contains(.rules) ? .rules : row.input ?? .script
            let isInput = ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"].contains(file.value)
            found += read(isInput ? call.inputs[0] : call.input(named: file), by: call, as: language, depth)
            found += written(file.value, by: call.program, depth) ?? []
        }
        if let language = row.input, !Self.isInterpreter(call.program), parts.texts.isEmpty || language == .statements,
            language != .editor || !call.readsPipe || runsInput(call)
        {
            found += read(call.inputs[0], by: call, as: language, depth)
        }
        if row.input == .statements, Self.isElsewhere(call) {
            let changes = parts.texts.contains {
                $0.language == .statements && !ClientVerbs.looks(statements: $0.word.value)
            }
            if changes || !parts.files.isEmpty || parts.texts.isEmpty && call.inputs[0] != nil {
                found.append(finding(.managed, subject: "\(call.program): another host"))
            }
        }
        if row.input == .statements {
            let isFile = if case .file = call.inputs[0] { true } else { false }
            // The content of such a file isn't known.
            if isFile || parts.files.contains(where: { record.memory.texts(of: $0.value) == nil }) {
                found.append(
                    finding(
                        context.asksInterpreters ? .interpreter : .writes,
                        subject: "\(call.program): statements of a file"))
            }
        }
        for name in row.usual where parts.files.isEmpty {
            for text in record.memory.texts(of: name) ?? [] {
                guard let text else { continue }
                if name == "package.json" { found += scripts(ofPackage: text, depth) }
                found +=
                    row.options.values.contains(.rules)
                    ? rules(text, targets: parts.operands.map(\.value), depth) : embedded(in: text, depth)
            }
        }
        return found
    }

    /// Judges the commands that a package's file names.
    private func scripts(ofPackage text: String, _ depth: Int) -> [GuardFinding] {
        guard let start = text.firstRange(of: "\"scripts\"") else { return [] }
        let scripts = String(text[start.upperBound...].prefix { $0 != "}" })
        return ScriptText(scripts, .javascript).texts.filter { $0.contains(" ") }
            .flatMap { handed(ShellScript.Word($0), depth) }
    }

    /// Returns whether a client of a database is given the domain of another machine.
    private static func isElsewhere(_ call: ShellScript.Command) -> Bool {
        let hosts = call.assignments.map(\.value).filter { $0.prefix { $0 != "=" }.hasSuffix("HOST") }
        let words = call.arguments.map(\.value) + hosts.map { "--host=" + $0.drop { $0 != "=" }.dropFirst() }
        return words.indices.contains { index in
            let word = words[index]
            // Nobody calls so what is on this machine.
            if word.hasPrefix("$"), ["PROD", "LIVE"].contains(where: word.uppercased().contains) { return true }
            let host: Substring? =
                if word.hasPrefix("--host=") {
                    word.dropFirst(7)
                } else if ["-h", "--host", "-S"].contains(word), index + 1 < words.count {
                    words[index + 1][...]
                } else if let scheme = word.firstRange(of: "://") {
                    (word[scheme.upperBound...].split(separator: "@").last ?? "").prefix { !":/?".contains($0) }
                } else {
                    nil
                }
            return host.map {
                $0.contains(".") && !$0.hasPrefix("127.") && !$0.contains("/") && !$0.hasSuffix(".localhost")
            } == true
        }
    }

    /// Judges a text that a program runs.
    func carried(
        _ word: ShellScript.Word, _ language: CarriedText.Language, program: String, _ depth: Int
    ) -> [GuardFinding] {
        guard depth < Self.deepest else { return [finding(.unreadable, subject: program)] }
        var text = word.value
        switch language {
        case .shell:
            if text.hasPrefix("exec=") { text = String(text.dropFirst(5)) }
            // A bare shell here runs the data that is unpacked or split.
            if ["tar", "bsdtar", "gtar", "split"].contains(program),
                ShellPrograms.shells.contains(ShellMemory.name(text))
            {
                return [finding(.fed, subject: "\(program) \(text)")]
            }
            let found = handed(ShellScript.Word(text, isFixed: word.isFixed), depth)
            // The connection to the host is reported once, by the host's name.
            return program == "rsync" ? found.filter { $0.rule != ShellRule.network.rawValue } : found
        case .script:
            if !word.isFixed, text.hasPrefix("$") || text.hasPrefix("`") {
                return [finding(.dynamic, subject: program)]
            }
            return findings(inScript: text, of: program, depth)
        case .editor: return text.split(whereSeparator: \.isNewline).flatMap { editor(String($0), depth) }
        case .statements:
            var found = ClientVerbs.rule(statements: text).map { [finding($0, subject: "\(program): \(text)")] } ?? []
            if found.isEmpty, !ClientVerbs.looks(statements: text) {
                found.append(finding(context.asksInterpreters ? .unknown : .writes, subject: "\(program): \(text)"))
            }
            for line in text.split(whereSeparator: \.isNewline) {
                let line = line.drop { $0 == " " || $0 == "\t" }
                // A command of SQLite's shell that no table knows.
                if line.hasPrefix("."), program.hasPrefix("sqlite"),
                    !["sqlite-shows", "sqlite-makes"].contains(where: {
                        ShellWords.contains(String(line.prefix { !$0.isWhitespace }), in: $0)
                    })
                {
                    found.append(finding(.removes, subject: "\(program): \(line)"))
                }
                if line.hasPrefix("\\") || line.hasPrefix(".") || line.hasPrefix("system ") || line.hasPrefix("!") {
                    found += editor(String(line), depth)
                }
            }
            return found
        case .rules: return rules(text, targets: [], depth)
        case .unknown: return [finding(.dynamic, subject: program)]
        }
    }

    // MARK: Languages of programs

    /// The words of such lines that write the text after them.
    private var writing: [String] {
        ["w", "save", "dump", "output", "log", "export", "out", "set logging", "tee", "s/", "o "]
    }

    /// Judges a command line of an editor, pager, debugger or client: `!` and a few words pass the rest to a shell.
    func editor(_ line: String, _ depth: Int) -> [GuardFinding] {
        guard depth < Self.deepest else { return [finding(.unreadable, subject: line)] }
        func shell(_ text: some StringProtocol) -> [GuardFinding] {
            handed(ShellScript.Word(String(text)), depth)
        }
        var found: [GuardFinding] = []
        let whole: Set = ["%d", "%delete", "%del", ",d", "1,$d", "g/./d", "g/^/d", "g/.*/d", "%d_", "%!true"]
        let everywhere = ["bufdo", "argdo", "windo", "tabdo", "silent!", "silent"]
        if line.split(separator: "|").contains(where: { part in
            let words = part.split { ": \t".contains($0) }.drop { everywhere.contains(String($0)) }
            return whole.contains(words.joined())
        }) {
            found.append(finding(.removes, subject: line))
        }
        if let mark = line.firstIndex(of: "!") { found += shell(line[line.index(after: mark)...].drop { $0 == "!" }) }
        let words = line.drop { ":.\\ \t%".contains($0) }
        for name in ["shell ", "system ", "sh ", "terminal ", "term ", "make ", "grep "] where words.hasPrefix(name) {
            found += shell(words.dropFirst(name.count))
        }
        if ["shell", "sh", "terminal", "term", "ter"].contains(words.prefix { $0.isLetter }), context.asksInterpreters {
            found.append(finding(.interpreter, subject: line))
        }
        if ["load ", "python", "py3", "py ", "lua ", "perl ", "ruby ", "source ", "so "].contains(
            where: words.hasPrefix)
        {
            let rest = words.drop { $0 != " " }
            found += findings(inScript: String(rest), of: "python3", depth)
            if words.hasPrefix("load ") { found.append(finding(.dynamic, subject: line)) }
        }
        if line.hasPrefix("\\") || line.hasPrefix("."), let pipe = line.firstIndex(of: "|") {
            found += shell(line[line.index(after: pipe)...])
        }
        if line.contains("system(") || line.contains("libcall(") || line.contains("job_start(") {
            found += findings(inScript: line, of: "awk", depth)
        }
        if line.contains("delete(") { found.append(finding(.removes, subject: line)) }
        if writing.contains(where: words.hasPrefix), let place = laterPlace(in: line) {
            found.append(finding(.device, subject: place))
        }
        return found
    }

    /// Judges a sed script, in which `e` runs a command and `w` writes a file.
    private func stream(_ script: String, _ depth: Int) -> [GuardFinding] {
        var found: [GuardFinding] = []
        var rest = Array(script.utf8)[...]
        func file(_ name: ArraySlice<UInt8>) -> [GuardFinding] {
            let path = String(decoding: name.drop { $0 == 0x20 }, as: UTF8.self)
            if context.isOwn(path) { return [finding(.ownFiles, subject: path)] }
            return [finding(isSystem(path) ? .device : .writes, subject: "sed w \(path)")]
        }
        while let first = rest.first {
            // These are addresses and separators of commands.
            if first == 0x2F || first == 0x5C {
                let mark = first == 0x5C ? rest.dropFirst().first ?? 0x2F : 0x2F
                rest = Self.behind(mark, rest.dropFirst(first == 0x5C ? 2 : 1))
                continue
            }
            if "0123456789$,!;{} \t\n~+IM".utf8.contains(first) {
                rest = rest.dropFirst()
                continue
            }
            let line = rest.dropFirst().prefix { $0 != 0x0A }
            switch first {
            case UInt8(ascii: "e"):
                let command = String(decoding: line, as: UTF8.self)
                found +=
                    command.contains { $0 != " " }
                    ? findings(in: command, depth: depth + 1).filter(Self.matters)
                        + [finding(context.asksInterpreters ? .unknown : .writes, subject: "sed e")]
                    : [finding(.dynamic, subject: "sed e")]
                rest = rest.dropFirst(1 + line.count)
            case UInt8(ascii: "w"), UInt8(ascii: "W"):
                found += file(line)
                rest = rest.dropFirst(1 + line.count)
            case UInt8(ascii: "s"), UInt8(ascii: "y"):
                guard let mark = rest.dropFirst().first else { return found }
                rest = Self.behind(mark, Self.behind(mark, rest.dropFirst(2)))
                let flags = rest.prefix { !";}\n ".utf8.contains($0) }
                if first == UInt8(ascii: "s") {
                    if let write = flags.firstIndex(of: UInt8(ascii: "w")) {
                        found += file(rest[(write + 1)...].prefix { $0 != 0x0A })
                    } else if flags.contains(UInt8(ascii: "e")) {
                        found.append(finding(.dynamic, subject: "sed s///e"))
                    }
                }
                rest = rest.dropFirst(flags.count)
            case UInt8(ascii: "a"), UInt8(ascii: "i"), UInt8(ascii: "c"), UInt8(ascii: "r"), UInt8(ascii: "R"),
                UInt8(ascii: "#"), UInt8(ascii: ":"):
                rest = rest.dropFirst(1 + line.count)
            default: rest = rest.dropFirst()
            }
        }
        return found
    }

    /// Returns the bytes after the next mark that isn't escaped by a backslash.
    private static func behind(_ mark: UInt8, _ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = bytes
        while let byte = rest.popFirst(), byte != mark {
            if byte == 0x5C { _ = rest.popFirst() }
        }
        return rest
    }

    /// Judges the recipes of a makefile that run for some targets, or for the first one if none is named.
    func rules(_ text: String, targets: [String], _ depth: Int) -> [GuardFinding] {
        var recipes: [String: [String]] = [:]
        var needs: [String: [String]] = [:]
        var first: String?
        var names: [String] = []
        var found: [GuardFinding] = []
        for line in text.split(whereSeparator: \.isNewline) {
            if line.hasPrefix("\t") {
                let command = String(line.drop { "\t @-+".contains($0) }).replacing("$$", with: "$")
                for name in names { recipes[name, default: []].append(command) }
                continue
            }
            if let range = line.firstRange(of: "$(shell ") {
                let command = line[range.upperBound...].prefix { $0 != "\n" }
                found += embedded(in: String(command.hasSuffix(")") ? command.dropLast() : command), depth)
            }
            if let range = line.firstRange(of: "!=") {
                found += findings(in: String(line[range.upperBound...]), depth: depth + 1).filter(Self.matters)
            }
            guard let colon = line.firstIndex(of: ":"), !line[line.index(after: colon)...].hasPrefix("=") else {
                continue
            }
            names = line[..<colon].split(separator: " ").map(String.init)
            let after = line[line.index(after: colon)...]
            let parts = after.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false)
            for name in names {
                needs[name, default: []] += (parts.first ?? "").split(separator: " ").map(String.init)
                if parts.count > 1 { recipes[name, default: []].append(String(parts[1])) }
                if first == nil, !name.hasPrefix(".") { first = name }
            }
        }
        var due = targets.filter { !$0.contains("=") }
        if due.isEmpty { due = recipes.isEmpty && first == nil ? [] : [first ?? ""] }
        var seen: Set<String> = []
        while let target = due.popLast() {
            guard seen.insert(target).inserted else { continue }
            due += needs[target] ?? []
            for recipe in recipes[target] ?? [] { found += findings(in: recipe, depth: depth + 1).filter(Self.matters) }
        }
        return found
    }

    // MARK: Where no table tells

    /// Judges the command among the arguments of a program that starts one: `docker exec NAME rm -rf /data`.
    /// - Parameter isKnown: whether the program is known to start others. Otherwise only words that are almost certainly a command
    ///   count.
    func started(among call: ShellScript.Command, _ depth: Int, isKnown: Bool = true) -> [GuardFinding] {
        guard depth < Self.deepest else { return [finding(.unreadable, subject: call.program)] }
        func counts(_ finding: GuardFinding) -> Bool { Self.weighs(finding) || finding.rule == ShellRule.fed.rawValue }
        var found: [GuardFinding] = []
        let package = Self.package(in: call.words.map(\.value))
        for index in call.words.indices.dropFirst() {
            let word = call.words[index]
            let name = word.value.split(separator: "/").last.map(String.init) ?? ""
            if let package, index < package.index { continue }
            // Only the command follows this separator.
            if word.value == "--", isKnown, Self.divided.contains(call.program),
                let inside = call.inner((index + 1)..<call.words.count)
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
            let isCommand =
                isKnown
                ? isStrong(name) || isNamed || isTerminal && ShellPrograms.carriers.contains(name)
                : isProgram && (isStrong(name) || ShellPrograms.privileged.contains(name))
                    || ["rm", "sh", "bash", "sudo", "shred"].contains(word.value)
                        && index + 1 < call.words.count && call.words[index + 1].value.hasPrefix("-")
            guard index > 1 || isFirst, word.isFixed, !word.value.hasPrefix("-"), isCommand,
                var inside = call.inner(index..<call.words.count)
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
            if !isKnown || !found.isEmpty || !Self.containers.contains(call.program) { return found }
        }
        return found
    }

    /// Returns the place of the word by which a package runner names what it runs, whether it may fetch that from a registry, and whether
    /// it certainly does, as nothing of the project has that name or version: `npx -y NAME`, `pipx run NAME`, `bundle exec NAME`.
    private static func package(in words: [String]) -> (index: Int, isFetched: Bool, isCertain: Bool)? {
        guard let first = words.first.map({ ShellMemory.name($0) }) else { return nil }
        var index = 1
        var isFetched = ["npx", "bunx", "uvx", "pnpx"].contains(first)
        if !isFetched {
            guard runners.contains(first) else { return nil }
            if words.count > 2, words[1] == "tool" { index = 2 }
            guard index < words.count, ["exec", "run", "x", "dlx"].contains(words[index]) else { return nil }
            isFetched =
                words[index] == "dlx" || words[index] == "x" || index == 2 || first == "pipx"
                || words.contains { $0.hasPrefix("--package") }
            index += 1
        }
        let taking: Set = ["--from", "--with", "--package", "-p", "--python", "--spec", "--group", "--extra"]
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
    private static func program(ofPackage package: String) -> String {
        let name = package.split(separator: "/").last.map(String.init) ?? package
        return name.firstIndex { "@=".contains($0) }.map { String(name[..<$0]) } ?? name
    }

    /// Programs that run another one in the environment of a project.
    private static let runners = ShellWords.list("project-runners")

    private static let programFolders = ["/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/local/bin/"]

    /// Returns whether an editor reads commands from its input, rather than a text to edit.
    private func runsInput(_ call: ShellScript.Command) -> Bool {
        guard call.program.hasPrefix("vi") || ["nvim", "ex", "gvim", "nvi", "rvim"].contains(call.program) else {
            return true
        }
        return call.program == "ex" || call.arguments.contains { ["-s", "-es", "-Es", "-e", "-E"].contains($0.value) }
    }

    private static let containers = ShellWords.list("container-clients")

    private static let divided: Set<String> = ["kubectl", "oc", "doppler", "aws-vault", "chamber", "envchain"]

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
