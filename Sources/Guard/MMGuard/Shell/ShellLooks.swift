internal import CGuardTables
import MMCore
import ShellSyntax

/// The uses of programs that only read, as a table lists them. A use that isn't listed may do anything.
struct ShellLooks: Sendable {
    /// The program's reading uses, each a list of conditions for its words.
    private var uses: [[String]] = []
    /// Options and words with which no use is only reading.
    private var changing: Set<String> = []
    /// The beginnings of such words, and texts within them.
    private var changingStarts: [String] = []
    private var changingParts: [String] = []
    /// Options that are harmless although their names suggest otherwise.
    private var showing: Set<String> = []

    /// A word that may be any option, because the text doesn't give it.
    static let anyOption = "--$"

    /// The programs in the table; with an `@` before them for the uses that show settings or memory of other programs.
    private static let table = ShellTable(cguard_shell_looks)
    /// The rows that were needed so far.
    private static let read = Mutex<[String: ShellLooks]>([:])

    /// Returns what the table says of a program, whose file may have a version in its name: `php-fpm8.2`.
    static func row(_ program: String) -> ShellLooks? {
        if let row = known(program) { return row }
        let stem = program.reversed().drop { $0.isNumber || $0 == "." || $0 == "-" }
        return stem.count < program.count ? known(String(stem.reversed())) : nil
    }

    private static func known(_ program: String) -> ShellLooks? {
        if let row = read.withLock({ $0[program] }) { return row }
        guard let facts = table[program] else { return nil }
        let row = ShellLooks(facts)
        read.withLock { $0[program] = row }
        return row
    }

    /// Returns whether a program only looks, whatever its words are, and none of them makes more of it.
    static func inspects(_ program: String, _ words: [String]) -> Bool {
        row(program).map { $0.uses.contains(["*"]) && $0.contain(words) } == true
    }

    /// Returns whether a program's words are a use that only reads.
    /// - Parameter isFree: whether a word names a file that may be made without a question.
    func contain(_ words: [String], isFree: (String) -> Bool = { _ in false }) -> Bool {
        let words = Self.withoutOwnOutput(words)
        // The name of one setting that is a secret, `wp config get DB_PASSWORD`,
        // and of a value that is looked up: `puppet lookup mysql::root_password`.
        let named = Self.operands(words)
        if named.contains(where: { ["Password", "Passwd", "Pwd"].contains(where: $0.hasSuffix) })
            || !uses.contains(["*"])
                && named.contains(where: {
                    ($0.contains("_") || $0.contains("::")) && SecretName.isSecretSetting($0)
                })
        {
            return false
        }
        let isPlain = words.allSatisfy { !changes($0) } && !writesPlace(words)
        return uses.contains { use in
            guard use.contains(where: { $0.first.map { ">+".contains($0) } == true }) else {
                return isPlain && holds(use, words)
            }
            var words = words
            for mark in use where mark.hasPrefix(">") {
                guard let others = Self.without(madeBy: mark.dropFirst(), words, isFree) else { return false }
                words = others
            }
            // What changes another use may belong to this one.
            let own = use.filter { $0.hasPrefix("+") }.map { $0.dropFirst() }
            let others = words.filter { word in
                word == Self.anyOption
                    ? hasChangingOption(besides: own)
                    : !own.contains { Self.isOne(of: $0, String(word.prefix { $0 != "=" })) }
            }
            return others.allSatisfy { !changes($0) } && !writesPlace(words)
                && holds(use.filter { !$0.hasPrefix(">") && !$0.hasPrefix("+") }, words)
        }
    }

