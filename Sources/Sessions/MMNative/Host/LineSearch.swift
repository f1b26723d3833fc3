import MMCore

/// A search of `Select-String`.
struct LineSearch {
    /// A line that is searched.
    struct Line {
        let text: String
        let number: Int
        let path: String

        /// The place of the texts that are piped to the command.
        static let input = "InputStream"
    }

    private let patterns: [(Pattern, PSValue)]
    private let isSimple: Bool
    private let isInverse: Bool
    /// How many matches of a line are told.
    private let limit: Int
    private let evaluator: Evaluator

    init(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) {
        guard let pattern = command["Pattern"] else { throw .handOver("an unusual Select-String") }
        self.evaluator = evaluator
        (isSimple, isInverse) = (command.isSet("SimpleMatch"), command.isSet("NotMatch"))
        limit = command.isSet("AllMatches") ? Int.max : 1
        var patterns: [(Pattern, PSValue)] = []
        for item in Cmdlets.list(pattern.plain) {
            let text = try PSText.string(item)
            if let refusal = command.refusal(of: item, for: "Pattern") { throw .statement(refusal) }
            patterns.append(
                (
                    try evaluator.pattern(
                        isSimple ? try Statics.escaped(text) : text, ignoringCase: !command.isSet("CaseSensitive")),
                    item
                ))
        }
        self.patterns = patterns
    }

    /// Returns what is found in a line; `nil` for nothing.
    func found(in line: Line) throws(Interrupt) -> PSValue? {
        let units = Array(line.text.utf8)
        var found: (matches: [PSValue], pattern: PSValue)?
        // The first pattern that matches decides.
        for (pattern, written) in patterns where found == nil {
            var matches: [PSValue] = []
            try pattern.eachMatch(in: units, limit: limit, for: evaluator) {
                matches.append(RegexObjects.match($0, of: pattern, in: units))
            }
            if !matches.isEmpty { found = (matches, written) }
        }
        guard (found != nil) != isInverse else { return nil }
        let shown = line.path == Line.input ? line.text : "\(line.path):\(line.number):\(line.text)"
        var pairs: [(String, PSValue)] = [
            ("Line", .string(line.text)), ("LineNumber", .int(Int32(truncatingIfNeeded: line.number))),
            ("Pattern", found?.pattern ?? patterns.last?.1 ?? .null),
            ("Filename", .string(line.path.split { $0 == "/" || $0 == "\\" }.last.map(String.init) ?? line.path)),
            ("Path", .string(line.path)), (PSObject.lineText, .string(shown)),
        ]
        // A simple search gives no details of its matches, unless all are requested.
        if !isSimple, let found { pairs.append(("Matches", .array(found.matches))) }
        return PSObject(pairs, typeName: PSObject.lineType, isCustom: false).map { .object($0) }
    }
}

extension HostCommands {
    static func selectString(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        let search = try LineSearch(command, evaluator)
        // What is searched at once: a text of the input, a file of the input, or all files that the command names.
        var sources: [(isText: Bool, lines: [LineSearch.Line])] = []
        for (number, item) in items.enumerated() {
            guard case .object(let file) = item, file.typeName == PSObject.fileType, let path = file["FullName"]?.text
            else {
                let text = try PSText.string(item)
                sources.append((true, [LineSearch.Line(text: text, number: number + 1, path: LineSearch.Line.input)]))
                continue
            }
            sources.append((false, try lines(of: path, command, host, evaluator)))
        }
        let named = try paths(command, ["Path", "LiteralPath"])
        var all: [LineSearch.Line] = []
        for path in named {
            let found = path.contains("*") ? try host.files(like: path, in: evaluator).map(\.path) : [path]
            for file in found { all += try lines(of: file, command, host, evaluator) }
        }
        if !named.isEmpty { sources.append((false, all)) }
        for (isText, lines) in sources {
            var hasFound = false
            for line in lines {
                guard let found = try search.found(in: line) else { continue }
                hasFound = true
                if command.isSet("Quiet") { break }
                try emit(found)
            }
            // Of texts only the first that is found is told, and then nothing more.
            guard command.isSet("Quiet"), hasFound || !isText else { continue }
            try emit(.bool(hasFound))
            if isText { break }
        }
    }

    /// Returns the lines of a file of the run.
    private static func lines(
        of path: String, _ command: BoundCommand, _ host: NativeHost, _ evaluator: Evaluator
    ) throws(Interrupt) -> [LineSearch.Line] {
        guard let bytes = try content(path, command, host, evaluator) else { return [] }
        let text = try Encodings.read(bytes, in: command["Encoding"])
        return FileText.lines(of: text).enumerated().map {
            LineSearch.Line(text: $1, number: $0 + 1, path: path)
        }
    }
}
