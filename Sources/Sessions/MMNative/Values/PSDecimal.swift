import Glibc

/// A System.Decimal: an integer of 96 bits with up to 28 decimal places. Operations whose result would have to be
/// rounded are left to the caller.
package struct PSDecimal: Sendable {
    /// Whether the number is negative.
    let isNegative: Bool
    /// The digits as an integer.
    let digits: UInt128
    /// The number of decimal places.
    let scale: Int

    private static let limit: UInt128 = 1 << 96

    /// Creates a number from its parts; `nil` when it is too large.
    init?(isNegative: Bool, digits: UInt128, scale: Int) {
        guard digits < PSDecimal.limit, (0...28).contains(scale) else { return nil }
        self.isNegative = isNegative && digits != 0
        self.digits = digits
        self.scale = scale
    }

    /// Creates an integer.
    init(_ number: Int64) {
        isNegative = number < 0
        digits = UInt128(number.magnitude)
        scale = 0
    }

    /// Parses digits with at most one decimal point; `nil` for anything else, or when they don't fit.
    init?(_ text: String) {
        var digits: UInt128 = 0
        var scale = -1
        var count = 0
        var units = Array(text.utf8)[...]
        let isNegative = units.first == UInt8(ascii: "-")
        if isNegative || units.first == UInt8(ascii: "+") { units = units.dropFirst() }
        for unit in units {
            if unit == UInt8(ascii: "."), scale < 0 {
                scale = 0
                continue
            }
            guard (0x30...0x39).contains(unit), digits < PSDecimal.limit else { return nil }
            digits = digits * 10 + UInt128(unit - 0x30)
            count += 1
            if scale >= 0 { scale += 1 }
        }
        guard count > 0 else { return nil }
        self.init(isNegative: isNegative, digits: digits, scale: max(scale, 0))
    }

    /// Converts a double with 15 significant digits, as .NET does.
    init?(_ number: Double) {
        guard number.isFinite, number.magnitude < 7e28 else { return nil }
        let text = PSText.printed("%.14e", number)
        let halves = text.split(separator: "e")
        guard halves.count == 2, let exponent = Int(halves[1]), let mantissa = PSDecimal(String(halves[0])) else {
            return nil
        }
        var digits = mantissa.digits
        var scale = mantissa.scale - exponent
        while scale > 0, digits % 10 == 0 {
            digits /= 10
            scale -= 1
        }
        while scale < 0 {
            digits *= 10
            scale += 1
        }
        // Digits beyond the 28th place would have to be rounded away.
        self.init(isNegative: mantissa.isNegative, digits: digits, scale: scale)
    }

    /// The digits, with as many decimal places as the scale says.
    var text: String {
        var text = String(digits)
        if text.utf8.count <= scale { text = String(repeating: "0", count: scale + 1 - text.utf8.count) + text }
        if scale > 0 { text = text.dropLast(scale) + "." + text.suffix(scale) }
        return isNegative ? "-" + text : text
    }

    /// The digits as `ConvertTo-Json` writes them, always with a point.
    var json: String { scale > 0 ? text : text + ".0" }

    /// The nearest double.
    var double: Double { Double(text) ?? 0 }

    private func aligned(_ wanted: Int) -> UInt128? {
        var value = digits
        for _ in 0..<max(0, wanted - scale) {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            if overflow { return nil }
            value = product
        }
        return value
    }

    /// Compares two numbers; returns a negative number, zero or a positive number.
    static func order(_ left: PSDecimal, _ right: PSDecimal) -> Int {
        if left.isNegative != right.isNegative { return left.isNegative ? -1 : 1 }
        let scale = max(left.scale, right.scale)
        let sign = left.isNegative ? -1 : 1
        // A number that outgrows 128 bits is larger than any number of the other's scale.
        guard let first = left.aligned(scale) else { return sign }
        guard let second = right.aligned(scale) else { return -sign }
        return first == second ? 0 : first < second ? -sign : sign
    }

    /// Returns the sum; `nil` when it would have to be rounded.
    static func sum(_ left: PSDecimal, _ right: PSDecimal) -> PSDecimal? {
        let scale = max(left.scale, right.scale)
        guard let first = left.aligned(scale), let second = right.aligned(scale), first < 1 << 120, second < 1 << 120
        else { return nil }
        if left.isNegative == right.isNegative {
            return PSDecimal(isNegative: left.isNegative, digits: first + second, scale: scale)
        }
        return first >= second
            ? PSDecimal(isNegative: left.isNegative, digits: first - second, scale: scale)
            : PSDecimal(isNegative: right.isNegative, digits: second - first, scale: scale)
    }

    /// The number with the opposite sign.
    var negated: PSDecimal? { PSDecimal(isNegative: !isNegative, digits: digits, scale: scale) }

    /// Returns the product; `nil` when it would have to be rounded.
    static func product(_ left: PSDecimal, _ right: PSDecimal) -> PSDecimal? {
        let (digits, overflow) = left.digits.multipliedReportingOverflow(by: right.digits)
        guard !overflow else { return nil }
        return PSDecimal(
            isNegative: left.isNegative != right.isNegative, digits: digits, scale: left.scale + right.scale)
    }

    /// Returns the quotient with as many places as fit; `nil` when it is too large. The divisor must not be zero.
    static func quotient(_ left: PSDecimal, _ right: PSDecimal) -> PSDecimal? {
        var scale = left.scale - right.scale
        var (quotient, rest) = left.digits.quotientAndRemainder(dividingBy: right.digits)
        while scale < 0 || rest != 0 && scale < 28 {
            let step = (rest * 10).quotientAndRemainder(dividingBy: right.digits)
            let next = quotient * 10 + step.quotient
            guard next < limit else { break }
            (quotient, rest) = (next, step.remainder)
            scale += 1
        }
        guard scale >= 0 else { return nil }
        if rest * 2 > right.digits || rest * 2 == right.digits && quotient % 2 == 1 { quotient += 1 }
        return PSDecimal(isNegative: left.isNegative != right.isNegative, digits: quotient, scale: scale)
    }

    /// Returns the remainder, with the sign of the left operand; `nil` when it would have to be rounded.
    static func remainder(_ left: PSDecimal, _ right: PSDecimal) -> PSDecimal? {
        let scale = max(left.scale, right.scale)
        guard let first = left.aligned(scale), let second = right.aligned(scale), second != 0 else { return nil }
        // A dividend smaller than the divisor is returned as written.
        if first < second { return left }
        return PSDecimal(isNegative: left.isNegative, digits: first % second, scale: scale)
    }

    /// Rounds to a number of decimal places.
    func rounded(_ places: Int, _ rule: FloatingPointRoundingRule = .toNearestOrEven) -> PSDecimal? {
        guard scale > places else { return self }
        var divisor: UInt128 = 1
        for _ in 0..<(scale - places) { divisor *= 10 }
        var (quotient, rest) = digits.quotientAndRemainder(dividingBy: divisor)
        let growsInMagnitude =
            switch rule {
            case .towardZero: false
            case .up: rest > 0 && !isNegative
            case .down: rest > 0 && isNegative
            case .awayFromZero: rest > 0
            case .toNearestOrAwayFromZero: rest * 2 >= divisor
            default: rest * 2 > divisor || rest * 2 == divisor && quotient % 2 == 1
            }
        if growsInMagnitude { quotient += 1 }
        return PSDecimal(isNegative: isNegative, digits: quotient, scale: places)
    }

    /// The number rounded to an integer, half to even; `nil` when it doesn't fit.
    var whole: Int64? {
        guard let rounded = rounded(0) else { return nil }
        if rounded.isNegative {
            return rounded.digits <= UInt128(Int64.max) + 1 ? Int64(truncatingIfNeeded: 0 &- rounded.digits) : nil
        }
        return Int64(exactly: rounded.digits)
    }
}
