/// The SHA-256 digest (FIPS 180-4, section 6.2), used for hash chains, file names and the PKCE challenge of a sign-in.
///
/// Compare secrets with `ConstantTime`, not by comparing digests with `==`.
package struct SHA256: Sendable {
    /// The length of a digest in bytes.
    package static let byteCount = 32
    static let blockSize = 64

    private var state: [UInt32] = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ]
    private var waiting: [UInt8] = []
    private var length: UInt64 = 0

    /// Creates an empty digest; feed it with `update(_:)`.
    package init() {}

    /// Returns the digest of `bytes`.
    package static func digest(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var digest = SHA256()
        digest.update(bytes)
        return digest.finish()
    }

    /// Feeds more bytes into the digest.
    package mutating func update(_ bytes: some Sequence<UInt8>) {
        let direct: Void? = bytes.withContiguousStorageIfAvailable { take($0) }
        if direct == nil { Array(bytes).withUnsafeBufferPointer { take($0) } }
    }

    /// Returns the digest of everything fed so far.
    package consuming func finish() -> [UInt8] {
        let bits = length &* 8
        var end: [UInt8] = [0x80]
        while (waiting.count + end.count) % Self.blockSize != 56 { end.append(0) }
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            end.append(UInt8(truncatingIfNeeded: bits >> shift))
        }
        end.withUnsafeBufferPointer { take($0) }
        return state.flatMap { word in
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> UInt32($0)) }
        }
    }

    private mutating func take(_ bytes: UnsafeBufferPointer<UInt8>) {
        length &+= UInt64(bytes.count)
        var start = 0
        if !waiting.isEmpty {
            start = min(Self.blockSize - waiting.count, bytes.count)
            waiting.append(contentsOf: bytes[..<start])
            guard waiting.count == Self.blockSize else { return }
            let block = waiting
            block.withUnsafeBufferPointer { compress($0) }
            waiting.removeAll(keepingCapacity: true)
        }
        while bytes.count - start >= Self.blockSize {
            compress(UnsafeBufferPointer(rebasing: bytes[start..<start + Self.blockSize]))
            start += Self.blockSize
        }
        waiting.append(contentsOf: bytes[start...])
    }

    private mutating func compress(_ block: UnsafeBufferPointer<UInt8>) {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { words in
            for index in 0..<16 {
                words[index] =
                    UInt32(block[index * 4]) << 24 | UInt32(block[index * 4 + 1]) << 16
                    | UInt32(block[index * 4 + 2]) << 8 | UInt32(block[index * 4 + 3])
            }
            for index in 16..<64 {
                let (first, second) = (words[index - 15], words[index - 2])
                let small = Self.turn(first, 7) ^ Self.turn(first, 18) ^ (first >> 3)
                let large = Self.turn(second, 17) ^ Self.turn(second, 19) ^ (second >> 10)
                words[index] = words[index - 16] &+ small &+ words[index - 7] &+ large
            }
            var (a, b, c, d) = (state[0], state[1], state[2], state[3])
            var (e, f, g, h) = (state[4], state[5], state[6], state[7])
            for index in 0..<64 {
                let mixed = Self.turn(e, 6) ^ Self.turn(e, 11) ^ Self.turn(e, 25)
                let chosen = (e & f) ^ (~e & g)
                let first = h &+ mixed &+ chosen &+ Self.constants[index] &+ words[index]
                let major = (a & b) ^ (a & c) ^ (b & c)
                let second = (Self.turn(a, 2) ^ Self.turn(a, 13) ^ Self.turn(a, 22)) &+ major
                (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ second)
            }
            for (index, value) in [a, b, c, d, e, f, g, h].enumerated() { state[index] &+= value }
        }
    }

    private static func turn(_ word: UInt32, _ count: UInt32) -> UInt32 { word >> count | word << (32 - count) }

    private static let constants: [UInt32] = [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ]
}
