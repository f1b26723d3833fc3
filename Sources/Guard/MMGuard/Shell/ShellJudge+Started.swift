internal import MMCore
import ShellSyntax

/// Commands in the arguments of other commands, apart from those of wrappers.
extension ShellJudge {
    /// Judges the text that a program passes to its shell, or the program file that it runs: `script -c`, `flock -c`,
    /// the dynamic loader; `nil` for every other command.
    func starts(_ call: ShellScript.Command, _ depth: Int) -> [GuardFinding]? {
        let words = Array(call.arguments)
        switch call.program {
        case "script", "flock":
            guard let index = words.firstIndex(where: { Self.isCommandOption($0.value) }) else { return nil }
            if words[index].value.hasPrefix("--command=") {
                return text(
                    ShellScript.Word(String(words[index].value.dropFirst(10)), isFixed: words[index].isFixed), depth)
            }
            guard index + 1 < words.count else { return nil }
            return text(words[index + 1], depth)
        case let name where name.hasPrefix("ld-linux") || name.hasPrefix("ld-musl"):
            guard let first = words.firstIndex(where: { !$0.value.hasPrefix("-") }),
                let inside = call.inner(from: first + 1), depth < 8
            else { return nil }
            return judge(inside, depth + 1)
        // A network of its own, in which the command runs: `ip netns exec blue ss -t`.
        case "ip":
            let start = words.firstIndex { ["netns", "vrf"].contains($0.value) } ?? words.endIndex
            guard start < 3, words.dropFirst(start + 1).first?.value == "exec", depth < 8,
                let inside = call.inner(from: start + 4)
            else { return nil }
            return bringsAnother(call.words.prefix(start + 4)) + judge(inside, depth + 1)
        // In `time -p`, the keyword's option is in the place of a program's name.
        case "-p":
            guard let inside = call.inner(from: 1), depth < 8 else { return nil }
            return judge(inside, depth + 1)
        case "exe" where call.name.hasPrefix("/proc/"): return [finding(.dynamic, subject: call.name)]
        default: return nil
        }
    }

    /// Returns whether a word is `-c`, possibly after other letters: `script -qc`.
    private static func isCommandOption(_ word: String) -> Bool {
        word == "--command" || word.hasPrefix("--command=")
            || word.hasPrefix("-") && !word.hasPrefix("--") && word.hasSuffix("c") && word.utf8.count <= 5
    }

    /// Returns the text that words of `env` tell it to split, in any spelling of the option, and the index behind it.
    private static func split(_ words: ArraySlice<ShellScript.Word>) -> (word: ShellScript.Word, end: Int)? {
        guard let word = words.first else { return nil }
        let behind: Substring
        if LongOption.word(word.value, mayBe: "--split-string") {
            behind = word.value.drop { $0 != "=" }.dropFirst()
        } else if word.value.first == "-", let letter = word.value.firstIndex(of: "S"),
            word.value[..<letter].dropFirst().allSatisfy({ "iv0".contains($0) })
        {
            behind = word.value[letter...].dropFirst()
        } else {
            return nil
        }
        guard behind.isEmpty else {
            return (ShellScript.Word(String(behind), isFixed: word.isFixed), words.startIndex + 1)
        }
        return words.dropFirst().first.map { ($0, words.startIndex + 2) }
    }

    /// Judges what `env` does with the words of the text that a word of it begins or names, and those behind it; `nil`
    /// for any other word.
    func splitting(_ call: ShellScript.Command, at index: Int, _ depth: Int) -> [GuardFinding]? {
        guard let (text, end) = Self.split(call.words[index...]) else { return nil }
        // It knows no operators, and other escapes than a shell.
        guard depth < Self.deepest, text.isFixed, !text.value.contains("\\"),
            let script = try? ShellScript.parse("env " + text.value, as: .whole), script.commands.count == 1,
            let split = script.commands.first, split.redirections.isEmpty
        else { return [finding(.dynamic, subject: "env -S")] }
        var whole = call
        whole.words = split.words + call.words[end...]
        return judge(whole, depth + 1)
    }