    /// Returns whether words satisfy the conditions of a use.
    private func holds(_ use: [String], _ words: [String]) -> Bool {
        if use.isEmpty { return true }
        let needed = use.filter { $0.hasPrefix("=") }.map { String($0.dropFirst()) }
        if !needed.isEmpty {
            let named = Array(words.prefix { $0 != "--" })
            let options = OptionValue.without(named)
            guard needed.allSatisfy({ ($0.hasPrefix("-") ? options : named).contains($0) }) else { return false }
            if words.contains(Self.anyOption), changing.contains(where: { !$0.hasPrefix("-") }) { return false }
        }
        if use.contains("0"), words.isEmpty || words.contains(where: { $0.hasPrefix("-") }) { return false }
        let use = use.filter { !$0.hasPrefix("=") && $0 != "0" }
        guard let first = use.first else { return true }
        // What isn't known may be the verb, where that is known by its place, or a word that makes more of the use.
        let unknown = words.indices.first { index in
            words[index] == Self.anyOption && (index == 0 || !Self.isFollowed(words[index - 1]))
        }
        switch first.first {
        case _ where first == "*" && unknown != nil: return changing.allSatisfy { $0.hasPrefix("-") }
        case _ where first == "*": return true
        case _ where first == ".": return words.isEmpty
        case _ where first == "?": return WordMeaning.asksPrompt(words)
        case _ where first == "??": return ClientVerbs.looks(script: words)
        case "?": return WordMeaning.asksPrompt(words, behind: first.dropFirst().split(separator: "|").map(String.init))
        case "~":
            let options = first.dropFirst()
            let named = words.filter { $0.hasPrefix("-") && $0 != "-" }
            return !named.isEmpty && named.allSatisfy { Self.areAll(of: options, $0) }
        case "-":
            guard let word = words.first, Self.isOne(of: first, word) else { return false }
            // A use with only one option says nothing about other options.
            let isAlone = words.allSatisfy { other in
                let option = String(other.prefix { $0 != "=" })
                return !other.hasPrefix("-") || other == "-" || Self.isOne(of: first, option)
                    || showing.contains(option)
            }
            return isAlone
                && (use.count == 1 || Self.begin(Self.operands(Array(words.dropFirst())), with: use.dropFirst()))
        default:
            let verbs = use.filter { $0 != "$" }.count
            return Self.begin(Self.operands(words), with: use[...])
                && unknown.map { Self.operands(Array(words[..<$0])).count >= verbs } != false
        }
    }

    /// Returns words without the file that they make: the value of one of these options, or with `$` the last operand.
    /// - Returns: `nil` if they make none where that needs no question.
    private static func without(
        madeBy options: Substring, _ words: [String], _ isFree: (String) -> Bool
    ) -> [String]? {
        var words = words
        if options == "$" {
            guard words.count > 1, let last = words.popLast(), isFree(last) else { return nil }
            return words
        }
        guard let index = words.firstIndex(where: { isOne(of: options, String($0.prefix { $0 != "=" })) }) else {
            return nil
        }
        let value = words[index].drop { $0 != "=" }.dropFirst()
        let isJoined = !value.isEmpty
        guard isJoined || index + 1 < words.count, isFree(isJoined ? String(value) : words[index + 1]) else {
            return nil
        }
        words.removeSubrange(index...(isJoined ? index : index + 1))
        return words
    }

    /// Returns whether a word makes a use more than reading: because the table says so, or because an option's name
    /// says that it writes, starts or loads something.
    private func changes(_ word: String) -> Bool {
        if word == Self.anyOption { return hasChangingOption(besides: []) }
        let name = String(word.prefix { $0 != "=" })
        if changingParts.contains(where: word.contains) { return true }
        if showing.contains(name) { return false }
        if changing.contains(name) || changing.contains(word) || isShort(name)
            || changingStarts.contains(where: word.hasPrefix)
        {
            return true
        }
        guard word.hasPrefix("--") else { return false }
        if ["--show", "--with", "--reveal"].contains(where: name.hasPrefix), SecretName.isSecret(name) { return true }
        return switch WordMeaning.value(of: name) {
        case .none: false
        // Options for the output's format often have the same names as those for its file, but a file's path is
        // recognizable.
        case .output:
            word.contains("/") || ["--out", "--save", "--write"].contains(name)
                || ["file", "-log", "dump"].contains(where: name.hasSuffix)
        case .command, .script, .library, .listener: true
        }
    }

    /// Returns whether an option besides these makes a use more than reading.
    private func hasChangingOption(besides own: [Substring]) -> Bool {
        !changingParts.isEmpty
            || (changingStarts + changing).contains { option in
                option.hasPrefix("-") && !own.contains { Self.isOne(of: $0, option) }
            }
    }

    /// Returns whether an option that usually names an output file precedes a path; the name of a format never looks
    /// like a path.
    private func writesPlace(_ words: [String]) -> Bool {
        zip(words, words.dropFirst()).contains { option, value in
            let isOutput = option.hasPrefix("--") && !option.contains("=") && WordMeaning.value(of: option) == .output
            return (["-o", "-O", "-w", "-W"].contains(option) || isOutput && !showing.contains(option))
                && value.contains("/") && !value.contains(" ")
        }
    }

