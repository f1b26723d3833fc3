/// The character classes of the language, defined on single UTF-16 code units: half of a surrogate pair belongs to
/// none.
enum CharacterClass {
    /// A set of ASCII characters, one bit each.
    private struct Mask {
        let low: UInt64
        let high: UInt64

        @inline(__always)
        func contains(_ unit: UInt16) -> Bool {
            (unit < 64 ? low >> UInt64(unit) : high >> UInt64(unit & 63)) & 1 != 0
        }
    }

    /// Letters and `_`.
    @inline(__always)
    private static var identifierStart: Mask { Mask(low: 0x0000_0000_0000_0000, high: 0x07FF_FFFE_87FF_FFFE) }

    /// Letters, digits and `_`.
    @inline(__always)
    private static var identifierFollow: Mask { Mask(low: 0x03FF_0000_0000_0000, high: 0x07FF_FFFE_87FF_FFFE) }

    /// Letters, digits and `_ $ : ? ^`.
    @inline(__always)
    private static var variableStart: Mask { Mask(low: 0x87FF_0010_0000_0000, high: 0x07FF_FFFE_C7FF_FFFE) }

    /// TAB, VT, FF, SP.
    @inline(__always)
    private static var whitespace: Mask { Mask(low: 0x0000_0001_0000_1A00, high: 0x0000_0000_0000_0000) }

    /// White space and `NUL LF CR & ( ) , ; { | }`.
    @inline(__always)
    private static var endsWord: Mask { Mask(low: 0x0800_1341_0000_3E01, high: 0x3800_0000_0000_0000) }

    /// `! # % * + - . / < = > ]`.
    @inline(__always)
    private static var endsNumber: Mask { Mask(low: 0x7000_EC2A_0000_0000, high: 0x0000_0000_2000_0000) }

    private static func category(_ unit: UInt16) -> Unicode.GeneralCategory {
        Unicode.Scalar(unit)?.properties.generalCategory ?? .surrogate
    }

    /// Returns whether a unit is white space, which excludes line ends.
    @inline(__always)
    static func isWhitespace(_ unit: UInt16) -> Bool {
        if unit < 128 { return whitespace.contains(unit) }
        if unit <= 256 { return unit == 0xA0 || unit == 0x85 }
        return isSeparator(unit)
    }

    private static func isSeparator(_ unit: UInt16) -> Bool {
        switch category(unit) {
        case .spaceSeparator, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    /// Returns whether a backtick at the start of a token swallows the unit: white space and line ends.
    static func isBlankOrLineEnd(_ unit: UInt16) -> Bool {
        unit == 0x0A || unit == 0x0D || isWhitespace(unit)
    }

    /// Returns whether a unit is a dash or one of its look-alikes.
    @inline(__always)
    static func isDash(_ unit: UInt16) -> Bool {
        unit == 0x2D || (unit >= 0x2013 && unit <= 0x2015)
    }

    /// Returns whether a unit is a single quote or one of its look-alikes.
    @inline(__always)
    static func isSingleQuote(_ unit: UInt16) -> Bool {
        unit == 0x27 || (unit >= 0x2018 && unit <= 0x201B)
    }

    /// Returns whether a unit is a double quote or one of its look-alikes.
    @inline(__always)
    static func isDoubleQuote(_ unit: UInt16) -> Bool {
        unit == 0x22 || (unit >= 0x201C && unit <= 0x201E)
    }

    /// Returns whether a unit is a letter of any script.
    static func isLetter(_ unit: UInt16) -> Bool {
        if unit < 128 { return (unit | 0x20) &- 0x61 < 26 }
        switch category(unit) {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: return true
        default: return false
        }
    }

    /// Returns whether a unit is a decimal digit of any script.
    static func isDigit(_ unit: UInt16) -> Bool {
        if unit < 128 { return isDecimalDigit(unit) }
        return category(unit) == .decimalNumber
    }

    /// Returns whether a unit is a letter or decimal digit of any script.
    static func isLetterOrDigit(_ unit: UInt16) -> Bool { isLetter(unit) || isDigit(unit) }

    /// Returns whether a unit can start an identifier.
    @inline(__always)
    static func isIdentifierStart(_ unit: UInt16) -> Bool {
        unit < 128 ? identifierStart.contains(unit) : isLetter(unit)
    }

    /// Returns whether a unit can continue an identifier.
    @inline(__always)
    static func isIdentifierFollow(_ unit: UInt16) -> Bool {
        unit < 128 ? identifierFollow.contains(unit) : isLetterOrDigit(unit)
    }

    /// Returns whether a unit can start the name of a variable without braces.
    @inline(__always)
    static func isVariableStart(_ unit: UInt16) -> Bool {
        unit < 128 ? variableStart.contains(unit) : isLetterOrDigit(unit)
    }

    /// Returns whether a unit is one of `0` to `9`.
    @inline(__always)
    static func isDecimalDigit(_ unit: UInt16) -> Bool { unit &- 0x30 < 10 }

    /// Returns whether a unit is one of `0` to `9`, `a` to `f`, `A` to `F`.
    @inline(__always)
    static func isHexDigit(_ unit: UInt16) -> Bool { unit &- 0x30 < 10 || (unit | 0x20) &- 0x61 < 6 }

    /// Returns whether a unit ends a word, in every mode.
    @inline(__always)
    static func endsWord(_ unit: UInt16) -> Bool {
        unit < 128 ? endsWord.contains(unit) : isWhitespace(unit)
    }

    /// Returns whether a unit ends a number in expression mode, in addition to those that end a word.
    @inline(__always)
    static func endsNumber(_ unit: UInt16, inTernary: Bool) -> Bool {
        if unit < 128 { return endsNumber.contains(unit) || (inTernary && (unit == 0x3F || unit == 0x3A)) }
        return isDash(unit)
    }

    /// Returns whether a unit ends a part of an assembly name: white space, line ends, `,`, `=`, `]`, NUL.
    static func endsAssemblyPart(_ unit: UInt16) -> Bool {
        switch unit {
        case 0, 0x0A, 0x0D, 0x2C, 0x3D, 0x5D: true
        default: isWhitespace(unit)
        }
    }
}