    /// Judges the commands that builtins run when they take names of variables, whose subscripts are evaluated, or a
    /// callback.
    /// - Returns: `nil` if there are none.
    func hiddenCommands(of call: ShellScript.Command, _ depth: Int) -> [GuardFinding]? {
        let words = Array(call.arguments)
        if ["mapfile", "readarray", "compgen", "complete"].contains(call.program),
            let called = Self.value(of: "C", call.arguments)
        {
            return text(called, depth)
        }
        if let letter = Self.loading[call.program],
            words.contains(where: { Self.letter(letter, in: $0.value) != nil || mayBeOption($0) || mayAddOption($0) })
        {
            return [finding(.loader, subject: "\(call.program) -\(letter)")]
        }
        if call.program == "bind" {
            let isHarmless = words.allSatisfy { ["-l", "-p", "-P", "-s", "-S", "-v", "-V", "-X"].contains($0.value) }
            return isHarmless ? [finding(.reads, subject: "bind")] : [finding(.loader, subject: "bind")]
        }
        // The words behind a command would then set variables for it.
        if call.program == "set", Self.turnsOn("k", "keyword", call.arguments) {
            return [finding(.dynamic, subject: "set -k")]
        }
        // zsh may run what a value contains where it shows that like a prompt.
        if call.program == "print", !words.allSatisfy(\.isFixed),
            words.contains(where: { OptionLetters.word($0.value, hasOneOf: "P") })
        {
            return [finding(.dynamic, subject: "print -P")]
        }
        if call.program == "fc" { return words.first?.value == "-l" ? nil : [finding(.dynamic, subject: "fc")] }
        // What isn't known may be a subscript with a command.
        let names = call.program == "unset" ? words[...] : Self.value(of: "v", call.arguments).map { [$0] } ?? []
        if !context.hasWalls, ["unset", "test", "["].contains(call.program), names.contains(where: { !$0.isFixed }) {
            return [finding(.dynamic, subject: call.program)]
        }
        if call.program == "jobs", words.first?.value == "-x" {
            guard depth < 8 else { return [finding(.unreadable, subject: call.program)] }
            return call.inner(from: 2).map { judge($0, depth + 1) }
        }
        // Substitutions in the text were judged with it; a fixed word is run only when it is evaluated.
        let isList = ["compgen", "complete"].contains(call.program)
        let runs: Bool
        switch call.program {
        case "set": runs = words.contains { $0.isFixed && mayRun(value: $0.value) }
        case "printf", "print":
            // In zsh this is the next line of the prompt.
            if call.program == "print", words.contains(where: { Self.letter("z", in: $0.value) != nil }) {
                return [finding(.dynamic, subject: "print -z")]
            }
            let isNamed = Self.variable(namedBy: call.program, call.arguments) != nil
            // zsh may run the commands in a prompt.
            let isPrompt = call.program == "print" && words.contains { Self.letter("P", in: $0.value) != nil }
            runs = words.contains { word in
                word.isFixed
                    && (isNamed && mayRun(value: word.value)
                        || isPrompt && Self.substitutes(word.value, anywhere: true))
            }
        default: runs = words.contains { $0.isFixed && Self.substitutes($0.value, anywhere: isList) }
        }
        guard runs || takesCommand(call) else { return nil }
        return [finding(.dynamic, subject: call.program)]
    }

    /// Returns whether a builtin sets variables to a plain text that it reads, which may run commands.
    private func takesCommand(_ call: ShellScript.Command) -> Bool {
        guard ["read", "mapfile", "readarray"].contains(call.program),
            case .text(let text, isFixed: true) = call.inputs[0]
        else { return false }
        return mayRun(value: text)
    }

    /// Returns whether the value of a variable runs commands where the shell evaluates it: as arithmetic, it runs those
    /// in a subscript, and a subscript may be put together from several values.
    func mayRun(value: String) -> Bool { Self.substitutes(value, anywhere: computes) }

    /// Builtins that declare variables by their words.
    static let declaring: Set<String> = ["export", "declare", "typeset", "readonly", "local"]

    /// Builtins that set the variables that their words name to what they read or make.
    static let filling: Set<String> = ["read", "printf", "print", "mapfile", "readarray", "getopts"]

    /// Builtins that set a variable only behind an option, with its letter: `set` does in zsh and ksh.
    static let naming: [String: Character] = ["printf": "v", "print": "v", "set": "A", "wait": "p"]

    /// Builtins that load a file as a part of the shell or in place of a program, with the letter of the option.
    private static let loading: [String: Character] = ["enable": "f", "hash": "p"]

    /// Returns the variable that such a builtin sets: `printf -vNAME`, `print -r -v NAME`, `set -A NAME VALUE`.
    static func variable(
        namedBy builtin: String, _ arguments: ArraySlice<ShellScript.Word>
    ) -> ShellScript.Word? {
        naming[builtin].flatMap { value(of: $0, arguments) }
    }

