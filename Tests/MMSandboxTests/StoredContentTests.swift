import MMCore
import TestSupport
import Testing

@testable import MMSandbox

@Suite("What the sandbox keeps of files")
struct StoredContentTests {
    /// The checksum, byte by byte as it is described ("Code snippets: QuickXorHash algorithm").
    private static func checksum(_ content: [UInt8]) -> String {
        var sum = [UInt8](repeating: 0, count: 20)
        var bit = 0
        for byte in content {
            let spread = UInt16(byte) << UInt16(bit % 8)
            sum[bit / 8] ^= UInt8(truncatingIfNeeded: spread)
            sum[(bit / 8 + 1) % 20] ^= UInt8(truncatingIfNeeded: spread >> 8)
            bit = (bit + 11) % 160
        }
        for place in 0..<8 { sum[12 + place] ^= UInt8(truncatingIfNeeded: content.count >> (8 * place)) }
        return Base64.text(sum)
    }

    @Test(
        "size and checksum are the same in pieces of any length, kept or not", arguments: [0, 1, 159, 160, 161, 5_000])
    func pieces(length: Int) {
        var numbers = SystemRandomNumberGenerator()
        let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &numbers) }
        for most in [0, 700, 1 << 20] {
            var content = StoredContent(keeping: most)
            var joined = StoredContent(keeping: most)
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...400, using: &numbers))
                rest = rest.dropFirst(piece.count)
                piece.withUnsafeBytes { content.append($0) }
                let other = StoredContent(Array(piece))
                joined.append(Bool.random(using: &numbers) ? other : other.withoutBytes)
            }
            #expect(content.quickXorHash == Self.checksum(bytes) && joined.quickXorHash == Self.checksum(bytes))
            #expect(content.count == length && joined.count == length)
            #expect(content.bytes == (length <= most ? bytes : nil))
        }
    }
}
