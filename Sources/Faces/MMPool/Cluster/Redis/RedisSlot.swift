/// Which of a cluster's 16,384 slots a key belongs to.
enum RedisSlot {
    /// The slot of a key: of the part within its first braces, where it has one.
    static func of(_ key: String) -> Int {
        var hashed = Array(key.utf8)[...]
        if let open = hashed.firstIndex(of: UInt8(ascii: "{")),
            let close = hashed[(open + 1)...].firstIndex(of: UInt8(ascii: "}")), close > open + 1
        {
            hashed = hashed[(open + 1)..<close]
        }
        // CRC-16 of XMODEM, as Redis has it.
        var sum: UInt16 = 0
        for byte in hashed {
            sum ^= UInt16(byte) << 8
            for _ in 0..<8 { sum = sum & 0x8000 != 0 ? sum << 1 ^ 0x1021 : sum << 1 }
        }
        return Int(sum) % 16384
    }
}
