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
