import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMEgress

/// Chunked bodies with random changes, in pieces of any size, read by `RequestBodyReader` and by a second reader that
/// gets the whole text.
@Suite("Random bodies", .timeLimit(.minutes(5)))
struct BodyFuzzTests {
    private static let pieces: [[UInt8]] = [
        "\r", "\n", "\r\n", "0\r\n\r\n", "5\r\n", "5;a=b\r\n", " ", "-", "0x", "G", "0", "00000000000005", "a", "A",
        "\0",
        "X-Late: 1\r\n",
    ].map { Array($0.utf8) }

    private static let digits = Dictionary(
        uniqueKeysWithValues: Array("0123456789abcdef".utf8).enumerated().map { ($1, $0) }
            + Array("ABCDEF".utf8).enumerated().map { ($1, $0 + 10) })

    /// A chunked body, and the bytes after it.
    private static func stream(_ random: inout SeededRandom) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            let size = Int.random(in: 1...300, using: &random)
            let written = String(size, radix: 16, uppercase: Bool.random(using: &random))
            bytes += Array("\(String(repeating: "0", count: Int.random(in: 0...2, using: &random)))\(written)\r\n".utf8)
            bytes += (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) } + [0x0D, 0x0A]
        }
        bytes += Array("0\r\n\r\n".utf8) + Array("GET /next HTTP/1.1\r\n".utf8)
        guard Int.random(in: 0..<3, using: &random) > 0 else { return bytes }
        for _ in 0..<Int.random(in: 1...2, using: &random) {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes.remove(at: place)
            case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 2: bytes.removeLast(bytes.count - place)
            default: bytes.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: place)
            }
            if bytes.isEmpty { return [0] }
        }
        return bytes
    }

    /// The result of a strict reader of RFC 9112, section 7.1, without extensions and trailers: the body and how many
    /// bytes it took; nil if the grammar is violated or the end is missing.
    private static func read(_ bytes: [UInt8]) -> (body: [UInt8], taken: Int)? {
        var rest = bytes[...]
        var body: [UInt8] = []
        func line() -> [UInt8]? {
            guard let end = rest.firstIndex(of: 0x0A), end > rest.startIndex, rest[end - 1] == 0x0D else { return nil }
            defer { rest = rest[(end + 1)...] }
            return Array(rest[..<(end - 1)])
        }
        while true {
            guard let size = line(), (1...12).contains(size.count) else { return nil }
            var count = 0
            for byte in size {
                guard let digit = Self.digits[byte] else { return nil }
                count = count * 16 + digit
            }
            if count == 0 {
                guard line() == [] else { return nil }
                return (body, rest.startIndex)
            }
            guard rest.count >= count + 2 else { return nil }
            body += rest.prefix(count)
            rest = rest.dropFirst(count)
            guard line() == [] else { return nil }
        }
    }

    /// The result of `RequestBodyReader`, and the remaining bytes.
    private static func wire(_ bytes: [UInt8], _ random: inout SeededRandom) async throws -> (
        body: [UInt8], left: [UInt8]
    )? {
        var ends: [Int32] = [0, 0]
        // Wait until each packet is read, so that the pieces are those of the test.
        try #require(socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends) == 0)
        let far = FileDescriptor(owning: ends[1])
        let channel = try WireChannel(FileDescriptor(owning: ends[0]), answerStall: .seconds(60))
        var rest = bytes[...]
        let pieces = Int.random(in: 1...40, using: &random)
        while !rest.isEmpty {
            let size = max(1, min(rest.count, Int.random(in: 0...(2 * bytes.count / pieces + 1), using: &random)))
            let sent = rest.prefix(size).withUnsafeBytes {
                send(far.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            try #require(sent == size)
            rest = rest.dropFirst(size)
        }
        shutdown(far.raw, Int32(SHUT_WR))
        let input = WireInput(channel)
        let body = RequestBodyReader(.chunked, from: input, patience: .seconds(60))
        var read: [UInt8] = []
        do throws(WireFault) {
            while let piece = try await body.next() { read += piece }
            var left = input.takeEarly()
            while let more = try await channel.read(until: .now + .seconds(60)) { left += more }
            channel.drop()
            return body.isDone && body.count == read.count ? (read, left) : nil
        } catch {
            channel.drop()
            return nil
        }
    }

    @Test(
        "a body is read as the grammar says, whatever the pieces, and no byte after it is taken", arguments: 0..<4
    )
    func chunks(_ part: UInt64) async throws {
        var random = SeededRandom(seed: 77 + part)
        var (whole, broken) = (0, 0)
        for number in 0..<500 {
            let bytes = Self.stream(&random)
            let expected = Self.read(bytes)
            let found = try await Self.wire(bytes, &random)
            let shown = "\(part)/\(number): \(String(decoding: bytes, as: UTF8.self).debugDescription)"
            guard let expected, let found else {
                broken += 1
                #expect((expected == nil) == (found == nil), "\(shown)")
                continue
            }
            whole += 1
            #expect(found.body == expected.body && found.left == Array(bytes[expected.taken...]), "\(shown)")
        }
        #expect(whole > 100 && broken > 50, "\(whole) \(broken)")
    }
}
