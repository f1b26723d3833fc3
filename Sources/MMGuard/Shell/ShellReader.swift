/// Reads all simple commands of a shell text, also those inside of loops, functions, substitutions and here-documents.
///
/// It is wider than the grammar of allow lists: it need not know what a text does, only which commands stand in it. What
/// it can't take apart it refuses as a whole, and the guard asks.
struct ShellReader {
    /// What was found.
    struct Reading: Sendable {
        /// The commands, in the order they end.
        var calls: [ShellCall] = []
        /// Names of functions that are defined.
        var functions: [String] = []
        /// How many words were read.
        var words = 0
    }

    let bytes: [UInt8]
    let depth: Int
    var position = 0
    var reading = Reading()
    /// Here-documents whose bodies follow the line.
    var awaited: [(end: String, stripsTabs: Bool, isPlain: Bool, call: Int?)] = []

    /// How deeply quotes and expansions stand in each other: each level is a call on a small stack.
    var nesting = 0
    static let deepestNesting = 100

    /// How many words may still come: each is compared with many names, so that a text of more can't be judged.
    var wordsLeft = ShellReader.mostWords
    static let mostWords = 100_000

    static let longestText = 1 << 20
    static let deepest = 40

    /// Reads a text.
    /// - Throws: what stands in the way.
    static func read(_ text: String, depth: Int = 0, words: Int = mostWords) throws(ShellUnreadable) -> Reading {
        var reader = ShellReader(Array(text.utf8), depth)
        reader.wordsLeft = words
        guard reader.bytes.count <= longestText else { throw ShellUnreadable(construct: "more than 1 MiB", offset: 0) }
        try reader.list(until: nil)
        reader.reading.words = words - reader.wordsLeft
        return reader.reading
    }

    init(_ bytes: [UInt8], _ depth: Int) {
        self.bytes = bytes
        self.depth = depth
    }

    // MARK: Lists

    mutating func list(until end: UInt8?, level: Int = 0) throws(ShellUnreadable) {
        guard depth + level < Self.deepest else { throw unreadable("commands nested too deeply") }
        var current = ShellCall()
        var cases = 0
        // Whether patterns of a case come next.
        var isPattern = false
        let start = position
        while true {
            skipBlanks()
            guard position < bytes.count else {
                guard end == nil else { throw ShellUnreadable(construct: "an unfinished parenthesis", offset: start) }
                finish(&current)
                return
            }
            switch bytes[position] {
            case UInt8(ascii: "#"):
                while position < bytes.count, bytes[position] != 0x0A { position += 1 }
            case 0x0A, 0x0D:
                position += 1
                if isPattern { continue }
                finish(&current)
                try documents(level)
            case UInt8(ascii: ";"):
                position += 1
                finish(&current)
                if take(";") || take("&") {
                    _ = take("&")
                    isPattern = cases > 0
                }
            case UInt8(ascii: "&"):
                position += 1
                if take("&") {
                    finish(&current)
                } else if peek(">") {
                    try redirect(&current, level)
                } else {
                    finish(&current)
                }
            case UInt8(ascii: "|"):
                position += 1
                if isPattern { continue }
                if take("|") {
                    finish(&current)
                } else {
                    _ = take("&")
                    finish(&current)
                    current.isFed = true
                }
            case UInt8(ascii: "("):
                try parenthesis(&current, &isPattern, level)
            case UInt8(ascii: ")"):
                position += 1
                if isPattern {
                    current = ShellCall()
                    isPattern = false
                } else if end == UInt8(ascii: ")") {
                    finish(&current)
                    return
                } else {
                    throw unreadable("a closing parenthesis")
                }
            case UInt8(ascii: "<"), UInt8(ascii: ">"):
                if peek("(", after: 1) {
                    current.words.append(try processSubstitution(level))
                } else {
                    try redirect(&current, level)
                }
            default:
                try element(&current, &isPattern, &cases, level)
            }
        }
    }

    mutating func parenthesis(_ current: inout ShellCall, _ isPattern: inout Bool, _ level: Int)
        throws(ShellUnreadable)
    {
        if isPattern {
            position += 1
            return
        }
        let opening = position
        if current.words.count == 1, current.assignments.isEmpty, current.redirects.isEmpty {
            position += 1
            skipBlanks()
            guard take(")") else { throw ShellUnreadable(construct: "a parenthesis", offset: opening) }
            reading.functions.append(current.words[0].text)
            current = ShellCall()
            return
        }
        guard current.words.isEmpty else { throw unreadable("a parenthesis") }
        if peek("(", after: 1) {
            try arithmetic(level)
            return
        }
        position += 1
        try list(until: UInt8(ascii: ")"), level: level + 1)
    }

