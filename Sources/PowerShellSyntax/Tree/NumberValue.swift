/// The value of a number literal, in the type that the engine chooses.
public enum NumberValue: Sendable, Equatable {
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
    public var typeName: String {
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