    /// Returns words without options that name the program's own output as the place of its output: `-o -`, `-o-`.
    private static func withoutOwnOutput(_ words: [String]) -> [String] {
        let options: Set<String> = ["-o", "-O", "-w", "--output"]
        var rest: [String] = []
        for word in words {
            if word == "-", let option = rest.last, options.contains(option) {
                rest.removeLast()
            } else if !word.hasSuffix("-") || !options.contains(String(word.dropLast(word.hasSuffix("=-") ? 2 : 1))) {
                rest.append(word)
            }
        }
        return rest
    }

    /// Returns whether an option contains one that isn't harmless: letters may be combined after one dash, and long
    /// names abbreviated.
    private func isShort(_ name: String) -> Bool {
        guard name.hasPrefix("-"), name.utf8.count > 2 else { return false }
        if name.hasPrefix("--") {
            return LongOption.word(name, mayBeOneOf: changing.filter { !$0.contains("=") })
                && !LongOption.word(name, mayBeOneOf: showing)
        }
        return name.dropFirst().prefix { $0.isLetter || $0.isNumber }.contains {
            changing.contains("-\($0)") && !showing.contains("-\($0)")
        }
    }

    /// Returns whether an option, or each of the letters that stand behind one dash, is one of these.
    private static func areAll(of options: some StringProtocol, _ option: String) -> Bool {
        if isOne(of: options, String(option.prefix { $0 != "=" })) { return true }
        return !option.hasPrefix("--") && option.dropFirst().allSatisfy { $0.isLetter && isOne(of: options, "-\($0)") }
    }

    private static func isOne(of pattern: some StringProtocol, _ word: String) -> Bool {
        pattern.split(separator: "|").contains { choice in
            if choice == "_" { return true }
            if choice.hasSuffix("*") { return word.hasPrefix(choice.dropLast()) }
            if choice.hasPrefix("*") { return word.hasSuffix(choice.dropFirst()) }
            return choice == word
        }
    }

    private static func begin(_ operands: [String], with use: ArraySlice<String>) -> Bool {
        if use.last == "$" { return operands.count == use.count - 1 && begin(operands, with: use.dropLast()) }
        // What a variable holds may be the verb, before a word that is only its object.
        let isComputed = zip(use.dropLast(), operands).contains { $0 == "_" && $1.hasPrefix("$") }
        return operands.count >= use.count && !isComputed
            && zip(use, operands).allSatisfy { isOne(of: $0, $1) || isOne(of: $0, $1.lowercased()) }
    }

    /// Returns the words that aren't options, nor values of options that clients take before their verbs.
    private static func operands(_ words: [String]) -> [String] {
        var operands: [String] = []
        var rest = words[...]
        while let word = rest.popFirst() {
            guard word.hasPrefix("-"), word != "-" else {
                operands.append(word)
                continue
            }
            if isFollowed(word) { _ = rest.popFirst() }
        }
        return operands
    }

    /// Returns whether clients take the next word for an option's value before their verbs.
    private static func isFollowed(_ word: String) -> Bool { word == "-h" || ShellPrograms.early.contains(word) }

    /// Reads what the table says of a program.
    private init(_ facts: [[String]]) {
        for fact in facts {
            let use = Array(fact.prefix { $0 != "!" && $0 != "+" })
            if !use.isEmpty { uses.append(use) }
            var isShown = false
            for word in fact.dropFirst(use.count) {
                if word == "!" || word == "+" {
                    isShown = word == "+"
                } else if isShown {
                    showing.insert(word)
                } else if word.hasSuffix("*"), word.hasPrefix("*") {
                    changingParts.append(String(word.dropFirst().dropLast()))
                } else if word.hasSuffix("*") {
                    changingStarts.append(String(word.dropLast()))
                } else {
                    changing.insert(word)
                }
            }
        }
    }

