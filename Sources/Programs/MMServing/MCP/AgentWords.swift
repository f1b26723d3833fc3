import MMCLI
import MMCore
import MMOperations

/// The words of messages, written for whoever has a command line, as those say them who have tools alone.
///
/// One rule for every message of the house: a command becomes the call of the tool that does it, a flag the argument of its name,
/// what is told of terminals alone is left out. What only the owner can do stays a command, and is said to be the owner's.
struct AgentWords: Sendable {
    private let prefix: String
    private static let operations: [(words: [String], operation: AnyOperation)] = Catalogue.standard.operations.map {
        ($0.declaration.command, $0)
    }
    private static let flags: [String: String] = {
        var names: [String: String] = [:]
        for operation in Catalogue.standard.operations where operation.declaration.audience == .everyone {
            for field in operation.fields where names["--\(field.flagName)"] == nil {
                names["--\(field.flagName)"] = field.name
            }
        }
        // What a server was started with is its owner's to name.
        for field in MCPFaceOptions.fields { names["--\(field.flagName)"] = nil }
        return names
    }()

    /// The words of a server whose tools' names begin so.
    init(prefix: String) { self.prefix = prefix }

    /// An error in these words; what a person is shown word for word stays as it is.
    func translated(_ error: MMError) -> MMError {
        guard error.code != .confirmationNeeded, error.code != .signInNeeded else { return error }
        var told = error
        told.message = translated(error.message)
        told.hint = error.hint.map(translated)
        return told
    }

    /// A text in these words.
    func translated(_ text: String) -> String {
        guard text.contains("mm ") || text.contains("--") || text.contains("terminal") else { return text }
        return withoutFlags(withCalls(Self.withoutTerminals(text)))
    }

    // MARK: what terminals alone have

    /// Without what stands in brackets for those at a terminal: `(in a terminal: -d '{…}')`, `(--unlisted)`.
    private static func withoutTerminals(_ text: String) -> String {
        var result = ""
        var rest = text[...]
        while let open = rest.firstIndex(of: "(") {
            let inside = rest[rest.index(after: open)...]
            let flag = "--" + inside.drop { $0 == "-" }.prefix { $0.isLetter && $0.isASCII || $0 == "-" }
            let isForTerminals =
                ["in a terminal", "-X ", "-d ", "-H "].contains { inside.hasPrefix($0) }
                || inside.hasPrefix("--") && flags[flag] != nil
            guard isForTerminals, let close = closing(of: inside) else {
                result += rest[...open]
                rest = inside
                continue
            }
            result += rest[..<open]
            if result.hasSuffix(" ") { result.removeLast() }
            rest = inside[inside.index(after: close)...]
        }
        return result + rest
    }

    private static func closing(of text: Substring) -> Substring.Index? {
        var depth = 1
        for place in text.indices {
            if text[place] == "(" { depth += 1 }
            if text[place] == ")" { depth -= 1 }
            if depth == 0 { return place }
        }
        return nil
    }

    // MARK: commands

    /// With the calls of tools in the place of commands.
    private func withCalls(_ text: String) -> String {
        var result = ""
        var rest = text[...]
        while let found = rest.firstRange(of: "mm ") {
            let before = rest[..<found.lowerBound]
            result += before
            let previous = before.last ?? result.last
            let begins = previous.map { !$0.isLetter && !$0.isNumber && !"_-/.".contains($0) } ?? true
            let isQuoted = previous == "`"
            let tail = rest[found.upperBound...]
            let end = isQuoted ? tail.firstIndex(of: "`") ?? tail.endIndex : tail.endIndex
            guard begins, let (call, used) = call(in: tail[..<end], isWhole: isQuoted) else {
                result += rest[found]
                rest = tail
                continue
            }
            result += call
            rest = rest[used...]
        }
        return result + rest
    }

    /// The call that a command is, and where the command ends.
    /// - Parameter isWhole: whether the text is the command and nothing else.
    private func call(in text: Substring, isWhole: Bool) -> (call: String, end: Substring.Index)? {
        let pieces = Self.pieces(of: text)
        let names = pieces.map(\.text)
        let known = Self.operations.filter { names.starts(with: $0.words) }
        guard let operation = known.max(by: { $0.words.count < $1.words.count }) else {
            return owners(pieces, isWhole ? text.endIndex : nil)
        }
        let count = operation.words.count
        var arguments = pieces.dropFirst(count)
        if !isWhole { arguments = arguments.prefix { $0.isArgument } }
        let end = isWhole ? text.endIndex : (arguments.last ?? pieces[count - 1]).end
        guard operation.operation.declaration.audience == .everyone else {
            return ("mm " + String(text[..<end]) + " (the owner's, in a terminal)", end)
        }
        return (tool(operation.operation, arguments.map(\.text)), end)
    }

