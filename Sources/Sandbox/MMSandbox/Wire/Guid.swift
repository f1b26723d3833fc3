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
        // Written at once: each of many appends would ask again whether there is room.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 36) { text in
            var digit = 0
            for place in 0..<36 {
                guard place != 8, place != 13, place != 18, place != 23 else {
                    text[place] = UInt8(ascii: "-")
                    continue
                }
                let half = digit < 16 ? high : low
                text[place] = letter(half >> UInt64((15 - digit % 16) * 4))
                digit += 1
            }
            bytes.append(contentsOf: text)
        }
    }

    private static func letter(_ value: UInt64) -> UInt8 {
        let digit = UInt8(truncatingIfNeeded: value & 15)
        return digit < 10 ? 0x30 + digit : 0x61 + digit - 10
    }

    static func appendHex(_ value: UInt64, digits: Int, to bytes: inout [UInt8]) {
        for position in (0..<digits).reversed() {
            bytes.append(letter(value >> UInt64(position * 4)))
        }
    }
}
