package import MMCore
package import MMOperations

/// All commands, the catalogue's operations and the local commands, indexed by their words.
package struct CommandIndex: Sendable {
    /// What a command runs.
    package enum Entry: Sendable {
        case operation(AnyOperation)
        case local(LocalCommand)

        /// The command's words on the command line.
        package var words: [String] {
            switch self {
            case .operation(let operation): operation.declaration.command
            case .local(let command): command.words
            }
        }

        /// The command's arguments.
        var fields: [InputField] {
            switch self {
            case .operation(let operation): operation.fields
            case .local(let command): command.fields
            }
        }

        /// Whether the words after `--` are a program that the command starts.
        var startsProgram: Bool {
            if case .operation(let operation) = self { operation.declaration.startsProgram } else { false }
        }

        /// The time limit of the command's calls that set none; `nil` if there is none.
        var usualTimeLimit: Duration? {
            if case .operation(let operation) = self { return operation.declaration.usualTimeLimit }
            return OperationDeclaration.usualTimeLimit
        }

        /// Whether it works on this machine alone.
        var isLocal: Bool { if case .local(let command) = self { !command.takesPool } else { false } }

        /// Whether the command is for programs only and not shown to people.
        var isHidden: Bool {
            if case .local(let command) = self { command.isHidden } else { false }
        }

        /// Whether the command takes positional arguments.
        var takesWords: Bool {
            fields.contains { if case .positional = $0.placement { true } else { false } }
        }

        /// The flag that selects this command among those with the same words.
        package var trigger: String? {
            if case .local(let command) = self { command.trigger } else { nil }
        }

        /// A one-line description.
        package var summary: String {
            switch self {
            case .operation(let operation): operation.declaration.summary
            case .local(let command): command.summary
            }
        }
    }

    /// All commands, including hidden ones.
    private let entries: [Entry]
    /// The commands for people, in the order of help and completion.
    package let shown: [Entry]
    private let aliases: [String: Int]
    private let others: @Sendable ([String]) -> [String]

    /// Creates an index of a catalogue's operations and local commands.
    /// - Parameter others: returns the command lines that a person may have meant by a line that begins with no
    ///   command, best first.
    package init(
        catalogue: Catalogue, locals: [LocalCommand], others: @escaping @Sendable ([String]) -> [String] = { _ in [] }
    ) {
        self.others = others
        entries = catalogue.operations.map { .operation($0) } + locals.map { .local($0) }
        shown = entries.filter { !$0.isHidden }
        var aliases: [String: Int] = [:]
        for (index, operation) in catalogue.operations.enumerated() {
            for name in [operation.declaration.name] + operation.declaration.aliases { aliases[name] = index }
        }
        self.aliases = aliases
    }

    /// Splits words into command lines at each `--`. A command that starts a program keeps all the rest of the words,
    /// including further `--`.
    package func lines(in words: ArraySlice<String>) -> [[String]] {
        var lines: [[String]] = []
        var waiting = words
        while !waiting.isEmpty {
            var line = Array(waiting.prefix { $0 != "--" })
            if case .operation(let operation)? = find(line)?.entry, operation.declaration.startsProgram {
                line = Array(waiting)
            }
            waiting = waiting.dropFirst(line.count + 1)
            if !line.isEmpty { lines.append(line) }
        }
        return lines
    }

    /// Finds the longest command that the line begins with; returns it with the words that follow.
    package func find(_ line: [String]) -> (entry: Entry, rest: [String])? {
        let best = entries.filter { entry in
            line.starts(with: entry.words) && (entry.trigger.map { line.contains($0) } ?? true)
        }.max { ($0.words.count, $0.trigger == nil ? 0 : 1) < ($1.words.count, $1.trigger == nil ? 0 : 1) }
        if let best { return (best, Array(line.dropFirst(best.words.count))) }
        if let named = session(named: line) { return named }
        guard let first = line.first, let index = aliases[first] else { return nil }
        let rest = Array(line.dropFirst())
        // `connections` alone lists the connections and takes no word, so a word after it was meant as a command's
        // name.
        if let word = rest.first, !word.hasPrefix("-"), !group([first]).isEmpty, !entries[index].takesWords {
            return nil
        }
        return (entries[index], rest)
    }

    /// Interprets `mm shell NAME` as the terminal of the session with that name, and `mm shell NAME COMMAND` as a
    /// command to run there. A word that resembles one of the group's commands is not taken for a name.
    private func session(named line: [String]) -> (entry: Entry, rest: [String])? {
        let noun = OperationDeclaration.shellRun.command.prefix(1)
        guard line.count > 1, line.starts(with: noun), !line[1].isEmpty, !line[1].hasPrefix("-"),
            let terminal = operation(OperationDeclaration.shellTerminal.name),
            let run = operation(OperationDeclaration.shellRun.name),
            NearestNames.of(line[1], among: group(Array(noun)).map { $0.words[1] }, limit: 1).isEmpty
        else { return nil }
        if line.count > 2, !line[2].hasPrefix("-") { return (run, ["--session"] + line.dropFirst()) }
        return (terminal, Array(line.dropFirst()))
    }

    /// Returns the operation of a name.
    func operation(_ name: String) -> Entry? { aliases[name].map { entries[$0] } }

    /// Returns the command with exactly these words.
    func exactly(_ words: [String]) -> Entry? {
        shown.first { $0.words == words && $0.trigger == nil }
    }

    /// Returns the commands of a group such as `connections`.
    package func group(_ words: [String]) -> [Entry] {
        shown.filter { $0.words.starts(with: words) && $0.words.count > words.count }
    }

    /// Returns the command that was meant by the words after another one: `mm recipe inactive-users` for
    /// `inactive-user` after `recipe`.
    func meant(by words: [String], after entry: Entry) -> String? {
        guard let word = words.first, !word.hasPrefix("-") else { return nil }
        let names = group(entry.words).map { $0.words[entry.words.count] }
        return NearestNames.of(word, among: names, limit: 1).first.map {
            "mm " + (entry.words + [$0]).joined(separator: " ")
        }
    }

    /// Returns the error for a line that begins with no command; it suggests the closest ones.
    package func unknown(_ line: [String]) -> MMError {
        if let option = line.first, option.hasPrefix("-"), option.count > 1 {
            return GlobalOptions.leading(line).rest.first.map(Self.unknown(option:)) ?? Self.missing(after: option)
        }
        let typed = line.prefix(2).joined(separator: " ")
        let first = line.first ?? ""
        let hint = line.dropFirst().first.flatMap { self.hint(for: $0, of: first) } ?? self.hint(for: typed, in: line)
        return MMError(.invalidInput, "`mm` has no command `\(typed.prefix(80))`.", hint: hint)
    }

    /// Returns a hint for a line that begins with no noun either.
    /// - Parameter typed: the words that stand for a command in it.
    private func hint(for typed: String, in line: [String]) -> String {
        let known = shown.filter { $0.trigger == nil }.map { $0.words.joined(separator: " ") } + ["help"]
        let first = line.first ?? ""
        // A noun such as `pool` is a useful suggestion though it is no command; a lone `wait` means the verb of some
        // noun.
        let nouns = shown.map { $0.words[0] }.filter { !known.contains($0) }
        let verbs = NearestNames.of(first, among: shown.filter { $0.words.count > 1 }.map { $0.words[1] }, limit: 1)
        var near = NearestNames.of(typed, among: known)
        if near.isEmpty { near = NearestNames.of(first, among: known + Set(nouns).sorted()) }
        if near.isEmpty {
            near = shown.filter { $0.words.count == 2 && verbs.contains($0.words[1]) }
                .map { $0.words.joined(separator: " ") }
        }
        let meant = others(line)
        return Self.question(meant.isEmpty ? near.map { "mm " + $0 } : meant) ?? "See `mm help --all`."
    }

    /// Returns a hint for a wrong verb of a noun: the closest of its verbs, or all; `nil` if the word is no noun.
    private func hint(for verb: String, of noun: String) -> String? {
        var verbs: [String] = []
        for entry in group([noun]) where entry.trigger == nil && !verbs.contains(entry.words[1]) {
            verbs.append(entry.words[1])
        }
        guard !verbs.isEmpty else { return nil }
        return Self.question(NearestNames.of(verb, among: verbs).map { "mm \(noun) \($0)" })
            ?? "The commands of `mm \(noun)`: \(verbs.joined(separator: ", "))."
    }

    /// Returns the question whether some commands were meant; `nil` without any.
    private static func question(_ commands: [String]) -> String? {
        commands.isEmpty ? nil : "Did you mean \(commands.map { "`\($0)`" }.joined(separator: " or "))?"
    }

    /// Returns the error for a line that has only options of every command.
    private static func missing(after option: String) -> MMError {
        MMError(
            .invalidInput, "`mm \(option.prefix(80))` lacks a command.",
            hint: "For example `mm status --json`; `mm help` lists the commands.")
    }

    /// Returns the error for a line that begins with an unknown option.
    private static func unknown(option: String) -> MMError {
        let name = option.split(separator: "=").first.map(String.init) ?? option
        let known = GlobalOptions.names.valued + GlobalOptions.names.plain + ["--version"]
        let near = NearestNames.of(name, among: known, limit: 1)
        return MMError(
            .invalidInput, "`mm` has no option `\(name.prefix(80))`.",
            hint: near.first.map { "Did you mean `\($0)`?" }
                ?? "Put options after the command; `mm help` lists the commands.")
    }
}