    /// Returns whether words of `set` or of a shell turn on one of its options, or may do so through a value behind a
    /// dash.
    static func turnsOn(_ letter: Character, _ name: String, _ words: ArraySlice<ShellScript.Word>) -> Bool {
        words.prefix { $0.value != "--" }.contains { word in
            // zsh takes names of its options in any case, and with underscores.
            word.value.lowercased().filter { $0 != "_" } == name
                || word.value.hasPrefix("-") && Self.letter(letter, in: word.value) != nil
        }
    }

    /// Returns the value of an option's letter, which may stand behind others and before its value in the same word.
    static func value(of option: Character, _ arguments: ArraySlice<ShellScript.Word>) -> ShellScript.Word? {
        var rest = arguments.prefix { $0.value != "--" }
        while let word = rest.popFirst() {
            guard let place = letter(option, in: word.value) else { continue }
            let name = word.value[place...].dropFirst()
            let isBehind = name.isEmpty || word.value[place] == "$"
            return isBehind ? rest.first : ShellScript.Word(String(name), isFixed: word.isFixed)
        }
        return nil
    }

    /// Returns the place of an option's letter in a word, where it may stand behind others, or of a value that may
    /// contain it; `nil` without either.
    static func letter(_ letter: Character, in word: String) -> String.Index? {
        guard let sign = word.first, "-+".contains(sign),
            let place = word.firstIndex(where: { $0 == letter || $0 == "$" }),
            word[..<place].dropFirst().allSatisfy(\.isLetter)
        else { return nil }
        return place
    }

    /// Returns whether a builtin evaluates its words as names of variables, as arithmetic or as lists.
    static func evaluates(_ call: ShellScript.Command) -> Bool {
        declaring.contains(call.program) || filling.contains(call.program)
            || ["let", "test", "[", "[[", "unset"].contains(call.program)
    }

    /// Returns whether a word runs commands where it is evaluated, through a variable whose value is known.
    static func bringsCommand(_ written: ShellScript.Word, _ expanded: ShellScript.Word) -> Bool {
        written.value != expanded.value && !substitutes(written.value, anywhere: false)
            && substitutes(expanded.value, anywhere: false)
    }

    /// Returns whether a text runs commands when it is evaluated: in a subscript, in a list of values, or anywhere.
    private static func substitutes(_ text: String, anywhere: Bool) -> Bool {
        let start = [text.firstRange(of: "["), text.firstRange(of: "=(")].compactMap { $0?.lowerBound }.min()
        let evaluated = anywhere ? text[...] : text[(start ?? text.endIndex)...]
        return evaluated.contains("$(") || evaluated.contains("`") || evaluated.contains("@P}")
    }

    /// Returns whether the shell expands the value of a variable in a text once more: `${x@P}`, and in zsh `${(e)x}`.
    static func expandsValue(_ text: String) -> Bool {
        if text.contains("@P}") { return true }
        var rest = text[...]
        while let start = rest.firstRange(of: "${(") {
            rest = rest[start.upperBound...]
            let flags = rest.prefix { $0 != ")" }
            if flags.contains("e") || flags.contains("%%") { return true }
        }
        return false
    }

    /// Returns whether zsh runs a command for each file that a pattern matches: `*(e:'rm x':)`, `*(+f)`.
    static func runsForFiles(_ word: ShellScript.Word) -> Bool {
        guard !word.isFixed, !word.hasNoPattern, word.value.hasSuffix(")"),
            let start = word.value.dropFirst().firstIndex(of: "(")
        else { return false }
        let signs = Array(word.value[start...].dropFirst().dropLast())
        // Among names to choose from, as in `!(*.jpeg|*.png)`, an `e` before a letter belongs to a name.
        let hasNames = signs.contains("|")
        if !hasNames, signs.contains("+") { return true }
        // Any two signs enclose the command, or two brackets.
        let brackets: [Character: Character] = ["[": "]", "{": "}", "<": ">", "(": ")"]
        var behind: Set<Character> = []
        for place in signs.indices.dropLast().reversed() {
            let next = signs[place + 1]
            let begins = signs[place] == "e" && !(hasNames && (next.isLetter || next == "|"))
            if begins, behind.contains(brackets[next] ?? next) { return true }
            behind.insert(next)
        }
        return false
    }

    /// Returns the rule for options and operands of a program that otherwise only reads; `nil` if they don't change
    /// that.
    func looks(_ call: ShellScript.Command) -> ShellRule? {
        guard let rule = LookerException.table[call.program]?.rule(markingOptions(of: call)) else { return nil }
        let isOfSystem = call.arguments.contains { word in
            let value = word.value.split(separator: "=", maxSplits: 1).last.map(String.init) ?? word.value
            return isSystem(value) || word.value.hasPrefix("-") && isSystem(String(word.value.dropFirst(2)))
        }
        return rule == .writes && isOfSystem ? .device : rule
    }

