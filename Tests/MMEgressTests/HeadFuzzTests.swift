import MMHTTP
import TestSupport
import Testing

@testable import MMEgress

/// Heads with random changes, read by `RequestHead` and by an independent second reader: both have to accept the same
/// heads and read the same.
@Suite("Random heads", .timeLimit(.minutes(5)))
struct HeadFuzzTests {
    private static let seeds = [
        "GET /v1.0/me HTTP/1.1\r\nHost: graph.microsoft.com",
        "POST /v1.0/users?$select=id HTTP/1.1\r\nHost: graph.microsoft.com\r\nContent-Length: 17\r\nAccept: */*",
        "PATCH /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nX-One: \tblank \r\nExpect: 100-continue",
        "CONNECT graph.microsoft.com:443 HTTP/1.1\r\nHost: graph.microsoft.com:443",
        "CONNECT graph.microsoft.com:443 HTTP/1.0",
        "DELETE /x HTTP/1.1\r\nX-Empty:\r\nhost: b\r\nX-Läng: ä\r\nConnection: close, x-one",
    ]

    private static let pieces: [[UInt8]] =
        [
            "\r", "\n", "\r\n", "\r\n\r\n", " ", "\t", ":", "\0", "\u{7F}", "\u{1}", ",", ";", "0", "5", "-", "+", "#",
            "\\", "é",
            "\r\n ", "\r\n\t", "\r\nHost: evil.example", "\r\nHost : a", "\r\nContent-Length: 5",
            "\r\nContent-Length: 0",
            "\r\nContent-Length: 5, 5", "\r\nContent-Length: 0x5", "\r\nContent-Length: ",
            "\r\nContent-Length: 9999999999999999", "\r\nTransfer-Encoding: chunked",
            "\r\nTransfer-Encoding: gzip, chunked",
            "\r\nTransfer-Encoding: CHUNKED", "\r\nTransfer-Encoding: identity", "\r\nExpect: 100-continue",
            "\r\nExpect: other", "\r\n: x", "\r\nnothing", "HTTP/1.0", "HTTP/1.1", "HTTP/2.0", " HTTP/1.1", "GET",
            "TRACE",
            "get", "/", "http://a/", "*",
        ].map { Array($0.utf8) } + [[0xFF], [0xC3], [0xE2, 0x80], [0xED, 0xA0, 0x80]]

    private static func changed(_ seed: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        var bytes = seed
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            let place = Int.random(in: 0...bytes.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0 where place < bytes.count: bytes.remove(at: place)
            case 1 where place < bytes.count: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 2 where place < bytes.count: bytes[place] ^= 0x20
            case 3:
                // Repeat a line.
                let end = bytes[place...].firstIndex(of: 0x0A).map { $0 + 1 } ?? bytes.count
                bytes.insert(contentsOf: Array(bytes[place..<end]), at: place)
            default: bytes.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: place)
            }
        }
        return bytes
    }

    @Test("both readers accept the same heads and read the same", arguments: 0..<4)
    func agree(_ part: UInt64) throws {
        var random = SeededRandom(seed: 1_000 + part)
        var (taken, refused) = (0, 0)
        for number in 0..<6_000 {
            let seed = Array((Self.seeds.randomElement(using: &random) ?? "").utf8)
            let bytes = Self.changed(seed, &random)
            let shown = String(decoding: bytes, as: UTF8.self).debugDescription
            let expected = StrictHead(bytes)
            let head: RequestHead?
            do throws(WireFault) { head = try RequestHead(bytes[...]) } catch { head = nil }
            guard let head, let expected else {
                refused += 1
                #expect((head == nil) == (expected == nil), "\(part)/\(number): \(shown)")
                continue
            }
            taken += 1
            let isSame =
                head.method == expected.method && head.target == expected.target
                && head.headers.map { "\($0.name):\($0.value)" } == expected.fields.map { "\($0.0):\($0.1)" }
                && head.body == expected.body
            #expect(isSame, "\(part)/\(number): \(shown)")
        }
        #expect(taken > 1_000 && refused > 1_000, "\(taken) \(refused)")
    }
}

/// A head according to the grammar of RFC 9112, limited to what this proxy supports.
private struct StrictHead {
    let method: String
    let target: String
    let fields: [(String, String)]
    let body: RequestHead.Body

    init?(_ bytes: [UInt8]) {
        guard !bytes.contains(0) else { return nil }
        // Lines are separated by CR LF; a single CR or LF is a part of its line.
        var lines: [[UInt8]] = [[]]
        var rest = bytes[...]
        while let first = rest.popFirst() {
            if first == 0x0D, rest.first == 0x0A {
                rest.removeFirst()
                lines.append([])
            } else {
                lines[lines.count - 1].append(first)
            }
        }
        guard lines.count <= 129, lines.allSatisfy({ !$0.contains(0x0D) && !$0.contains(0x0A) }) else { return nil }
        guard let (method, target, isOld) = Self.requestLine(lines.removeFirst()) else { return nil }
        var fields: [(String, String)] = []
        for line in lines {
            guard let field = Self.field(line) else { return nil }
            fields.append(field)
        }
        func values(_ name: String) -> [String] { fields.filter { $0.0.lowercased() == name }.map(\.1) }
        let hosts = values("host").count
        guard hosts == 1 || (isOld && hosts == 0) else { return nil }
        guard (values("expect").first ?? "100-continue").lowercased() == "100-continue" else { return nil }
        switch (values("transfer-encoding"), values("content-length")) {
        case ([], []): body = .none
        case (let codings, []) where codings.count == 1 && codings[0].lowercased() == "chunked": body = .chunked
        case ([], let lengths) where lengths.count == 1:
            guard (1...15).contains(lengths[0].utf8.count), lengths[0].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let count = Int(lengths[0])
            else { return nil }
            body = count == 0 ? .none : .length(count)
        default: return nil
        }
        (self.method, self.target, self.fields) = (method, target, fields)
    }

    private static func requestLine(_ line: [UInt8]) -> (String, String, Bool)? {
        guard line.allSatisfy({ (0x20...0x7E).contains($0) }) else { return nil }
        let parts = String(decoding: line, as: UTF8.self).split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 3, (1...32).contains(parts[0].utf8.count),
            parts[0].utf8.allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }), parts[0] != "TRACE",
            (1...16_384).contains(parts[1].utf8.count), !parts[1].contains("#"), !parts[1].contains("\\")
        else { return nil }
        let isOld = parts[2] == "HTTP/1.0" && parts[0] == "CONNECT"
        return parts[2] == "HTTP/1.1" || isOld ? (String(parts[0]), String(parts[1]), isOld) : nil
    }

    private static func field(_ line: [UInt8]) -> (String, String)? {
        let marks = Array("!#$%&'*+-.^_`|~".utf8)
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0 else { return nil }
        let name = line[..<colon]
        let isToken = name.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || marks.contains(byte)
        }
        guard isToken, let text = String(validating: line[(colon + 1)...], as: UTF8.self),
            text.utf8.allSatisfy({ $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) })
        else { return nil }
        var value = Substring(text)
        while let first = value.unicodeScalars.first, first == " " || first == "\t" {
            value.unicodeScalars.removeFirst()
        }
        while let last = value.unicodeScalars.last, last == " " || last == "\t" { value.unicodeScalars.removeLast() }
        return (String(decoding: name, as: UTF8.self), String(value))
    }
}