    /// Returns whether a use shows settings or memory wholesale: no option behind it picks some of them, nor an operand
    /// behind one that ends with `&`, unless its name is that of a secret.
    func showAll(_ words: [String]) -> Bool {
        let operands = Self.operands(words)
        let use = uses.first { use in
            guard let first = use.first else { return false }
            return switch first.first {
            case "*": true
            case ".": words.isEmpty
            case "$": words.allSatisfy { $0.hasPrefix("-") }
            case "-": words.first.map { Self.isOne(of: first, $0) } == true
            case "=": words.contains { $0 == first.dropFirst() }
            // One letter among others without a dash, as old programs take them.
            case "%":
                words.first.map { word in word.allSatisfy(\.isLetter) && first.dropFirst().allSatisfy(word.contains) }
                    == true
            default: Self.begin(operands, with: use.prefix { $0 != "&" })
            }
        }
        guard let use else { return false }
        let verbs = use.filter { $0.first.map { !"*.-=%&$".contains($0) } == true }.count
        let start = verbs == 0 ? 0 : words.firstIndex(of: operands[verbs - 1]) ?? 0
        let values = words.indices.dropFirst(start).filter {
            changing.contains(String(words[$0].prefix { $0 != "=" }))
        }.map { index in
            let value = words[index].drop { $0 != "=" }.dropFirst()
            return value.isEmpty ? words.dropFirst(index + 1).first ?? "" : String(value)
        }
        // A form such as `json` picks nothing.
        let picking = values.filter { !ShellWords.contains($0.lowercased(), in: "forms") }
        let behind = verbs == 0 ? words.filter { !$0.hasPrefix("-") } : Array(operands.dropFirst(verbs))
        let names = picking.filter { !$0.isEmpty } + (use.last == "&" ? behind : [])
        return picking.isEmpty && names.isEmpty || !names.allSatisfy { SecretName.isPlain($0) }
    }
}

extension ShellJudge {
    /// Adapts findings for a host without a sandbox: anything that isn't known to only read is asked about.
    func withoutWalls(_ found: [GuardFinding], _ call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        // A function's actions were judged where it was defined.
        let isFunction = record.memory.functions.contains(call.name) && isUnheardOf(call)
        // The command that such a program starts was judged separately, with its own words.
        let startsAnother =
            (ShellWords.contains(call.program, in: "plain-wrappers")
                || ShellPrograms.shells.contains(call.program) && Self.textStart(Array(call.arguments)) != nil)
            && !found.contains { $0.subject == call.program }
        let isPath = call.name.contains("/") && !Self.isInstalled(call.name)
        let isLocal = isPath && ownConsole(of: call) == nil
        let asksHelp = !isLocal && Self.asksHelp(call)
        guard !isFunction, !startsAnother, !asksHelp else { return found }
        guard context.asksInterpreters else { return looksAlone(found, call) }
        // Variables with their values were judged as before a command.
        if onlySets(call) { return found }
        let found = sayingOptions(found, call, depth)
        let open: [ShellRule] = isPath || ShellLooks.row(call.program) != nil ? [.writes, .reads] : [.writes]
        guard found.contains(where: { finding in open.contains { $0.rawValue == finding.rule } }) else { return found }
        if !isLocal, looks(byTable: call) || measures(call, depth) {
            return found.map {
                $0.rule == ShellRule.writes.rawValue ? finding(.reads, subject: $0.subject ?? call.program) : $0
            }
        }
        if !isLocal, isHarmless(call, depth) { return found }
        let isOption = isChangedByOptions(call, depth)
        return found.map { each in
            guard open.contains(where: { $0.rawValue == each.rule }) else { return each }
            let subject = each.subject ?? call.program
            return isOption ? mayBeOptions(subject) : finding(.unknown, subject: subject)
        }
    }

    /// Says of a program that manages something that only a value which may be an option is why it is asked about.
    private func sayingOptions(
        _ found: [GuardFinding], _ call: ShellScript.Command, _ depth: Int
    ) -> [GuardFinding] {
        guard Self.actsByTrade(call.program) || ClientVerbs.isClient(call.program), isChangedByOptions(call, depth)
        else { return found }
        return found.map { each in
            guard let rule = ShellRule(rawValue: each.rule), [.rights, .software, .managed].contains(rule),
                let subject = each.subject
            else { return each }
            return finding(
                rule, subject: subject,
                more: " if a value or the name of a file is an option; put it in quotes, behind ./ or --")
        }
    }

