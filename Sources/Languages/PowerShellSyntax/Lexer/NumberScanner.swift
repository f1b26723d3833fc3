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

/// The value of a number literal, in the type that its suffix and magnitude determine.
extension NumberScanner {
    /// The value; `nil` when no possible type of the literal can represent it.
    var value: NumberValue? {
        if isMalformed { return nil }
        // A decimal point alone is not a number.
        if isReal { return digits.isEmpty && fraction.isEmpty ? nil : realValue }
        if format == .decimal, suffix == .none, multiplier == 0, digits.count < 10 {
            var value: Int32 = 0
            for digit in digits { value = value * 10 + Int32(digit - 0x30) }
            return .int32(isNegative ? -value : value)
        }
        return integerValue
    }

    // MARK: Whole numbers

    private var integerValue: NumberValue? {
        guard var (magnitude, negative) = format == .decimal ? decimalInteger : wideInteger else { return nil }
        if isNegative { negative.toggle() }
        for _ in 0..<multiplier { magnitude.multiply(by: 1024) }
        let number = WholeNumber(isNegative: negative && !magnitude.isZero, magnitude: magnitude)
        // Literals written with all 64 bits keep that width.
        let bits = format == .hex ? wideDigits.count * 4 : format == .binary ? digits.count : 0
        let isWide = format != .decimal && bits == 64
        switch suffix {
        case .decimal: return number.fitsDecimal ? .decimal(number.description) : nil
        case .none:
            if !isWide, let value = number.fit(Int32.self) { return .int32(value) }
            if let value = number.fit(Int64.self) { return .int64(value) }
            guard format == .decimal else { return nil }
            if number.fitsDecimal { return .decimal(number.description) }
            guard let value = Double(number.description), value.isFinite else { return nil }
            return .double(value)
        default: return fitted(number, isWide: isWide)
        }
    }

    private var decimalInteger: (DecimalDigits, Bool)? { (DecimalDigits(ascii: digits), false) }

    /// The significant hex digits: the engine prepends a zero, and removes it again where the digits fill the width
    /// exactly, so that the first one carries the sign.
    private var wideDigits: [UInt8] {
        let padded = [0x30] + digits
        let width: Int
        switch suffix {
        case .unsigned, .uint8, .uint16, .uint64: return padded
        case .int8: width = 2
        case .int16: width = 4
        case .int64: width = 16
        default: width = padded.count < 16 ? 8 : 16
        }
        return padded.count == width + 1 ? digits : padded
    }

    /// Reads hex and binary digits as two's complement.
    private var wideInteger: (DecimalDigits, Bool)? {
        var bits: [UInt8] = []
        let isSigned: Bool
        if format == .hex {
            let counted = wideDigits
            guard counted.count <= 2048 else { return nil }
            for digit in counted {
                let value = digit < 0x3A ? digit - 0x30 : (digit | 0x20) - 0x57
                for shift in [3, 2, 1, 0] as [UInt8] { bits.append(value >> shift & 1) }
            }
            isSigned = true
        } else {
            guard digits.count <= 8192 else { return nil }
            bits = digits.map { $0 - 0x30 }
            let isUnsigned = [.unsigned, .uint8, .uint16, .uint64].contains(suffix)
            let carriesSign = [8, 16, 32, 64, 96].contains(bits.count) || bits.count >= 128
            isSigned = !isUnsigned && carriesSign && bits.count % 8 == 0
        }
        let negative = isSigned && bits.first == 1
        if negative {
            for index in bits.indices { bits[index] ^= 1 }
        }
        var magnitude = DecimalDigits(ascii: [])
        for bit in bits { magnitude.doubleAndAdd(bit) }
        if negative { magnitude.addOne() }
        return (magnitude, negative)
    }

    // MARK: Real numbers

    private var realValue: NumberValue? {
        if suffix == .decimal { return decimalReal }
        var literal = isNegative ? "-" : ""
        literal += String(decoding: digits.isEmpty ? [0x30] : digits, as: UTF8.self)
        if !fraction.isEmpty { literal += "." + String(decoding: fraction, as: UTF8.self) }
        if !exponent.isEmpty {
            let significant = exponent.drop { $0 == 0x30 }
            let bounded = significant.count > 6 ? [0x39, 0x39, 0x39, 0x39, 0x39, 0x39] : Array(significant)
            literal += exponentIsNegative ? "e-" : "e+"
            literal += bounded.isEmpty ? "0" : String(decoding: bounded, as: UTF8.self)
        }
        guard var value = Double(literal) else { return nil }
        for _ in 0..<multiplier { value *= 1024 }
        if suffix == .none { return .double(value) }
        return WholeNumber(rounding: value).flatMap { fitted($0, isWide: false) }
    }

    /// Returns a number in the whole type that the suffix names; `nil` without one, and where it doesn't fit.
    private func fitted(_ number: WholeNumber, isWide: Bool) -> NumberValue? {
        switch suffix {
        case .int8: number.fit(Int8.self).map { .int8($0) }
        case .uint8: number.fit(UInt8.self).map { .uint8($0) }
        case .int16: number.fit(Int16.self).map { .int16($0) }
        case .uint16: number.fit(UInt16.self).map { .uint16($0) }
        case .int64: number.fit(Int64.self).map { .int64($0) }
        case .uint64: number.fit(UInt64.self).map { .uint64($0) }
        case .unsigned:
            (isWide ? nil : number.fit(UInt32.self).map { .uint32($0) }) ?? number.fit(UInt64.self).map { .uint64($0) }
        case .bigInteger: .bigInteger(number.description)
        case .none, .decimal: nil
        }
    }