    /// What no operation is: a command of the program itself, such as `mm doctor`, which is its owner's.
    private func owners(_ pieces: [Piece], _ whole: Substring.Index?) -> (call: String, end: Substring.Index)? {
        guard let first = pieces.first, Self.ownCommands.contains(first.text) else { return nil }
        let used = whole == nil ? pieces.prefix { $0.isArgument || $0.text == first.text } : pieces[...]
        guard let last = used.last else { return nil }
        let words = used.map(\.written).joined(separator: " ")
        return ("mm \(words) (the owner's, in a terminal)", whole ?? last.end)
    }

    private static let ownCommands: Set<String> = [
        "doctor", "pool", "sandbox", "mcp", "completions", "powershell", "pin", "keys",
    ]

    /// An operation as the call of a tool.
    private func tool(_ operation: AnyOperation, _ words: [String]) -> String {
        let declaration = operation.declaration
        var arguments = (try? ArgumentScanner.scan(words, fields: operation.fields, command: declaration.name)) ?? [:]
        var name = declaration.name
        if name == "endpoints", arguments["properties"] == nil {
            name = "graph_request"
            arguments = arguments["question"].map { ["search": $0] } ?? ["search": "words"]
        } else if name == "recipe" || name == "do" {
            name = ReadyTool.name
            var own: JSONObject = [:]
            own["name"] = arguments["tool"] ?? arguments["search"]
            own["connection"] = arguments["connection"]
            own["parameters"] = arguments["param"]
            arguments = own
        } else if !declaration.isListed {
            var own: JSONObject = ["name": .string(name)]
            own["connection"] = arguments.remove("connection")
            if arguments.remove("dryRun") == true { own["dryRun"] = true }
            if !arguments.isEmpty { own["parameters"] = .object(arguments) }
            arguments = own
            name = ReadyTool.name
        }
        return prefix + name + (arguments.isEmpty ? "" : " " + JSONWriter.string(.object(arguments)))
    }

    /// A word of a command line.
    private struct Piece {
        /// Without its quotes.
        let text: String
        /// As it stands there.
        let written: Substring
        /// Where it ends.
        let end: Substring.Index
        let isQuoted: Bool

        /// Whether it can be told from the sentence that goes on behind a command.
        var isArgument: Bool {
            if isQuoted || text.hasPrefix("-") || text.contains("=") || text.contains("_") { return true }
            let letters = text.filter(\.isLetter)
            return !letters.isEmpty && letters.count > 1 && letters.allSatisfy(\.isUppercase)
                || text.contains(where: \.isNumber)
        }
    }

    private static func pieces(of text: Substring) -> [Piece] {
        var pieces: [Piece] = []
        var place = text.startIndex
        while place < text.endIndex {
            if text[place] == " " || text[place].isNewline {
                place = text.index(after: place)
                continue
            }
            let start = place
            if text[place] == "'", let close = text[text.index(after: place)...].firstIndex(of: "'") {
                place = text.index(after: close)
                pieces.append(
                    Piece(
                        text: String(text[text.index(after: start)..<close]), written: text[start..<place], end: place,
                        isQuoted: true))
                continue
            }
            while place < text.endIndex, text[place] != " ", !text[place].isNewline { place = text.index(after: place) }
            var end = place
            // The point behind a command is the sentence's.
            while end > start, ".,;:)".contains(text[text.index(before: end)]) { end = text.index(before: end) }
            guard end > start else { continue }
            pieces.append(Piece(text: String(text[start..<end]), written: text[start..<end], end: end, isQuoted: false))
            // What follows a point is another sentence.
            if end < place { break }
        }
        return pieces
    }

    // MARK: flags

    /// With the names of arguments in the place of flags.
    private func withoutFlags(_ text: String) -> String {
        var result = ""
        var rest = text[...]
        while let found = rest.firstRange(of: "--") {
            let before = rest[..<found.lowerBound]
            result += before
            let tail = rest[found.upperBound...]
            let name = tail.prefix { $0.isLetter && $0.isASCII || $0 == "-" }
            let previous = before.last ?? result.last
            let begins = previous.map { " `(\n".contains($0) } ?? true
            // A command of the owner's keeps its flags.
            guard begins, !Self.isWithinCommand(result), let argument = Self.flags["--" + name] else {
                result += rest[found]
                rest = tail
                continue
            }
            result += previous == "`" ? argument : "`\(argument)`"
            rest = tail[name.endIndex...]
        }
        return result + rest
    }

    /// Whether a text ends within a command in backticks.
    private static func isWithinCommand(_ text: String) -> Bool {
        guard let start = text.lastIndex(of: "`") else { return false }
        return text.filter { $0 == "`" }.count % 2 == 1 && text[start...].hasPrefix("`mm ")
    }
}
