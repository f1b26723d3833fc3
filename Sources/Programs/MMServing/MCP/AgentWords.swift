import MMCLI
import MMCore
import MMOperations

/// Rewrites messages for models, which have tools, and for programs that call operations over HTTP: neither has a
/// command line.
///
/// One set of rules serves all messages of this product: a command becomes the call of the tool or operation that does
/// the same, a flag becomes the argument with its name, and remarks about terminals are removed. A command that only
/// the owner can run and a flag that no tool has as an argument stay, and are marked as the owner's.
struct AgentWords: Sendable {
    private let prefix: String
    /// Whether every operation and argument has its own name, rather than those alone that models are offered.
    private let hasAll: Bool
    private static let operations: [(words: [String], operation: AnyOperation)] = Catalogue.standard.operations.map {
        ($0.declaration.command, $0)
    }
    /// The arguments that the flags mean.
    private static let flags: [String: InputField] = {
        var names: [String: InputField] = [:]
        for operation in Catalogue.standard.operations where operation.declaration.audience == .everyone {
            for field in operation.fields where names["--\(field.flagName)"]?.isOfferedToModels != true {
                names["--\(field.flagName)"] = field
            }
        }
        // The flags with which a server is started are for its owner, so they aren't replaced.
        for field in MCPFaceOptions.fields { names["--\(field.flagName)"] = nil }
        return names
    }()

    /// Creates the rules for a server whose tools' names have this prefix.
    init(prefix: String) { (self.prefix, hasAll) = (prefix, false) }

    private init() { (prefix, hasAll) = ("", true) }

    /// The rules for programs that call operations over HTTP.
    static let ofPrograms = AgentWords()

    /// Returns a rewritten text. What stands between quotation marks are words of the caller's, which stay as they are.
    func translated(_ text: String) -> String {
        guard text.contains("mm ") || text.contains("--") || text.contains("terminal") else { return text }
        var result = ""
        var rest = text[...]
        while let open = rest.firstIndex(of: "“"), let close = rest[open...].firstIndex(of: "”") {
            result += withCalls(Self.withoutTerminals(String(rest[..<open]))) + rest[open...close]
            rest = rest[rest.index(after: close)...]
        }
        return result + withCalls(Self.withoutTerminals(String(rest)))
    }

    // MARK: what terminals alone have

    /// Returns the text without parentheses for terminal users: `(in a terminal: -d '{…}')`, `(--unlisted)`.
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

    /// Returns the text with commands replaced by tool calls, and with flags outside of commands by the names of
    /// arguments.
    private func withCalls(_ text: String) -> String {
        var result = ""
        /// The text since the last command.
        var plain = ""
        var rest = text[...]
        while let found = rest.firstRange(of: "mm ") {
            plain += rest[..<found.lowerBound]
            let previous = plain.last ?? result.last
            let begins = previous.map { !$0.isLetter && !$0.isNumber && !"_-/.".contains($0) } ?? true
            let isQuoted = previous == "`"
            let tail = rest[found.upperBound...]
            let end = isQuoted ? tail.firstIndex(of: "`") ?? tail.endIndex : tail.endIndex
            guard begins, let (call, used) = call(in: tail[..<end], isWhole: isQuoted) else {
                plain += rest[found]
                rest = tail
                continue
            }
            result += withoutFlags(plain) + call
            plain = ""
            rest = rest[used...]
            if isQuoted, rest.first == "`", result.hasSuffix(Self.ownersRemark) {
                // The remark about the command belongs behind the closing backtick.
                result = result.dropLast(Self.ownersRemark.count) + "`" + Self.ownersRemark
                rest.removeFirst()
            }
        }
        return result + withoutFlags(plain + rest)
    }

    /// Returns the call for a command, and where the command ends.
    /// - Parameter isWhole: whether the text is the command and nothing else.
    private func call(in text: Substring, isWhole: Bool) -> (call: String, end: Substring.Index)? {
        let pieces = Self.pieces(of: text)
        let names = pieces.map(\.text)
        let known = Self.operations.filter { names.starts(with: $0.words) }
        guard let operation = known.max(by: { $0.words.count < $1.words.count }) else {
            return owners(pieces, isWhole ? text.endIndex : nil)
        }
        let count = operation.words.count
        let fields = operation.operation.fields
        let arguments = isWhole ? pieces.dropFirst(count) : Self.arguments(pieces.dropFirst(count), of: fields)
        let end = isWhole ? text.endIndex : (arguments.last ?? pieces[count - 1]).end
        let isForModels = arguments.allSatisfy { piece in
            fields.allSatisfy { hasAll || $0.isTakenFromModels || !$0.isNamed(by: piece.text) }
        }
        guard operation.operation.declaration.audience == .everyone, isForModels else {
            return ("mm " + String(text[..<end]) + Self.ownersRemark, end)
        }
        return (tool(operation.operation, arguments.map(\.text)), end)
    }

    /// Returns the words that are arguments of a command, rather than the rest of the sentence around it.
    private static func arguments(_ pieces: ArraySlice<Piece>, of fields: [InputField]) -> ArraySlice<Piece> {
        var takesNext = false
        // A sentence continues behind a command in small letters; a connection's name begins with a capital as a rule.
        var mayBeConnection = fields.contains { $0.name == "connection" && $0.placement == .positional(0) }
        return pieces.prefix { piece in
            let isValue = takesNext || mayBeConnection && piece.text.first?.isUppercase == true
            (takesNext, mayBeConnection) = (fields.takesValue(after: piece.text), false)
            return isValue || piece.isArgument || fields.offers(piece.text)
        }
    }

