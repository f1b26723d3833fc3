import MMCore

/// A text as .NET's numeric types read it, in the invariant culture and in a style.
struct NumberReading {
    /// The forms that a reading allows, as `[Globalization.NumberStyles]` names them.
    struct Style: OptionSet {
        let rawValue: Int

        static let leadingWhite = Style(rawValue: 0x1)
        static let trailingWhite = Style(rawValue: 0x2)
        static let leadingSign = Style(rawValue: 0x4)
        static let trailingSign = Style(rawValue: 0x8)
        static let parentheses = Style(rawValue: 0x10)
        static let point = Style(rawValue: 0x20)
        static let thousands = Style(rawValue: 0x40)
        static let exponent = Style(rawValue: 0x80)
        static let currency = Style(rawValue: 0x100)
        static let integer: Style = [.leadingWhite, .trailingWhite, .leadingSign]
        static let float: Style = [.integer, .point, .exponent]
        static let number: Style = [.integer, .trailingSign, .point, .thousands]

        private static let named: [String: Style] = [
            "none": [], "allowleadingwhite": .leadingWhite, "allowtrailingwhite": .trailingWhite,
            "allowleadingsign": .leadingSign, "allowtrailingsign": .trailingSign, "allowparentheses": .parentheses,
            "allowdecimalpoint": .point, "allowthousands": .thousands, "allowexponent": .exponent,
            "allowcurrencysymbol": .currency, "integer": .integer, "float": .float, "number": .number,
            "currency": [.number, .parentheses, .currency], "any": [.number, .parentheses, .currency, .exponent],
        ]

        /// The style with these names; `nil` for styles of another kind, such as those of hexadecimal numbers.
        init?(named text: String) {
            self = []
            for name in text.lowercased().split(whereSeparator: { ", ".contains($0) }) {
                guard let style = Self.named[String(name)] else { return nil }
                formUnion(style)
            }
        }

        init(rawValue: Int) { self.rawValue = rawValue }

        /// The style in which a type reads a text without being told any.
        static func usual(_ type: PSType) -> Style {
            switch type {
            case .decimal: .number
            case .double, .single: [.float, .thousands]
            default: .integer
            }
        }
    }

    /// What a type makes of a text.
    enum Outcome {
        case value(PSValue)
        /// No number in this style.
        case none
        /// A number that the type can't hold.
        case overflow
    }

    private var isNegative = false
    /// The digits, those after the point included.
    private var digits: [UInt8] = []
    /// How many of the digits are after the point.
    private var places = 0
    /// The power of ten that is written behind the digits; `nil` without one.
    private var exponent: Int?

    /// Reads a text as a numeric type.
    static func read(_ text: String, as type: PSType, _ style: Style) throws(Interrupt) -> Outcome {
        let units = Array(text.utf8)
        let isMoney = style.contains(.currency) && units.contains { $0 >= 0x80 || $0 == UInt8(ascii: "$") }
        guard !isMoney, !style.contains(.parentheses) || !units.contains(UInt8(ascii: "(")), !units.contains(0) else {
            throw .handOver("a number in an uncertain form")
        }
        guard let reading = NumberReading(units, style) else {
            guard type == .double || type == .single, let named = named(text) else { return .none }
            return .value(type == .double ? .double(named) : .single(Float(named)))
        }
        switch type {
        case .double: return .value(.double(try reading.real()))
        case .single: return .value(.single(try reading.real()))
        case .decimal: return try reading.decimal()
        default: return reading.whole(type)
        }
    }

    /// Returns the number that a word stands for, in whichever style.
    private static func named(_ text: String) -> Double? {
        switch text.trimmed.lowercased() {
        case "infinity", "+infinity": .infinity
        case "-infinity": -.infinity
        case "nan", "+nan", "-nan": .nan
        default: nil
        }
    }

