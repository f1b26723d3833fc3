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
    /// The comments at the top level, with their marks.
    var comments: [Range<Int>] = []
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
            while let last = comments.last, last.upperBound > place { comments.removeLast() }
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

/// Comments and line ends.
extension Lexer {
    /// Skips white space, comments, line ends and, if requested, semicolons.
    mutating func skipNewlines(andSemicolons: Bool) throws(Stop) {
        while true {
            let unit = next()
            switch unit {
            case 0x20, 0x09, 0x0A, 0x0D: continue
            case 0x3B where andSemicolons: continue
            case 0x23:
                tokenStart = position - 1
                try scanLineComment()
                continue
            case 0x3C where peek() == 0x23:
                tokenStart = position - 1
                skip()
                try scanBlockComment()
                continue
            case 0x60:
                let follower = next()
                if CharacterClass.isBlankOrLineEnd(follower) {
                    finishLineEnd(follower)
                    continue
                }
                back()
            default:
                if CharacterClass.isWhitespace(unit) { continue }
            }
            back()
            return
        }
    }

    /// Reads a line comment after its `#`. It may be a `#requires`, or look like the start of a signature block, after
    /// which no statement may follow.
    mutating func scanLineComment() throws(Stop) {
        let start = position
        let end = lineEnd(from: position)
        position = end
        try spend(end - start)
        let hash = tokenStart
        keepComment(hash..<end)
        if looksLikeSignature(start, end), signatureStart == nil || isNested {
            signatureStart = text.origin(hash)
        }
    }

    private mutating func keepComment(_ comment: Range<Int>) {
        // A text that is read again, after going back, has its comments already.
        guard !isNested, comments.last.map({ $0.lowerBound < comment.lowerBound }) ?? true else { return }
        comments.append(comment)
    }

    /// Returns whether a comment is a `#requires` line.
    func isRequirement(_ comment: Range<Int>) -> Bool {
        comment.count >= 9
            && zip(comment, "#requires".utf8).allSatisfy { ASCIIFold.lower(text.units[$0]) == UInt16($1) }
    }

    private static let signatureHead = Array("sig#beginsignatureblock\n".utf16)

    private mutating func looksLikeSignature(_ start: Int, _ end: Int) -> Bool {
        let head = Lexer.signatureHead
        guard end - start >= 13 else { return false }
        var line: [UInt16] = []
        line.reserveCapacity(36)
        for index in start..<end where !CharacterClass.isWhitespace(text.units[index]) {
            let unit = text.units[index]
            // The Kelvin sign is the only letter outside ASCII whose invariant lower case is an ASCII letter.
            line.append(unit == 0x212A ? 0x6B : ASCIIFold.lower(unit))
            if line.count > 34 { return false }
        }
        line.append(end < text.end ? text.units[end] : 0)
        guard line.count >= 14, line.count <= 34 else { return false }
        var row = Array(0...head.count)
        for (i, unit) in line.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, expected) in head.enumerated() {
                let above = row[j + 1]
                row[j + 1] = unit == expected ? diagonal : min(min(above, row[j]), diagonal) + 1
                diagonal = above
            }
        }
        return row[head.count] < 10
    }

    /// Reads a block comment after its `<#`.
    mutating func scanBlockComment() throws(Stop) {
        let start = position - 2
        let end = blockCommentEnd(from: position)
        let isClosed = end - position >= 2 && text.units[end - 1] == 0x3E && text.units[end - 2] == 0x23
        position = end
        try spend(end - start)
        keepComment(start..<end)
        guard isClosed else { throw failAtEnd("MissingTerminatorMultiLineComment", from: start) }
    }

    /// Returns whether a `|` follows a line end, with nothing but comments and at most one further line end in between.
    mutating func isPipeContinuation(behind place: Int) -> Bool {
        guard place < text.end else { return false }
        var lineIsBlank = true
        var index = place
        while index < text.end - 1 {
            let unit = text.units[index]
            if CharacterClass.isWhitespace(unit) {
                index += 1
            } else if unit == 0x0A || unit == 0x0D {
                if lineIsBlank { return false }
                lineIsBlank = true
                index += unit == 0x0D && text.units[index + 1] == 0x0A ? 2 : 1
            } else if unit == 0x23 {
                lineIsBlank = false
                index = lineEnd(from: index + 1)
            } else if unit == 0x3C, text.units[index + 1] == 0x23 {
                lineIsBlank = false
                index = blockCommentEnd(from: index + 2)
            } else {
                return unit == 0x7C
            }
        }
        return text.units[text.end - 1] == 0x7C
    }
}

