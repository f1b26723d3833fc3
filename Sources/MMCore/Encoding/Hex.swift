/// Hexadecimal digits (RFC 4648, section 8): written in lower case, read in either.
package enum Hex {
    /// Encodes bytes as hexadecimal digits.
    package static func text(_ bytes: some Sequence<UInt8>) -> String {
        let direct = bytes.withContiguousStorageIfAvailable { text(of: $0) }
        return direct ?? Array(bytes).withUnsafeBufferPointer { text(of: $0) }
    }

    private static func text(of bytes: UnsafeBufferPointer<UInt8>) -> String {
        String(unsafeUninitializedCapacity: bytes.count * 2) { room in
            for (index, byte) in bytes.enumerated() {
                room[index * 2] = digit(byte >> 4)
                room[index * 2 + 1] = digit(byte & 15)
            }
            return bytes.count * 2
        }
    }

    /// Returns the value of a digit; `nil` for another byte.
    package static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x41 + 10
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }

    /// Returns the digit of a value below 16.
    static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
}