    /// The remark about a command that a model can't call.
    private static let ownersRemark = " (the owner's, in a terminal)"

    /// Returns a command that is no operation, such as `mm doctor`, with the remark that it is its owner's.
    private func owners(_ pieces: [Piece], _ whole: Substring.Index?) -> (call: String, end: Substring.Index)? {
        let names = pieces.map(\.text)
        func shared(_ command: LocalCommand) -> Int { zip(command.words, names).prefix { $0 == $1 }.count }
        let commands = Self.ownCommands.filter { $0.words.first == names.first }
        guard let command = commands.max(by: { shared($0) < shared($1) }) else { return nil }
        let count = shared(command)
        let arguments = Self.arguments(pieces.dropFirst(count), of: command.fields)
        let used = whole == nil ? pieces.prefix(count) + arguments : pieces[...]
        guard let last = used.last else { return nil }
        let words = used.map(\.written).joined(separator: " ")
        return ("mm \(words)" + Self.ownersRemark, whole ?? last.end)
    }

    private static let ownCommands = LocalCommands.all(.standard, environment: [:])

    /// Returns the tool call for an operation.
    private func tool(_ operation: AnyOperation, _ words: [String]) -> String {
        let declaration = operation.declaration
        var arguments = (try? ArgumentScanner.scan(words, fields: operation.fields, command: declaration.name)) ?? [:]
        var name = declaration.name
        if hasAll {
            // Each operation is called as it is.
        } else if name == OperationDeclaration.endpoints.name, arguments["properties"] == nil {
            name = OperationDeclaration.graphRequest.name
            arguments = arguments["question"].map { ["search": $0] } ?? ["search": "words"]
        } else if declaration.runsTools {
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
        /// The word without its quotes.
        let text: String
        /// The word as it is written.
        let written: Substring
        /// The end of the word in the text.
        let end: Substring.Index
        let isQuoted: Bool

        /// Whether the word can be recognized as an argument, rather than as part of the sentence around the command.
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
            if text[place] == "'", let quoted = quoted(text[place...]) {
                place = quoted.end
                pieces.append(
                    Piece(text: quoted.text, written: text[start..<place], end: place, isQuoted: true))
                continue
            }
            while place < text.endIndex, text[place] != " ", !text[place].isNewline { place = text.index(after: place) }
            var end = place
            // A punctuation mark after a command belongs to the sentence.
            while end > start, ".,;:)".contains(text[text.index(before: end)]) { end = text.index(before: end) }
            guard end > start else { continue }
            pieces.append(Piece(text: String(text[start..<end]), written: text[start..<end], end: end, isQuoted: false))
            // The command ends at a punctuation mark.
            if end < place { break }
        }
        return pieces
    }

    /// Reads what `ShellWord` put in quotes, and where it ends; `nil` without a closing quote.
    private static func quoted(_ text: Substring) -> (text: String, end: Substring.Index)? {
        var value = ""
        var rest = text.dropFirst()
        while let close = rest.firstIndex(of: "'") {
            value += rest[..<close]
            rest = rest[rest.index(after: close)...]
            // An apostrophe stands outside of the quotes.
            guard rest.hasPrefix("\\''") else { return (value, rest.startIndex) }
            value += "'"
            rest = rest.dropFirst(3)
        }
        return nil
    }

    // MARK: flags

    /// Returns the text with flags replaced by the names of arguments, or marked as the owner's if models don't have
    /// those.
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
            // The owner's commands keep their flags.
            guard begins, !Self.isWithinCommand(result), let argument = Self.flags["--" + name] else {
                result += rest[found]
                rest = tail
                continue
            }
            let behind = tail[name.endIndex...]
            if hasAll || argument.isOfferedToModels {
                result += previous == "`" ? argument.name : "`\(argument.name)`"
                rest = behind
            } else {
                let value = Self.value(of: argument, in: behind)
                let closing = previous == "`" && behind.dropFirst(value.count).first == "`" ? "`" : ""
                result += "--\(name)\(value)\(closing)" + Self.ownersRemark
                rest = behind.dropFirst(value.count + closing.count)
            }
        }
        return result + rest
    }

    /// Returns the value behind a flag with the space before it, rather than a word of the sentence: one of the flag's
    /// words, or a placeholder.
    private static func value(of argument: InputField, in text: Substring) -> Substring {
        guard argument.kind != .flag, text.first == " " else { return "" }
        let word = text.dropFirst().prefix { $0.isLetter || $0.isNumber || $0 == "-" }
        let isPlaceholder = word.count > 1 && word.allSatisfy(\.isUppercase)
        let isChoice = if case .choice(let words) = argument.kind { words.contains(String(word)) } else { false }
        return isPlaceholder || isChoice ? text.prefix(word.count + 1) : ""
    }

    /// Returns whether a text ends within a command in backticks.
    private static func isWithinCommand(_ text: String) -> Bool {
        guard let start = text.lastIndex(of: "`") else { return false }
        return text.filter { $0 == "`" }.count % 2 == 1 && text[start...].hasPrefix("`mm ")
    }
}

extension [InputField] {
    /// Whether a word of a command line is a flag whose value is the next word.
    fileprivate func takesValue(after word: String) -> Bool {
        guard word.hasPrefix("-"), !word.contains("=") else { return false }
        return contains { $0.kind != .flag && $0.isNamed(by: word) }
    }

    /// Whether a word is one of the values of an argument.
    fileprivate func offers(_ word: String) -> Bool {
        contains { field in
            if case .choice(let values) = field.kind { values.contains(word) } else { false }
        }
    }
}
