import Glibc

/// The MD5 digest (RFC 1321). No security relies on it; it is only used to compare with the data of other programs.
package enum MD5 {
    private static let turns: [[UInt32]] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]]
    /// The whole parts of the sines of 1 to 64, times 2^32.
    private static let sines = (1...64).map { UInt32(truncatingIfNeeded: Int64(abs(sin(Double($0))) * 4_294_967_296)) }

    /// Returns the digest of `bytes`.
    package static func digest(_ bytes: [UInt8]) -> [UInt8] {
        var state: [UInt32] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476]
        var message = bytes + [0x80]
        message += repeatElement(0, count: (120 - message.count % 64) % 64)
        let bits = UInt64(bytes.count) &* 8
        message += (0..<8).map { UInt8(truncatingIfNeeded: bits >> UInt64(8 * $0)) }
        for start in stride(from: 0, to: message.count, by: 64) {
            take(message[start..<(start + 64)], into: &state)
        }
        return state.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(8 * $0)) } }
    }

    private static func take(_ block: ArraySlice<UInt8>, into state: inout [UInt32]) {
        let words = stride(from: block.startIndex, to: block.endIndex, by: 4).map { place in
            block[place..<(place + 4)].reversed().reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
        }
        var (a, b, c, d) = (state[0], state[1], state[2], state[3])
        for index in 0..<64 {
            let (mix, place): (UInt32, Int) =
                switch index {
                case ..<16: (b & c | ~b & d, index)
                case ..<32: (b & d | c & ~d, (5 * index + 1) % 16)
                case ..<48: (b ^ c ^ d, (3 * index + 5) % 16)
                default: (c ^ (b | ~d), 7 * index % 16)
                }
            let sum = a &+ mix &+ sines[index] &+ words[place]
            let bits = turns[index / 16][index % 4]
            (a, b, c, d) = (d, b &+ (sum << bits | sum >> (32 - bits)), b, c)
        }
        for (index, word) in [a, b, c, d].enumerated() { state[index] = state[index] &+ word }
    }
}