    /// Returns a command's arguments, with `ShellLooks.anyOption` in place of each that may be any option, and behind
    /// each that may be followed by one: it stands neither behind `--` nor behind an option that takes it as its value.
    func markingOptions(of call: ShellScript.Command) -> [String] {
        let name = call.program
        let exception = LookerException.table[name] ?? LookerException()
        let row = CarriedText.table[name]
        let valued = ShellPrograms.valueOptions[name] ?? []
        // Nearly all options of these take a value.
        let isClient = ClientVerbs.isClient(name)
        var words: [String] = []
        var isSure = true
        var rest = call.arguments
        while let word = rest.popFirst() {
            if word.value == "--" { return words + [word.value] + rest.map(\.value) }
            let lacksDash = words.isEmpty && exception.mayLackDash && !word.value.hasPrefix("-")
            let text = lacksDash ? "-" + word.value : word.value
            let takesNext = exception.takesNext(text) ?? row.flatMap { Self.takesNext(text, $0) }
            // Letters without a dash take their values from the words behind them, each in its turn.
            let startsSome =
                lacksDash && row.map { row in word.value.contains { row.options["-\($0)"] != nil } } == true
            let isAny = startsSome || takesNext == nil && mayBeOption(word)
            words.append(isAny ? ShellLooks.anyOption : word.value)
            if mayAddOption(word) { words.append(ShellLooks.anyOption) }
            guard text.hasPrefix("-"), text != "-" else {
                if exception.isOrdered, isSure, !isAny { return words + rest.map(\.value) }
                continue
            }
            // Behind an option that the table doesn't know, the next word may be its value.
            isSure = isSure && takesNext != nil
            let isFollowed = takesNext ?? (valued.contains(text) || isClient && !text.contains("="))
            guard isFollowed, let value = rest.popFirst() else { continue }
            words.append(value.value)
            let mayBeNames = !value.hasNoPattern && mayBeOption(value)
            if mayBeNames || mayAddOption(value) { words.append(ShellLooks.anyOption) }
        }
        return words
    }

    /// Judges a line for network equipment. The host may also be a machine with a shell, so the line is judged as a
    /// shell's too. Equipment has its own words for permanent changes.
    func equipment(_ call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        let text = call.arguments.map(\.value).joined(separator: " ")
        var found = findings(in: text, depth: depth + 1).filter { finding in
            // The equipment's language isn't a shell's, so a line that no shell can parse means nothing.
            ![ShellRule.unreadable, .dynamic, .recursion].contains { $0.rawValue == finding.rule }
        }
        // Whether equipment only shows something is decided by the words.
        if let script = try? ShellScript.parse(text, as: .whole),
            script.commands.allSatisfy({ WordMeaning.looks($0.program, $0.arguments.map(\.value)) })
        {
            found.removeAll { $0.rule == ShellRule.unknown.rawValue }
        }
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: " ").map { $0.lowercased() }
            let verbs: Set = ["reload", "erase", "format", "delete", "squeeze", "reboot", "zeroize", "factory-reset"]
            if let verb = words.first(where: { $0 != "do" && $0 != "request" && $0 != "system" }),
                verbs.contains(verb) || words.starts(with: ["write", "erase"]) || words.starts(with: ["wr", "er"])
            {
                found.append(finding(.removes, subject: String(line)))
            }
        }
        return found.isEmpty ? [finding(.writes, subject: text)] : found
    }

    /// Returns whether a command reads all files below a folder that contains mm's own files or keys.
    func readsAll(_ call: ShellScript.Command) -> Bool {
        let words = call.arguments.map(\.value)
        func hasFlag(_ letters: String, _ long: String...) -> Bool {
            words.contains { word in
                LongOption.word(word, mayBeOneOf: long) || OptionLetters.word(word, hasOneOf: letters)
            }
        }
        let isRecursive: Bool
        switch call.program {
        case "grep", "egrep", "fgrep", "zgrep":
            // What is done with folders may be to search them: `-d recurse`.
            isRecursive = hasFlag("rRd", "--recursive", "--dereference-recursive", "--directories")
        case "cp": isRecursive = hasFlag("rRa", "--recursive", "--archive")
        case "rg", "ag", "tar", "zip", "rsync", "scp": isRecursive = true
        default: return false
        }
        guard isRecursive, !context.isRemote else { return false }
        return words.contains { word in
            guard !word.hasPrefix("-"),
                word.contains("/") || word.hasPrefix("~") || word.hasPrefix("$") || word == "."
                    || word == "..", let path = context.path(word)
            else { return false }
            let whole = path == "/" ? "/" : path + "/"
            return context.ownFiles.contains { $0.hasPrefix(whole) }
        }
    }
}