    private init?(_ units: [UInt8], _ style: Style) {
        var rest = units[...]
        if style.contains(.leadingWhite) { rest = rest.drop(while: \.isBlank) }
        var hasSign = style.contains(.leadingSign) && takeSign(&rest)
        guard takeDigits(&rest, style) else { return nil }
        if style.contains(.exponent) { takeExponent(&rest) }
        while let unit = rest.first {
            if unit.isBlank, style.contains(.trailingWhite) {
                rest.removeFirst()
            } else if style.contains(.trailingSign), !hasSign, takeSign(&rest) {
                hasSign = true
            } else {
                return nil
            }
        }
    }

    private mutating func takeSign(_ rest: inout ArraySlice<UInt8>) -> Bool {
        guard let unit = rest.first, unit == UInt8(ascii: "-") || unit == UInt8(ascii: "+") else { return false }
        isNegative = unit == UInt8(ascii: "-")
        rest.removeFirst()
        return true
    }

    /// Takes the digits before and after the point; returns whether there are any. Commas may stand anywhere behind the
    /// first digit and before the point.
    private mutating func takeDigits(_ rest: inout ArraySlice<UInt8>, _ style: Style) -> Bool {
        var hasPoint = false
        while let unit = rest.first {
            switch unit {
            case 0x30...0x39:
                digits.append(unit)
                if hasPoint { places += 1 }
            case UInt8(ascii: ".") where style.contains(.point) && !hasPoint: hasPoint = true
            case UInt8(ascii: ",") where style.contains(.thousands) && !digits.isEmpty && !hasPoint: break
            default: return !digits.isEmpty
            }
            rest.removeFirst()
        }
        return !digits.isEmpty
    }

    /// Takes a power of ten, if there is one.
    private mutating func takeExponent(_ rest: inout ArraySlice<UInt8>) {
        var ahead = rest
        guard let mark = ahead.popFirst(), mark | 0x20 == UInt8(ascii: "e") else { return }
        let isSmall = ahead.first == UInt8(ascii: "-")
        if isSmall || ahead.first == UInt8(ascii: "+") { ahead.removeFirst() }
        let written = ahead.prefix { (0x30...0x39).contains($0) }
        guard !written.isEmpty else { return }
        // Beyond this, every number of these types is too large or zero.
        let power = min(Int(String(decoding: written, as: UTF8.self)) ?? 9999, 9999)
        exponent = isSmall ? -power : power
        rest = ahead.dropFirst(written.count)
    }

    private func real<Number: LosslessStringConvertible>() throws(Interrupt) -> Number {
        let text = String(decoding: digits, as: UTF8.self)
        guard let number = Number("\(isNegative ? "-" : "")\(text)e\((exponent ?? 0) - places)") else {
            throw .handOver("a number in an uncertain form")
        }
        return number
    }

    private func decimal() throws(Interrupt) -> Outcome {
        let text = String(decoding: digits.dropLast(places), as: UTF8.self)
        let rest = String(decoding: digits.suffix(places), as: UTF8.self)
        let number = PSDecimal("\(isNegative ? "-" : "")\(text).\(rest)")
        // Of a number with more places than fit, the last are rounded away.
        guard exponent == nil, number != nil || places == 0 else { throw .handOver("an unusual decimal") }
        return number.map { .value(.decimal($0)) } ?? .overflow
    }

    private func whole(_ type: PSType) -> Outcome {
        var digits = digits
        var missing = (exponent ?? 0) - places
        while missing < 0, digits.last == 0x30 {
            digits.removeLast()
            missing += 1
        }
        if !digits.contains(where: { $0 != 0x30 }) { (digits, missing) = ([0x30], 0) }
        guard (0...20).contains(missing) else { return .overflow }
        let sign = isNegative ? "-" : ""
        let text = sign + String(decoding: digits + Array(repeating: 0x30, count: missing), as: UTF8.self)
        let value: PSValue? =
            switch type {
            case .int: Int32(text).map { .int($0) }
            case .byte: UInt8(text).map { .byte($0) }
            default: Int64(text).map { .long($0) }
            }
        return value.map { .value($0) } ?? .overflow
    }
}
