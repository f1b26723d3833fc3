internal import MMCore

/// An error in a query, as the service that runs it names it.
struct KustoFailure: Error {
    let code: String
    let message: String
    /// The place of a syntax error, and what is there.
    var place: (line: Int, column: Int, token: String)?
    /// The name of a table that isn't there.
    var table: String?

    /// A query that the service's grammar doesn't allow.
    static func syntax(_ word: KustoWord) -> KustoFailure {
        KustoFailure(
            code: "ParserFailure", message: "ParserFailure", place: (word.line, word.column, word.token.text))
    }

    static func unknownColumn(_ name: String) -> KustoFailure {
        KustoFailure(code: "Default", message: "Failed to resolve scalar expression named '\(name.prefix(80))'")
    }

    static func unknownTable(_ name: String) -> KustoFailure {
        KustoFailure(
            code: "DisallowedLogicalTableName",
            message: "Table \(name.prefix(80)) was not found, is unsupported, or is disallowed.",
            table: String(name.prefix(80)))
    }

    /// A part of the language that this stand-in leaves out.
    static func notServed(_ what: String) -> KustoFailure {
        KustoFailure(
            code: "NotServedBySandbox", message: "The sandbox doesn't know \(what); the real service may know it.")
    }
}

/// A word of a query with its place.
struct KustoWord: Sendable {
    /// The kinds of words.
    enum Token: Equatable, Sendable {
        case name(String)
        case literal(JSONValue)
        case symbol(String)
        case end

        /// The word as it is shown in errors.
        var text: String {
            switch self {
            case .name(let text), .symbol(let text): text
            case .literal(let value): value.string ?? value.description
            case .end: "<EOF>"
            }
        }
    }

    let token: Token
    let line: Int
    let column: Int
}

/// Splits a query into words.
struct KustoLexer {
    private let text: [Character]
    private var at = 0
    private var line = 1
    private var start = 0

    private init(_ text: String) { self.text = Array(text) }

    /// Returns the words of a query, with one for its end.
    static func words(of query: String) throws(KustoFailure) -> [KustoWord] {
        var lexer = KustoLexer(query)
        var words: [KustoWord] = []
        repeat { words.append(try lexer.next()) } while words.last?.token != .end
        return words
    }

    private var character: Character? { at < text.count ? text[at] : nil }
    private var following: Character? { at + 1 < text.count ? text[at + 1] : nil }

    private mutating func skipBlanks() {
        while let character {
            if character.isNewline { (line, start) = (line + 1, at + 1) }
            if character == "/", following == "/" {
                while let character = self.character, !character.isNewline { at += 1 }
            } else if character.isWhitespace {
                at += 1
            } else {
                return
            }
        }
    }

    private mutating func take(while isWanted: (Character) -> Bool) -> String {
        let from = at
        while let character, isWanted(character) { at += 1 }
        return String(text[from..<at])
    }

    private static func isOfName(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_" || character == "$"
    }

    private mutating func next() throws(KustoFailure) -> KustoWord {
        skipBlanks()
        let column = at - start
        func word(_ token: KustoWord.Token) -> KustoWord { KustoWord(token: token, line: line, column: column) }
        guard let first = character else { return word(.end) }
        if first == "'" || first == "\"" || first == "@" && (following == "'" || following == "\"") {
            guard let text = quoted() else { throw .syntax(word(.symbol(String(first)))) }
            return word(.literal(.string(text)))
        }
        if first.isNumber { return word(.literal(number())) }
        // `!in~` and `!contains` are one word each.
        let isNegated = first == "!" && following?.isLetter == true
        if isNegated || Self.isOfName(first) {
            if isNegated { at += 1 }
            var name = (isNegated ? "!" : "") + take(while: Self.isOfName)
            if character == "~", name.hasSuffix("in") {
                at += 1
                name += "~"
            }
            switch name {
            case "true": return word(.literal(true))
            case "false": return word(.literal(false))
            case "datetime" where character == "(", "dynamic" where character == "(":
                // What is between these parentheses has a syntax of its own.
                guard let value = literal(of: name) else { throw .syntax(word(.name(name))) }
                return word(.literal(value))
            default: return word(.name(name))
            }
        }
        let pair = String(text[at..<min(at + 2, text.count)])
        let symbol = ["==", "!=", "=~", "!~", "<=", ">=", "<>", ".."].contains(pair) ? pair : String(first)
        guard symbol.count == 2 || "|()[],.=<>+-*/%;".contains(first) else { throw .syntax(word(.symbol(symbol))) }
        at += symbol.count
        return word(.symbol(symbol))
    }

    /// Reads a time or a value of JSON in parentheses; nil if it is none.
    private mutating func literal(of type: String) -> JSONValue? {
        at += 1
        var inside = ""
        var (depth, quote): (Int, Character?) = (1, nil)
        while let character {
            at += 1
            if let open = quote {
                if character == open { quote = nil }
            } else if character == "'" || character == "\"" {
                quote = character
            } else if character == "(" || character == ")" {
                depth += character == "(" ? 1 : -1
            }
            guard depth > 0 else {
                return type == "datetime" ? KustoTime.literal(inside) : Self.dynamic(inside)
            }
            inside.append(character)
        }
        return nil
    }

    private static func dynamic(_ text: String) -> JSONValue? {
        let texts = [text, text.replacing("'", with: "\"")]
        return texts.lazy.compactMap { try? JSONParser.parse(Array($0.utf8)) }.first
    }

    /// Reads a text; nil for one without an end.
    private mutating func quoted() -> String? {
        let isVerbatim = character == "@"
        if isVerbatim { at += 1 }
        guard let quote = character else { return nil }
        at += 1
        var value = ""
        while let character {
            at += 1
            if character == quote {
                guard isVerbatim, self.character == quote else { return value }
                at += 1
            } else if character == "\\", !isVerbatim, let escaped = self.character {
                at += 1
                value.append(["n": "\n", "t": "\t", "r": "\r"][escaped] ?? escaped)
                continue
            }
            value.append(character)
        }
        return nil
    }

    /// Reads a number, or a time span such as `7d`, which becomes its seconds.
    private mutating func number() -> JSONValue {
        var digits = take(while: \.isNumber)
        if character == ".", following?.isNumber == true {
            at += 1
            digits += "." + take(while: \.isNumber)
        }
        let units: [Character: Double] = ["d": 86_400, "h": 3600, "m": 60, "s": 1]
        if let unit = character.flatMap({ units[$0] }), !(following.map(Self.isOfName) ?? false) {
            at += 1
            return .double((Double(digits) ?? 0) * unit)
        }
        return Int64(digits).map { .int($0) } ?? .double(Double(digits) ?? 0)
    }
}
