/// The checksum of files in OneDrive for work and SharePoint ("Code snippets: QuickXorHash algorithm").
///
/// Byte `i` is combined by exclusive or into a circle of 160 bits, at bit `11 * i`; the length goes into the last 64
/// bits. The position of a byte repeats every 160 bytes, so whole blocks are combined first and placed once, at the
/// end.
struct QuickXorHash: Sendable {
    private static let bits = 160
    private static let shift = 11

    private var lanes = [UInt8](repeating: 0, count: bits)
    private var length: UInt64 = 0

    /// Feeds more bytes into the checksum.
    mutating func update(_ bytes: some Collection<UInt8>) {
        let start = Int(length % UInt64(Self.bits))
        length &+= UInt64(bytes.count)
        let direct: Void? = bytes.withContiguousStorageIfAvailable { Self.combine($0, into: &lanes, from: start) }
        if direct == nil {
            Array(bytes).withUnsafeBufferPointer { Self.combine($0, into: &lanes, from: start) }
        }
    }

    /// Returns the 20 bytes of the checksum.
    func finish() -> [UInt8] {
        var sum = [UInt8](repeating: 0, count: Self.bits / 8)
        for (index, lane) in lanes.enumerated() where lane != 0 {
            let place = index * Self.shift % Self.bits
            let spread = UInt16(lane) << UInt16(place % 8)
            sum[place / 8] ^= UInt8(truncatingIfNeeded: spread)
            sum[(place / 8 + 1) % sum.count] ^= UInt8(truncatingIfNeeded: spread >> 8)
        }
        for index in 0..<8 { sum[12 + index] ^= UInt8(truncatingIfNeeded: length >> (8 * UInt64(index))) }
        return sum
    }

    private static func combine(_ bytes: UnsafeBufferPointer<UInt8>, into lanes: inout [UInt8], from start: Int) {
        lanes.withUnsafeMutableBufferPointer { lanes in
            var next = 0
            var lane = start
            while next < bytes.count {
                let count = min(bits - lane, bytes.count - next)
                for index in 0..<count { lanes[lane + index] ^= bytes[next + index] }
                next += count
                lane = 0
            }
        }
    }
}
