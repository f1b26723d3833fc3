/// Words: quotes, expansions and the commands within them.
extension ShellParser {
    private static let breaks: Set<UInt8> = Set(" \t\n\r;&|<>()".utf8)

    mutating func word(_ level: Int) throws(ShellRefusal) -> Word {
        guard wordsLeft > 0 else { throw refusal("more than \(Self.maximumWords) words") }
        wordsLeft -= 1
        var text: [UInt8] = []
        var word = Word("", offset: position)
        var marks: [Int] = []
        scan: while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "("):
                try refuseIfPlain("a parenthesis", at: position)
                // A pattern such as @(a|b).
                guard let last = text.last, "?*+@!".utf8.contains(last), !word.isQuoted else { break scan }
                text += try balanced(level)
                word.isFixed = false
            case _ where Self.breaks.contains(byte):
                if byte == UInt8(ascii: ")") { try refuseIfPlain("a parenthesis", at: position) }
                if byte == 0x0D { try refuseIfPlain("a carriage return", at: position) }
                break scan
            case UInt8(ascii: "'"):
                word.note(quoteAt: text.count)
                text += try singleQuoted()
            case UInt8(ascii: "\""):
                word.note(quoteAt: text.count)
                let start = text.count
                if try quotation(level, into: &text) {
                    word.isFixed = false
                    if Self.expandsList(text[start...]) { word.isSplit = true }
                }
            case UInt8(ascii: "\\"):
                if try escape(into: &text) { word.note(quoteAt: text.count - 1) }
            case UInt8(ascii: "$"):
                let start = position
                if peek("'", after: 1) {
                    word.note(quoteAt: text.count)
                    text += try escapedQuote()
                    continue
                }
                // In bash such a text is only translated; for other shells the sign belongs to it.
                if grammar == .whole, peek("\"", after: 1) {
                    word.isFixed = false
                    position += 1
                    continue
                }
                if try dollar(level) { (word.isFixed, word.isSplit) = (false, true) }
                text += bytes[start..<min(position, bytes.count)]
            case UInt8(ascii: "`"):
                text += Array("$(".utf8) + (try backticks(level)) + Array(")".utf8)
                (word.isFixed, word.isSplit) = (false, true)
            default:
                switch byte {
                case UInt8(ascii: "{"), UInt8(ascii: "}"):
                    try refuseIfPlain("a brace", at: position)
                    marks.append(text.count)
                case UInt8(ascii: ",") where !marks.isEmpty: marks.append(text.count)
                case UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["), UInt8(ascii: "]"):
                    word.hasNoPattern = false
                case UInt8(ascii: "~")
                where text.isEmpty && !word.isQuoted || text.last == UInt8(ascii: ":")
                    || text.last == UInt8(ascii: "="):
                    word.hasNoPattern = false
                default: try checkCharacter()
                }
                text.append(byte)
                position += 1
            }
        }
        word.value = String(decoding: text, as: UTF8.self)
        braced = marks.isEmpty ? nil : BracedText(text: text, marks: marks)
        return word
    }

    /// Returns whether a text in double quotes may be several words, as a list's values are: `"$@"`, `"${a[@]}"`.
    private static func expandsList(_ text: ArraySlice<UInt8>) -> Bool {
        zip(text, text.dropFirst()).contains { $1 == UInt8(ascii: "@") && "${[!".utf8.contains($0) }
    }

    /// Reads a backslash and the character behind it; an escaped line break is nothing.
    /// - Returns: whether it is a character of the word.
    private mutating func escape(into text: inout [UInt8]) throws(ShellRefusal) -> Bool {
        position += 1
        guard position < bytes.count else {
            try refuseIfPlain("a backslash at the end", at: position - 1)
            return false
        }
        defer { position += 1 }
        if bytes[position] == 0x0A { return false }
        try checkCharacter()
        text.append(bytes[position])
        return true
    }

    private mutating func singleQuoted() throws(ShellRefusal) -> ArraySlice<UInt8> {
        let start = position
        position += 1
        while position < bytes.count, bytes[position] != 0x27 {
            try checkCharacter(isQuoted: true)
            position += 1
        }
        guard position < bytes.count else { throw refusal("an unterminated quote (')", at: start) }
        defer { position += 1 }
        return bytes[start + 1..<position]
    }

    /// Reads a text in double quotes; returns whether it contains an expansion.
    mutating func quotation(_ level: Int, into text: inout [UInt8]) throws(ShellRefusal) -> Bool {
        let start = position
        try enter()
        defer { nesting -= 1 }
        position += 1
        var isExpanded = false
        while position < bytes.count {
            switch bytes[position] {
            case 0x22:
                position += 1
                return isExpanded
            case UInt8(ascii: "\\"):
                position += 1
                guard position < bytes.count else { break }
                if ![0x0A, 0x22, 0x24, 0x5C, 0x60].contains(bytes[position]) {
                    text.append(0x5C)
                    try checkCharacter(isQuoted: true)
                }
                if bytes[position] != 0x0A { text.append(bytes[position]) }
                position += 1
            case UInt8(ascii: "$"):
                let start = position
                if try dollar(level, isQuoted: true) { isExpanded = true }
                text += bytes[start..<min(position, bytes.count)]
            case UInt8(ascii: "`"):
                text += Array("$(".utf8) + (try backticks(level, quotes: .removed)) + Array(")".utf8)
                isExpanded = true
            default:
                try checkCharacter(isQuoted: true)
                text.append(bytes[position])
                position += 1
            }
        }
        throw refusal("an unterminated quote (\")", at: start)
    }

    /// Reads what begins with a dollar sign; returns whether it is an expansion.
    /// - Parameter isQuoted: whether it stands in double quotes or a here-document, where `$'` is only two characters.
    mutating func dollar(_ level: Int, isQuoted: Bool = false) throws(ShellRefusal) -> Bool {
        try refuseIfPlain("a variable or substitution ($)", at: position)
        position += 1
        guard position < bytes.count else { return false }
        switch bytes[position] {
        case UInt8(ascii: "("):
            if try !arithmetic(level) {
                position += 1
                let before = awaited.count
                try list(until: UInt8(ascii: ")"), level: level + 1)
                guard awaited.count <= before else {
                    throw refusal("a here-document whose text is outside of its substitution")
                }
            }
            return true
        case UInt8(ascii: "["):
            try brackets(level, isQuoted: isQuoted)
            return true
        case UInt8(ascii: "{"):
            try brace(level, isQuoted: isQuoted)
            return true
        case UInt8(ascii: "'"):
            if isQuoted { return false }
            let start = position
            position += 1
            while position < bytes.count, bytes[position] != 0x27 {
                let isEscape = bytes[position] == UInt8(ascii: "\\")
                if isEscape, !isBash && peek("'", after: 1) || peek("c", after: 1) && peek("'", after: 2) {
                    throw refusal(Self.unevenQuote, at: start)
                }
                position += isEscape ? 2 : 1
            }
            guard position < bytes.count else { throw refusal("an unterminated quote ($')", at: start) }
            position += 1
            return true
        case UInt8(ascii: "\""): return false
        case let byte where Self.isLetter(byte) || byte == 0x5F:
            while position < bytes.count,
                Self.isLetter(bytes[position]) || bytes[position] == 0x5F || (0x30...0x39).contains(bytes[position])
            {
                position += 1
            }
            return true
        case let byte where (0x30...0x39).contains(byte) || "?!#$@*-".utf8.contains(byte):
            position += 1
            return true
        default: return false
        }
    }

    /// Reads `[…]` behind a dollar sign, which some shells compute. Others read it as words.
    private mutating func brackets(_ level: Int, isQuoted: Bool) throws(ShellRefusal) {
        let start = position
        try enter()
        defer { nesting -= 1 }
        script.computes = true
        var open = 0
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "$"):
                _ = try dollar(level, isQuoted: isQuoted)
                continue
            case UInt8(ascii: "["): open += 1
            case UInt8(ascii: "]"): open -= 1
            case _ where "'\"`;\\\n\r".utf8.contains(byte),
                _ where !isBash && "<>|&(){}".utf8.contains(byte),
                UInt8(ascii: "#") where " \t".utf8.contains(bytes[position - 1]):
                throw refusal("brackets that shells read differently ($[)", at: start)
            default: break
            }
            position += 1
            if open == 0 { return }
        }
        throw refusal("an unfinished $[", at: start)
    }

    private mutating func enter() throws(ShellRefusal) {
        guard nesting < Self.deepestNesting else { throw refusal("quotes nested too deeply") }
        nesting += 1
    }

    private mutating func brace(_ level: Int, isQuoted: Bool) throws(ShellRefusal) {
        let start = position
        try enter()
        defer { nesting -= 1 }
        position += 1
        let assigned = assignedName()
        let mayDispute = isQuoted && !(isBash && takesPattern)
        let value = position
        var unused: [UInt8] = []
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "}"):
                if let assigned {
                    let text = String(decoding: bytes[value..<position], as: UTF8.self)
                    script.bindings.append(ShellScript.Binding(name: assigned, values: [Word(text, isFixed: false)]))
                }
                position += 1
                return
            case UInt8(ascii: "\\"): position += 2
            case UInt8(ascii: "'") where mayDispute: try disputedQuote()
            case UInt8(ascii: "'"):
                position += 1
                while position < bytes.count, bytes[position] != 0x27 { position += 1 }
                position += 1
            case UInt8(ascii: "\""): _ = try quotation(level, into: &unused)
            case UInt8(ascii: "$") where isQuoted && !mayDispute && peek("'", after: 1):
                throw refusal("a quote that shells read differently (')")
            case UInt8(ascii: "$"): _ = try dollar(level, isQuoted: isQuoted)
            case UInt8(ascii: "`"): try backticks(level, quotes: isQuoted ? .disputed : .kept)
            default: position += 1
            }
        }
        throw refusal("an unfinished ${", at: start)
    }

    /// Reads a single quote in a place where it quotes for some shells only, as in `"${x:-'a'}"`. A text that they
    /// would end at different places is refused.
    private mutating func disputedQuote() throws(ShellRefusal) {
        let start = position
        position += 1
        while position < bytes.count, bytes[position] != 0x27 {
            // Whether or not a shell knows an escape such as `\n`, it reads both characters. `\c` may take a quote.
            if peek("\\"), position + 1 < bytes.count, Self.isLetter(bytes[position + 1]), !peek("c", after: 1) {
                position += 1
            }
            if "}){($`\"\\\n".utf8.contains(bytes[position]) {
                throw refusal("a quote that shells read differently (')", at: start)
            }
            position += 1
        }
        guard position < bytes.count else { throw refusal("an unterminated quote (')", at: start) }
        position += 1
    }

    /// Where a backslash keeps a quote from ending `$'…'`, a shell that doesn't know such quotes ends it all the same.
    private static let unevenQuote = "a quote that shells end at different places ($'…\\'…')"

    /// Reads `$'…'`, in which a backslash and what is behind it stand for one character. The text ends where a shell
    /// ends it: at the first character of no value.
    private mutating func escapedQuote() throws(ShellRefusal) -> [UInt8] {
        let start = position
        try refuseIfPlain("a variable or substitution ($)", at: start)
        position += 2
        var text: [UInt8] = []
        var isOver = false
        while position < bytes.count, bytes[position] != 0x27 {
            let byte = bytes[position]
            position += 1
            let escape = position
            let piece = byte == UInt8(ascii: "\\") && position < bytes.count ? escaped() : [byte]
            // bash looks for the end first, so that a quote behind `\c` is the end there, too.
            let mayHold = isBash && bytes[escape] == 0x27
            if !mayHold, bytes[escape..<min(position, bytes.count)].contains(0x27) {
                throw refusal(Self.unevenQuote, at: start)
            }
            if piece == [0] { isOver = true }
            if !isOver { text += piece }
        }
        guard position < bytes.count else { throw refusal("an unterminated quote ($')", at: start) }
        position += 1
        return text
    }

    private mutating func digits(_ radix: UInt32, _ most: Int) -> UInt32? {
        var value: UInt32?
        var left = most
        while left > 0, position < bytes.count,
            let digit = Character(UnicodeScalar(bytes[position])).hexDigitValue, digit < radix
        {
            value = (value ?? 0) &* radix &+ UInt32(digit)
            position += 1
            left -= 1
        }
        return value
    }

    /// What a backslash and the characters at hand stand for.
    private mutating func escaped() -> [UInt8] {
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "a"): return [0x07]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "e"), UInt8(ascii: "E"): return [0x1B]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "v"): return [0x0B]
        case UInt8(ascii: "\\"), 0x27, 0x22, UInt8(ascii: "?"): return [byte]
        case UInt8(ascii: "x"):
            guard let value = digits(16, 2) else { return [UInt8(ascii: "\\"), byte] }
            return [UInt8(truncatingIfNeeded: value)]
        case UInt8(ascii: "u"), UInt8(ascii: "U"):
            guard let value = digits(16, byte == UInt8(ascii: "u") ? 4 : 8) else { return [UInt8(ascii: "\\"), byte] }
            return UnicodeScalar(value).map { Array(String($0).utf8) } ?? []
        case UInt8(ascii: "c") where position < bytes.count:
            position += 1
            return [bytes[position - 1] & 0x1F]
        case 0x30...0x37:
            position -= 1
            return [UInt8(truncatingIfNeeded: digits(8, 3) ?? 0)]
        default: return [UInt8(ascii: "\\"), byte]
        }
    }

    /// Whether the expansion that begins here takes a pattern away, as `${x#…}` and `${x%…}` do: bash reads quotes in
    /// it even within double quotes.
    private var takesPattern: Bool {
        var end = position
        while end < bytes.count, Self.isLetter(bytes[end]) || bytes[end] == 0x5F || (0x30...0x39).contains(bytes[end]) {
            end += 1
        }
        return end > position && end < bytes.count && "#%".utf8.contains(bytes[end])
    }

    /// The variable that an expansion sets where it is empty, `${x:=…}` or `${x=…}`; nothing of it is read.
    private func assignedName() -> Word? {
        var end = position
        while end < bytes.count, !"=}:\"'`/#%-+?".utf8.contains(bytes[end]) { end += 1 }
        let name = bytes[position..<end]
        if end < bytes.count, bytes[end] == UInt8(ascii: ":") { end += 1 }
        guard end < bytes.count, bytes[end] == UInt8(ascii: "="), !name.isEmpty, name.count < 200 else { return nil }
        let text = String(decoding: name, as: UTF8.self)
        return Word(text, isFixed: !text.contains("$") && !text.hasPrefix("!"), offset: position)
    }

    /// Reads balanced parentheses, as in arithmetic and patterns; parses the substitutions within.
    mutating func balanced(_ level: Int) throws(ShellRefusal) -> ArraySlice<UInt8> {
        let start = position
        try enter()
        defer { nesting -= 1 }
        var open = 0
        var unused: [UInt8] = []
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "("):
                open += 1
                position += 1
            case UInt8(ascii: ")"):
                open -= 1
                position += 1
                if open == 0 { return bytes[start..<position] }
            case UInt8(ascii: "\\"): position += 2
            case UInt8(ascii: "'"): try disputedQuote()
            case UInt8(ascii: "\""): _ = try quotation(level, into: &unused)
            case UInt8(ascii: "$") where peek("'", after: 1):
                position += 1
                try disputedQuote()
            case UInt8(ascii: "$"): _ = try dollar(level)
            case UInt8(ascii: "`"): try backticks(level)
            default: position += 1
            }
        }
        throw refusal("an unclosed parenthesis", at: start)
    }

    mutating func processSubstitution(_ level: Int) throws(ShellRefusal) -> Word {
        let start = position
        let first = script.commands.count
        let reads = peek(">")
        position += 2
        try list(until: UInt8(ascii: ")"), level: level + 1)
        if reads { feed(from: first) }
        return Word("<()", isFixed: false, offset: start)
    }

    /// What a backslash before a double quote means in backticks: outside of quotes it stays, within them it goes, and
    /// elsewhere shells differ.
    enum BacktickQuotes { case kept, removed, disputed }

    /// Reads a command in backticks, whose text is parsed with its backslashes removed, as the shell does.
    /// - Returns: that text.
    @discardableResult
    mutating func backticks(_ level: Int, quotes: BacktickQuotes = .kept) throws(ShellRefusal) -> [UInt8] {
        let start = position
        try refuseIfPlain("a command substitution (`)", at: start)
        position += 1
        var inner: [UInt8] = []
        while position < bytes.count, bytes[position] != UInt8(ascii: "`") {
            if bytes[position] == UInt8(ascii: "\\"), position + 1 < bytes.count {
                position += 1
                if bytes[position] == 0x22, quotes == .disputed {
                    throw refusal("a quote that shells read differently (\\\")", at: position)
                }
                let isRemoved = bytes[position] == 0x22 && quotes == .removed
                if !isRemoved, ![0x24, 0x5C, 0x60].contains(bytes[position]) { inner.append(0x5C) }
            }
            inner.append(bytes[position])
            position += 1
        }
        guard position < bytes.count else { throw refusal("an unfinished substitution (`)", at: start) }
        position += 1
        guard depth + level < Self.deepestCommands else { throw refusal("commands nested too deeply") }
        var parser = ShellParser(inner, grammar, isBash: isBash, depth: depth + level + 1, words: wordsLeft)
        _ = try parser.parse()
        adopt(parser)
        return inner
    }

    /// Joins what the parser of a part has found.
    mutating func adopt(_ parser: ShellParser) {
        wordsLeft = parser.wordsLeft
        let before = script.commands.count
        redirected += parser.redirected.map {
            Compound(first: $0.first + before, end: $0.end + before)
        }
        script.commands += parser.script.commands
        script.functions += parser.script.functions.map {
            ShellScript.Function(name: $0.name, body: $0.body.lowerBound + before..<$0.body.upperBound + before)
        }
        script.bindings += parser.script.bindings.map { binding in
            var binding = binding
            binding.body = binding.body.map { $0.lowerBound + before..<$0.upperBound + before }
            return binding
        }
        script.computes = script.computes || parser.script.computes
    }
}

extension ShellScript.Word {
    fileprivate mutating func note(quoteAt place: Int) { bytesBeforeQuote = bytesBeforeQuote ?? place }
}

/// The reason why a text is outside the accepted grammar.
package struct ShellRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// The refused construct, such as “a variable or substitution ($)”.
    package var construct: String
    /// The position of the construct, in bytes from the start of the text.
    package var offset: Int
    /// The line of the construct, counted from 1.
    package var line: Int

    /// Whether the text ends in the middle of a quote or substitution: no shell would run it.
    package var isUnfinished: Bool {
        ["an unterminated quote", "an unclosed parenthesis", "an unfinished ${", "an unfinished substitution"]
            .contains(where: construct.hasPrefix)
    }

    /// The construct and its line.
    package var description: String { "\(construct) in line \(line)" }
}