    /// Returns whether a command needs no question if none of its words turns out to be an option.
    private func isChangedByOptions(_ call: ShellScript.Command, _ depth: Int) -> Bool {
        guard depth < Self.deepest, call.arguments.contains(where: { mayBeOption($0) || mayAddOption($0) }) else {
            return false
        }
        var plain = call
        for index in call.words.indices.dropFirst() where !call.words[index].isLiteral {
            plain.words[index] = ShellScript.Word("x")
        }
        let rules = [ShellRule.reads, .writes].map(\.rawValue)
        return judge(plain, depth + 1).allSatisfy { rules.contains($0.rule) }
    }

    /// Returns the finding for a command that would need no question if none of its words were an option.
    func mayBeOptions(_ subject: String) -> GuardFinding {
        finding(
            .dynamic, subject: subject,
            more: ": a value or the name of a file may be an option; put it in quotes, behind ./ or --")
    }

    /// Adapts findings in the sandbox, where the table's uses count as reading too. The words of a program that isn't
    /// in the table prove nothing there.
    private func looksAlone(_ found: [GuardFinding], _ call: ShellScript.Command) -> [GuardFinding] {
        guard !found.isEmpty, found.allSatisfy({ $0.rule == ShellRule.writes.rawValue }),
            ShellLooks.row(call.program) != nil, looks(byTable: call)
        else { return found }
        return found.map { finding(.reads, subject: $0.subject ?? call.program) }
    }

    /// Returns whether the table says that a command only reads, or the words of a program that no table knows.
    func looks(byTable call: ShellScript.Command) -> Bool {
        let call = ownConsole(of: call) ?? call
        guard !call.name.contains("/") || Self.isInstalled(call.name) else { return false }
        var known = call
        for index in known.words.indices.dropFirst() where namesProcess(known.words[index]) {
            known.words[index] = ShellScript.Word("1")
        }
        let words = withoutMadeFiles(known.arguments.map(\.value))
        let name = call.program
        guard
            ShellLooks.row(name) != nil || ClientVerbs.isClient(name)
                || !ClientVerbs.knows(name) && isUnheardOf(call)
        else { return false }
        // A verb that is the name of a program may start it: `bsub find / -delete`.
        if ShellLooks.row(name) == nil, let first = call.words.dropFirst().first?.value,
            ["find", "fd", "env"].contains(first), let inside = call.inner(from: 1),
            !judge(inside, Self.deepest - 1).allSatisfy({ $0.classes == .read })
        {
            return false
        }
        if ShellWords.contains(name, in: "word-readers"),
            call.arguments.contains(where: { !$0.isFixed || $0.value.contains { ";\n".contains($0) } })
        {
            return false
        }
        if takesMadeSettings(words) { return false }
        return looks(name, words) && looksWithAnyOption(known) && !takesCommands(call) && !writesByScript(call)
            && self.looks(call) == nil
    }

    /// Returns whether an option names a file or folder with settings or plugins where one may be made without a
    /// question: they may name programs, or be some.
    private func takesMadeSettings(_ words: [String]) -> Bool {
        !context.hasWalls
            && zip(words, words.dropFirst() + [""]).contains { word, next in
                let name = word.prefix { $0 != "=" }
                guard word.hasPrefix("-"),
                    name.split(whereSeparator: { "-.".contains($0) })
                        .contains(where: { ShellWords.contains(String($0), in: "option-settings") })
                else { return false }
                let place = LongOption.value(in: word) ?? next
                return isOpen(context.path(place) ?? place)
            }
    }

    /// Returns whether a program of the table looks with any option in place of the words that may be one, where no
    /// walls limit what it does otherwise.
    private func looksWithAnyOption(_ call: ShellScript.Command) -> Bool {
        guard !context.hasWalls, ShellLooks.row(call.program) != nil else { return true }
        let words = markingOptions(of: call)
        return !words.contains(ShellLooks.anyOption) || looks(call.program, withoutMadeFiles(words))
    }

    /// Returns the console of an application that an interpreter runs, or that is run by its path, called by its name
    /// alone: `occ status` for `php /var/www/nextcloud/occ status`, `rails routes` for `bin/rails routes`. `nil` for
    /// every other command.
    func console(of call: ShellScript.Command) -> ShellScript.Command? {
        let isRun = ["php", "python", "ruby", "perl", "node"].contains(call.program.prefix { $0.isLetter })
        guard var inside = isRun ? call.inner(from: 1) : call, isRun || call.name.contains("/"),
            !inside.name.contains(".."),
            ShellWords.contains(inside.program, in: "project-consoles")
        else { return nil }
        inside.words[0].value = inside.program
        return inside
    }

