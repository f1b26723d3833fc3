internal import MMCore
import ShellSyntax

/// The judge of shell commands by their text.
///
/// A shell can do whatever its user can, in ways that no text shows, so this only judges what a command says that it
/// does. The actual limits are the sandbox profiles.
struct ShellJudge {
    /// How many words of one call's texts are still judged. Commands within commands and files that run each other are
    /// judged more than once, which can make far more of a text than anybody would wait for.
    final class Allowance {
        private var wordsLeft: Int
        /// Whether commands were left out.
        var isExhausted: Bool { wordsLeft < 0 }

        /// Creates an allowance of about six times the words of the texts, and of some for short ones, whose variables
        /// may have several values. Commands of every day need far less.
        /// - Parameter size: the bytes of all texts.
        init(for size: Int) { wordsLeft = 10_000 + min(size, 120_000) }

        /// Counts a command that is judged, or the commands that read its output; returns whether it may be.
        func admits(words: Int) -> Bool {
            wordsLeft -= words
            return !isExhausted
        }
    }

    /// What the texts of one call have in common, including texts within others.
    final class Record {
        /// The files that they write.
        var memory: ShellMemory
        /// The files whose texts are being judged, so that none is judged within itself.
        var open: Set<String> = []
        let allowance: Allowance
        /// Whether a program that otherwise looks may make a file at home or below `/tmp`. A policy under which nothing
        /// may be written knows no such file.
        let makesFiles: Bool

        init(_ memory: ShellMemory, _ allowance: Allowance, makesFiles: Bool) {
            self.memory = memory
            self.allowance = allowance
            self.makesFiles = makesFiles
        }
    }

    var context: ShellContext
    let record: Record
    /// The values of variables that this text sets, if they are fixed.
    var variables: [String: String] = [:]
    /// Variables that always contain the path of a new temporary file or folder.
    var scratch: Set<String> = []
    /// The variables that contain one of these plain words, because the whole text is a loop over them.
    var looped: [String: [String]] = [:]
    /// All values that this text gives its variables.
    var given = GivenValues()
    /// The variables that this text sets to what was read on this machine.
    var carrying: [String: Told] = [:]
    /// Whether this text computes with variables, so that pieces of their values may become a subscript.
    var computes = false
    /// Whether bash reads this text.
    var isBash = false
    /// The command whose output the current one reads.
    var producer: ShellScript.Command?
    /// The commands that read the output of the current one, one from the other.
    var followers: [ShellScript.Command] = []
    static let deepest = 8

    /// Creates a judge of a text.
    /// - Parameter makesFiles: whether what looks may make files of its own.
    init(of text: String, in context: ShellContext, remembering memory: ShellMemory, makesFiles: Bool) {
        self.context = context
        record = Record(memory, Allowance(for: text.utf8.count + memory.size), makesFiles: makesFiles)
    }

    /// The judge of commands that run on another machine, which has none of this one's files.
    var elsewhere: ShellJudge { ShellJudge(elsewhere: self) }

    private init(elsewhere here: ShellJudge) {
        context = ShellContext(isRemote: true)
        record = Record(ShellMemory(), here.record.allowance, makesFiles: here.record.makesFiles)
        variables = here.variables
    }

