/// GUIDs as text.
enum Guid {
    /// Returns the text of 128 bits, with the marks of a random GUID (RFC 9562, section 5.4).
    static func text(_ high: UInt64, _ low: UInt64) -> String {
        var bytes: [UInt8] = []
        append(high, low, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the 36 characters of a GUID.
    static func append(_ high: UInt64, _ low: UInt64, to bytes: inout [UInt8]) {
        let high = high & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = low & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        appendHex(high >> 32, digits: 8, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        appendHex(high >> 16 & 0xFFFF, digits: 4, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        appendHex(high & 0xFFFF, digits: 4, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        appendHex(low >> 48, digits: 4, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        appendHex(low & 0xFFFF_FFFF_FFFF, digits: 12, to: &bytes)
    }

    static func appendHex(_ value: UInt64, digits: Int, to bytes: inout [UInt8]) {
        for position in (0..<digits).reversed() {
            let digit = UInt8(truncatingIfNeeded: value >> UInt64(position * 4) & 15)
            bytes.append(digit < 10 ? 0x30 + digit : 0x61 + digit - 10)
        }
    }
}
