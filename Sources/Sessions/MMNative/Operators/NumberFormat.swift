/// .NET's standard and custom number formats, in the invariant culture.
enum NumberFormat {
    /// Formats a number; hands over where the digits aren't certain.
    static func text(_ value: PSValue, _ format: String) throws(Interrupt) -> String {
        let units = Array(format.utf8)
        guard let first = units.first, format.isPlain else { throw .handOver("a number format") }
        let isLetter = (0x61...0x7A).contains(first | 0x20)
        if case .single(let number) = value { return try text(.double(Double(number)), format) }
        if case .byte(let number) = value { return try text(.int(Int32(number)), format) }
        if isLetter, units.dropFirst().allSatisfy({ (0x30...0x39).contains($0) }), units.count <= 3 {
            let precision = units.count > 1 ? Int(format.dropFirst()) : nil
            return try standard(value, first, precision)
        }
        return try custom(value, units)
    }

    private static func standard(_ value: PSValue, _ kind: UInt8, _ precision: Int?) throws(Interrupt) -> String {
        switch kind | 0x20 {
        case UInt8(ascii: "d"):
            guard let (isNegative, digits) = whole(value) else { throw .handOver("a number format") }
            return (isNegative ? "-" : "") + zeros(before: digits, precision ?? 0)
        case UInt8(ascii: "x"):
            let bits: UInt64
            switch value {
            case .int(let number): bits = UInt64(UInt32(bitPattern: number))
            case .long(let number): bits = UInt64(bitPattern: number)
            default: throw .handOver("a number format")
            }
            return zeros(before: String(bits, radix: 16, uppercase: kind == UInt8(ascii: "X")), precision ?? 0)
        case UInt8(ascii: "n"): return try fixed(value, precision ?? 2, isGrouped: true)
        case UInt8(ascii: "f"): return try fixed(value, precision ?? 2, isGrouped: false)
        case UInt8(ascii: "p"):
            let scaled: PSValue
            switch value {
            case .double(let number):
                // Shifts the digits instead of multiplying.
                let places = (precision ?? 2) + 2
                guard number.isFinite, number.magnitude < 1e12, places <= 15,
                    let decimal = PSDecimal(PSText.printed("%.\(places)f", number)),
                    let product = PSDecimal.product(decimal, PSDecimal(100))
                else { throw .handOver("a number format") }
                scaled = .decimal(product)
            case .int, .long, .decimal:
                guard let decimal = Conversion.decimal(value), let product = PSDecimal.product(decimal, PSDecimal(100))
                else { throw .handOver("a number format") }
                scaled = .decimal(product)
            default: throw .handOver("a number format")
            }
            let text = try fixed(scaled, precision ?? 2, isGrouped: true)
            return text + " %"
        case UInt8(ascii: "g") where precision == nil:
            if case .double(let number) = value { return try PSText.long(number) }
            return try PSText.string(value)
        default: throw .handOver("a number format")
        }
    }

    private static func whole(_ value: PSValue) -> (Bool, String)? {
        switch value {
        case .int(let number): (number < 0, String(number.magnitude))
        case .long(let number): (number < 0, String(number.magnitude))
        default: nil
        }
    }

    private static func zeros(before digits: String, _ count: Int) -> String {
        String(repeating: "0", count: max(0, count - digits.utf8.count)) + digits
    }

    /// Returns a number's digits with a fixed number of decimal places. Doubles are rounded from their exact value,
    /// half to even; integers and decimals half away from zero.
    private static func digits(_ value: PSValue, _ places: Int) throws(Interrupt) -> (isNegative: Bool, text: String) {
        let text: String
        switch value {
        case .double(let number):
            guard number.isFinite, number.magnitude < 1e15, places <= 15 else { throw .handOver("a number format") }
            text = PSText.printed("%.\(places)f", number)
        case .int, .long:
            guard let (isNegative, digits) = whole(value) else { throw .handOver("a number format") }
            text = (isNegative ? "-" : "") + digits + (places > 0 ? "." + String(repeating: "0", count: places) : "")
        case .decimal(let number):
            guard let rounded = number.roundedAway(places) else { throw .handOver("a number format") }
            var digits = rounded.text
            if places > 0 {
                if rounded.scale == 0 { digits += "." }
                digits += String(repeating: "0", count: places - rounded.scale)
            }
            text = digits
        default: throw .handOver("a number format")
        }
        guard text.hasPrefix("-") else { return (false, text) }
        // A rounded double keeps its sign, even at zero.
        let body = String(text.dropFirst())
        guard body.utf8.contains(where: { (0x31...0x39).contains($0) }) else {
            guard case .double = value else { throw .handOver("a number format") }
            return (true, body)
        }
        return (true, body)
    }

