/// The value of a number literal, in the type that the engine chooses.
package enum NumberValue: Sendable, Equatable {
    /// Suffix `y`.
    case int8(Int8)
    /// Suffix `uy`.
    case uint8(UInt8)
    /// Suffix `s`.
    case int16(Int16)
    /// Suffix `us`.
    case uint16(UInt16)
    /// No suffix, when it fits.
    case int32(Int32)
    /// Suffix `u`, when it fits.
    case uint32(UInt32)
    /// Suffix `l`, or no suffix when it doesn't fit into 32 bits.
    case int64(Int64)
    /// Suffix `ul`, or `u` when it doesn't fit into 32 bits.
    case uint64(UInt64)
    /// Suffix `d`, or an integer beyond 64 bits: its exact decimal digits.
    case decimal(String)
    /// Suffix `n`: its exact decimal digits.
    case bigInteger(String)
    /// With a decimal point or an exponent.
    case double(Double)
    /// The `$true` that stands for the omitted value of an attribute argument.
    case boolean(Bool)

    /// The .NET type name without namespace.
    package var typeName: String {
        switch self {
        case .int8: "SByte"
        case .uint8: "Byte"
        case .int16: "Int16"
        case .uint16: "UInt16"
        case .int32: "Int32"
        case .uint32: "UInt32"
        case .int64: "Int64"
        case .uint64: "UInt64"
        case .decimal: "Decimal"
        case .bigInteger: "BigInteger"
        case .double: "Double"
        case .boolean: "Boolean"
        }
    }
}

extension NumberValue {
    /// The value as the engine prints it in the invariant culture.
    package var invariantText: String {
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

    /// Returns the shortest digits that identify a number, as .NET prints it: with an exponent below 0.0001, and where
    /// there would be too many digits before the point.
    /// - Parameter digits: how many digits there may be before the point.
    package static func text(of value: Double, digits limit: Int = 15) -> String {
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
        if exponent >= limit || exponent < -4 {
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
