/// Generic words, identifiers, labels, parameters and dash operators.
extension Lexer {
    /// Reads a generic word from the start of the token.
    mutating func rescanGeneric() throws(Stop) -> Token {
        position = tokenStart
        return try scanGeneric([])
    }

    /// Reads a generic word whose units up to here are already read and stand for themselves.
    mutating func continueGeneric() throws(Stop) -> Token {
        try scanGeneric(Array(text.units[tokenStart..<min(position, text.end)]))
    }

    /// Reads the rest of a generic word, up to a unit that ends words, with escapes, quoted parts and variables.
    mutating func scanGeneric(_ prefix: [UInt16]) throws(Stop) -> Token {
        if prefix.isEmpty {
            // Most words contain nothing that needs decoding.
            var index = position
            while index < text.end {
                let unit = text.units[index]
                if CharacterClass.endsWord(unit) {
                    let start = position
                    position = index
                    try spend(index - start)
                    return generic(text.units[start..<index])
                }
                if unit == 0x60 || unit == 0x24 || CharacterClass.isSingleQuote(unit)
                    || CharacterClass.isDoubleQuote(unit)
                {
                    break
                }
                index += 1
            }
        }
        let start = position
        var buffer = prefix
        var parts: [NestedToken] = []
        while true {
            let unit = next()
            if CharacterClass.endsWord(unit) { break }
            if unit == 0x60 {
                try scanEscape(into: &buffer)
            } else if CharacterClass.isSingleQuote(unit) {
                try scanStringLiteral(into: &buffer)
            } else if CharacterClass.isDoubleQuote(unit) {
                try scanStringExpandable(into: &buffer, parts: &parts)
            } else if unit == 0x24 {
                if try !scanDollar(into: &buffer, parts: &parts, inHereString: false) { buffer.append(unit) }
            } else {
                buffer.append(unit)
            }
        }
        back()
        try spend(position - start)
        return generic(buffer[...], parts: parts)
    }

    /// Returns an operator; in command mode it starts a word, unless a unit that ends words follows.
    mutating func operatorOrWord(_ kind: TokenKind) throws(Stop) -> Token {
        if mode == .command, !CharacterClass.endsWord(peek()) { return try continueGeneric() }
        return token(kind)
    }

    /// Reads an identifier, keyword or word after its first letter.
    mutating func scanIdentifier() throws(Stop) -> Token {
        while CharacterClass.isIdentifierFollow(peek()) { skip() }
        if mode == .typeName { return scanTypeName() }
        guard !wantsSimpleName else { return token(.identifier) }
        if mode == .command, !CharacterClass.endsWord(peek()) { return try rescanGeneric() }
        if mode == .command || mode == .signature,
            let keyword = keywords.kind(of: text.units[tokenStart..<position])
        {
            return token(keyword)
        }
        return token(.identifier)
    }

    /// Reads the rest of a type name.
    private mutating func scanTypeName() -> Token {
        while true {
            switch peek() {
            // . ` _ + # \
            case 0x2E, 0x60, 0x5F, 0x2B, 0x23, 0x5C: skip()
            case let unit where CharacterClass.isLetterOrDigit(unit): skip()
            default: return token(.identifier)
            }
        }
    }

    /// Reads what follows the comma of an assembly-qualified type name.
    /// - Returns: the specification with one space after each comma, as the engine prints it.
    mutating func scanAssemblyName() -> String {
        var buffer: [UInt16] = []
        scanAssemblyPart(into: &buffer)
        while peek() == 0x2C {
            skip()
            buffer.append(contentsOf: [0x2C, 0x20])
            scanAssemblyPart(into: &buffer)
            if peek() == 0x3D {
                skip()
                buffer.append(0x3D)
                scanAssemblyPart(into: &buffer)
            }
        }
        tokenStart = position
        return SourceText.string(buffer[...])
    }

    private mutating func scanAssemblyPart(into buffer: inout [UInt16]) {
        skipWhitespace()
        while position < text.end, !CharacterClass.endsAssemblyPart(peek()) { buffer.append(next()) }
        skipWhitespace()
    }

    /// Reads a loop label or a word after its colon.
    mutating func scanLabel() throws(Stop) -> Token {
        let first = peek()
        guard CharacterClass.isIdentifierStart(first) else {
            return first == 0 ? generic(text.units[tokenStart..<position]) : try continueGeneric()
        }
        let start = position
        while CharacterClass.isIdentifierFollow(peek()) { skip() }
        guard CharacterClass.endsWord(peek()) else {
            // The unit that ends the name stands for itself, even if it is a quote or a backtick.
            skip()
            return try continueGeneric()
        }
        return token(.label, .string(StringTokenValue(text.string(start..<position))))
    }

    /// Reads a parameter or a dash operator after its dash, where the next unit can start its name.
    mutating func scanParameter() throws(Stop) -> Token {
        let start = position
        let isCommand = mode == .command
        var endsWithColon = false
        var nameEnd = start
        scanning: while true {
            let unit = peek()
            switch unit {
            // { } ( ) ; , | & . [ CR LF NUL
            case 0x7B, 0x7D, 0x28, 0x29, 0x3B, 0x2C, 0x7C, 0x26, 0x2E, 0x5B, 0x0D, 0x0A, 0x00:
                break scanning
            case 0x3A:
                endsWithColon = true
                if isCommand { skip() }
                break scanning
            case let unit where CharacterClass.isSingleQuote(unit) || CharacterClass.isDoubleQuote(unit):
                // A quote makes it an argument.
                if isCommand { return try continueGeneric() }
                break scanning
            case let unit where CharacterClass.isWhitespace(unit):
                break scanning
            default:
                guard isCommand || (unit | 0x20) &- 0x61 < 26 else { break scanning }
                skip()
                nameEnd = position
            }
        }
        if mode == .expression, let kind = operators.kind(of: text.units[start..<nameEnd]) {
            return token(kind)
        }
        if nameEnd == start { return token(.minus) }
        let value = ParameterTokenValue(text.string(start..<nameEnd), usedColon: endsWithColon)
        return token(.parameter, .parameter(value))
    }

    /// Reads the rest of the line after `--%`: up to a line end, or a `|` or `&&` outside double quotes.
    mutating func scanVerbatim() throws(Stop) -> Token {
        skipWhitespace()
        tokenStart = position
        var isQuoted = false
        while position < text.end {
            let unit = next()
            if unit == 0x0D || unit == 0x0A {
                back()
                break
            }
            if CharacterClass.isDoubleQuote(unit) {
                isQuoted.toggle()
            } else if !isQuoted, unit == 0x7C || (unit == 0x26 && peek() == 0x26) {
                back()
                break
            }
        }
        try spend(position - tokenStart)
        return generic(text.units[tokenStart..<position])
    }
}
