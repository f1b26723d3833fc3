/// How the text is split into tokens, as set by the parser.
enum LexerMode: UInt8 {
    /// Words, for command names and arguments.
    case command
    /// Operators and operands.
    case expression
    /// The contents of a type literal.
    case typeName
    /// The header of a class, enum or method.
    case signature
}

/// Thrown when an error was found; the lexer holds the error itself.
struct Stop: Error {}

/// Reads tokens on demand. The parser sets the mode and can go back to an earlier position.
///
/// Deliberately a value type: the parser owns it, and access to its fields needs no run-time exclusivity checks.
struct Lexer {
    var text: SourceText
    /// The index of the next unit. It may exceed the end by one after the end was read, so that reading the end can be
    /// undone.
    var position: Int
    var tokenStart: Int
    var mode = LexerMode.command
    /// Whether a sign may start a number.
    var allowsSignedNumbers = false
    /// Whether `?` and `:` end a number.
    var endsNumberOnTernary = false
    /// Whether keywords are plain identifiers.
    var wantsSimpleName = false
    /// Whether the text is the contents of a string.
    var isNested = false
    /// The first error.
    var failure: ParseError?
    /// The `#requires` comments at the top level.
    var requiresComments: [Range<Int>] = []
    /// The first unit after which no statement may start, because of a comment that looks like the start of a signature
    /// block.
    var signatureStart: Int?
    /// The number of units read so far, counting repeated reads. It is limited, so that going back and parsing the
    /// contents of strings separately take linear time overall.
    var work = 0
    private let workLimit: Int
    private let sourceLength: Int
    // Held here because reading a global costs more than the look-up.
    let keywords = WordTable.keywords
    let operators = WordTable.operators

    init(_ units: [UInt16]) {
        text = SourceText(units)
        position = 0
        tokenStart = 0
        sourceLength = units.count
        workLimit = 48 * units.count + 200_000
    }

    // MARK: Units

    /// Reads a unit; returns NUL at the end of input.
    @inline(__always)
    mutating func next() -> UInt16 {
        let index = position
        position += 1
        return index < text.end ? text.units[index] : 0
    }

    /// Undoes the last read.
    @inline(__always)
    mutating func back() { position -= 1 }

    /// Returns the next unit without reading it, or NUL at the end of input.
    @inline(__always)
    func peek() -> UInt16 { position < text.end ? text.units[position] : 0 }

    @inline(__always)
    mutating func skip() { position += 1 }

    /// Whether the last unit read was the end of input.
    @inline(__always)
    var isPastEnd: Bool { position > text.end }

    mutating func skipWhitespace() {
        while CharacterClass.isWhitespace(peek()) { skip() }
    }

    /// Reads the LF of a CRLF.
    @inline(__always)
    mutating func finishLineEnd(_ unit: UInt16) {
        if unit == 0x0D, peek() == 0x0A { skip() }
    }

    // MARK: Positions

    /// Converts a range of the current text to an extent of the source.
    @inline(__always)
    func extent(_ start: Int, _ end: Int) -> SourceExtent {
        let first = min(text.origin(start), sourceLength)
        return SourceExtent(start: first, end: max(first, min(text.origin(end), sourceLength)))
    }

    @inline(__always)
    func extent(_ token: Token) -> SourceExtent { extent(Int(token.start), Int(token.end)) }

    /// Returns the source text of a token.
    mutating func string(_ token: Token) -> String {
        text.string(min(Int(token.start), text.end)..<min(Int(token.end), text.end))
    }

    /// Moves back (or forward) to a position.
    mutating func resync(_ place: Int) {
        position = min(max(place, text.start), text.end + 1)
        if !isNested {
            while let last = requiresComments.last, last.upperBound > place { requiresComments.removeLast() }
        }
    }

    // MARK: Errors

    /// Records an error. Only the first one is kept, since parsing ends there.
    mutating func fail(_ id: String, _ extent: SourceExtent, incomplete: Bool = false) -> Stop {
        if failure == nil { failure = ParseError(id: id, extent: extent, isIncomplete: incomplete) }
        return Stop()
    }

    /// Records an error in a range of the current text.
    mutating func fail(_ id: String, _ start: Int, _ end: Int) -> Stop { fail(id, extent(start, end)) }

    /// Records an error that more text would remedy, if nothing but white space and comments follows it.
    mutating func failIncomplete(_ id: String, _ extent: SourceExtent, detected: SourceExtent? = nil) -> Stop {
        fail(id, extent, incomplete: isAtEnd(behind: (detected ?? extent).end))
    }

    /// Records an error that extends from `start` to the end of input.
    mutating func failAtEnd(_ id: String, from start: Int) -> Stop {
        fail(id, extent(start, text.end), incomplete: true)
    }

    private mutating func isAtEnd(behind place: Int) -> Bool {
        guard !isNested else { return true }
        var index = place
        while index < text.end {
            let unit = text.units[index]
            if unit == 0x23 {
                index = lineEnd(from: index + 1)
            } else if unit == 0x3C, index + 1 < text.end, text.units[index + 1] == 0x23 {
                index = blockCommentEnd(from: index + 2)
            } else if CharacterClass.isWhitespace(unit) {
                index += 1
            } else {
                return false
            }
        }
        return true
    }

    /// Returns the position of the next CR or LF.
    mutating func lineEnd(from place: Int) -> Int {
        var index = place
        while index < text.end, text.units[index] != 0x0A, text.units[index] != 0x0D { index += 1 }
        return index
    }

    /// Returns the position after the next `#>`.
    mutating func blockCommentEnd(from place: Int) -> Int {
        var index = place
        while index < text.end {
            if text.units[index] == 0x23, index + 1 < text.end, text.units[index + 1] == 0x3E { return index + 2 }
            index += 1
        }
        return index
    }

    /// Counts units as read; rejects the text beyond the limit.
    mutating func spend(_ units: Int) throws(Stop) {
        work += units + 1
        if work > workLimit { throw fail("ScriptTooComplicated", tokenStart, position) }
    }

    // MARK: Tokens

    @inline(__always)
    func token(_ kind: TokenKind, _ value: TokenValue = .none, detail: UInt8 = 0) -> Token {
        Token(kind: kind, detail: detail, start: Int32(tokenStart), end: Int32(position), value: value)
    }

    mutating func generic(_ units: ArraySlice<UInt16>, parts: [NestedToken] = []) -> Token {
        token(.generic, .string(StringTokenValue(SourceText.string(units), parts: parts)))
    }

    // MARK: Nested texts

    /// Switches to another text until ``leave(_:)``.
    mutating func enter(_ nested: SourceText) -> (text: SourceText, position: Int, tokenStart: Int, isNested: Bool) {
        let state = (text, position, tokenStart, isNested)
        text = nested
        position = nested.start
        tokenStart = nested.start
        isNested = true
        return state
    }

    /// Returns to the previous text.
    mutating func leave(_ state: (text: SourceText, position: Int, tokenStart: Int, isNested: Bool)) {
        (text, position, tokenStart, isNested) = state
    }
}
