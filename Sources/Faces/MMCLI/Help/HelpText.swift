import MMCore
package import MMOperations

/// The texts of `--help`.
package enum HelpText {
    private static let title = """
        mm keeps persistent, guarded Microsoft 365 sessions for the terminal and for AI clients.

        Usage: mm COMMAND [ARGUMENT…] [--flag…]

        """

    /// Returns the overview: the program's nouns in groups, or all commands where it has no outline.
    package static func overview(_ index: CommandIndex, _ outline: HelpOutline?) -> String {
        guard let outline else { return all(index) }
        var text = title
        let width = outline.words.map(\.count).max() ?? 0
        let known = Set(index.shown.map { $0.words[0] })
        for group in outline.groups {
            let nouns = group.nouns.filter { known.contains($0.word) }
            text += "\n\(group.title):\n" + columns(nouns.map { ($0.word, $0.summary) }, width: width)
        }
        let others = Set(index.shown.map { $0.words[0] }).subtracting(outline.words).sorted()
        text += "\nMore commands:\n" + wrapped(others.joined(separator: ", "))
        text += """

            `mm COMMAND --help` shows its subcommands, arguments and examples;
            `mm help --all` lists every command and the common options.

            """
        return text
    }

    /// Returns all commands with one line each, the global options and the exit codes.
    package static func all(_ index: CommandIndex) -> String {
        title + "\nCommands:\n" + list(index.shown) + "\n" + options() + """

            Exit codes: 0 done, 1 failed, 2 usage, 3 sign-in needed, 4 denied by the guard, 5 confirmation needed,
            6 deadline, 7 pool unavailable, 130 cancelled.

            `mm COMMAND --help` shows a command's arguments and examples.

            """
    }

    /// Returns the commands of a noun that isn't a command itself.
    package static func group(_ words: [String], _ entries: [CommandIndex.Entry]) -> String {
        let noun = words.joined(separator: " ")
        return "Usage: mm \(noun) COMMAND [ARGUMENT…]\n\nCommands:\n" + list(entries)
            + "\n`mm \(noun) COMMAND --help` shows a command's arguments and examples.\n"
    }

    /// Returns the usage line of a command: its words and its positional arguments.
    package static func usage(_ entry: CommandIndex.Entry) -> String {
        var text = "Usage: mm \(entry.words.joined(separator: " "))"
        var behind = ""
        for field in positionals(of: entry.fields) {
            if field.kind == .calls || field.kind == .textList && entry.startsProgram {
                behind = field.isRequired ? " -- COMMAND…" : " [-- COMMAND…]"
                continue
            }
            let name =
                field.kind == .parameters
                ? "KEY=VALUE…" : field.name.uppercased() + (field.kind == .textList ? "…" : "")
            text += field.isRequired ? " \(name)" : " [\(name)]"
        }
        return text + " [--flag…]" + behind
    }

    /// Returns the help of one command: usage, arguments and examples.
    /// - Parameter verbs: the subcommands that begin with the command's words.
    package static func command(_ entry: CommandIndex.Entry, verbs: [CommandIndex.Entry] = []) -> String {
        let discussion: String
        let examples: [OperationDeclaration.Example]
        switch entry {
        case .operation(let operation):
            // The description is written for models; people get the summary, arguments and examples.
            discussion = ""
            examples = operation.declaration.examples
        case .local(let command):
            discussion = command.discussion
            examples = command.examples
        }
        let fields = entry.fields
        var text = entry.summary + "\n\n" + usage(entry) + "\n"
        if !discussion.isEmpty, discussion != entry.summary { text += "\n\(discussion)\n" }
        if verbs.contains(where: { $0.trigger == nil }) { text += "\nFurther commands:\n" + list(verbs) }
        let positionals = positionals(of: fields)
        if !positionals.isEmpty {
            text += "\nArguments (each also as a flag with its name):\n"
            text += columns(positionals.map { ($0.name.uppercased(), summary(of: $0)) })
        }
        let flags = fields.filter { if case .option = $0.placement { true } else { false } }
        var rows = rows(of: flags)
        if let field = fields.first(where: \.namesFile) {
            rows.append(("--file, -f FILE", "Read \(field.name.uppercased()) from a file; - is standard input."))
        }
        if !rows.isEmpty { text += "\nFlags:\n" + columns(rows) }
        let everywhere = GlobalOptions.listing(timeLimit: entry.usualTimeLimit, isLocal: entry.isLocal)
        text += "\n" + options(everywhere, besides: flags)
        if !examples.isEmpty {
            text += "\nExamples:\n"
            for example in examples { text += "  \(example.command)\n      \(example.purpose)\n" }
        }
        return text
    }

    /// Returns the global options without the letters that a command uses for its own flags.
    private static func options(
        _ listing: [(flag: String, purpose: String)] = GlobalOptions.listing, besides flags: [InputField] = []
    ) -> String {
        let taken = flags.compactMap { field -> String? in
            if case .option(let letter?) = field.placement { "-\(letter)" } else { nil }
        }
        return "Options of every command:\n"
            + columns(
                listing.map { option in
                    var flag = option.flag
                    for letter in taken { flag = flag.replacing(", \(letter)", with: "") }
                    return (flag, option.purpose)
                })
    }

    /// Returns the flags of a program without commands, each with what it is for.
    package static func flags(_ fields: [InputField]) -> String { columns(rows(of: fields)) }

    private static func rows(of flags: [InputField]) -> [(String, String)] {
        flags.map { (flagForm(of: $0), summary(of: $0)) }
    }

    /// Returns the positional arguments in order.
    static func positionals(of fields: [InputField]) -> [InputField] {
        var placed: [(Int, InputField)] = []
        for field in fields { if case .positional(let index) = field.placement { placed.append((index, field)) } }
        return placed.sorted { $0.0 < $1.0 }.map(\.1)
    }

    static func summary(of field: InputField) -> String {
        if let flag = field.otherFlags.first {
            return field.summary + " Also as \(flag); Docs/StartProvider.md has more about several connections."
        }
        guard case .choice(let words) = field.kind else { return field.summary }
        return field.summary + " (\(words.joined(separator: ", ")))"
    }

    static func flagForm(of field: InputField) -> String {
        var form = "--\(field.flagName)"
        if case .option(let letter?) = field.placement { form += ", -\(letter)" }
        switch field.kind {
        case .flag: return form
        case .integer: return form + " N"
        case .object, .objectOrList, .calls: return form + " JSON"
        case .parameters: return form + " NAME=VALUE"
        case .arguments: return form + " NAME[=VALUE]"
        case .text, .choice, .textList: return form + " TEXT"
        }
    }

    private static func list(_ entries: [CommandIndex.Entry]) -> String {
        columns(entries.filter { $0.trigger == nil }.map { ($0.words.joined(separator: " "), $0.summary) })
    }

    private static func columns(_ rows: [(String, String)], width wanted: Int? = nil) -> String {
        let width = wanted ?? min(28, rows.map(\.0.count).max() ?? 0)
        var text = ""
        for (left, right) in rows {
            text += "  " + left
            if left.count > width {
                text += "\n  " + String(repeating: " ", count: width)
            } else {
                text += String(repeating: " ", count: width - left.count)
            }
            text += "  " + right + "\n"
        }
        return text
    }

    /// Wraps a text into indented lines of at most 80 characters.
    private static func wrapped(_ text: String) -> String {
        var lines = [""]
        for word in text.split(separator: " ") {
            if lines[lines.count - 1].count + word.count > 77 { lines.append("") }
            lines[lines.count - 1] += " " + word
        }
        return lines.map { " \($0)\n" }.joined()
    }
}
