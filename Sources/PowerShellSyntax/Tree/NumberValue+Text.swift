extension NumberValue {
    /// The value as the engine prints it in the invariant culture.
    public var invariantText: String {
        switch self {
        case .int8(let value): String(value)
        case .uint8(let value): String(value)
        case .int16(let value): String(value)
        case .uint16(let value): String(value)
        case .int32(let value): String(value)
        case .uint32(let value): String(value)
        case .int64(let value): String(value)
        case .uint64(let value): String(value)
        case .decimal(let digits), .bigInteger(let digits): digits
        case .double(let value): NumberValue.text(of: value)
        case .boolean(let value): value ? "True" : "False"
        }
    }

    /// Returns the shortest digits that identify the double, with an exponent from 1E+15 upwards and below 0.0001, as
    /// .NET prints it.
    private static func text(of value: Double) -> String {
        if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
        if value == 0 { return value.sign == .minus ? "-0" : "0" }
        let sign = value < 0 ? "-" : ""
        let parts = "\(value.magnitude)".split(separator: "e")
        var digits = Array(parts[0].utf8)
        var point = digits.firstIndex(of: UInt8(ascii: ".")) ?? digits.count
        digits.removeAll { $0 == UInt8(ascii: ".") }
        if parts.count > 1, let exponent = Int(parts[1]) { point += exponent }
        while digits.first == UInt8(ascii: "0") {
            digits.removeFirst()
            point -= 1
        }
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        let text = String(decoding: digits, as: UTF8.self)
        let exponent = point - 1
        if exponent >= 15 || exponent < -4 {
            let tail = text.count > 1 ? "." + text.dropFirst() : ""
            let magnitude = String(exponent.magnitude)
            let padded = magnitude.count < 2 ? "0" + magnitude : magnitude
            return sign + text.prefix(1) + tail + "E" + (exponent < 0 ? "-" : "+") + padded
        }
        if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + text }
        if point >= digits.count { return sign + text + String(repeating: "0", count: point - digits.count) }
        return sign + text.prefix(point) + "." + text.dropFirst(point)
    }
}