    /// Judges a text.
    /// - Parameter isBash: whether bash reads it; other shells read some texts differently, which are refused then.
    func findings(in text: String, depth: Int = 0, isBash: Bool = false) -> [GuardFinding] {
        guard depth < Self.deepest else { return [finding(.unreadable, subject: "commands within commands")] }
        let script: ShellScript
        do throws(ShellRefusal) {
            script = try ShellScript.parse(text, as: .whole, isBash: isBash)
        } catch {
            return [finding(.unreadable, subject: error.construct, more: ": \(error.construct)")]
        }
        var found: [GuardFinding] = []
        let selfCalls = script.selfCalls
        var judge = self
        judge.given = GivenValues(script, record.memory)
        if depth == 0 { record.memory.note(declared: judge.given.lasting) }
        let isInFunction = script.isInFunction
        note(script, isInFunction)
        judge.isBash = isBash
        judge.scratch.formUnion(Self.scratchVariables(script))
        judge.looped = loopVariables(text, script)
        judge.computes = script.computes
        judge.carrying.merge(carried(by: script)) { max($0, $1) }
        for binding in script.bindings { found += judge.binding(binding, depth) }
        for file in [showsSought(script), showsSourced(script), judge.takesSecret(script)].compactMap(\.self) {
            found.append(finding(.secrets, subject: file))
        }
        let values = Dictionary(grouping: script.bindings, by: \.name.value).mapValues { $0.flatMap(\.values) }
        var previous: ShellScript.Command?
        var joined: [ShellScript.Command] = []
        var clones: [String] = []
        for (index, call) in script.commands.enumerated() {
            let readers = script.commands[(index + 1)...].prefix(while: \.readsPipe)
            guard record.allowance.admits(words: readers.count) else { break }
            let written = call
            var call = call
            judge.given.enter(call, at: index)
            judge.expand(&call)
            if Self.evaluates(call), zip(written.words, call.words).contains(where: Self.bringsCommand) {
                found.append(finding(.dynamic, subject: call.program))
            }
            judge.followers = followers + readers
            judge.producer = call.readsPipe ? previous : nil
            joined = call.readsPipe ? joined + [call] : [call]
            if let file = judge.overwritesSource(joined) { found.append(finding(.removes, subject: "> \(file)")) }
            if let text = judge.piped(into: call, from: previous, of: script) { call.document = text }
            found += judge.reachingAnywhere(judge.judge(call, depth), call)
            let others = judge.otherwise(written, call)
            if others == nil { found.append(finding(.dynamic, subject: call.program)) }
            for turn in judge.turns(of: call, values) + (others ?? []) { found += judge.judge(turn, depth) }
            let reaching = judge.reaching(written, call)
            if let reaching { found += judge.judge(reaching: reaching, depth) }
            if let clone = clones.first(where: { judge.runs(call, of: $0) }) {
                found.append(finding(.fed, subject: "\(call.program): code of \(ShellMemory.name(clone))"))
            }
            if let clone = judge.clone(by: call) { clones.append(clone) }
            judge.follow(call, reaching: reaching, isOnce: !call.isInConstruct && !isInFunction[index])
            if written.readsPipe, selfCalls.contains(index) { found.append(finding(.recursion, subject: written.name)) }
            previous = call
        }
        return found
    }

    /// Notes what a text changes for its commands and later ones: functions, and the variables that programs get.
    private func note(_ script: ShellScript, _ isInFunction: [Bool]) {
        record.memory.note(functions: script.functions.map(\.name))
        // A variable may be set before the command that hands it on.
        for call in script.commands { note(exportedBy: call) }
        if zip(isInFunction, script.commands).contains(where: { $0 && Self.entersFolder($1) }) {
            record.memory.hasMovingFunction = true
        }
    }

    /// Returns a plain text that is piped into a command, which can be read from the command that writes it.
    private func piped(
        into call: ShellScript.Command, from previous: ShellScript.Command?, of script: ShellScript
    ) -> String? {
        guard call.readsPipe, let previous else { return nil }
        let opened = call.redirections.first { $0.descriptor == 0 }?.target.value
        let isPiped =
            opened == nil
            ? previous.controlOperator == .pipe
                // The only command of a substitution.
            : opened == "<()"
                && script.commands.count { $0.offset > call.offset && $0.offset <= previous.offset } == 1
        return isPiped ? output(of: previous) : nil
    }

    func finding(_ rule: ShellRule, subject: String, more: String = "") -> GuardFinding {
        let shown = String(subject.prefix(60))
        return GuardFinding(
            rule: rule.rawValue, classes: rule.classes, kind: rule.kind,
            reason: "“\(shown)”: \(rule.reason)\(more)", instead: rule.instead, subject: shown)
    }

    // MARK: One command

    func judge(_ call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        guard record.allowance.admits(words: call.words.count + 3) else { return [] }
        var found: [GuardFinding] = []
        found += assignments(of: call, depth)
        for redirect in call.redirections where redirect.opensFile {
            found += judge(redirect.target, isWritten: redirect.writes)
        }
        if let file = tellsLater(call) { found.append(finding(.loader, subject: "> \(file)")) }
        if empties(call) || leavesNothing(call) { found.append(finding(.removes, subject: "empties a file")) }
        // The brackets of a test aren't a pattern.
        for word in call.words where !["[", "[["].contains(word.value) && context.isOwn(word.value) {
            found.append(finding(.ownFiles, subject: word.value))
        }
        for word in call.words + call.assignments + call.redirections.map(\.target)
        where Self.expandsValue(word.value) || !isBash && Self.runsForFiles(word) {
            found.append(finding(.dynamic, subject: word.value))
        }
        if let text = call.document, Self.expandsValue(text) { found.append(finding(.dynamic, subject: "@P")) }
        found += shownSecrets(by: call)
        guard let first = call.words.first else { return found }
        // The keyword `time` takes no such option, so a shell that has none runs the program of this name.
        if first.value.hasPrefix("-"), depth < Self.deepest {
            var timed = call
            timed.words.insert(ShellScript.Word("time"), at: 0)
            return found + judge(timed, depth + 1)
        }
        // This is a history reference, or a command that a program's prompt passes to a shell.
        if first.value.hasPrefix("!"), first.value.utf8.count > 1, depth < Self.deepest {
            var typed = call
            typed.words[0].value.removeFirst()
            return found + judge(typed, depth + 1) + [finding(.writes, subject: first.value)]
        }
        guard first.isFixed, !first.value.contains(where: { "*?[{".contains($0) }) || ["[", "[["].contains(first.value)
        else {
            return found + [finding(.dynamic, subject: first.value)]
        }
        return found + inTests(judge(named: call, depth), call)
    }