    /// Returns such a console if it belongs to what was here before, rather than to what the session has fetched or
    /// made in a folder for temporary files.
    private func ownConsole(of call: ShellScript.Command) -> ShellScript.Command? {
        guard let inside = console(of: call), !record.memory.hasClone, !record.memory.hasFetchedArchive else {
            return nil
        }
        let file = call.words[call.words.count - inside.words.count].value
        return Self.isPassing(context.path(file) ?? file) ? nil : inside
    }

    /// Returns whether a word is the number of a process: `$(pgrep -o java)`, `$PID`.
    func namesProcess(_ word: ShellScript.Word) -> Bool {
        guard !word.isFixed, word.value.hasPrefix("$") else { return false }
        if isProcess(word) { return true }
        let name = word.value.filter { !"${}".contains($0) }
        return name.lowercased().hasSuffix("pid") && name.allSatisfy { $0.isLetter || $0 == "_" }
    }

    /// Returns whether a word is certainly the numbers of processes, without their names.
    func isProcess(_ word: ShellScript.Word) -> Bool {
        guard !word.isFixed, word.value.hasSuffix(")"),
            let program = ["pgrep", "pidof"].first(where: { word.value.hasPrefix("$(\($0) ") }),
            !record.memory.functions.contains(program), !record.memory.aliases.contains(program)
        else { return false }
        let text = word.value.dropFirst(program.count + 3)
        // With these letters it shows names, which are anybody's choice. An option may be quoted.
        let showsNames = text.split { " '\"".contains($0) }.contains { option in
            option.hasPrefix("-") && option.contains { "alcd".contains($0) }
        }
        return !showsNames && !text.contains { "|;&\n\t$({}\\".contains($0) }
    }

    /// Returns words without options that make a file where a redirection may make one: `-o ~/usage.json`. With `-w`
    /// the file is what a program has caught, which may be other people's.
    private func withoutMadeFiles(_ words: [String]) -> [String] {
        words.reduce(into: []) { rest, word in
            if ["-o", "-O", "--output"].contains(rest.last), makesFreely(word) {
                rest.removeLast()
            } else {
                rest.append(word)
            }
        }
    }

    /// Returns whether a word names a file in a home or below a folder for temporary files that may be made without a
    /// question.
    func makesFreely(_ word: String) -> Bool { record.makesFiles && isOpen(word) }

    /// Returns whether a word names a file where files may be made without a question if nothing forbids it.
    func isOpen(_ word: String) -> Bool {
        ["~/", "$HOME/", "/home/", "/root/", "/Users/", "/tmp/", "/var/tmp/", "/dev/shm/"]
            .contains(where: (word + "/").hasPrefix) && !word.contains("/.") && isFree(word)
    }

    /// Returns whether all that a word computes is the time: `~/hosts-$(date +%F)`.
    static func namesTime(_ word: String) -> Bool {
        var rest = word
        while let start = rest.firstRange(of: "$(date"), let end = rest[start.upperBound...].firstIndex(of: ")") {
            rest.removeSubrange(start.lowerBound...end)
        }
        return !rest.contains("$") && !rest.contains("`")
    }

    /// Returns whether a file may be made at a place without a question.
    func isFree(_ place: String) -> Bool { !isOfMachine(place) && !(place + "/").contains("/bin/") }

    func looks(_ program: String, _ words: [String]) -> Bool {
        if ClientVerbs.tries(program, words) || ClientVerbs.asksAPI(program, words) { return true }
        if let row = ShellLooks.row(program) { return row.contain(words, isFree: makesFreely) }
        return ClientVerbs.isClient(program) ? ClientVerbs.looks(words) : WordMeaning.looks(program, words)
    }

    /// Returns whether a program with its own language reads commands that aren't in the text.
    private func takesCommands(_ call: ShellScript.Command) -> Bool {
        guard CarriedText.table[call.program]?.input != nil else { return false }
        // What a module of an interpreter reads is data.
        if Self.isInterpreter(call.program), call.arguments.first?.value == "-m" { return false }
        return switch call.inputs[0] {
        case .text: false
        case .some: true
        case .none: call.readsPipe && call.document == nil
        }
    }