/// Here-strings.
extension Lexer {
    /// Reads the rest of the line after `@'` or `@"`, which may contain only white space.
    private mutating func scanHereStringHeader() throws(Stop) {
        let start = position - 2
        skipWhitespace()
        let unit = next()
        if unit == 0x0D || unit == 0x0A { return finishLineEnd(unit) }
        if isPastEnd {
            back()
            throw failAtEnd("TerminatorExpectedAtEndOfString", from: start)
        }
        back()
        throw fail("UnexpectedCharactersAfterHereStringHeader", position, position + 1)
    }

    /// Reads the footer at the start of a line, or the white space before something else.
    private mutating func scanHereStringFooter(
        _ isQuote: (UInt16) -> Bool, into buffer: inout [UInt16], misplaced: inout Int?
    ) -> Bool {
        var unit = next()
        if isQuote(unit), peek() == 0x40 {
            skip()
            return true
        }
        while CharacterClass.isWhitespace(unit) {
            buffer.append(unit)
            unit = next()
        }
        if isQuote(unit), peek() == 0x40 {
            if misplaced == nil { misplaced = position - 1 }
            buffer.append(unit)
            buffer.append(next())
        } else {
            back()
        }
        return false
    }

    private mutating func failHereString(from start: Int, misplaced: Int?) -> Stop {
        if let misplaced { return failAtEnd("WhitespaceBeforeHereStringFooter", from: misplaced) }
        return failAtEnd("TerminatorExpectedAtEndOfString", from: start)
    }

    /// Reads a here-string after its `@'`.
    mutating func scanHereStringLiteral() throws(Stop) -> Token {
        let start = position - 2
        var buffer: [UInt16] = []
        var misplaced: Int?
        try scanHereStringHeader()
        var isClosed = scanHereStringFooter(CharacterClass.isSingleQuote, into: &buffer, misplaced: &misplaced)
        while !isClosed {
            guard position < text.end else { throw failHereString(from: start, misplaced: misplaced) }
            let unit = next()
            let length = buffer.count
            buffer.append(unit)
            if unit == 0x0D || unit == 0x0A {
                if unit == 0x0D, peek() == 0x0A { buffer.append(next()) }
                isClosed = scanHereStringFooter(CharacterClass.isSingleQuote, into: &buffer, misplaced: &misplaced)
                if isClosed { buffer.removeLast(buffer.count - length) }
            }
        }
        try spend(position - start)
        return token(.hereStringLiteral, .string(StringTokenValue(SourceText.string(buffer[...]))))
    }

    /// Reads a here-string after its `@"`.
    mutating func scanHereStringExpandable() throws(Stop) -> Token {
        let start = position - 2
        var buffer: [UInt16] = []
        var parts: [NestedToken] = []
        var misplaced: Int?
        try scanHereStringHeader()
        var isClosed = scanHereStringFooter(CharacterClass.isDoubleQuote, into: &buffer, misplaced: &misplaced)
        while !isClosed {
            guard position < text.end else { throw failHereString(from: start, misplaced: misplaced) }
            let unit = next()
            if unit == 0x0D || unit == 0x0A {
                let length = buffer.count
                buffer.append(unit)
                if unit == 0x0D, peek() == 0x0A { buffer.append(next()) }
                isClosed = scanHereStringFooter(CharacterClass.isDoubleQuote, into: &buffer, misplaced: &misplaced)
                if isClosed { buffer.removeLast(buffer.count - length) }
            } else if unit == 0x24 {
                if try !scanDollar(into: &buffer, parts: &parts, inHereString: true) { buffer.append(unit) }
            } else if unit == 0x60 {
                try scanEscape(into: &buffer)
            } else {
                buffer.append(unit)
            }
        }
        try spend(position - start)
        let value = StringTokenValue(SourceText.string(buffer[...]), parts: parts)
        return token(.hereStringExpandable, .string(value))
    }
}

