import MMOperations
package import MMSystem

/// The options that every command takes.
package struct GlobalOptions: Sendable {
    /// The format of answers.
    package enum Format: String, Sendable, CaseIterable {
        case table
        case json
        case jsonl
        case csv
        case text
        /// Rows without a heading, cells separated by tabs, as `az` writes them.
        case tsv
        case yaml
        /// A Markdown table, as `m365` writes it.
        case md
    }

    /// The format of answers; `nil` leaves the choice to the command and the terminal.
    package var format: Format?
    /// The columns or members to show; empty for the default ones.
    package var columns: [String] = []
    /// The order of rows; `nil` for the service's own.
    package var order: RowOrder?
    /// Whether an answer that is longer than the screen is shown in a pager.
    package var pages = true
    /// The jq program that filters answers.
    package var jq: String?
    /// Whether help was asked for.
    package var help = false
    /// The time limit of the whole call; `nil` for the operation's own.
    package var timeLimit: Duration?
    /// Whether to return a handle at once while the call continues.
    package var detach = false
    /// Whether to run in this process, without the pool.
    package var isEmbedded = false
    /// The address of another pool that carries out the call.
    package var pool: String?
    /// Whether to write only the answer, without notes and progress.
    package var quiet = false

    package init() {}

    /// The options as texts about all commands list them.
    package static let listing = listing(timeLimit: OperationDeclaration.usualTimeLimit)

    /// Returns the options as the help of a command lists them.
    /// - Parameters:
    ///   - limit: the time limit of its calls that set none; `nil` if there is none.
    ///   - isLocal: whether it works on this machine alone.
    package static func listing(
        timeLimit limit: Duration?, isLocal: Bool = false
    ) -> [(flag: String, purpose: String)] {
        let pool: [(flag: String, purpose: String)] =
            isLocal ? [] : [("--pool URL", "use the pool at this address (also MM_SESSION_POOL_URL)")]
        let limit = limit.map { "default \($0.components.seconds)" } ?? "default none"
        return [
            ("--output, -o FORMAT", "table, json, jsonl, csv, text, tsv, yaml or md"),
            ("--columns NAME,NAME", "show only these properties, in this order"),
            ("--sort NAME", "sort rows by a column; -NAME sorts in descending order"),
            ("--json", "same as --output json; --json=NAME,NAME only these properties"),
            ("--jq PROGRAM", "filter the answer with jq"),
            ("--timeout SECONDS", "time limit of the call (\(limit))"),
            ("--detach", "run a long call in the background; see `mm jobs`"),
            ("--embedded", "run in this process, without the pool (also MM_EMBEDDED=1)"),
        ] + pool + [
            ("--quiet, -q", "print no notes and no progress"),
            ("--no-pager", "no pager for long answers (also MM_PAGER=cat)"),
            ("--no-color", "no colours (also NO_COLOR)"),
            ("--help, -h", "this text"),
        ]
    }

    /// The names of the options that take a value, and of those that take none.
    package static let names: (valued: [String], plain: [String]) = {
        let words = listing.map { $0.flag.split { $0 == " " || $0 == "," }.map(String.init) }
        let isValued = { (words: [String]) in words.last?.hasPrefix("-") == false }
        return (words.filter(isValued).map { $0[0] }, words.filter { !isValued($0) }.map { $0[0] })
    }()

    /// Returns whether a word is one of these options, alone or with its value behind an equals sign.
    private static func isOne(_ word: String) -> Bool {
        let name = String(word.prefix { $0 != "=" })
        return names.plain.contains(name) || names.valued.contains(name) || name == "-o" || name == "-q"
    }

    /// Returns whether the words of a command line ask for JSON, as its errors are JSON then: also those of a line that
    /// can't be parsed.
    package static func wantJSON(_ words: [String]) -> Bool {
        var format: Format?
        var rest = words.prefix { $0 != "--" }
        while let word = rest.popFirst() {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            switch parts[0] {
            case "--json": format = .json
            case "--output", "-o":
                // The value of a command's own `-o`, such as the file of a plan, is no format.
                let value = parts.count > 1 ? String(parts[1]) : rest.first ?? ""
                format = Format(rawValue: value.lowercased()) ?? format
            default: break
            }
        }
        return format == .json
    }

    /// Returns the options, with their values, with which a line begins, and the words after them.
    static func leading(_ words: [String]) -> (options: [String], rest: ArraySlice<String>) {
        var options: [String] = []
        var rest = words[...]
        while let word = rest.first, isOne(word) {
            options.append(rest.removeFirst())
            if names.valued.contains(word) || word == "-o", let value = rest.popFirst() { options.append(value) }
        }
        return (options, rest)
    }

    /// Returns a line with the command first and the global options that preceded it after it.
    package static func commandFirst(_ words: [String]) -> [String] {
        let (options, rest) = leading(words)
        if let word = rest.first, word.hasPrefix("-"), word != "--" { return words }
        // A line without a command stays as it is: `--help`, `--version`.
        guard let command = rest.firstIndex(where: { $0.hasPrefix("-") }) ?? Optional(rest.endIndex), !rest.isEmpty
        else { return words }
        return Array(rest[..<command]) + options + Array(rest[command...])
    }
}

extension GlobalOptions {
    /// Returns the form of answers that these options ask for.
    /// - Parameters:
    ///   - screen: the size of the screen; `nil` if the output goes to a file or a program.
    ///   - queryFlag: the flag by which the call asks for further properties of its rows; `nil` where it can't.
    package func form(on screen: Terminal.Size?, queryFlag: String? = nil) -> AnswerForm {
        AnswerForm(format: format, columns: columns, order: order, width: screen?.columns, queryFlag: queryFlag)
    }
}