    /// Returns whether an awk script writes a file, pipes its output to a command, starts one, or includes more
    /// code.
    private func writesByScript(_ call: ShellScript.Command) -> Bool {
        call.program.hasSuffix("awk") && call.arguments.contains { ScriptText($0.value, .awk).actsInAwk }
    }

    /// Returns whether a command creates files in homes or temporary folders, downloads without changes, or runs a
    /// reading command elsewhere.
    private func isHarmless(_ call: ShellScript.Command, _ depth: Int) -> Bool {
        let operands = call.arguments.filter { !$0.value.hasPrefix("-") }
        switch call.program {
        // Running a created file is judged when it is run.
        case "mkdir", "touch", "tee", "mktemp":
            return call.arguments.allSatisfy { !isOfMachine(Self.place(in: $0.value)) }
        case "cp", "mv", "ln", "install", "rsync":
            // An option may name another place.
            guard !call.arguments.prefix(while: { $0.value != "--" }).contains(where: mayBeAnyOption) else {
                return false
            }
            // The program that strips what is installed.
            if call.arguments.contains(where: { LongOption.word($0.value, mayBe: "--strip-program") }) { return false }
            // What is written to a link later is written to what it names.
            let leads = { word in climbs(word) || texts(of: word).contains(where: isOfMachine) }
            if Self.makesLinks(call), operands.contains(where: leads) { return false }
            let places = Self.places(filledBy: call)
            if places.contains(where: { bringsHidden(call, to: $0) }) { return false }
            // Whatever a pattern matches is lost with a folder for temporary files. Where an option names the folder,
            // the last operand is moved, too.
            let isLost =
                call.program == "mv" && places.contains(where: Self.isPassing)
                && operands.dropLast(places.count > 1 ? 0 : 1)
                    .contains { $0.value.contains { "*?[{".contains($0) } && !isTemporary($0) }
            return !places.contains(where: isOfMachine) && !isLost && !leavesFiles(call)
        case "tar", "bsdtar", "gtar":
            return looks(call) == nil && !markingOptions(of: call).contains(ShellLooks.anyOption)
                && Self.tar(call).map(isHarmless) == true
        case "sed", "gsed":
            let parts = sorted(call, by: CarriedText.table["sed"] ?? CarriedText())
            let files = parts.operands.filter { file in !parts.texts.contains { $0.word.value == file.value } }
            return !files.isEmpty && files.allSatisfy { isTemporary($0) }
        // A filter; or the content stays, packed, where the file was.
        case "gzip", "pigz", "bzip2", "pbzip2", "xz", "zstd", "lz4":
            return call.arguments.allSatisfy { !$0.value.hasPrefix("-") || Self.packsInPlace($0.value) }
                && operands.allSatisfy { file in
                    isFree(file.value) && ["~/", "$HOME/", "/tmp/", "/var/tmp/"].contains(where: file.value.hasPrefix)
                }
        case "nc", "ncat", "bconsole": return asksSocket(call)
        case "dd":
            if operands.contains(where: { $0.value.hasPrefix("if=/dev/") }) { return false }
            let target = operands.first { $0.value.hasPrefix("of=") }
            return target.map { !isOfMachine(String($0.value.dropFirst(3))) } ?? true
        case "rm", "rmdir", "unlink", "chmod", "truncate":
            let files = call.program == "chmod" ? operands.dropFirst() : operands[...]
            return !files.isEmpty && files.allSatisfy { isTemporary($0) }
        // The session's own jobs.
        case "kill": return !operands.isEmpty && operands.allSatisfy { $0.value == "$!" || $0.value.hasPrefix("%") }
        case "cd", ":": return true
        case "curl", "wget": return fetches(call)
        case "git": return clones(call.arguments.map(\.value))
        default:
            if brings(call) { return true }
            guard depth < Self.deepest, let inside = executed(by: call) ?? client(within: call) ?? project(call),
                // Before it may stand another one.
                !call.words.dropLast(inside.words.count).contains(where: mayAddOption)
            else { return false }
            let fetches = onlyFetches(inside)
            return judge(inside, depth + 1).allSatisfy {
                $0.classes == .read || fetches && $0.rule == ShellRule.writes.rawValue
            }
        }
    }

