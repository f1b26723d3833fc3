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