    /// Judges the variables that are set before a command, or by it alone.
    private func assignments(of call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        var found: [GuardFinding] = []
        for assignment in call.assignments {
            let name = assignment.value.prefix { $0 != "=" && $0 != "+" && $0 != "[" }
            if assignment.value.dropFirst(name.count).hasPrefix("["),
                ShellWords.contains(String(name), in: "keyed-loaders")
            {
                found.append(finding(.loader, subject: String(name)))
            }
            let value = assignment.value.drop { $0 != "=" }.dropFirst()
            found += variable(
                String(name), ShellScript.Word(String(value), isFixed: assignment.isFixed),
                isHanded: !call.words.isEmpty, depth, before: call.words.isEmpty ? nil : call)
        }
        return found
    }

    /// Finds keys and passwords that a command shows.
    private func shownSecrets(by call: ShellScript.Command) -> [GuardFinding] {
        var found: [GuardFinding] = []
        let prints = ShellPrograms.printers.contains(call.program)
        let packs = ShellWords.contains(call.program, in: "packers")
        // A filter says which members of the data are shown.
        let filter =
            Self.isFilter(call.program)
            ? call.arguments.first { !$0.value.hasPrefix("-") }?.value : nil
        // The operands of a program that no table knows may be shown or sent.
        let isStranger = isUnheardOf(call) && !["source", ".", "chmod"].contains(call.program)
        for (before, word) in zip(call.words, call.words.dropFirst())
        where (word.value != filter || !word.value.hasPrefix(".") || !word.value.contains("["))
            && (isSecret(word.value, isPattern: !Self.isExpression(word, behind: before, of: call.program))
                && !Self.showsNothing(of: call)
                || isStranger && !before.value.hasPrefix("-") && Self.isSettings(word.value)
                || packs && Self.isKeyFolder(word.value))
        {
            found.append(finding(.secrets, subject: word.value))
        }
        for redirect in call.redirections where prints && !redirect.writes && Self.isSettings(redirect.target.value) {
            found.append(finding(.secrets, subject: redirect.target.value))
        }
        if let file = showsSettings(call) { found.append(finding(.secrets, subject: file)) }
        if readsAll(call) || seeksSecrets(call) || showsAll(call) || showsStoredSettings(call)
            || filter.map(SecretName.showsEnvironment) == true
        {
            found.append(finding(.secrets, subject: call.program))
        }
        return found
    }

    /// Judges the opening of a file that a redirection or an option names.
    private func judge(_ file: ShellScript.Word, isWritten: Bool) -> [GuardFinding] {
        let target = file.value
        if ["/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty", ""].contains(target) { return [] }
        var found: [GuardFinding] = []
        if context.isOwn(target) { found.append(finding(.ownFiles, subject: target)) }
        let isConnection = target.hasPrefix("/dev/tcp/") || target.hasPrefix("/dev/udp/")
        if isWritten {
            let rule: ShellRule =
                isConnection ? .network : isOfMachine(target) ? .device : Self.isComputed(file) ? .dynamic : .writes
            found.append(finding(rule, subject: "> " + target))
        }
        if !isWritten, isSecret(target) { found.append(finding(.secrets, subject: target)) }
        return found
    }

    /// Returns whether an interpreter's script says where something is written.
    private static func isComputed(_ word: ShellScript.Word) -> Bool {
        guard !word.isFixed, let start = word.value.firstRange(of: "$(") else { return false }
        return isInterpreter(String(word.value[start.upperBound...].prefix { $0 != " " }))
    }

    // MARK: Commands within commands