    /// Returns whether an option of `rsync` names a further place of the machine where it leaves files:
    /// `--backup-dir=/etc/cron.d`.
    private func leavesFiles(_ call: ShellScript.Command) -> Bool {
        if Self.value(of: "T", call.arguments).map({ isOfMachine($0.value) }) == true { return true }
        let words = call.arguments.map(\.value)
        return zip(words, words.dropFirst() + [""]).contains { word, next in
            let name = word.prefix { $0 != "=" }
            // What the other side is told may be anything.
            if OptionLetters.word(word, hasOneOf: "M") || name == "--remote-option" { return true }
            guard ["-dir", "-batch", "--log-file"].contains(where: name.hasSuffix) else { return false }
            let place = LongOption.value(in: word) ?? next
            // A name alone is one in the folder that is filled.
            return (place.contains("/") || place.hasPrefix("~")) && isOfMachine(place)
        }
    }

    /// Returns whether a profiler only counts or samples while a command runs that looks, and keeps the samples where
    /// they may be made: `perf stat -a sleep 5`, `perf record -g -o /tmp/p.data -p 12 -- sleep 10`.
    private func measures(_ call: ShellScript.Command, _ depth: Int) -> Bool {
        let words = call.arguments.map(\.value)
        guard call.program == "perf", let verb = words.first, ["stat", "record"].contains(verb), depth < Self.deepest
        else { return false }
        let place = zip(words, words.dropFirst() + [""]).lazy.compactMap { word, next -> String? in
            if LongOption.word(word, mayBe: "--output") { return LongOption.value(in: word) ?? next }
            guard OptionLetters.word(word, hasOneOf: "o", valued: "eprtCGIDMx") else { return nil }
            return word.hasSuffix("o") ? next : String(word.drop { $0 != "o" }.dropFirst())
        }.first
        // Further commands before and behind it.
        guard place.map(makesFreely) ?? (verb == "stat"),
            !words.contains(where: { LongOption.word($0, mayBeOneOf: ["--pre", "--post"]) })
        else { return false }
        let takesValue = ShellPrograms.valueOptions["perf"] ?? []
        var start = 2
        while start < call.words.count, call.words[start].value.hasPrefix("-"), call.words[start].value != "--" {
            start += takesValue.contains(call.words[start].value) ? 2 : 1
        }
        if start < call.words.count, call.words[start].value == "--" { start += 1 }
        guard let inside = call.inner(from: start) else {
            return verb == "stat" && words.contains { ["-a", "-p", "--pid"].contains($0) }
        }
        return judge(inside, depth + 1).allSatisfy { $0.classes == .read }
    }

    /// Returns the command that a container or pod is told to run.
    func executed(by call: ShellScript.Command) -> ShellScript.Command? {
        let words = call.words
        guard
            [
                "docker", "podman", "nerdctl", "docker-compose", "kubectl", "oc", "crictl", "apptainer", "singularity",
            ].contains(call.program),
            let verb = words.firstIndex(where: { $0.value == "exec" })
        else { return nil }
        if ["kubectl", "oc"].contains(call.program) {
            guard let mark = words[verb...].firstIndex(where: { $0.value == "--" }) else { return nil }
            return call.inner(from: mark + 1)
        }
        var index = verb + 1
        while index < words.count, words[index].value.hasPrefix("-") {
            if words[index].value.hasPrefix("--priv") { return nil }
            index +=
                ["-e", "-u", "-w", "--env", "--user", "--workdir", "--index", "-B", "--bind"].contains(
                    words[index].value) ? 2 : 1
        }
        guard index + 1 < words.count, !words[index].value.contains("://") else { return nil }
        return call.inner(from: index + 1)
    }

    /// Returns whether a word names a file in a temporary folder.
    func isTemporary(_ word: ShellScript.Word) -> Bool {
        if isScratch(word) { return true }
        guard word.isFixed, !word.value.contains(where: { "*?[{$`".contains($0) }), let path = context.path(word.value)
        else { return false }
        return ["/tmp/", "/var/tmp/", "/dev/shm/"].contains {
            path.hasPrefix($0) && path.utf8.count > $0.utf8.count
        }
    }
}
