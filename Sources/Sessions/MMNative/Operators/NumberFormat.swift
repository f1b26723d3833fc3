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
        case UInt8(ascii: "b"):
            switch value {
            case .int(let number): return zeros(before: String(UInt32(bitPattern: number), radix: 2), precision ?? 0)
            case .long(let number): return zeros(before: String(UInt64(bitPattern: number), radix: 2), precision ?? 0)
            default: throw .handOver("a number format")
            }
        case UInt8(ascii: "r") where precision == nil:
            guard case .double(let number) = value else { throw .handOver("a number format") }
            return try PSText.long(number)
        case UInt8(ascii: "e"): return try exponential(value, precision ?? 6, isCapital: kind == UInt8(ascii: "E"))
        case UInt8(ascii: "c"):
            let text = try fixed(value, precision ?? 2, isGrouped: true)
            return text.hasPrefix("-") ? "(\u{A4}" + text.dropFirst() + ")" : "\u{A4}" + text
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

    /// Writes a number with one digit before the point, and an exponent of at least three digits.
    private static func exponential(_ value: PSValue, _ places: Int, isCapital: Bool) throws(Interrupt) -> String {
        let number: Double
        switch value {
        case .double(let own): number = own
        case .int(let own): number = Double(own)
        case .long(let own) where own.magnitude < 1 << 53: number = Double(own)
        default: throw .handOver("a number format")
        }
        guard number.isFinite, places <= 15 else { throw .handOver("a number format") }
        // The direction in which a half is rounded depends on the type.
        let long = PSText.printed("%.40e", number)
        let parts = PSText.printed("%.\(places)e", number).split(separator: "e")
        let behind = long.prefix { $0 != "e" }.drop { $0 != "." }.dropFirst(1 + places)
        guard parts.count == 2, let exponent = Int(parts[1]),
            behind.first != "5" || behind.dropFirst().contains(where: { $0 != "0" })
        else { throw .handOver("a number format") }
        let sign = exponent < 0 ? "-" : "+"
        return "\(parts[0])\(isCapital ? "E" : "e")\(sign)\(zeros(before: String(exponent.magnitude), 3))"
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
            unit == 0x20 || unit == UInt8(ascii: "%")
                || (0x61...0x7A).contains(unit | 0x20) && unit | 0x20 != UInt8(ascii: "e")
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
        // Custom formats show a double's digits to 15 places.
        var decimal: PSDecimal?
        if case .double(let number) = value {
            guard number.isFinite, number.magnitude < 1e15 else { throw .handOver("a number format") }
            decimal = PSDecimal(
                number.magnitude < 1e-4 ? PSText.printed("%.18f", number) : PSText.printed("%.15g", number))
        } else {
            decimal = Conversion.decimal(value)
        }
        // A percent sign multiplies the displayed number by 100.
        let percents = (head + tail).filter { $0 == UInt8(ascii: "%") }.count
        guard percents <= 1 else { throw .handOver("a number format") }
        if percents == 1 { decimal = decimal.flatMap { PSDecimal.product($0, PSDecimal(100)) } }
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

/// Numbers in the form of other cultures.
extension NumberFormat {
    fileprivate struct Style {
        let group: String
        let point: String
        /// The texts before and after an amount of money.
        let before: String
        let behind: String
        let percent: String
    }

    private static let styles: [String: Style] = [
        "en-us": Style(group: ",", point: ".", before: "$", behind: "", percent: "%"),
        "en-gb": Style(group: ",", point: ".", before: "\u{A3}", behind: "", percent: "%"),
        "de-de": Style(group: ".", point: ",", before: "", behind: "\u{A0}\u{20AC}", percent: "\u{A0}%"),
        "fr-fr": Style(
            group: "\u{202F}", point: ",", before: "", behind: "\u{A0}\u{20AC}", percent: "\u{A0}%"),
    ]

    /// Formats a number in the form of a culture.
    static func text(_ value: PSValue, _ format: String, culture: String) throws(Interrupt) -> String {
        guard !culture.isEmpty else { return try text(value, format) }
        guard let style = styles[culture.lowercased()], let first = format.utf8.first else {
            throw .handOver("numbers of another culture")
        }
        let isStandard = format.utf8.dropFirst().allSatisfy { (0x30...0x39).contains($0) }
        guard isStandard else { return style.written(try text(value, format)) }
        switch first | 0x20 {
        case UInt8(ascii: "d"), UInt8(ascii: "x"): return try text(value, format)
        // A culture's default number of decimal places depends on the version of the ICU library.
        case UInt8(ascii: "n"), UInt8(ascii: "f"):
            guard format.utf8.count > 1 else { throw .handOver("numbers of another culture") }
            return style.written(try text(value, format))
        case UInt8(ascii: "p"):
            guard format.utf8.count > 1 else { throw .handOver("numbers of another culture") }
            return style.written(String(try text(value, format).dropLast(2))) + style.percent
        case UInt8(ascii: "c"):
            let amount = try text(value, "N" + (format.utf8.count > 1 ? String(format.dropFirst()) : "2"))
            let sign = amount.hasPrefix("-") ? "-" : ""
            return sign + style.before + style.written(String(amount.dropFirst(sign.utf8.count))) + style.behind
        default: throw .handOver("numbers of another culture")
        }
    }
}

extension NumberFormat.Style {
    /// Returns a formatted number with this style's separators.
    fileprivate func written(_ text: String) -> String {
        var written = ""
        for character in text {
            switch character {
            case ",": written += group
            case ".": written += point
            default: written.append(character)
            }
        }
        return written
    }
}
