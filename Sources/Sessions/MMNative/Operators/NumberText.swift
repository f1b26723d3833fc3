import MMCore

/// Converts text to numbers as PowerShell's conversions do: the forms of number literals, and those with thousands
/// separators.
enum NumberText {
    /// The result of reading a text.
    enum Reading {
        case number(PSValue)
        /// Not a number in any reading.
        case none
    }

    /// Reads a text; hands over forms whose meaning isn't certain.
    static func read(_ text: String) throws(Interrupt) -> Reading {
        if text.isEmpty { return .number(.int(0)) }
        // White space of every kind may surround a number.
        let inner = String(decoding: Array(text.utf8).trimmingBlanks(), as: UTF8.self)
        guard inner.isPlain else {
            let isNumber = text.unicodeScalars.allSatisfy { scalar in
                scalar.value <= 0x7F ? !(0x09...0x0D).contains(scalar.value) : mayBeInNumber(scalar)
            }
            // White space in the middle makes it no number, and so do letters beyond ASCII.
            if !isNumber { return .none }
            throw .handOver("a number in unusual text")
        }
        let units = Array(text.utf8).trimmingBlanks()
        guard !units.isEmpty else { throw .handOver("a blank text as a number") }
        guard units.contains(where: isDigit) else {
            let word = String(decoding: units, as: UTF8.self).lowercased()
            if word.contains("infinity") || word.contains("nan") || word.hasPrefix("#") || word.hasPrefix("&h") {
                throw .handOver("an unusual number")
            }
            return .none
        }
        if units[0] == UInt8(ascii: "#") || units[0] == UInt8(ascii: "&") { throw .handOver("an unusual number") }
        var scanner = Scanner(units: units)
        return try scanner.read()
    }

    /// Returns whether a character beyond ASCII may be part of a number: white space, a sign, or a currency symbol.
    private static func mayBeInNumber(_ scalar: Unicode.Scalar) -> Bool {
        let category = scalar.properties.generalCategory
        return scalar.value == 0xA4 || scalar.properties.isWhitespace
            || [.mathSymbol, .dashPunctuation, .format].contains(category)
    }

    private static func isDigit(_ unit: UInt8) -> Bool { (0x30...0x39).contains(unit) }

    private struct Scanner {
        let units: [UInt8]
        var place = 0

        init(units: [UInt8]) { self.units = units }

        private var next: UInt8? { place < units.count ? units[place] : nil }

        private mutating func digits() -> ArraySlice<UInt8> {
            let start = place
            while let unit = next, isDigit(unit) { place += 1 }
            return units[start..<place]
        }

        mutating func read() throws(Interrupt) -> Reading {
            let isNegative = next == UInt8(ascii: "-")
            if isNegative || next == UInt8(ascii: "+") { place += 1 }
            let start = place
            if next == UInt8(ascii: "0"), place + 1 < units.count {
                let mark = units[place + 1] | 0x20
                if mark == UInt8(ascii: "x") { return try hex(isNegative) }
                if mark == UInt8(ascii: "b") {
                    if units.count == place + 2 { throw .handOver("an unusual number") }
                    if units[place + 2] == UInt8(ascii: "0") || units[place + 2] == UInt8(ascii: "1") {
                        throw .handOver("an unusual number")
                    }
                }
            }
            var isReal = false
            let whole = digits()
            var hasDigits = !whole.isEmpty
            if next == UInt8(ascii: ".") {
                place += 1
                isReal = true
                if !digits().isEmpty { hasDigits = true }
            }
            guard hasDigits else { return .none }
            if let unit = next, unit | 0x20 == UInt8(ascii: "e") {
                var ahead = place + 1
                if ahead < units.count, units[ahead] == UInt8(ascii: "+") || units[ahead] == UInt8(ascii: "-") {
                    ahead += 1
                }
                guard ahead < units.count, isDigit(units[ahead]) else { return .none }
                place = ahead
                _ = digits()
                isReal = true
            }
            let body = String(decoding: units[start..<place], as: UTF8.self)
            if next == UInt8(ascii: ",") { return try grouped(from: start, isNegative) }
            return try suffixed(body, isReal, isNegative)
        }