    mutating func finish(_ current: inout ShellCall) {
        if !current.isEmpty {
            for index in awaited.indices where awaited[index].call == nil { awaited[index].call = reading.calls.count }
            reading.calls.append(current)
        }
        current = ShellCall()
    }

    static let passed: Set<String> = [
        "if", "then", "elif", "else", "do", "while", "until", "!", "{", "time", "coproc", "fi", "done", "}",
    ]

    /// A word, an assignment, or a keyword where a command begins.
    mutating func element(
        _ current: inout ShellCall, _ isPattern: inout Bool, _ cases: inout Int, _ level: Int
    ) throws(ShellUnreadable) {
        let start = position
        let (word, isQuoted) = try word(level)
        if position == start { throw unreadable("an unexpected character") }
        if peek("<") || peek(">"), !isQuoted, !word.text.isEmpty,
            word.text.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        {
            return
        }
        // A value may be quoted; a name that is quoted is no variable's.
        if current.words.isEmpty, isQuoted, !isPattern, Self.isAssignment(word) {
            if current.isEmpty { current.offset = start }
            current.assignments.append(word)
            return
        }
        guard current.words.isEmpty, !isQuoted, !isPattern || word.text == "esac" else {
            if current.isEmpty { current.offset = start }
            current.words.append(word)
            return
        }
        switch word.text {
        case _ where Self.passed.contains(word.text): finish(&current)
        case "esac":
            cases -= 1
            isPattern = false
        case "for", "select":
            skipBlanks()
            if peek("(") {
                try arithmetic(level)
            } else {
                // Its words are data; what is substituted in them is read as they are.
                while position < bytes.count, !peek(";"), !peek("\n") {
                    let before = position
                    _ = try self.word(level)
                    skipBlanks()
                    if position == before { throw unreadable("an unexpected character in a loop") }
                }
            }
        case "case":
            skipBlanks()
            _ = try self.word(level)
            while true {
                skipBlanks()
                guard take("\n") else { break }
            }
            guard try self.word(level).word.text == "in" else { throw unreadable("a case without “in”") }
            cases += 1
            isPattern = true
        case "function":
            skipBlanks()
            reading.functions.append(try self.word(level).word.text)
            skipBlanks()
            if take("(") {
                skipBlanks()
                guard take(")") else { throw unreadable("a parenthesis") }
            }
        case "[[": try test(level)
        default:
            if Self.isAssignment(word) {
                if current.isEmpty { current.offset = start }
                current.assignments.append(word)
                if word.text.hasSuffix("="), take("(") { try array(level) }
            } else {
                if current.isEmpty { current.offset = start }
                current.words.append(word)
            }
        }
    }

    static func isAssignment(_ word: ShellCall.Word) -> Bool {
        let text = word.text
        guard let equals = text.utf8.firstIndex(of: 0x3D),
            word.plainBytes.map({ text.utf8.distance(from: text.startIndex, to: equals) < $0 }) ?? true
        else { return false }
        var name = text[..<equals]
        if name.hasSuffix("+") { name = name.dropLast() }
        if let bracket = name.utf8.firstIndex(of: 0x5B), name.hasSuffix("]") { name = name[..<bracket] }
        guard let first = name.utf8.first, first == 0x5F || isLetter(first) else { return false }
        return name.utf8.allSatisfy { $0 == 0x5F || isLetter($0) || (0x30...0x39).contains($0) }
    }

    static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte & 0xDF) }

    mutating func array(_ level: Int) throws(ShellUnreadable) {
        while true {
            skipBlanks()
            if take("\n") { continue }
            if take(")") { return }
            let before = position
            _ = try word(level)
            if position == before { throw unreadable("an unfinished list") }
        }
    }

    /// `[[ … ]]`: operators are part of it.
    mutating func test(_ level: Int) throws(ShellUnreadable) {
        while position < bytes.count {
            skipBlanks()
            let before = position
            let word = try word(level)
            if word.word.text == "]]", !word.isQuoted { return }
            if position == before { position += 1 }
        }
        throw unreadable("an unfinished [[")
    }

    // MARK: Characters

    mutating func skipBlanks() {
        while position < bytes.count {
            if bytes[position] == 0x20 || bytes[position] == 0x09 {
                position += 1
            } else if bytes[position] == 0x5C, position + 1 < bytes.count, bytes[position + 1] == 0x0A {
                position += 2
            } else {
                return
            }
        }
    }

    func peek(_ character: Unicode.Scalar, after steps: Int = 0) -> Bool {
        position + steps < bytes.count && UInt32(bytes[position + steps]) == character.value
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek(character) else { return false }
        position += 1
        return true
    }

    func unreadable(_ construct: String, at offset: Int? = nil) -> ShellUnreadable {
        ShellUnreadable(construct: construct, offset: min(offset ?? position, bytes.count))
    }
}
