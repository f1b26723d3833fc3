package import MMCore
import MMOperations

/// Manual pages (mdoc(7)) of a program's commands, one for each noun, from the same declarations as the help texts.
package struct ManualPage: Sendable {
    /// The page's name: `mm`, `mm-graph`.
    package let name: String
    /// The page's source.
    package let text: String

    /// Returns the pages of all commands: the program's own page, and one for each first word.
    /// - Parameter date: the date to put on the pages.
    package static func all(_ index: CommandIndex, date: Timestamp) -> [ManualPage] {
        let day = day(of: date)
        let nouns = Set(index.shown.map { $0.words[0] }).sorted()
        return [overview(nouns, index, day)] + nouns.map { noun($0, index, day) }
    }

    private static func overview(_ nouns: [String], _ index: CommandIndex, _ day: String) -> ManualPage {
        var page = head("mm", "Microsoft 365 sessions at a terminal", day)
        page += ".Nm mm\n.Ar command\n.Op Ar argument ...\n.Op Ar --flag ...\n"
        page +=
            ".Sh DESCRIPTION\n"
            + plain(
                "mm keeps persistent, guarded Microsoft 365 sessions for the terminal and for AI clients.")
        page += "The commands are:\n.Bl -tag -width Ds\n"
        for noun in nouns {
            let summary =
                index.exactly([noun])?.summary ?? index.group([noun]).map { $0.words[1] }.joined(separator: ", ")
            page += ".It Xr mm-\(noun) 1\n" + plain(summary)
        }
        page += ".El\n.Sh OPTIONS\nEvery command accepts these, before or after it.\n" + globals
        page += """
            .Sh FILES
            .Bl -tag -width Ds
            .It Pa ~/.m365-connections.json
            The registry of connections.
            .It Pa ~/.m365-state/
            Pins, confirmations, stored answers, audit.
            .El
            .Sh EXIT STATUS
            0 done, 1 failed, 2 usage, 3 sign-in needed, 4 denied by the guard,
            5 confirmation needed, 6 deadline, 7 pool unavailable, 130 cancelled.
            .Sh SEE ALSO

            """
        page += nouns.map { ".Xr mm-\($0) 1" }.joined(separator: " ,\n") + "\n"
        return ManualPage(name: "mm", text: page)
    }

    private static func noun(_ noun: String, _ index: CommandIndex, _ day: String) -> ManualPage {
        let entries = index.shown.filter { $0.words[0] == noun && $0.trigger == nil }
        let summary =
            entries.first { $0.words == [noun] }?.summary
            ?? "the commands " + entries.map { $0.words.joined(separator: " ") }.joined(separator: ", ")
        var page = head("mm-\(noun)", summary, day)
        for (number, entry) in entries.enumerated() {
            page += (number == 0 ? "" : ".Pp\n") + ".Nm mm " + words(entry.words.joined(separator: " ")) + "\n"
            for field in HelpText.positionals(of: entry.fields) {
                let name = words(field.name.uppercased()) + (field.kind == .textList ? " ..." : "")
                page += field.isRequired ? ".Ar \(name)\n" : ".Op Ar \(name)\n"
            }
            page += ".Op Ar --flag ...\n"
        }
        page += ".Sh DESCRIPTION\n"
        for entry in entries { page += section(entry) }
        let examples = entries.flatMap(\.examples)
        if !examples.isEmpty {
            page += ".Sh EXAMPLES\n.Bl -tag -width Ds\n"
            for example in examples { page += ".It " + words(example.command) + "\n" + plain(example.purpose) }
            page += ".El\n"
        }
        return ManualPage(name: "mm-\(noun)", text: page + ".Sh SEE ALSO\n.Xr mm 1\n")
    }

    private static func section(_ entry: CommandIndex.Entry) -> String {
        var text = ".Ss mm " + words(entry.words.joined(separator: " ")) + "\n" + plain(entry.summary)
        if case .local(let command) = entry { text += plain(command.discussion) }
        let fields =
            HelpText.positionals(of: entry.fields)
            + entry.fields.filter {
                if case .option = $0.placement { true } else { false }
            }
        guard !fields.isEmpty else { return text }
        text += ".Bl -tag -width Ds\n"
        for field in fields {
            if case .positional = field.placement {
                text += ".It Ar " + words(field.name.uppercased()) + "\n"
            } else {
                text += ".It Fl " + words("-" + HelpText.flagForm(of: field).dropFirst(2)) + "\n"
            }
            text += plain(HelpText.summary(of: field))
        }
        return text + ".El\n"
    }

    private static let globals =
        ".Bl -tag -width Ds\n"
        + GlobalOptions.listing.map { ".It Fl " + words("-" + $0.flag.dropFirst(2)) + "\n" + plain($0.purpose) }
        .joined()
        + ".El\n"

    private static func head(_ name: String, _ summary: String, _ day: String) -> String {
        let title = name.uppercased()
        var line = summary
        if line.hasSuffix(".") { line.removeLast() }
        return ".Dd \(day)\n.Dt \(title) 1\n.Os\n.Sh NAME\n.Nm \(name)\n.Nd \(words(line))\n.Sh SYNOPSIS\n"
    }

    /// Returns a text on lines of its own; each sentence begins a new line.
    private static func plain(_ text: String) -> String {
        var lines = ""
        for line in text.split(separator: "\n") {
            var rest = escaped(String(line))
            // mdoc wants each sentence on a new line.
            rest = rest.replacing(". ", with: ".\n").replacing("? ", with: "?\n")
            for part in rest.split(separator: "\n").flatMap(wrapped) {
                let starts = part.first.map { $0 == "." || $0 == "'" } ?? false
                lines += (starts ? "\\&" : "") + part + "\n"
            }
        }
        return lines
    }

    /// Wraps a sentence into lines that fit a screen.
    private static func wrapped(_ sentence: Substring) -> [String] {
        var lines: [String] = []
        for word in sentence.split(separator: " ") {
            if let last = lines.last, last.count + word.count < 78 {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }

    /// Quotes a text as an argument of a macro, so that no word is taken for a macro name.
    private static func words(_ text: some StringProtocol) -> String {
        let quoted = escaped(String(text)).replacing("\"", with: "\\(dq")
        return "\"\(quoted)\""
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\e").replacing("…", with: "...").replacing("“", with: "\\(lq")
            .replacing("”", with: "\\(rq").replacing("–", with: "\\(en")
    }

    private static func day(of date: Timestamp) -> String {
        let months = [
            "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
            "November", "December",
        ]
        let parts = date.iso8601.prefix(10).split(separator: "-").compactMap { Int($0) }
        guard parts.count == 3, months.indices.contains(parts[1] - 1) else { return "January 1, 2026" }
        return "\(months[parts[1] - 1]) \(parts[2]), \(parts[0])"
    }
}

extension CommandIndex.Entry {
    /// Command lines that work as they are.
    fileprivate var examples: [OperationDeclaration.Example] {
        switch self {
        case .operation(let operation): operation.declaration.examples
        case .local(let command): command.examples
        }
    }
}
