internal import MMCore
import ShellSyntax

/// Commands and scripts in the arguments of other programs, as the table of such programs finds them.
extension ShellJudge {
    /// Returns whether a finding says what a command does. Such findings count even in a text that may not be a
    /// command.
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

    /// The words of a command by what they are.
    struct Carried {
        var texts: [(word: ShellScript.Word, language: CarriedText.Language)] = []
        var files: [ShellScript.Word] = []
        var operands: [ShellScript.Word] = []
    }

    /// Sorts a command's words according to its row of the table.
    func sorted(_ call: ShellScript.Command, by row: CarriedText) -> Carried {
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
                // A variable for `make` is a line of its rules.
                if text.contains("="), row.options.values.contains(.rules) { carried.texts.append((word, .rules)) }
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
        if let (index, language) = row.operand, row.verb == nil || row.verb == carried.operands.first?.value,
            carried.texts.allSatisfy({ $0.language != language }) || language == .statements,
            carried.files.allSatisfy({ $0.value == "inplace" }) || language == .statements
        {
            // After an option that may or may not take a value, the operand's index is uncertain, so the following ones
            // count too.
            for operand in carried.operands.dropFirst(index).prefix(index == 0 ? 1 : .max) {
                carried.texts.append((operand, language))
            }
        }
        return carried
    }

    /// Returns whether an option of a row takes a value, in the next word or in the same one; `nil` for another word.
    static func takesNext(_ text: String, _ row: CarriedText) -> Bool? {
        if row.values.contains(text) { return true }
        if let option = option(text, row) { return option.value == nil }
        return row.values.contains { $0.utf8.count == 2 && text.hasPrefix($0) } ? false : nil
    }