    /// Judges the command that a wrapper such as `env` or `sudo` starts.
    func inner(of call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        let name = call.program
        if name == "command", ["-v", "-V"].contains(call.arguments.first?.value) {
            return [finding(.reads, subject: "command -v")]
        }
        var index = 1
        var isUnsure = false
        var leading = ShellPrograms.leadingWords[name] ?? 0
        var set: [GuardFinding] = []
        // The judge of the command, which may start in another folder.
        var behind = self
        let takesValue = ShellPrograms.valueOptions[name] ?? []
        while index < call.words.count {
            let word = call.words[index]
            if name == "env", let split = behind.splitting(call, at: index, depth) { return set + split }
            if word.value == "--" {
                index += 1
                break
            }
            if name == "env", word.value == "-" {
                index += 1
            } else if word.value.hasPrefix("-"), word.value.count > 1 {
                // After an unknown option, the next word may or may not be its value.
                isUnsure =
                    !takesValue.contains(word.value) && !word.value.contains("=")
                    && (word.value.hasPrefix("--") || takesValue.isEmpty && word.value.count == 2)
                if let file = Self.saved(by: call, at: index) { set += judge(file, isWritten: true) }
                if let folder = Self.value(of: ShellPrograms.enteringOptions, in: call, at: index) {
                    behind.enter(folder.value)
                }
                index += takesValue.contains(word.value) ? 2 : 1
                if isUnsure { continue }
            } else if word.value.contains("="), name == "env" || name == "sudo" || name == "doas" {
                let value = String(word.value.drop { $0 != "=" }.dropFirst())
                set += variable(
                    String(word.value.prefix { $0 != "=" }), ShellScript.Word(value, isFixed: word.isFixed),
                    isHanded: true, depth, before: call.inner(from: index + 1))
                index += 1
            } else if leading > 0 {
                if ShellPrograms.fileMakers.contains(name) { set += judge(word, isWritten: true) }
                leading -= 1
                index += 1
            } else {
                break
            }
        }
        set += bringsAnother(call.words.prefix(index))
        guard let inside = call.inner(from: index) else { return set + withoutCommand(call, depth) }
        var found = set
        let joined = joined(inside, by: name)
        if let joined { found += text(joined, depth) }
        if joined == nil || Self.startsDirectly(call.words[1..<index]) {
            found += depth < Self.deepest ? behind.judge(inside, depth + 1) : [finding(.unreadable, subject: name)]
        }
        if isUnsure, depth < Self.deepest, let later = call.inner(from: index + 1) {
            found += behind.judge(later, depth + 1).filter(Self.weighs)
        }
        return found + appended(to: inside, by: call, depth, isLook: found.allSatisfy { $0.classes == .read })
    }

    /// Returns the text that a wrapper passes to a shell, which parses it again, with the values in it and the names
    /// that patterns match; `nil` if it starts the command itself.
    private func joined(_ inside: ShellScript.Command, by name: String) -> ShellScript.Word? {
        guard ShellPrograms.joiners.contains(name) else { return nil }
        // The operands of `parallel` follow this mark.
        let words = inside.words.prefix { !$0.value.hasPrefix(":::") }
        let text = ShellScript.Word(
            words.map(\.value).joined(separator: " "), isFixed: words.allSatisfy(\.isFixed),
            hasNoPattern: !words.contains(where: Self.isPattern))
        // A quoted operator separates commands there: `parallel echo {} '&&' rm {}`.
        let isPlain = text.isLiteral && !inside.words.contains { $0.value.contains { " ;&|<>()\n".contains($0) } }
        return isPlain ? nil : text
    }

    /// Returns whether a shell replaces a word by the names of files.
    private static func isPattern(_ word: ShellScript.Word) -> Bool {
        !word.hasNoPattern && word.value.contains { "*?[".contains($0) }
    }

    /// Returns whether the options of a wrapper make it start its words without a shell: `watch -x`.
    private static func startsDirectly(_ options: ArraySlice<ShellScript.Word>) -> Bool {
        options.contains { letter("x", in: $0.value) != nil || LongOption.word($0.value, mayBe: "--exec") }
    }

    /// Returns the file that a wrapper writes because of the option at an index.
    private static func saved(by call: ShellScript.Command, at index: Int) -> ShellScript.Word? {
        if let file = value(of: ShellPrograms.savingOptions, in: call, at: index) { return file }
        let name = call.words[index].value.prefix { $0 != "=" }
        guard call.program != "xargs", WordMeaning.value(of: name) == .output else { return nil }
        return value(of: [call.program: [String(name)]], in: call, at: index)
    }

    /// Returns the value of a wrapper's option at an index: `-o FILE`, `-oFILE`, `--output FILE`, `--output=FILE`.
    /// - Parameter options: the options that count, by wrapper.
    private static func value(
        of options: [String: Set<String>], in call: ShellScript.Command, at index: Int
    ) -> ShellScript.Word? {
        guard let names = options[call.program] else { return nil }
        let word = call.words[index]
        let name = word.value.prefix { $0 != "=" }
        if names.contains(String(name)) || LongOption.word(name, mayBeOneOf: names) {
            guard let text = LongOption.value(in: word.value) else {
                return index + 1 < call.words.count ? call.words[index + 1] : nil
            }
            return ShellScript.Word(text, isFixed: word.isFixed)
        }
        guard !word.value.hasPrefix("--"), names.contains(String(word.value.prefix(2))) else { return nil }
        return ShellScript.Word(String(word.value.dropFirst(2)), isFixed: word.isFixed)
    }

