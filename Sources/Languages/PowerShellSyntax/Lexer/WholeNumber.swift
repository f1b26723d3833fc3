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