/// The next token.
extension Lexer {
    /// Reads the next token in the current mode.
    mutating func nextToken() throws(Stop) -> Token {
        while true {
            tokenStart = position
            work += 1
            let unit = next()
            switch unit {
            case 0x20, 0x09: continue
            case 0x23:
                try scanLineComment()
            case 0x3C where peek() == 0x23:
                skip()
                try scanBlockComment()
            case 0x60:
                let follower = next()
                if CharacterClass.isBlankOrLineEnd(follower) {
                    finishLineEnd(follower)
                    continue
                }
                if isPastEnd { throw failAtEnd("IncompleteString", from: position) }
                let (first, second) = try escape(follower)
                return try scanGeneric(second.map { [first, $0] } ?? [first])
            case 0x00 where isPastEnd:
                return Token(kind: .endOfInput, start: Int32(text.end), end: Int32(text.end))
            case let unit where unit > 0x7F || unit == 0x0B || unit == 0x0C:
                if CharacterClass.isWhitespace(unit) { continue }
                return try nextBeyondASCII(unit)
            default:
                return try nextASCII(unit)
            }
        }
    }

    private mutating func nextBeyondASCII(_ unit: UInt16) throws(Stop) -> Token {
        if CharacterClass.isSingleQuote(unit) { return try scanStringLiteral() }
        if CharacterClass.isDoubleQuote(unit) { return try scanStringExpandable() }
        if CharacterClass.isDash(unit) { return try nextDash() }
        if CharacterClass.isLetter(unit) { return try scanIdentifier() }
        return try continueGeneric()
    }

    private mutating func nextASCII(_ unit: UInt16) throws(Stop) -> Token {
        switch unit {
        case 0x61...0x7A, 0x41...0x5A, 0x5F: return try scanIdentifier()
        case 0x27: return try scanStringLiteral()
        case 0x22: return try scanStringExpandable()
        case 0x24:
            if peek() == 0x28 {
                skip()
                return token(.dollarParen)
            }
            return try scanVariable(isSplatted: false, inString: false)
        case 0x2D: return try nextDash()
        case 0x0A, 0x0D:
            finishLineEnd(unit)
            return token(.newLine)
        case 0x28: return token(.lParen)
        case 0x29: return token(.rParen)
        case 0x7B: return token(.lCurly)
        case 0x7D: return token(.rCurly)
        case 0x3B: return token(.semi)
        case 0x2C: return token(.comma)
        case 0x5D: return token(.rBracket)
        case 0x5B:
            if mode == .command, !CharacterClass.endsWord(peek()) { return try rescanGeneric() }
            return token(.lBracket)
        case 0x7C: return pair(0x7C, .orOr, else: .pipe)
        case 0x26: return pair(0x26, .andAnd, else: .ampersand)
        case 0x2E: return try nextDot()
        case 0x30...0x39: return try nextDigit(unit)
        case 0x40: return try nextAt()
        case 0x3D: return try operatorOrWord(.equals)
        case 0x2B: return try nextPlus()
        case 0x2A: return try nextStar()
        case 0x2F: return try compound(.divide, .divideEquals)
        case 0x25: return try compound(.rem, .remainderEquals)
        case 0x3C: return token(.redirectInput)
        case 0x3E: return fileRedirection(1)
        case 0x21: return try nextExclamation()
        case 0x3A: return try nextColon()
        case 0x3F where mode == .expression: return nextQuestion()
        case 0x00, 0x3F: return try continueGeneric()
        default: return try rescanGeneric()
        }
    }