    /// Judges the words before the command that a wrapper starts: a value without quotes may bring another one.
    func bringsAnother(_ words: ArraySlice<ShellScript.Word>) -> [GuardFinding] {
        guard context.asksInterpreters, let word = words.first(where: mayAddOption) else { return [] }
        return [mayBeOptions(word.value)]
    }

    /// Judges a wrapper without a command.
    private func withoutCommand(_ call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        guard ShellWords.contains(call.program, in: "lone-shells"), depth < Self.deepest else {
            return [withoutCommand(call.program, call.arguments.map(\.value))]
        }
        var started = call
        started.words.append(ShellScript.Word("sh"))
        return judge(started, depth + 1)
    }

    private func withoutCommand(_ name: String, _ arguments: [String]) -> GuardFinding {
        // `parallel` runs the lines that it reads.
        let isTold = arguments.contains { ["--version", "--help", "-h", "-V", "--citation"].contains($0) }
        if name == "parallel", !isTold { return finding(.fed, subject: name) }
        let isForProcess = arguments.contains { $0.hasPrefix("-p") }
        // What a tracer shows of a running process may be anything that it knows, unless it only counts.
        if ["strace", "ltrace"].contains(name), isForProcess, !context.hasWalls, !arguments.contains("-c") {
            return finding(.rights, subject: name)
        }
        // For a running process, a value changes it.
        let changes = ["chrt", "taskset", "ionice"].contains(name) && isForProcess && arguments.count > 2
        if ["busybox", "toybox"].contains(name), arguments.contains("--install") {
            return finding(.software, subject: "\(name) --install")
        }
        let acts = WordMeaning.acts(arguments.map { String($0.prefix { $0 != "=" }) })
        return finding(changes || acts ? .writes : .reads, subject: name)
    }

    /// Judges a text that is run as a command.
    func text(_ word: ShellScript.Word, _ depth: Int, isBash: Bool = false) -> [GuardFinding] {
        let texts = word.isFixed ? [word.value] : turns(of: word.value)
        // What stands in the names of files isn't known.
        guard let texts, !Self.isPattern(word) else { return [finding(.dynamic, subject: word.value)] }
        return texts.flatMap { findings(in: $0, depth: depth + 1, isBash: isBash) }
    }

    func texts(of call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        var words = Array(call.arguments)
        if words.first?.value == "--" { words.removeFirst() }
        switch call.program {
        case "eval":
            if words.count == 1, Self.isOwnOutput(words[0].value) { return [finding(.writes, subject: words[0].value)] }
            guard words.allSatisfy(\.isFixed) else { return [finding(.dynamic, subject: "eval")] }
            return findings(in: words.map(\.value).joined(separator: " "), depth: depth + 1, isBash: isBash)
        case "trap": return words.count > 1 && words[0].value != "-" ? text(words[0], depth, isBash: isBash) : []
        case "alias":
            record.memory.note(aliases: words.map(\.value))
            // In zsh such an alias stands for any word of a command, or for the program that a file's name chooses.
            if let option = words.first?.value, option.hasPrefix("-"), option.contains(where: { "gs".contains($0) }) {
                return [finding(.dynamic, subject: "alias \(option)")]
            }
            return words.flatMap { word -> [GuardFinding] in
                guard let equals = word.value.firstIndex(of: "=") else {
                    return word.isFixed ? [] : [finding(.dynamic, subject: "alias \(word.value)")]
                }
                return text(
                    ShellScript.Word(String(word.value[word.value.index(after: equals)...]), isFixed: word.isFixed),
                    depth, isBash: isBash)
            }
        case "su":
            guard let index = words.firstIndex(where: { $0.value == "-c" || $0.value == "--command" }),
                index + 1 < words.count
            else { return [] }
            return text(words[index + 1], depth)
        default: return []
        }
    }

