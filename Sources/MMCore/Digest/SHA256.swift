import CMMSystem

/// The SHA-256 digest (FIPS 180-4, section 6.2), used for hash chains, file names and the PKCE challenge of a sign-in.
///
/// Compare secrets with `ConstantTime`, not by comparing digests with `==`.
package struct SHA256: Sendable {
    /// The length of a digest in bytes.
    private static let byteCount = 32
    static let blockSize = 64

    private var state = SIMD8<UInt32>(
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19)
    /// The beginning of an incomplete block.
    private var waiting = SIMD64<UInt8>()
    private var waitingCount = 0
    private var length: UInt64 = 0
    /// Whether the processor's SHA instructions are not used, for tests.
    private let isPlain: Bool

    /// Creates an empty digest; feed it with `update(_:)`.
    package init() { self.init(isPlain: false) }

    package init(isPlain: Bool) { self.isPlain = isPlain }

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

    /// Feeds one byte into the digest.
    package mutating func update(byte: UInt8) {
        withUnsafePointer(to: byte) { take(UnsafeBufferPointer(start: $0, count: 1)) }
    }

    /// Returns the digest of everything fed so far.
    package consuming func finish() -> [UInt8] {
        let bits = length &* 8
        // A one, zeros up to the last eight bytes of a block, and the length there.
        let zeros = waitingCount < 56 ? 55 - waitingCount : 119 - waitingCount
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.blockSize + 8) { end in
            end[0] = 0x80
            for index in 0..<zeros { end[1 + index] = 0 }
            for index in 0..<8 { end[1 + zeros + index] = UInt8(truncatingIfNeeded: bits >> UInt64(56 - 8 * index)) }
            take(UnsafeBufferPointer(rebasing: end[..<(zeros + 9)]))
        }
        let state = state
        return [UInt8](unsafeUninitializedCapacity: Self.byteCount) { bytes, count in
            for index in 0..<Self.byteCount {
                bytes[index] = UInt8(truncatingIfNeeded: state[index / 4] >> UInt32(24 - index % 4 * 8))
            }
            count = Self.byteCount
        }
    }

    private mutating func take(_ bytes: UnsafeBufferPointer<UInt8>) {
        length &+= UInt64(bytes.count)
        var rest = bytes[...]
        if waitingCount > 0 {
            hold(&rest)
            guard waitingCount == Self.blockSize else { return }
            compressWaiting()
        }
        let blocks = rest.count / Self.blockSize
        if blocks > 0 {
            compress(UnsafeBufferPointer(rebasing: rest), blocks)
            rest = rest.dropFirst(blocks * Self.blockSize)
        }
        hold(&rest)
    }

    /// Appends bytes to the incomplete block, as many as fit into it.
    private mutating func hold(_ rest: inout Slice<UnsafeBufferPointer<UInt8>>) {
        let count = min(Self.blockSize - waitingCount, rest.count)
        guard count > 0 else { return }
        let start = waitingCount
        withUnsafeMutableBytes(of: &waiting) { room in
            UnsafeMutableRawBufferPointer(rebasing: room[start..<start + count])
                .copyMemory(from: UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: rest.prefix(count))))
        }
        waitingCount += count
        rest = rest.dropFirst(count)
    }

    private mutating func compressWaiting() {
        let block = waiting
        withUnsafeBytes(of: block) { compress($0.assumingMemoryBound(to: UInt8.self), 1) }
        waitingCount = 0
    }

    private mutating func compress(_ bytes: UnsafeBufferPointer<UInt8>, _ blocks: Int) {
        let plainly: Int32 = isPlain ? 1 : 0
        withUnsafeMutableBytes(of: &state) { words in
            mm_sha256_blocks(
                words.assumingMemoryBound(to: UInt32.self).baseAddress, bytes.baseAddress, blocks, plainly)
        }
    }
}