    /// Returns a decimal with at most 28 decimal places and an integer part of at most 96 bits.
    private var decimalReal: NumberValue? {
        let written = exponent.drop { $0 == 0x30 }
        guard written.count <= 4 else { return exponentIsNegative ? .decimal("0") : nil }
        var shift = written.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        if exponentIsNegative { shift = -shift }
        var all = digits + fraction
        var point = digits.count + shift
        if point < 0 {
            all = [UInt8](repeating: 0x30, count: -point) + all
            point = 0
        }
        if point > all.count { all += [UInt8](repeating: 0x30, count: point - all.count) }
        var whole = DecimalDigits(ascii: Array(all[..<point]))
        var places = Array(all[point...].prefix(28))
        if multiplier > 0 {
            var scaled = DecimalDigits(ascii: Array(all[..<point]) + places)
            for _ in 0..<multiplier { scaled.multiply(by: 1024) }
            let text = Array(scaled.description.utf8)
            let padded = [UInt8](repeating: 0x30, count: max(0, places.count + 1 - text.count)) + text
            whole = DecimalDigits(ascii: Array(padded.dropLast(places.count)))
            places = Array(padded.suffix(places.count))
        }
        guard WholeNumber(isNegative: false, magnitude: whole).fitsDecimal else { return nil }
        let room = max(0, 29 - whole.description.utf8.count)
        places = Array(places.prefix(room))
        let sign = isNegative ? "-" : ""
        let tail = places.isEmpty ? "" : "." + String(decoding: places, as: UTF8.self)
        return .decimal(sign + whole.description + tail)
    }
}

/// An integer of any size.
struct WholeNumber: CustomStringConvertible {
    var isNegative: Bool
    var magnitude: DecimalDigits

    init(isNegative: Bool, magnitude: DecimalDigits) {
        self.isNegative = isNegative
        self.magnitude = magnitude
    }

    /// Rounds to the nearest integer, half to even; `nil` for infinities and NaN.
    init?(rounding value: Double) {
        guard value.isFinite else { return nil }
        var whole = value.magnitude
        // Adding 2^52 leaves no room for decimal places, and the addition rounds half to even.
        if whole < 0x1p52 { whole = (whole + 0x1p52) - 0x1p52 }
        isNegative = value < 0 && whole > 0
        magnitude = DecimalDigits(ascii: [])
        guard whole > 0 else { return }
        let significand = whole.significandBitPattern | 1 << 52
        let exponent = Int(whole.exponentBitPattern) - 1075
        magnitude = DecimalDigits(ascii: Array(String(exponent < 0 ? significand >> -exponent : significand).utf8))
        for _ in 0..<max(0, exponent) { magnitude.doubleAndAdd(0) }
    }

    /// Returns the value in a fixed-width type, if it fits.
    func fit<T: FixedWidthInteger>(_ type: T.Type) -> T? { T(description) }

    /// Whether a .NET decimal can represent the value: 96 bits.
    var fitsDecimal: Bool {
        let digits = magnitude.description.utf8
        let largest = "79228162514264337593543950335".utf8
        return digits.count < largest.count
            || (digits.count == largest.count && !largest.lexicographicallyPrecedes(digits))
    }

    var description: String { (isNegative ? "-" : "") + magnitude.description }
}

/// The decimal digits of an integer without its sign, in groups, so that literals of any length can be scaled.
struct DecimalDigits: CustomStringConvertible {
    private static let base: UInt64 = 1_000_000_000
    /// Groups of nine digits, lowest first; empty for zero.
    private var groups: [UInt64] = []

    /// Creates a number from ASCII digits; zero without any.
    init(ascii digits: [UInt8]) {
        var end = digits.count
        while end > 0 {
            let start = max(0, end - 9)
            groups.append(digits[start..<end].reduce(0) { $0 * 10 + UInt64($1 - 0x30) })
            end = start
        }
        trim()
    }

    private mutating func trim() {
        while groups.last == 0 { groups.removeLast() }
    }

    var isZero: Bool { groups.isEmpty }

    mutating func multiply(by factor: UInt64) { scale(factor, adding: 0) }

    mutating func doubleAndAdd(_ bit: UInt8) { scale(2, adding: UInt64(bit)) }

    mutating func addOne() { scale(1, adding: 1) }

    private mutating func scale(_ factor: UInt64, adding: UInt64) {
        var carry = adding
        for index in groups.indices {
            let product = groups[index] * factor + carry
            groups[index] = product % DecimalDigits.base
            carry = product / DecimalDigits.base
        }
        if carry > 0 { groups.append(carry) }
    }

    var description: String {
        guard let top = groups.last else { return "0" }
        var text = String(top)
        for group in groups.dropLast().reversed() {
            let digits = String(group)
            text += String(repeating: "0", count: 9 - digits.utf8.count) + digits
        }
        return text
    }
}