    private static func fixed(_ value: PSValue, _ places: Int, isGrouped: Bool) throws(Interrupt) -> String {
        let (isNegative, text) = try digits(value, places)
        let body = isGrouped ? grouped(text) : text
        return isNegative ? "-" + body : body
    }

    private static func grouped(_ text: String) -> String {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let whole = Array(parts[0].utf8)
        var result: [UInt8] = []
        for (place, unit) in whole.enumerated() {
            if place > 0, (whole.count - place) % 3 == 0 { result.append(UInt8(ascii: ",")) }
            result.append(unit)
        }
        let head = String(decoding: result, as: UTF8.self)
        return parts.count > 1 ? head + "." + parts[1] : head
    }

    /// Applies a simple custom format: `0`, `#`, one decimal point, `,` between digits, and literal text without format
    /// characters.
    private static func custom(_ value: PSValue, _ units: [UInt8]) throws(Interrupt) -> String {
        let signs = Set("0#.,".utf8)
        guard let start = units.firstIndex(where: signs.contains), let end = units.lastIndex(where: signs.contains)
        else { throw .handOver("a number format") }
        let (head, pattern, tail) = (units[..<start], Array(units[start...end]), units[(end + 1)...])
        let plain = { (unit: UInt8) in
            unit == 0x20 || (0x61...0x7A).contains(unit | 0x20) && unit | 0x20 != UInt8(ascii: "e")
        }
        guard pattern.allSatisfy(signs.contains), head.isEmpty || head == [UInt8(ascii: "$")] || head.allSatisfy(plain),
            tail.allSatisfy(plain)
        else { throw .handOver("a number format") }
        let halves = pattern.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard halves.count <= 2 else { throw .handOver("a number format") }
        let before = Array(halves[0])
        let after = halves.count > 1 ? Array(halves[1]) : []
        guard !after.contains(UInt8(ascii: ",")), before.last != UInt8(ascii: ","), before.first != UInt8(ascii: ",")
        else {
            throw .handOver("a number format")
        }
        // Custom formats show a double's digits to 15 places, which is certain only for short numbers.
        let decimal: PSDecimal?
        if case .double(let number) = value {
            let digits = try PSText.long(number)
            guard PSText.short(number) == digits else { throw .handOver("a number format") }
            decimal = PSDecimal(digits)
        } else {
            decimal = Conversion.decimal(value)
        }
        guard let decimal, let rounded = decimal.roundedAway(after.count) else { throw .handOver("a number format") }
        guard !decimal.isNegative || rounded.digits > 0 else { throw .handOver("a number format") }
        let parts = (rounded.isNegative ? String(rounded.text.dropFirst()) : rounded.text).split(separator: ".")
        var whole = parts[0] == "0" ? "" : String(parts[0])
        let leastWhole =
            before.firstIndex(of: UInt8(ascii: "0")).map { first in
                before[first...].filter { $0 != UInt8(ascii: ",") }.count
            } ?? 0
        whole = zeros(before: whole, leastWhole)
        if before.contains(UInt8(ascii: ",")) { whole = grouped(whole) }
        var fraction = parts.count > 1 ? String(parts[1]) : ""
        let leastFraction = after.lastIndex(of: UInt8(ascii: "0")).map { $0 + 1 } ?? 0
        while fraction.utf8.count > leastFraction, fraction.hasSuffix("0") { fraction.removeLast() }
        while fraction.utf8.count < leastFraction { fraction += "0" }
        let number = fraction.isEmpty ? whole : whole + "." + fraction
        let sign = rounded.isNegative ? "-" : ""
        return sign + String(decoding: head, as: UTF8.self) + number + String(decoding: tail, as: UTF8.self)
    }
}

extension PSDecimal {
    /// Rounds to a number of decimal places, half away from zero.
    func roundedAway(_ places: Int) -> PSDecimal? {
        guard scale > places else { return self }
        var divisor: UInt128 = 1
        for _ in 0..<(scale - places) { divisor *= 10 }
        var (quotient, rest) = digits.quotientAndRemainder(dividingBy: divisor)
        if rest * 2 >= divisor { quotient += 1 }
        return PSDecimal(isNegative: isNegative, digits: quotient, scale: places)
    }
}
