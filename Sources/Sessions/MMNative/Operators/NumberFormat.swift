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
        guard let text = CustomNumberFormat(units).text(of: value) else { throw .handOver("a number format") }
        return text
    }

    /// The error for a letter that is no format of the number.
    private static let invalid = Interrupt.statement(
        NativeError("FormatError", "Error formatting a string: Format specifier was invalid..", isReadable: true))

    private static func standard(_ value: PSValue, _ kind: UInt8, _ precision: Int?) throws(Interrupt) -> String {
        switch kind | 0x20 {
        case UInt8(ascii: "d"):
            guard let (isNegative, digits) = whole(value) else { throw invalid }
            return (isNegative ? "-" : "") + zeros(before: digits, precision ?? 0)
        case UInt8(ascii: "x"):
            let bits: UInt64
            switch value {
            case .int(let number): bits = UInt64(UInt32(bitPattern: number))
            case .long(let number): bits = UInt64(bitPattern: number)
            default: throw invalid
            }
            return zeros(before: String(bits, radix: 16, uppercase: kind == UInt8(ascii: "X")), precision ?? 0)
        case UInt8(ascii: "b"):
            switch value {
            case .int(let number): return zeros(before: String(UInt32(bitPattern: number), radix: 2), precision ?? 0)
            case .long(let number): return zeros(before: String(UInt64(bitPattern: number), radix: 2), precision ?? 0)
            default: throw invalid
            }
        case UInt8(ascii: "r") where precision == nil:
            guard case .double(let number) = value else { throw .handOver("a number format") }
            return PSText.long(number)
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
        case UInt8(ascii: "g"):
            if let precision, precision > 0 { return try general(value, precision, isCapital: kind == 0x47) }
            if case .double(let number) = value { return PSText.long(number) }
            return try PSText.string(value)
        case UInt8(ascii: "r"): throw .handOver("a number format")
        default: throw invalid
        }
    }

    /// Writes a number with one digit before the point, and an exponent of at least three digits.
    private static func exponential(_ value: PSValue, _ places: Int, isCapital: Bool) throws(Interrupt) -> String {
        let (mantissa, exponent) = try scientific(value, places)
        let sign = exponent < 0 ? "-" : "+"
        return "\(mantissa)\(isCapital ? "E" : "e")\(sign)\(zeros(before: String(exponent.magnitude), 3))"
    }

    /// Writes a number with at most so many digits; with an exponent if it is very large or small for them.
    private static func general(_ value: PSValue, _ count: Int, isCapital: Bool) throws(Interrupt) -> String {
        if let (isNegative, digits) = whole(value), digits.utf8.count <= count {
            return (isNegative ? "-" : "") + digits
        }
        let (mantissa, exponent) = try scientific(value, count - 1)
        var digits = mantissa.utf8.filter { (0x30...0x39).contains($0) }[...]
        while digits.count > 1, digits.last == 0x30 { digits.removeLast() }
        func text(_ units: some Sequence<UInt8>) -> String { String(decoding: Array(units), as: UTF8.self) }
        func pointed(_ whole: String, _ rest: String) -> String { rest.isEmpty ? whole : whole + "." + rest }
        let sign = mantissa.hasPrefix("-") ? "-" : ""
        if exponent >= count || exponent < -4 {
            let power = zeros(before: String(exponent.magnitude), 2)
            return sign + pointed(text(digits.prefix(1)), text(digits.dropFirst())) + (isCapital ? "E" : "e")
                + (exponent < 0 ? "-" : "+") + power
        }
        guard exponent >= 0 else {
            return sign + pointed("0", String(repeating: "0", count: -exponent - 1) + text(digits))
        }
        let missing = String(repeating: "0", count: max(0, exponent + 1 - digits.count))
        return sign + pointed(text(digits.prefix(exponent + 1)) + missing, text(digits.dropFirst(exponent + 1)))
    }

    /// Returns a number's digits with one before the point, and its exponent.
    private static func scientific(_ value: PSValue, _ places: Int) throws(Interrupt) -> (String, Int) {
        let number: Double
        switch value {
        case .double(let own): number = own
        case .int(let own): number = Double(own)
        case .long(let own) where own.magnitude < 1 << 53: number = Double(own)
        default: throw .handOver("a number format")
        }
        guard number.isFinite, places < 30 else { throw .handOver("a number format") }
        // The direction in which a half is rounded depends on the type.
        let long = PSText.printed("%.40e", number)
        let parts = PSText.printed("%.\(places)e", number).split(separator: "e")
        let behind = long.prefix { $0 != "e" }.drop { $0 != "." }.dropFirst(1 + places)
        guard parts.count == 2, let exponent = Int(parts[1]),
            behind.first != "5" || behind.dropFirst().contains(where: { $0 != "0" })
        else { throw .handOver("a number format") }
        return (String(parts[0]), exponent)
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
