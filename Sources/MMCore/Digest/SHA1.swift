/// The SHA-1 digest (FIPS 180-4, section 6.1). No security relies on it; it is only used to compare with the data of
/// other programs.
enum SHA1 {
    static let blockSize = 64

    /// Returns the digest of `bytes`.
    static func digest(_ bytes: [UInt8]) -> [UInt8] {
        var state: [UInt32] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0]
        var message = bytes + [0x80]
        message += repeatElement(0, count: (120 - message.count % blockSize) % blockSize)
        let bits = UInt64(bytes.count) &* 8
        message += (0..<8).map { UInt8(truncatingIfNeeded: bits >> UInt64(56 - 8 * $0)) }
        for start in stride(from: 0, to: message.count, by: blockSize) {
            take(message[start..<(start + blockSize)], into: &state)
        }
        return state.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(24 - 8 * $0)) } }
    }

    private static func take(_ block: ArraySlice<UInt8>, into state: inout [UInt32]) {
        func turned(_ word: UInt32, _ bits: UInt32) -> UInt32 { word << bits | word >> (32 - bits) }
        var words = stride(from: block.startIndex, to: block.endIndex, by: 4).map { place in
            block[place..<(place + 4)].reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
        }
        for index in 16..<80 {
            words.append(turned(words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16], 1))
        }
        var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
        for index in 0..<80 {
            let (mix, constant): (UInt32, UInt32) =
                switch index {
                case ..<20: (b & c | ~b & d, 0x5a82_7999)
                case ..<40: (b ^ c ^ d, 0x6ed9_eba1)
                case ..<60: (b & c | b & d | c & d, 0x8f1b_bcdc)
                default: (b ^ c ^ d, 0xca62_c1d6)
                }
            let next = turned(a, 5) &+ mix &+ e &+ constant &+ words[index]
            (a, b, c, d, e) = (next, a, turned(b, 30), c, d)
        }
        for (index, word) in [a, b, c, d, e].enumerated() { state[index] = state[index] &+ word }
    }
}

/// Keyed message authentication codes (RFC 2104).
package enum HMAC {
    /// Returns the authentication code of a message under a key, over SHA-256.
    package static func sha256(_ message: some Sequence<UInt8>, key: [UInt8]) -> [UInt8] {
        let block = block(of: key.count > SHA256.blockSize ? SHA256.digest(key) : key, SHA256.blockSize)
        var inner = SHA256()
        inner.update(block.map { $0 ^ 0x36 })
        inner.update(message)
        var outer = SHA256()
        outer.update(block.map { $0 ^ 0x5C })
        outer.update(inner.finish())
        return outer.finish()
    }

    /// Returns the authentication code of a message under a key, over SHA-1, to compare with codes that other programs
    /// wrote.
    package static func sha1(_ message: some Sequence<UInt8>, key: [UInt8]) -> [UInt8] {
        let block = block(of: key.count > SHA1.blockSize ? SHA1.digest(key) : key, SHA1.blockSize)
        return SHA1.digest(block.map { $0 ^ 0x5C } + SHA1.digest(block.map { $0 ^ 0x36 } + message))
    }

    private static func block(of key: [UInt8], _ size: Int) -> [UInt8] {
        key + repeatElement(0, count: size - key.count)
    }
}
