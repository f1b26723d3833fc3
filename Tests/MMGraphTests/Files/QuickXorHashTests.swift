import MMCore
import TestSupport
import Testing

@testable import MMGraph

@Suite("QuickXorHash", .timeLimit(.minutes(5)))
struct QuickXorHashTests {
    /// The algorithm as described: each byte is added at its own position in a circle of 160 bits.
    static func bitwise(_ bytes: [UInt8]) -> String {
        var sum = [UInt8](repeating: 0, count: 20)
        for (index, byte) in bytes.enumerated() where byte != 0 {
            let place = (index &* 11) % 160
            let spread = UInt16(byte) << UInt16(place % 8)
            sum[place / 8] ^= UInt8(truncatingIfNeeded: spread)
            sum[(place / 8 + 1) % 20] ^= UInt8(truncatingIfNeeded: spread >> 8)
        }
        for index in 0..<8 { sum[12 + index] ^= UInt8(truncatingIfNeeded: UInt64(bytes.count) >> UInt64(8 * index)) }
        return Base64.text(sum)
    }

    @Test(
        "known contents give their known checksums",
        arguments: [
            ("", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="), ("Sg==", "SgAAAAAAAAAAAAAAAQAAAAAAAAA="),
            ("tbQ=", "taAFAAAAAAAAAAAAAgAAAAAAAAA="), ("0pZP", "0rDEEwAAAAAAAAAAAwAAAAAAAAA="),
            ("jRRDVA==", "jaDAEKgAAAAAAAAABAAAAAAAAAA="),
        ])
    func known(content: String, expected: String) throws {
        let bytes = try #require(Base64.bytes(content))
        var hash = QuickXorHash()
        hash.update(bytes)
        #expect(Base64.text(hash.finish()) == expected)
    }

    @Test("the division into pieces doesn't matter", arguments: [1, 7, 159, 160, 161, 1000, 4099])
    func pieces(size: Int) {
        let bytes = (0..<4099).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 / 7) }
        var hash = QuickXorHash()
        for start in stride(from: 0, to: bytes.count, by: size) {
            hash.update(bytes[start..<min(start + size, bytes.count)])
        }
        #expect(Base64.text(hash.finish()) == Self.bitwise(bytes))
    }
}