/// The options and operands by which a program that otherwise only reads writes or starts something.
struct LookerException: Sendable {
    /// Option letters that take the next word, unless their value follows in the same word.
    var values = ""
    /// Names of long options that take the next word, unless their value follows in the same word.
    var longValues: [String] = []
    /// Option letters whose value can only follow in the same word.
    var attached = ""
    /// The letters and long names of options that write.
    var writes: [String] = []
    /// The options that start another program, or read a file that names one.
    var starts: [String] = []
    /// The maximum number of operands; with more, the program writes to one of them, or changes what it would show.
    var operands: Int?
    /// Whether a word that begins with `+` is a command to the program. Only positions and searches are harmless.
    var takesCommands = false
    /// Whether the first word may be letters of options without a dash.
    var mayLackDash = false
    /// Whether no word behind the first operand is an option.
    var isOrdered = false

    /// Returns whether an option takes a value in the next word, rather than in the same one; `nil` for another word.
    func takesNext(_ word: String) -> Bool? {
        if word.hasPrefix("--") {
            let name = word.dropFirst(2)
            return !name.isEmpty && longValues.contains { $0.hasPrefix(name) } ? true : nil
        }
        guard word.hasPrefix("-"),
            let letter = word.dropFirst().firstIndex(where: {
                $0 == "$" || values.contains($0) || attached.contains($0)
            }), word[letter] != "$"
        else { return nil }
        return values.contains(word[letter]) && word.index(after: letter) == word.endIndex
    }

    /// Returns the rule for the words; `nil` if the program only reads.
    func rule(_ words: [String]) -> ShellRule? {
        var rest = words[...]
        var count = 0
        var found: ShellRule?
        if mayLackDash, let first = words.first, !first.hasPrefix("-") { rest[rest.startIndex] = "-" + first }
        while let word = rest.popFirst() {
            if word == "--" {
                count += rest.count
                break
            }
            if word == ShellLooks.anyOption {
                found = .writes
            } else if word.hasPrefix("--") {
                let name = word.dropFirst(2).prefix { $0 != "=" }
                // Long options may be abbreviated.
                if starts.contains(where: { $0.count > 1 && $0.hasPrefix(name) }) { return .dynamic }
                if writes.contains(where: { $0.count > 1 && $0.hasPrefix(name) }) { found = .writes }
            } else if word.hasPrefix("-"), word.count > 1 {
                for letter in word.dropFirst() {
                    if starts.contains(String(letter)) { return .dynamic }
                    if writes.contains(String(letter)) { found = .writes }
                    if values.contains(letter) || attached.contains(letter) { break }
                }
            } else if word.hasPrefix("+") {
                if writes.contains(String(word.prefix(2))) { found = .writes }
                if takesCommands, !Self.isPlace(word) { return .dynamic }
            } else {
                count += 1
            }
            if takesNext(word) == true { _ = rest.popFirst() }
        }
        if let operands, count > operands { return .writes }
        return found
    }

    /// Returns whether a command of a pager only sets the start position: `+F`, `+G`, `+12`, `+/text`.
    private static func isPlace(_ word: String) -> Bool {
        let command = word.drop { $0 == "+" }
        if command.hasPrefix("/") || command.hasPrefix("?") {
            return !command.contains { $0.isNewline || $0 == "\u{1B}" }
        }
        return command.allSatisfy { $0.isNumber || "FGgp%".contains($0) }
    }

    /// Creates a program without such options.
    init() {}

    /// The exceptions among `ShellPrograms.readers`.
    static let table = ShellTable.texts.compactMapValues(LookerException.init)

    /// Reads the facts of a program; `nil` if they are about something else.
    private init?(_ facts: [[String]]) {
        var isEmpty = true
        for fact in facts {
            let words = Array(fact.dropFirst())
            switch fact[0] {
            case "letters": values = words[0]
            case "long": longValues = words
            case "attached": attached = words[0]
            case "writes": writes = words
            case "starts": starts = words
            case "most": operands = Int(words[0])
            case "commands": takesCommands = true
            case "bare": mayLackDash = true
            case "ordered": isOrdered = true
            default: continue
            }
            isEmpty = false
        }
        if isEmpty { return nil }
    }
}