        private func hex(_ isNegative: Bool) throws(Interrupt) -> Reading {
            let digits = units[(place + 2)...]
            guard !digits.isEmpty, digits.allSatisfy({ isDigit($0) || (0x61...0x66).contains($0 | 0x20) }) else {
                throw .handOver("an unusual hex number")
            }
            // With eight or more digits, the highest bit is the sign.
            guard !isNegative, digits.count < 8, let value = Int32(String(decoding: digits, as: UTF8.self), radix: 16)
            else { throw .handOver("an unusual hex number") }
            return .number(.int(value))
        }

        /// Reads `1,234.5`, in which commas may appear anywhere before the decimal point.
        private func grouped(from start: Int, _ isNegative: Bool) throws(Interrupt) -> Reading {
            var text = isNegative ? "-" : ""
            var sawPoint = false
            for (offset, unit) in units[start...].enumerated() {
                switch unit {
                case UInt8(ascii: ",") where !sawPoint && offset > 0: continue
                case UInt8(ascii: ".") where !sawPoint: sawPoint = true
                case let unit where isDigit(unit): break
                case let unit where unit | 0x20 == UInt8(ascii: "e"): throw .handOver("an unusual number")
                default: return .none
                }
                text.unicodeScalars.append(UnicodeScalar(unit))
            }
            if text.hasSuffix(".") || units.last == UInt8(ascii: ",") { throw .handOver("an unusual number") }
            guard let value = Double(text) else { throw .handOver("an unusual number") }
            return .number(.double(value))
        }

        private mutating func suffixed(
            _ body: String, _ isReal: Bool, _ isNegative: Bool
        ) throws(Interrupt) -> Reading {
            var rest = String(decoding: units[place...], as: UTF8.self).lowercased()
            var factor: Int64 = 1
            if rest.utf8.count >= 2, rest.hasSuffix("b"), let mark = rest.utf8.dropLast().last,
                let scale = Array("kmgtp".utf8).firstIndex(of: mark)
            {
                for _ in 0...scale { factor *= 1024 }
                rest.removeLast(2)
            }
            switch rest {
            case "": break
            case "l" where !isReal, "d": break
            case "u", "ul", "n", "s", "us", "y", "uy", "l": throw .handOver("a number of an unusual type")
            // Another decimal point: 1.2.3 is not a number.
            default: return .none
            }
            let signed = (isNegative ? "-" : "") + body
            if rest == "d" {
                guard factor == 1, let value = PSDecimal(signed) else { throw .handOver("an unusual decimal") }
                return .number(.decimal(value))
            }
            if isReal {
                var text = signed
                if text.hasSuffix(".") { text.removeLast() }
                text = text.replacing(".e", with: "e")
                if body.hasPrefix(".") { text = (isNegative ? "-0" : "0") + body }
                guard let value = Double(text), value.isFinite else { throw .handOver("an unusual number") }
                return .number(.double(value * Double(factor)))
            }
            guard let value = Int64(signed) else {
                guard factor == 1, rest.isEmpty, let value = PSDecimal(signed) else {
                    throw .handOver("a number beyond 64 bits")
                }
                return .number(.decimal(value))
            }
            let (product, overflow) = value.multipliedReportingOverflow(by: factor)
            if overflow { throw .handOver("a number beyond 64 bits") }
            if rest == "l" { return .number(.long(product)) }
            return .number(Int32(exactly: product).map { .int($0) } ?? .long(product))
        }
    }
}

extension UInt8 {
    /// Whether it is a space, a tab or the end of a line.
    var isBlank: Bool { self == 0x20 || (0x09...0x0D).contains(self) }
}

extension Array where Element == UInt8 {
    /// Returns the units without surrounding white space: spaces, tabs and line ends.
    func trimmingBlanks() -> [UInt8] {
        Array(drop(while: \.isBlank).reversed().drop(while: \.isBlank).reversed())
    }
}
