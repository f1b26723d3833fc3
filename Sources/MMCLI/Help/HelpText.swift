import MMCore
import MMOperations

/// The texts of `--help`.
package enum HelpText {
    /// The list of all commands.
    package static func overview(_ index: CommandIndex) -> String {
        var text = """
            mm keeps Microsoft 365 sessions: signed in once, guarded, reachable from here and from AI clients.

            Usage: mm COMMAND [ARGUMENT…] [--flag…]

            Commands:

            """
        text += list(index.entries)
        text += "\nOptions of every command:\n"
        text += columns(GlobalOptions.listing.map { ($0.flag, $0.purpose) })
        text += """

            Exit codes: 0 done, 1 failed, 2 usage, 3 sign-in needed, 4 denied by the guard, 5 confirmation needed,
            6 deadline, 7 pool unavailable, 130 cancelled.

            `mm COMMAND --help` shows a command's arguments and examples.

            """
        return text
    }

    /// The commands of a group.
    package static func group(_ words: [String], _ entries: [CommandIndex.Entry]) -> String {
        "Usage: mm \(words.joined(separator: " ")) COMMAND [ARGUMENT…]\n\nCommands:\n" + list(entries)
    }

    /// One command: usage, arguments, examples.
    package static func command(_ entry: CommandIndex.Entry) -> String {
        let fields: [InputField]
        let discussion: String
        let examples: [OperationDeclaration.Example]
        switch entry {
        case .operation(let operation):
            fields = operation.fields
            // The description speaks to models; people have summary, arguments and examples.
            discussion = ""
            examples = operation.declaration.examples
        case .local(let command):
            fields = command.fields
            discussion = command.discussion
            examples = command.examples
        }
        var text = entry.summary + "\n\nUsage: mm \(entry.words.joined(separator: " "))"
        let positionals = positionals(of: fields)
        for field in positionals {
            let name =
                field.kind == .parameters
                ? "KEY=VALUE…" : field.name.uppercased() + (field.kind == .textList ? "…" : "")
            text += field.isRequired ? " \(name)" : " [\(name)]"
        }
        text += " [--flag…]\n"
        if !discussion.isEmpty, discussion != entry.summary { text += "\n\(discussion)\n" }
        if !positionals.isEmpty {
            text += "\nArguments (each also as a flag of its name):\n"
            text += columns(positionals.map { ($0.name.uppercased(), summary(of: $0)) })
        }
        let flags = fields.filter { if case .option = $0.placement { true } else { false } }
        if !flags.isEmpty {
            text += "\nFlags:\n" + columns(flags.map { (flagForm(of: $0), summary(of: $0)) })
        }
        if let field = fields.first(where: \.namesFile) {
            text += columns([("--file, -f FILE", "read \(field.name.uppercased()) from a file; - is standard input")])
        }
        text += "\nOptions of every command:\n" + columns(GlobalOptions.listing.map { ($0.flag, $0.purpose) })
        if !examples.isEmpty {
            text += "\nExamples:\n"
            for example in examples { text += "  \(example.command)\n      \(example.purpose)\n" }
        }
        return text
    }

    /// The arguments without a flag, in order.
    static func positionals(of fields: [InputField]) -> [InputField] {
        var placed: [(Int, InputField)] = []
        for field in fields { if case .positional(let index) = field.placement { placed.append((index, field)) } }
        return placed.sorted { $0.0 < $1.0 }.map(\.1)
    }

    private static func summary(of field: InputField) -> String {
        guard case .choice(let words) = field.kind else { return field.summary }
        return field.summary + " (\(words.joined(separator: ", ")))"
    }

    private static func flagForm(of field: InputField) -> String {
        var form = "--\(field.flagName)"
        if case .option(let letter?) = field.placement { form += ", -\(letter)" }
        switch field.kind {
        case .flag: return form
        case .integer: return form + " N"
        case .object: return form + " JSON"
        case .parameters: return form + " NAME=VALUE"
        case .arguments: return form + " NAME[=VALUE]"
        case .text, .choice, .textList: return form + " TEXT"
        }
    }

    private static func list(_ entries: [CommandIndex.Entry]) -> String {
        columns(entries.filter { $0.trigger == nil }.map { ($0.words.joined(separator: " "), $0.summary) })
    }

    private static func columns(_ rows: [(String, String)]) -> String {
        let width = min(28, rows.map(\.0.count).max() ?? 0)
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
}