    /// Judges a shell that is started with a command text, a file or input.
    func shell(_ call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        if Self.checksSyntax(call) { return [finding(.reads, subject: call.program)] }
        let words = Array(call.arguments)
        var found: [GuardFinding] = []
        // A start-up file runs before the first command.
        if words.contains(where: { $0.value.hasPrefix("--rcfile") || $0.value.hasPrefix("--init-file") }) {
            found.append(finding(.dynamic, subject: call.program))
        }
        let named = words.compactMap(call.input)
        if let start = Self.textStart(words) {
            // These are options of `set`, too.
            let options = words.prefix(start)
            if Self.turnsOn("a", "allexport", options) { record.memory.exportsAll = true }
            if Self.turnsOn("k", "keyword", options) { found.append(finding(.dynamic, subject: "\(call.program) -k")) }
            if ShellWords.contains(call.program, in: "env-shells"), Self.turnsOn("i", "interactive", options) {
                found.append(finding(.dynamic, subject: "\(call.program) -i"))
            }
            // A value among them may be the name of a script, which then gets them and the text.
            if let script = options.first(where: { !$0.isFixed && !"-+".contains($0.value.first ?? "-") }) {
                found.append(
                    finding(context.asksInterpreters ? .unknown : .writes, subject: "\(call.program) \(script.value)"))
            }
            found +=
                start < words.count
                ? text(words[start], depth, isBash: call.program == "bash")
                : [finding(.unreadable, subject: call.program)]
            return found + named.flatMap { commands(from: $0, by: call, depth) }
        }
        // A substitution may result in no word at all.
        if words.first?.value.hasPrefix("-") == false { found += self.named(by: call) }
        let runsFile =
            named.isEmpty && !words.contains { $0.value == "-s" }
            && words.contains { !$0.value.hasPrefix("-") && !$0.value.hasPrefix("$(") && !$0.value.hasPrefix("`") }
        let inputs = named + (runsFile && call.document == nil ? [] : [call.inputs[0]].compactMap(\.self))
        found += inputs.flatMap { commands(from: $0, by: call, depth) }
        if !inputs.isEmpty { return found.isEmpty ? [finding(.reads, subject: call.program)] : found }
        return found
            + [finding(.writes, subject: ([call.program] + words.prefix(2).map(\.value)).joined(separator: " "))]
    }

    /// Returns the index of the text that a shell is told to run by `-c`: the first word behind all of its options, as
    /// in `bash -ceuo pipefail TEXT`; `nil` if it is told none, as in `bash x.sh -c y`.
    static func textStart(_ words: [ShellScript.Word]) -> Int? {
        var index = 0
        var isTold = false
        while index < words.count {
            let word = words[index].value
            // A word that isn't known may be an option.
            guard word.hasPrefix("-") || word.hasPrefix("+") || !words[index].isFixed && !isTold else { break }
            index += 1
            if word == "--" || word == "-" { break }
            let isLong = word.hasPrefix("--")
            if !isLong, word.hasPrefix("-"), word.contains("c") { isTold = true }
            let takesValue =
                isLong ? ["--rcfile", "--init-file"].contains(word) : word.contains { "oO".contains($0) }
            if takesValue { index += 1 }
        }
        return isTold ? index : nil
    }

    /// Judges the commands that a shell reads from its input.
    func commands(from input: ShellScript.Input, by call: ShellScript.Command, _ depth: Int) -> [GuardFinding] {
        switch input {
        case .text(let text, _): findings(in: text, depth: depth + 1, isBash: call.program == "bash")
        case .output: [finding(.fed, subject: call.program)]
        // Files that the session wrote have already been judged.
        case .file: [finding(.writes, subject: call.program)]
        }
    }
}

/// The effects of arguments of well-known programs.
extension ShellJudge {
    /// Returns whether files or folders are removed that aren't named individually: recursively, by a pattern, by a
    /// variable, or outside the current folder.
    func removes(_ call: ShellScript.Command) -> Bool {
        let operands = call.arguments.filter { !$0.value.hasPrefix("-") }
        if !operands.isEmpty, !call.arguments.contains(where: { $0.value.hasPrefix("--no-p") }),
            operands.allSatisfy({ isScratch($0) || isMadeAgain($0) })
        {
            return false
        }
        return call.arguments.contains { word in
            if isMadeAgain(word) { return false }
            if word.value.hasPrefix("-") {
                // Long options may be abbreviated.
                return word.value.hasPrefix("--r") || word.value.hasPrefix("--no-p")
                    || (!word.value.hasPrefix("--") && word.value.contains { "rR".contains($0) })
            }
            return !word.isFixed || word.value.contains { "*?[{".contains($0) } || word.value.hasPrefix("/")
                || word.value.hasPrefix("~") || word.value.split(separator: "/").contains("..") || isHistory(word.value)
        }
    }

    /// Returns whether a file belongs to the history of a repository, where a name may stand for the only copy of
    /// somebody's work. Locks that a killed program left don't.
    private func isHistory(_ word: String) -> Bool {
        let meant = context.path(word) ?? "/" + word
        return ["/.git/", "/.hg/"].contains(where: meant.contains) && !meant.hasSuffix(".lock")
    }

    /// A user's files that define what runs at the next sign-in, or who may sign in.
    private static let startFiles = ShellWords.list("start-files")
    private static let startFolders = ShellWords.list("start-folders")

    /// Returns whether a hidden file in a home has the name of one that programs read at their start: `~/.lessfilter`,
    /// `~/.exrc`.
    private func isStartFile(_ path: String) -> Bool {
        let parts = path.split(separator: "/")
        guard let last = parts.last, last.hasPrefix("."), last.utf8.count > 3,
            ["rc", ".conf", "profile", "login", "logout", "filter", "init"].contains(where: last.hasSuffix)
        else { return false }
        let folder = path.dropLast(last.count + 1)
        return ["~", "$HOME", "${HOME}", "/root", context.home ?? "~"].contains { $0 == folder }
            || parts.count == 3 && parts[0] == "home"
    }

