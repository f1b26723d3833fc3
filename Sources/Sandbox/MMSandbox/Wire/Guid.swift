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

    /// Returns the security identifier of a user or group with this id: `S-1-12-1` and the four little-endian numbers
    /// of its 16 bytes, of which a GUID's first three groups are stored with the lowest byte first (\[MS-DTYP],
    /// sections
    /// 2.3.4 and 2.4.2; properties of `group` in the reference of Microsoft Graph).
    static func securityIdentifier(_ guid: String) -> String {
        let digits = Array(guid.filter(\.isHexDigit))
        func number(_ places: Int...) -> UInt32 {
            places.reduce(0) { $0 << 8 | (UInt32(String(digits[$1 * 2..<$1 * 2 + 2]), radix: 16) ?? 0) }
        }
        guard digits.count == 32 else { return "S-1-12-1" }
        let numbers = [
            number(0, 1, 2, 3), number(6, 7, 4, 5), number(11, 10, 9, 8), number(15, 14, 13, 12),
        ]
        return "S-1-12-1-" + numbers.map(String.init).joined(separator: "-")
    }

    static func appendHex(_ value: UInt64, digits: Int, to bytes: inout [UInt8]) {
        for position in (0..<digits).reversed() {
            bytes.append(letter(value >> UInt64(position * 4)))
        }
    }
}
