/// The parts of a number literal.
struct NumberScanner {
    enum Format { case decimal, hex, binary }

    enum Suffix { case none, int8, uint8, int16, uint16, int64, uint64, unsigned, decimal, bigInteger }

    var isNegative = false
    var format = Format.decimal
    /// The digits before the decimal point and exponent; for hex and binary all digits. ASCII.
    var digits: [UInt8] = []
    /// The digits after the decimal point.
    var fraction: [UInt8] = []
    var exponent: [UInt8] = []
    var exponentIsNegative = false
    /// Whether there is a decimal point or an exponent.
    var isReal = false
    var suffix = Suffix.none
    /// The power of 1024 that multiplies the value.
    var multiplier = 0
    /// Whether the first unit is not a digit.
    var isMalformed = false

    /// Reads a number after its first unit; `nil` when the word is not a number.
    static func scan(_ lexer: inout Lexer, first: UInt16) -> NumberScanner? {
        var number = NumberScanner()
        var first = first
        if CharacterClass.isDash(first) || first == 0x2B {
            number.isNegative = first != 0x2B
            first = lexer.next()
        }
        if first == 0x2E {
            number.isReal = true
            guard number.scanBehindPoint(&lexer) else { return nil }
        } else if first == 0x30, lexer.peek() | 0x20 == 0x78 {
            lexer.skip()
            number.format = .hex
            while CharacterClass.isHexDigit(lexer.peek()) { number.digits.append(UInt8(lexer.next())) }
        } else if first == 0x30, lexer.peek() | 0x20 == 0x62 {
            lexer.skip()
            number.format = .binary
            while lexer.peek() == 0x30 || lexer.peek() == 0x31 { number.digits.append(UInt8(lexer.next())) }
            if number.digits.isEmpty { return nil }
        } else {
            guard number.scanDecimal(&lexer, first: first) else { return nil }
        }
        guard number.scanSuffix(&lexer) else { return nil }
        let end = lexer.peek()
        if CharacterClass.endsWord(end) { return number }
        let isEnd = CharacterClass.endsNumber(end, inTernary: lexer.endsNumberOnTernary)
        return lexer.mode == .expression && isEnd ? number : nil
    }

    private mutating func scanDecimal(_ lexer: inout Lexer, first: UInt16) -> Bool {
        if CharacterClass.isDecimalDigit(first) { digits.append(UInt8(first)) } else { isMalformed = true }
        while CharacterClass.isDecimalDigit(lexer.peek()) { digits.append(UInt8(lexer.next())) }
        if lexer.peek() == 0x2E {
            lexer.skip()
            if lexer.peek() == 0x2E {
                // This is the range operator.
                lexer.back()
                return true
            }
            isReal = true
            return scanBehindPoint(&lexer)
        }
        if lexer.peek() | 0x20 == 0x65 {
            lexer.skip()
            isReal = true
            return scanExponent(&lexer)
        }
        return true
    }

    private mutating func scanBehindPoint(_ lexer: inout Lexer) -> Bool {
        while CharacterClass.isDecimalDigit(lexer.peek()) { fraction.append(UInt8(lexer.next())) }
        guard lexer.peek() | 0x20 == 0x65 else { return true }
        lexer.skip()
        return scanExponent(&lexer)
    }

    private mutating func scanExponent(_ lexer: inout Lexer) -> Bool {
        let sign = lexer.peek()
        if sign == 0x2B || CharacterClass.isDash(sign) {
            exponentIsNegative = sign != 0x2B
            lexer.skip()
        }
        while CharacterClass.isDecimalDigit(lexer.peek()) { exponent.append(UInt8(lexer.next())) }
        return !exponent.isEmpty
    }

    private mutating func scanSuffix(_ lexer: inout Lexer) -> Bool {
        switch lexer.peek() | 0x20 {
        case 0x75:
            lexer.skip()
            suffix = .unsigned
        case 0x73: suffix = .int16
        case 0x6C: suffix = .int64
        case 0x64: suffix = .decimal
        case 0x79: suffix = .int8
        case 0x6E: suffix = .bigInteger
        default: break
        }
        if suffix == .unsigned {
            switch lexer.peek() | 0x20 {
            case 0x6C: suffix = .uint64
            case 0x73: suffix = .uint16
            case 0x79: suffix = .uint8
            case 0x75, 0x64, 0x6E: return false
            default: break
            }
            if suffix != .unsigned { lexer.skip() }
        } else if suffix != .none {
            lexer.skip()
            switch lexer.peek() | 0x20 {
            case 0x75, 0x73, 0x6C, 0x64, 0x79, 0x6E: return false
            default: break
            }
        }
        switch lexer.peek() | 0x20 {
        case 0x6B: multiplier = 1
        case 0x6D: multiplier = 2
        case 0x67: multiplier = 3
        case 0x74: multiplier = 4
        case 0x70: multiplier = 5
        default: return true
        }
        lexer.skip()
        guard lexer.peek() | 0x20 == 0x62 else { return false }
        lexer.skip()
        return true
    }
}

extension Lexer {
    /// Reads a number after its first unit, or the word that it turns out to be.
    mutating func scanNumber() throws(Stop) -> Token {
        let first = text.units[tokenStart]
        guard let number = NumberScanner.scan(&self, first: first) else { return try rescanGeneric() }
        try spend(position - tokenStart)
        guard let value = number.value else {
            if mode != .expression { return try rescanGeneric() }
            throw fail("BadNumericConstant", tokenStart, position)
        }
        return token(.number, .number(NumberTokenValue(value)))
    }
}