    /// Returns whether a path is a device, belongs to the system, or defines what runs at the next sign-in.
    func isSystem(_ word: String) -> Bool {
        let meant = context.path(word) ?? "/" + word
        if Self.startFiles.contains(where: { meant.hasSuffix($0) })
            || Self.startFolders.contains(where: { (meant + "/").contains($0) }) && !meant.contains("/.git/info/")
        {
            return true
        }
        if isStartFile(word) || isStartFile(meant) { return true }
        // Programs there precede the system's own, where no walls keep them out.
        if !context.hasWalls, (meant + "/").contains("/.local/bin/") { return true }
        // Behind `cd /etc` every relative path is one of the system.
        let path = context.path(word) ?? Self.climbed(word)
        guard path.hasPrefix("/") else { return false }
        if ["/dev/null", "/dev/zero", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/random", "/dev/urandom"].contains(
            path)
            || path.hasPrefix("/dev/fd/") || path.hasPrefix("/dev/shm/")
        {
            return false
        }
        // Programs in these folders precede the system's own.
        if ["bin", "sbin", "lib", "etc"].contains(where: { (path + "/").hasPrefix("/usr/local/" + $0 + "/") }) {
            return true
        }
        return [
            "/dev/", "/etc/", "/boot/", "/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/proc/", "/sys/",
            "/root/.ssh/",
        ]
        .contains { (path + "/").hasPrefix($0) && !path.hasPrefix("/usr/local") }
    }

    /// Returns whether a quoted word may be an expression, in which an asterisk stands for no names of files.
    private static func isExpression(
        _ word: ShellScript.Word, behind before: ShellScript.Word, of program: String
    ) -> Bool {
        guard word.hasNoPattern else { return false }
        if isSearch(program) {
            // Options say with a pattern in which files is searched.
            let isOfOption =
                OptionLetters.word(before.value, hasOneOf: "g", valued: "ef")
                || !before.value.contains("=")
                    && LongOption.word(before.value, mayBeOneOf: ["--include", "--glob", "--iglob"])
            return !isOfOption && !word.value.hasPrefix("--")
        }
        return isFilter(program) || program == "expr" || CarriedText.table[program]?.operand?.language == .script
    }

    /// Returns whether a word names a file that contains keys or passwords.
    /// - Parameter isPattern: whether it may be a pattern for names of files.
    func isSecret(_ word: String, isPattern: Bool = true) -> Bool {
        if let names = Self.alternatives(in: word) {
            return names.isEmpty || names.contains { isSecret($0, isPattern: isPattern) }
        }
        let text = word.split(separator: "=", maxSplits: 1).last.map(String.init) ?? word
        let file = text.hasPrefix("file://") ? String(text.dropFirst(7)) : text
        let path = context.path(file.hasPrefix("@") ? String(file.dropFirst()) : file) ?? file
        if context.namesOwn(path, isPattern: isPattern) { return true }
        // What is computed may be any file there.
        if ["/.ssh/$", "/.ssh/`", "/.aws/$", "/.gnupg/$"].contains(where: word.contains)
            || word.contains("$")
                && (word.contains("/etc/") && word.contains("shadow")
                    || ["id_rsa", "id_ed25519", ".pgpass", ".netrc"].contains(where: word.contains)
                        && (!Self.isPublicPart(path) || ShellMemory.name(path).contains("$")))
        {
            return true
        }
        // At these addresses a cloud gives machines their tokens.
        if ["169.254.169.254", "metadata.google.internal", "[fd00:ec2::254]"].contains(where: word.contains) {
            return true
        }
        if ["/etc/shadow", "/etc/gshadow", "/etc/sudoers"].contains(path) || path.hasPrefix("/etc/ssh/ssh_host_") {
            return !Self.isPublicPart(path)
        }
        // An expression for a filter may read a file, and a registry's setting may be a token.
        if ["/etc/shadow", "/etc/gshadow", ":_auth", ":_password"].contains(where: word.contains) { return true }
        // Where the working directory isn't known, a relative path begins with the name.
        let rooted = path.hasPrefix("/") ? path : "/" + path
        for part in Self.secretFiles where rooted.contains(part) || (text.hasPrefix("~") && text.contains(part)) {
            return !Self.isPublicPart(path)
        }
        if !context.hasWalls {
            // A server's programs keep their passwords in such files.
            let name = path.split(separator: "/").last.map(String.init) ?? ""
            if ShellWords.contains(name, in: "server-secrets")
                || file.hasPrefix("/") && (name.hasSuffix(".env") || Self.says("secret-files-nouns", name))
            {
                return true
            }
        }
        if isSecretOfHome(path) || isSecretOfHome(text) || Self.mayMatchSecret(rooted) { return true }
        // What a program or the machine has in memory, keys included.
        return path.hasPrefix("/proc/") && ["/environ", "/mem", "/kcore"].contains(where: path.hasSuffix)
            || ["/dev/mem", "/dev/kmem", "/dev/port"].contains(path)
    }

