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
        let (units, all) = (Array(line.text.utf8), TextUnits(line.text))
        var found: (matches: [PSValue], pattern: PSValue)?
        // The first pattern that matches decides.
        for (pattern, written) in patterns where found == nil {
            var matches: [PSValue] = []
            try pattern.eachMatch(in: units, limit: limit, for: evaluator) {
                matches.append(RegexObjects.match($0, of: pattern, in: all))
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

/// `Select-String`: searches each text and file of its input, and all files that it names, as one.
final class LineSearchStage: Stage {
    private let command: BoundCommand
    private let evaluator: Evaluator
    private let host: NativeHost
    private let search: LineSearch
    private let isQuiet: Bool
    private let reports: Int
    private var count = 0
    /// Whether a text was found and nothing more is told.
    private var isDone = false

    init(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) {
        guard let host = evaluator.host else { throw .handOver("the command Select-String") }
        (self.command, self.evaluator, self.host) = (command, evaluator, host)
        search = try LineSearch(command, evaluator)
        isQuiet = command.isSet("Quiet")
        reports = evaluator.reports
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        count += 1
        guard case .object(let file) = item, file.typeName == PSObject.fileType, let path = file["FullName"]?.text
        else {
            let text = try PSText.string(item)
            let line = LineSearch.Line(text: text, number: count, path: LineSearch.Line.input)
            return try tell([line], isText: true)
        }
        try tell(try lines(of: path), isText: false)
    }

    override func finish() throws(Interrupt) {
        let named = try HostCommands.paths(command, ["Path", "LiteralPath"], in: host)
        var all: [LineSearch.Line] = []
        for path in named {
            let found = path.contains("*") ? try host.files(like: path, in: evaluator).map(\.path) : [path]
            for file in found { all += try lines(of: file) }
        }
        if !named.isEmpty { try tell(all, isText: false) }
        // What failed has had no use for some parameters.
        if evaluator.reports == reports { try command.refuseUnread() }
    }

    /// Tells what is found in the lines of one place.
    private func tell(_ lines: [LineSearch.Line], isText: Bool) throws(Interrupt) {
        guard !isDone else { return }
        var hasFound = false
        for line in lines {
            guard let found = try search.found(in: line) else { continue }
            hasFound = true
            if isQuiet { break }
            try next(found)
        }
        guard isQuiet, hasFound || !isText else { return }
        isDone = isText
        try next(.bool(hasFound))
    }

    /// Returns the lines of a file of the run.
    private func lines(of path: String) throws(Interrupt) -> [LineSearch.Line] {
        guard let bytes = try HostCommands.content(path, command, host, evaluator) else { return [] }
        let text = try Encodings.read(bytes, in: command["Encoding"])
        return FileText.lines(of: text).enumerated().map {
            LineSearch.Line(text: $1, number: $0 + 1, path: path)
        }
    }
}