    /// Returns the option of a row that a word is or contains, with its value in the same word.
    private static func option(_ text: String, _ row: CarriedText) -> (key: String, value: String?)? {
        func isKnown(_ key: String) -> Bool { row.options[key] != nil || row.files.contains(key) }
        if isKnown(text) { return (text, nil) }
        if let equals = text.firstIndex(of: "="), isKnown(String(text[..<equals])) {
            return (String(text[..<equals]), String(text[text.index(after: equals)...]))
        }
        if text.hasPrefix("--") {
            guard let key = (row.options.keys + row.files).sorted().first(where: { LongOption.word(text, mayBe: $0) })
            else { return nil }
            return (key, LongOption.value(in: text))
        }
        guard row.bundlesLetters, text.hasPrefix("-") else { return nil }
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
        let parts = sorted(call, by: row)
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
            if file.value.hasPrefix("data:") {
                found += code(inAddress: file.value, of: call.program, depth)
                continue
            }
            let isInput = ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"].contains(file.value)
            found += read(isInput ? call.inputs[0] : call.input(named: file), by: call, as: language, depth)
            found += written(file.value, by: call.program, depth) ?? []
        }
        if let language = row.input, !Self.isInterpreter(call.program), parts.texts.isEmpty || language == .statements,
            language != .editor || !call.readsPipe || runsInput(call)
        {
            found += read(call.inputs[0], by: call, as: language, depth)
        }
        if row.input == .statements {
            found += statements(
                of: call, parts.texts.filter { $0.language == .statements }.map(\.word.value), files: parts.files)
        }
        // On a host nobody knows what an archive brought.
        let brought: [String?] = !context.hasWalls && record.memory.hasFetchedArchive ? [nil] : []
        for name in row.usual where parts.files.isEmpty {
            for text in (record.memory.texts(of: name) ?? []) + brought {
                guard let text else {
                    // Filters edit a package's settings every day, and their scripts are rarely replaced that way.
                    if !name.hasSuffix(".json") { found.append(finding(.fed, subject: "\(call.program) \(name)")) }
                    continue
                }
                if ["package.json", "composer.json"].contains(name) { found += scripts(ofPackage: text, depth) }
                found +=
                    row.options.values.contains(.rules)
                    ? rules(text, targets: parts.operands.map(\.value), depth) : embedded(in: text, depth)
            }
        }
        return found
    }

    /// Judges the code in an address that begins with `data:`.
    private func code(inAddress address: String, of program: String, _ depth: Int) -> [GuardFinding] {
        let code = address.drop { $0 != "," }.dropFirst()
        let found = findings(inScript: PercentCoding.decode(code.utf8) ?? String(code), of: program, depth)
        let isEncoded = address.prefix { $0 != "," }.hasSuffix(";base64")
        return found + (isEncoded ? [finding(.dynamic, subject: "\(program) data:")] : [])
    }

    /// Judges where the statements of a client of databases go, and those in files.
    private func statements(
        of call: ShellScript.Command, _ texts: [String], files: [ShellScript.Word]
    ) -> [GuardFinding] {
        var found: [GuardFinding] = []
        let given = texts + [call.document].compactMap(\.self)
        let isUnknown = !files.isEmpty || call.document == nil && (call.inputs[0] != nil || call.readsPipe)
        if Self.isElsewhere(call), isUnknown || !given.allSatisfy(ClientVerbs.looks) {
            found.append(finding(.managed, subject: "\(call.program): another host"))
        }
        let input: ShellScript.Word? = if case .file(let file) = call.inputs[0] { file } else { nil }
        // Of a file nobody knows more than its name.
        let named = (files + [input].compactMap(\.self)).map { ShellMemory.name($0.value) }
        if let file = named.first(where: { WordMeaning.rule($0, []) == .removes }) {
            found.append(finding(.removes, subject: "\(call.program) \(file)"))
        }
        if input != nil || files.contains(where: { record.memory.texts(of: $0.value) == nil }) {
            let rule: ShellRule = context.asksInterpreters ? .interpreter : .writes
            found.append(finding(rule, subject: "\(call.program): statements of a file"))
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

    /// Returns whether a client is told by an option, an address, a variable or an operand to talk to another machine.
    static func isElsewhere(_ call: ShellScript.Command) -> Bool {
        let words = call.arguments.map(\.value)
        let isDatabase =
            CarriedText.table[call.program]?.input == .statements
            || ["host-takers", "migrators"].contains { ShellWords.contains(call.program, in: $0) }
        let isClient = isDatabase || ClientVerbs.knows(call.program)
        var hosts = call.assignments.map(\.value).filter { $0.prefix { $0 != "=" }.hasSuffix("HOST") }.map(value)
        for (index, word) in words.enumerated() {
            let option = word.prefix { $0 != "=" }
            // Of the short options, only these mean the same for every client. Old clients have long ones with one
            // dash.
            let isPlace =
                option.utf8.count == 2
                ? isClient && ["-h", "-H", "-S"].contains(option)
                : ["", "-"].contains { dash in ShellWords.contains(dash + option, in: "place-options") }
            if isPlace {
                hosts.append(option.count < word.count ? value(of: word) : words.dropFirst(index + 1).first ?? "")
            } else if isDatabase {
                if word.hasPrefix("-h"), word.utf8.count > 2 { hosts.append(String(word.dropFirst(2))) }
                // A text that says how to connect: `host=db1 dbname=app`.
                hosts += word.split { " ;".contains($0) }.map(String.init)
                    .filter { part in ["host=", "hostaddr=", "server=", "service="].contains(where: part.hasPrefix) }
                    .map(value)
            }
        }
        if ShellWords.contains(call.program, in: "host-takers"), let first = words.first, !first.hasPrefix("-"),
            !first.hasSuffix(".js"), first.contains(where: { ":/.".contains($0) || $0.isNumber })
        {
            hosts.append(first)
        }
        return hosts.contains(where: isOtherHost)
            || isDatabase && call.assignments.contains { isAddress(value(of: $0.value)) }
            || words.contains { word in
                // Nobody calls so what is on this machine.
                let isProduction =
                    word.hasPrefix("$")
                    && ["PROD", "LIVE", "URL", "URI", "DSN"].contains(where: word.uppercased().contains)
                    || isDatabase && !word.contains(" ") && says("production", word)
                // Statements name places in quotes and brackets.
                let parts = isDatabase ? word.split { " ;'\"(),".contains($0) }.map(String.init) : [word]
                return isProduction || word.hasPrefix("^/") || parts.contains { !$0.contains(" ") && isAddress($0) }
            }
    }

    private static func value(of setting: String) -> String { String(setting.drop { $0 != "=" }.dropFirst()) }

    /// Returns whether a word that names a machine, or its socket, names another one.
    private static func isOtherHost(_ word: String) -> Bool {
        !word.isEmpty && !["/", "-", "127.", "0.0.0.0", "::1"].contains(where: word.hasPrefix) && !isHere(word)
            && !word.hasSuffix(".localhost")
    }

    /// Judges a text that a program runs.
    func carried(
        _ word: ShellScript.Word, _ language: CarriedText.Language, program: String, _ depth: Int
    ) -> [GuardFinding] {
        guard depth < Self.deepest else { return [finding(.unreadable, subject: program)] }
        guard !word.isFixed, context.asksInterpreters, language == .script || language == .statements else {
            return carried(asWritten: word, language, program: program, depth)
        }
        let texts = texts(of: word)
        // A value may be code, too.
        let isKnown = !texts.contains { $0.contains(Self.anywhere) }
        let found = (isKnown ? texts : [word.value]).flatMap { text in
            carried(asWritten: ShellScript.Word(text), language, program: program, depth)
        }
        return found + (isKnown ? [] : [finding(.dynamic, subject: program)])
    }

    private func carried(
        asWritten word: ShellScript.Word, _ language: CarriedText.Language, program: String, _ depth: Int
    ) -> [GuardFinding] {
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
            // It is no server, and writes with the session's own rights, into one named file.
            let rule = ClientVerbs.rule(statements: text)
            let isOfFile =
                rule == .rights ? program == "duckdb" : program.hasPrefix("sqlite") && ClientVerbs.removesSome(text)
            var found =
                (isOfFile && context.hasWalls ? .writes : rule).map { [finding($0, subject: "\(program): \(text)")] }
                ?? []
            if found.isEmpty, !ClientVerbs.looks(statements: text) {
                // A cloud's data belongs to others too.
                let rule: ShellRule =
                    ClientVerbs.isClient(program) ? .managed : context.asksInterpreters ? .unknown : .writes
                found.append(finding(rule, subject: "\(program): \(text)"))
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

    /// Returns whether an editor reads commands from its input, rather than a text to edit.
    private func runsInput(_ call: ShellScript.Command) -> Bool {
        guard call.program.hasPrefix("vi") || ["nvim", "ex", "gvim", "nvi", "rvim"].contains(call.program) else {
            return true
        }
        return call.program == "ex" || call.arguments.contains { ["-s", "-es", "-Es", "-e", "-E"].contains($0.value) }
    }
}