    private mutating func pair(_ second: UInt16, _ double: TokenKind, else single: TokenKind) -> Token {
        guard peek() == second else { return token(single) }
        skip()
        return token(double)
    }

    private mutating func compound(_ plain: TokenKind, _ withEquals: TokenKind) throws(Stop) -> Token {
        guard peek() == 0x3D else { return try operatorOrWord(plain) }
        skip()
        return try operatorOrWord(withEquals)
    }

    private mutating func nextDash() throws(Stop) -> Token {
        let follower = peek()
        if CharacterClass.isDash(follower) {
            skip()
            return try operatorOrWord(.minusMinus)
        }
        if follower == 0x3D {
            skip()
            return try operatorOrWord(.minusEquals)
        }
        if CharacterClass.isLetter(follower) || follower == 0x5F || follower == 0x3F { return try scanParameter() }
        if allowsSignedNumbers, CharacterClass.isDigit(follower) || follower == 0x2E { return try scanNumber() }
        return try operatorOrWord(.minus)
    }

    private mutating func nextPlus() throws(Stop) -> Token {
        let follower = peek()
        if follower == 0x2B {
            skip()
            return try operatorOrWord(.plusPlus)
        }
        if follower == 0x3D {
            skip()
            return try operatorOrWord(.plusEquals)
        }
        if allowsSignedNumbers, CharacterClass.isDigit(follower) || follower == 0x2E { return try scanNumber() }
        return try operatorOrWord(.plus)
    }

    private mutating func nextStar() throws(Stop) -> Token {
        if peek() == 0x3E {
            skip()
            return redirection(0, isExplicit: false)
        }
        return try compound(.multiply, .multiplyEquals)
    }

    /// Returns a redirection after its stream number and first `>`.
    private mutating func redirection(_ stream: UInt8, isExplicit: Bool) -> Token {
        let follower = peek()
        if follower == 0x26, position + 1 < text.end {
            let target = text.units[position + 1]
            if target == 0x31 || (target == 0x32 && isExplicit) {
                position += 2
                return token(.mergingRedirection, detail: stream | (target == 0x31 ? 0 : 0x40))
            }
        }
        if isExplicit, mode == .expression {
            // The digit is a number after all; the arrow redirects the output stream.
            back()
            return token(.number, .number(NumberTokenValue(.int32(Int32(stream)))))
        }
        if follower == 0x3E {
            skip()
            return token(.redirection, detail: stream | 0x80)
        }
        return token(.redirection, detail: stream)
    }

    private mutating func fileRedirection(_ stream: UInt8) -> Token {
        if peek() == 0x3E {
            skip()
            return token(.redirection, detail: stream | 0x80)
        }
        return token(.redirection, detail: stream)
    }

    private mutating func nextDigit(_ unit: UInt16) throws(Stop) -> Token {
        if unit >= 0x31, unit <= 0x36, peek() == 0x3E {
            skip()
            return redirection(UInt8(unit - 0x30), isExplicit: true)
        }
        return try scanNumber()
    }

    private mutating func nextAt() throws(Stop) -> Token {
        let follower = peek()
        switch follower {
        case 0x7B:
            skip()
            return token(.atCurly)
        case 0x28:
            skip()
            return token(.atParen)
        case let unit where CharacterClass.isSingleQuote(unit):
            skip()
            return try scanHereStringLiteral()
        case let unit where CharacterClass.isDoubleQuote(unit):
            skip()
            return try scanHereStringExpandable()
        case let unit where CharacterClass.isVariableStart(unit):
            return try scanVariable(isSplatted: true, inString: false)
        default:
            throw fail("UnrecognizedToken", tokenStart, position)
        }
    }