    /// Returns whether a file of a home folder contains keys or passwords; without walls anybody's home may be meant.
    private func isSecretOfHome(_ path: String) -> Bool {
        var homes = ["~", "$HOME", context.home ?? "~"]
        if !context.hasWalls {
            let parts = path.split(separator: "/")
            homes += ["/root"] + (parts.first == "home" && parts.count > 2 ? ["/home/\(parts[1])"] : [])
        }
        return homes.contains { path.hasPrefix($0) && Self.homeSecrets.contains(String(path.dropFirst($0.count))) }
    }

    /// Returns whether a file holds what belongs to a key and anybody may know: a public key, a certificate, a list of
    /// revoked ones.
    static func isPublicPart(_ path: String) -> Bool {
        let name = ShellMemory.name(path).lowercased()
        if [".pub", ".crt", ".cer", ".csr", ".crl"].contains(where: name.hasSuffix) { return true }
        let parts = name.split { !$0.isLetter }
        return parts.last == "pem" && parts.count > 1
            && parts.dropLast().contains { ShellWords.contains(String($0), in: "public-parts") }
            && !parts.contains { $0.hasSuffix("key") || $0.hasPrefix("priv") }
    }

    /// Returns whether a word names a folder that contains keys.
    static func isKeyFolder(_ word: String) -> Bool {
        let path = word.hasSuffix("/") ? String(word.dropLast()) : word
        return ShellWords.list("key-folders").contains { path == $0 || path.hasSuffix("/" + $0) }
    }

    /// Files that contain keys in a home folder, and elsewhere perhaps a project's settings.
    static let homeSecrets = ShellWords.list("home-secrets")

    static let secretFiles = ShellWords.list("secret-files")

    /// Returns whether a web client's words are fields to send, or a method that changes something: `name=x`, `n:=1`,
    /// `f@file`; `q==x` is a query.
    static func sendsFields(_ words: [String]) -> Bool {
        let operands = words.filter { !$0.hasPrefix("-") }
        if operands.count > 1, operands[0].allSatisfy(\.isLetter), !isFetch(operands[0]) { return true }
        return words.contains { word in
            let field = word.drop { $0.isLetter || $0.isNumber || "-_.[]".contains($0) }
            return ["POST", "PUT", "PATCH", "DELETE"].contains(word.uppercased())
                || word.hasPrefix("--raw") || word.hasPrefix("@")
                || !word.hasPrefix("-") && field.count < word.count
                    && (field.hasPrefix("=") && !field.hasPrefix("==") || field.hasPrefix(":=") || field.hasPrefix("@"))
        }
    }

    /// Returns the mode that an option names: `-m 4755`, `-m4755`, `--mode=4755`.
    static func mode(in words: [String]) -> String? {
        for (index, word) in words.enumerated() {
            if word == "-m" || word == "--mode" { return index + 1 < words.count ? words[index + 1] : nil }
            if word.hasPrefix("-m") { return String(word.dropFirst(2)) }
            if word.hasPrefix("--mode=") { return String(word.dropFirst(7)) }
        }
        return nil
    }

    /// Returns whether a mode takes away the owner's right to read files.
    static func shutsOut(_ words: [String]) -> Bool {
        guard let mode = words.first(where: { !$0.hasPrefix("-") || $0.contains("r") && $0 != "-r" }) else {
            return false
        }
        if mode.utf8.allSatisfy({ (0x30...0x37).contains($0) }) {
            return (UInt32(mode, radix: 8) ?? 0o400) & 0o400 == 0
        }
        return words.contains { word in
            word.split(separator: ",").contains { clause in
                let who = clause.prefix { "ugoa".contains($0) }
                let rest = clause.dropFirst(who.count)
                return rest.hasPrefix("-") && rest.contains("r") && !who.isEmpty
                    && who.contains { "ua".contains($0) } || !who.isEmpty && rest == "="
            }
        }
    }

    /// Returns whether a mode lets everyone write, or makes a program run as its owner.
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

    func own(_ words: [String], _ one: (ShellRule) -> [GuardFinding]) -> [GuardFinding] {
        let verb = words.first { !$0.hasPrefix("-") } ?? "help"
        // Within one of mm's sessions, commands of mm would escape the rules of its tools, and a confirmation would be
        // the session's own.
        return one(ShellWords.contains(verb, in: "own-looks") ? .reads : .ownProgram)
    }
}
