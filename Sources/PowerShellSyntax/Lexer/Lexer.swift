/// How the text is cut into tokens; the parser sets it.
enum LexerMode: UInt8 {
    /// Words: command names and arguments.
    case command
    /// Operators and operands.
    case expression
    /// The inside of a type literal.
    case typeName
    /// The head of a class, enum or method.
    case signature
}

/// Thrown when a fault was found; the fault itself stands in the lexer.
struct Stop: Error {}

/// Reads tokens on demand. The parser steers the mode and can go back to an earlier place.
///
/// A value type on purpose: the parser owns it, and access to its fields needs no run-time exclusivity checks.
struct Lexer {
    var text: SourceText
    /// The next unit. It may stand one behind the end after the end was read, so that reading the end can be undone.
    var position: Int
    var tokenStart: Int
    var mode = LexerMode.command
    /// A sign may start a number.
    var allowsSignedNumbers = false
    /// `?` and `:` end a number.
    var endsNumberOnTernary = false
    /// Keywords are plain identifiers.
    var wantsSimpleName = false
    /// The text is the inside of a string.
    var isNested = false
    /// The first fault.
    var failure: ParseError?
    /// `#requires` comments at the top level.
    var requiresComments: [Range<Int>] = []
    /// The first unit behind which no statement may start: a comment that looks like the head of a signature block.
    var signatureStart: Int?
    /// Units read so far, again and again counted, and how many may be read: going back and reading the inside of
    /// strings on its own must stay linear in the end.
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

    /// Reads a unit; NUL at the end of input.
    @inline(__always)
    mutating func next() -> UInt16 {
        let index = position
        position += 1
        return index < text.end ? text.units[index] : 0
    }

    /// Undoes the last read.
    @inline(__always)
    mutating func back() { position -= 1 }

    /// The next unit without reading it; NUL at the end of input.
    @inline(__always)
    func peek() -> UInt16 { position < text.end ? text.units[position] : 0 }

    @inline(__always)
    mutating func skip() { position += 1 }

    /// The last read unit was the end of input.
    @inline(__always)
    var isPastEnd: Bool { position > text.end }

    mutating func skipWhitespace() {
        while CharacterClass.isWhitespace(peek()) { skip() }
    }

    /// Takes the LF of a CRLF.
    @inline(__always)
    mutating func finishLineEnd(_ unit: UInt16) {
        if unit == 0x0D, peek() == 0x0A { skip() }
    }

    // MARK: Places

    /// A range of the text that is being read as an extent of the source.
    @inline(__always)
    func extent(_ start: Int, _ end: Int) -> SourceExtent {
        let first = min(text.origin(start), sourceLength)
        return SourceExtent(start: first, end: max(first, min(text.origin(end), sourceLength)))
    }

    @inline(__always)
    func extent(_ token: Token) -> SourceExtent { extent(Int(token.start), Int(token.end)) }

    /// The source text of a token.
    mutating func string(_ token: Token) -> String {
        text.string(min(Int(token.start), text.end)..<min(Int(token.end), text.end))
    }

    /// Goes back (or forth) to a place.
    mutating func resync(_ place: Int) {
        position = min(max(place, text.start), text.end + 1)
        if !isNested {
            while let last = requiresComments.last, last.upperBound > place { requiresComments.removeLast() }
        }
    }

    // MARK: Faults

    /// Notes a fault. Only the first is kept: parsing ends there.
    mutating func fail(_ id: String, _ extent: SourceExtent, incomplete: Bool = false) -> Stop {
        if failure == nil { failure = ParseError(id: id, extent: extent, isIncomplete: incomplete) }
        return Stop()
    }

    /// Notes a fault in a range of the text that is being read.
    mutating func fail(_ id: String, _ start: Int, _ end: Int) -> Stop { fail(id, extent(start, end)) }

    /// Notes a fault that more text would mend when nothing but blanks and comments follows it.
    mutating func failIncomplete(_ id: String, _ extent: SourceExtent, detected: SourceExtent? = nil) -> Stop {
        fail(id, extent, incomplete: isAtEnd(behind: (detected ?? extent).end))
    }

    /// Notes a fault that reaches from `start` to the end of input.
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

    /// The next CR or LF from a place on.
    mutating func lineEnd(from place: Int) -> Int {
        var index = place
        while index < text.end, text.units[index] != 0x0A, text.units[index] != 0x0D { index += 1 }
        return index
    }

    /// The unit behind the next `#>` from a place on.
    mutating func blockCommentEnd(from place: Int) -> Int {
        var index = place
        while index < text.end {
            if text.units[index] == 0x23, index + 1 < text.end, text.units[index + 1] == 0x3E { return index + 2 }
            index += 1
        }
        return index
    }

    /// Counts read units; beyond the limit the text is refused.
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

    /// Reads another text until ``leave(_:)``.
    mutating func enter(_ nested: SourceText) -> (text: SourceText, position: Int, tokenStart: Int, isNested: Bool) {
        let state = (text, position, tokenStart, isNested)
        text = nested
        position = nested.start
        tokenStart = nested.start
        isNested = true
        return state
    }

    /// Goes back to the text that was read before.
    mutating func leave(_ state: (text: SourceText, position: Int, tokenStart: Int, isNested: Bool)) {
        (text, position, tokenStart, isNested) = state
    }
}
