/// Strings and their escapes.
extension Lexer {
    /// Returns what a backtick escape with this unit, which is already read, stands for: one unit, or two for a code
    /// point beyond the Basic Multilingual Plane.
    mutating func escape(_ unit: UInt16) throws(Stop) -> (UInt16, UInt16?) {
        switch unit {
        case 0x30: (0x00, nil)
        case 0x61: (0x07, nil)
        case 0x62: (0x08, nil)
        case 0x65: (0x1B, nil)
        case 0x66: (0x0C, nil)
        case 0x6E: (0x0A, nil)
        case 0x72: (0x0D, nil)
        case 0x74: (0x09, nil)
        case 0x76: (0x0B, nil)
        case 0x75: try scanUnicodeEscape()
        default: (unit, nil)
        }
    }

    private mutating func scanUnicodeEscape() throws(Stop) -> (UInt16, UInt16?) {
        let start = position - 2
        guard next() == 0x7B else {
            back()
            throw fail("InvalidUnicodeEscapeSequence", start, position)
        }
        var value: UInt32 = 0
        var digits = 0
        while true {
            let unit = next()
            if unit == 0x7D {
                guard digits > 0 else { throw fail("InvalidUnicodeEscapeSequence", start, position) }
                break
            }
            guard CharacterClass.isHexDigit(unit) else {
                back()
                let id = digits < 6 ? "InvalidUnicodeEscapeSequence" : "MissingUnicodeEscapeSequenceTerminator"
                throw fail(id, position, position + 1)
            }
            guard digits < 6 else {
                back()
                throw fail("TooManyDigitsInUnicodeEscapeSequence", position, position + 1)
            }
            value = value << 4 | UInt32(unit < 0x3A ? unit - 0x30 : (unit | 0x20) - 0x57)
            digits += 1
        }
        if value <= 0xFFFF { return (UInt16(value), nil) }
        guard value <= 0x10FFFF else {
            throw fail("InvalidUnicodeEscapeSequenceValue", start + 3, position - 1)
        }
        let offset = value - 0x10000
        return (UInt16(0xD800 + offset >> 10), UInt16(0xDC00 + offset & 0x3FF))
    }

    /// Reads a single-quoted string after its opening quote.
    mutating func scanStringLiteral(into buffer: inout [UInt16]) throws(Stop) {
        let start = position - 1
        while position < text.end {
            let unit = next()
            if CharacterClass.isSingleQuote(unit) {
                guard CharacterClass.isSingleQuote(peek()) else { return try spend(position - start) }
                buffer.append(next())
            } else {
                buffer.append(unit)
            }
        }
        throw failAtEnd("TerminatorExpectedAtEndOfString", from: start)
    }

    mutating func scanStringLiteral() throws(Stop) -> Token {
        var buffer: [UInt16] = []
        try scanStringLiteral(into: &buffer)
        return token(.stringLiteral, .string(StringTokenValue(SourceText.string(buffer[...]))))
    }

    /// Reads a double-quoted string after its opening quote.
    mutating func scanStringExpandable(into buffer: inout [UInt16], parts: inout [NestedToken]) throws(Stop) {
        let start = position - 1
        while position < text.end {
            let unit = next()
            if CharacterClass.isDoubleQuote(unit) {
                guard CharacterClass.isDoubleQuote(peek()) else { return try spend(position - start) }
                buffer.append(next())
            } else if unit == 0x24 {
                if try !scanDollar(into: &buffer, parts: &parts, inHereString: false) { buffer.append(unit) }
            } else if unit == 0x60 {
                try scanEscape(into: &buffer)
            } else {
                buffer.append(unit)
            }
        }
        throw failAtEnd("TerminatorExpectedAtEndOfString", from: start)
    }

    /// Reads an escape after its backtick; reads nothing at NUL or the end of input.
    mutating func scanEscape(into buffer: inout [UInt16]) throws(Stop) {
        guard peek() != 0 else { return buffer.append(0x60) }
        let (first, second) = try escape(next())
        buffer.append(first)
        if let second { buffer.append(second) }
    }

    mutating func scanStringExpandable() throws(Stop) -> Token {
        var buffer: [UInt16] = []
        var parts: [NestedToken] = []
        try scanStringExpandable(into: &buffer, parts: &parts)
        return token(.stringExpandable, .string(StringTokenValue(SourceText.string(buffer[...]), parts: parts)))
    }

    /// Reads a variable or `$( )` after a `$` in a string.
    /// - Returns: whether there was one; otherwise the `$` is plain text.
    mutating func scanDollar(
        into buffer: inout [UInt16], parts: inout [NestedToken], inHereString: Bool
    ) throws(Stop) -> Bool {
        let dollar = position - 1
        let follower = peek()
        let savedStart = tokenStart
        let savedMode = mode
        mode = .expression
        let part: NestedToken.Part
        if follower == 0x28 {
            skip()
            part = .subExpression(try scanSubExpression(inHereString: inHereString))
        } else if CharacterClass.isVariableStart(follower) || follower == 0x7B {
            tokenStart = dollar
            part = .variable(try scanVariable(isSplatted: false, inString: true))
        } else {
            mode = savedMode
            return false
        }
        mode = savedMode
        tokenStart = savedStart
        let start = buffer.count
        buffer.append(contentsOf: text.units[dollar..<min(position, text.end)])
        parts.append(NestedToken(part: part, place: start..<buffer.count))
        return true
    }

    /// Reads up to the parenthesis that closes a `$(` in a string, after the `$(`. Parentheses are only counted,
    /// including those in nested strings and comments. Outside here-strings, doubled quotes become single ones and
    /// escaped quotes lose their backticks before the contents are parsed.
    private mutating func scanSubExpression(inHereString: Bool) throws(Stop) -> SourceText {
        let start = position - 2
        var depth = 1
        var units: [UInt16] = []
        var origins: [Int32] = []
        var copied = start
        while true {
            guard position < text.end else {
                throw failAtEnd("IncompleteDollarSubexpressionReference", from: start)
            }
            let unit = next()
            if unit == 0x28 {
                depth += 1
            } else if unit == 0x29 {
                depth -= 1
                if depth == 0 { break }
            } else if !inHereString, unit == 0x60 || CharacterClass.isDoubleQuote(unit),
                CharacterClass.isDoubleQuote(peek())
            {
                // Drops the first of the two quotes and keeps the second.
                units.append(contentsOf: text.units[copied..<position - 1])
                for index in copied..<position - 1 { origins.append(Int32(text.origin(index))) }
                copied = position
                skip()
            }
        }
        try spend(position - start)
        guard copied != start || !units.isEmpty else {
            return SourceText(units: text.units, start: start, end: position, origins: text.origins)
        }
        units.append(contentsOf: text.units[copied..<position])
        for index in copied...position { origins.append(Int32(text.origin(index))) }
        return SourceText(units: units, start: 0, end: units.count, origins: origins)
    }
}