    private mutating func nextDot() throws(Stop) -> Token {
        let follower = peek()
        if follower == 0x2E {
            skip()
            if mode == .command, !CharacterClass.endsWord(peek()) { return try rescanGeneric() }
            return token(.dotDot)
        }
        if CharacterClass.isDecimalDigit(follower) { return try scanNumber() }
        // In `.$x`, `."x"` and `.'x'` the dot is the dot-sourcing operator.
        if mode == .command, !CharacterClass.endsWord(follower), follower != 0x24, follower != 0x22, follower != 0x27 {
            return try rescanGeneric()
        }
        return token(.dot)
    }

    private mutating func nextExclamation() throws(Stop) -> Token {
        let follower = peek()
        if mode == .command, !CharacterClass.endsWord(follower) { return try continueGeneric() }
        if mode == .expression {
            if CharacterClass.isIdentifierStart(follower) { return try continueGeneric() }
            if CharacterClass.isDigit(follower) || follower == 0x2E {
                var probe = self
                if NumberScanner.scan(&probe, first: 0x21) == nil { return try continueGeneric() }
            }
        }
        return token(.exclaim)
    }

    private mutating func nextColon() throws(Stop) -> Token {
        if peek() == 0x3A {
            skip()
            if mode == .command, !wantsSimpleName, !CharacterClass.endsWord(peek()) { return try continueGeneric() }
            return token(.colonColon)
        }
        return mode == .command ? try scanLabel() : token(.colon)
    }

    private mutating func nextQuestion() -> Token {
        guard peek() == 0x3F else { return token(.questionMark) }
        skip()
        guard peek() == 0x3D else { return token(.questionQuestion) }
        skip()
        return token(.questionQuestionEquals)
    }

    // MARK: Tokens that must follow without a blank

    /// Reads the operator of a member or index access, if there is one. Block comments may precede it.
    mutating func memberAccessOperator(allowsBracket: Bool) throws(Stop) -> Token? {
        while peek() == 0x3C {
            tokenStart = position
            guard position + 1 < text.end, text.units[position + 1] == 0x23 else { return nil }
            position += 2
            try scanBlockComment()
        }
        tokenStart = position
        let second = position + 1 < text.end ? text.units[position + 1] : 0
        switch peek() {
        case 0x2E:
            if second == 0x2E || (mode == .command && isGap(second)) { return nil }
            skip()
            return token(.dot)
        case 0x3A:
            guard second == 0x3A else { return nil }
            let third = position + 2 < text.end ? text.units[position + 2] : 0
            if mode == .command, isGap(third) { return nil }
            position += 2
            return token(.colonColon)
        case 0x5B where allowsBracket:
            skip()
            return token(.lBracket)
        case 0x3F where second == 0x2E:
            position += 2
            return token(.questionDot)
        case 0x3F where second == 0x5B && allowsBracket:
            position += 2
            return token(.questionLBracket)
        default: return nil
        }
    }

    private mutating func isGap(_ unit: UInt16) -> Bool { unit == 0 || CharacterClass.isBlankOrLineEnd(unit) }

    /// Reads the `(` or `{` of a method call, if there is one.
    mutating func invocationBracket() -> Token? {
        tokenStart = position
        switch peek() {
        case 0x28:
            skip()
            return token(.lParen)
        case 0x7B:
            skip()
            return token(.lCurly)
        default: return nil
        }
    }

    /// Reads a `[` where an attribute or type may follow, skipping white space and comments before it. A `.` or `:`
    /// there is a member access unless white space precedes it, so skipped white space is given back before one.
    mutating func leftBracket() throws(Stop) -> Token? {
        let start = position
        var returnsToStart = false
        while true {
            tokenStart = position
            let unit = peek()
            switch unit {
            case 0x23:
                returnsToStart = true
                skip()
                try scanLineComment()
            case 0x3C where position + 1 < text.end && text.units[position + 1] == 0x23:
                returnsToStart = false
                position += 2
                try scanBlockComment()
            case 0x5B:
                skip()
                return token(.lBracket)
            case 0x2E, 0x3A:
                if returnsToStart { resync(start) }
                return nil
            default:
                guard CharacterClass.isWhitespace(unit) else { return nil }
                returnsToStart = true
                skipWhitespace()
            }
        }
    }
}
