import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMEgress

@Suite(
    "Clients that speak HTTP/2 alone", .timeLimit(.minutes(15)),
    .enabled(if: RawSession.openssl != nil, "needs openssl (apt-get install openssl)"))
struct HTTP2Tests {
    /// Frames of a client, and of a server as far as tests read them.
    struct Frame: Hashable {
        var kind: UInt8
        var flags: UInt8 = 0
        var stream: UInt8 = 0
        var payload: [UInt8] = []

        var bytes: [UInt8] {
            [
                UInt8(payload.count >> 16), UInt8(payload.count >> 8 & 255), UInt8(payload.count & 255), kind, flags, 0,
                0, 0, stream,
            ]
                + payload
        }

        /// The head of a request, its fields written out.
        static func head(
            _ stream: UInt8, _ method: String = "GET", _ path: String = "/v1.0/me",
            fields: [(String, String)] = [], ends: Bool = true, authority: String = "graph.microsoft.com"
        ) -> Frame {
            var payload: [UInt8] = []
            let all = [(":method", method), (":scheme", "https"), (":authority", authority), (":path", path)] + fields
            for (name, value) in all {
                payload += [0] + text(name) + text(value)
            }
            return Frame(kind: 1, flags: ends ? 5 : 4, stream: stream, payload: payload)
        }

        /// A text of HPACK: its length, in seven bits and those that follow, and its bytes.
        private static func text(_ text: String) -> [UInt8] {
            var rest = text.utf8.count
            guard rest >= 127 else { return [UInt8(rest)] + Array(text.utf8) }
            var length: [UInt8] = [127]
            rest -= 127
            while rest >= 128 {
                length.append(UInt8(rest & 127) | 128)
                rest >>= 7
            }
            return length + [UInt8(rest)] + Array(text.utf8)
        }

        static func data(_ stream: UInt8, _ text: String, ends: Bool) -> Frame {
            Frame(kind: 0, flags: ends ? 1 : 0, stream: stream, payload: Array(text.utf8))
        }

        static func read(_ bytes: [UInt8]) -> [Frame] {
            var frames: [Frame] = []
            var at = 0
            while at + 9 <= bytes.count {
                let end = at + 9 + (Int(bytes[at]) << 16 | Int(bytes[at + 1]) << 8 | Int(bytes[at + 2]))
                guard end <= bytes.count else { break }
                frames.append(
                    Frame(
                        kind: bytes[at + 3], flags: bytes[at + 4], stream: bytes[at + 8],
                        payload: Array(bytes[(at + 9)..<end])))
                at = end
            }
            return frames
        }
    }

    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + Frame(kind: 4).bytes
    private static let goodbye = Frame(kind: 7, payload: [UInt8](repeating: 0, count: 8)).bytes

    private func answers(_ wire: TestWire, _ frames: [Frame]) async throws -> [Frame] {
        let sent = Self.preface + frames.flatMap(\.bytes) + Self.goodbye
        return Frame.read(try await RawSession.tunnelledBytes(wire, sent, arguments: ["-alpn", "h2"]))
    }

    private func body(_ frames: [Frame], _ stream: UInt8) -> String {
        String(decoding: frames.filter { $0.kind == 0 && $0.stream == stream }.flatMap(\.payload), as: UTF8.self)
    }

    @Test("each stream is a request that is judged, gets its token, and is recorded, as others are")
    func requests() async throws {
        let upstream = try Upstream { request in
            .text("\(request.method) \(request.path) \(request.headers["authorization"] ?? "-") \(request.body.count)")
        }
        let wire = try await TestWire(upstream: upstream.port)
        let token = try wire.placeholder()
        let found = try await answers(
            wire,
            [
                .head(1, fields: [("authorization", "Bearer \(token)")]),
                .head(3, "POST", "/v1.0/users", ends: false), .data(3, "abc", ends: false), .data(3, "def", ends: true),
                .head(5, fields: [("content-length", "2")], ends: false), .data(5, "xy", ends: true),
            ])
        #expect(
            body(found, 1).hasPrefix("GET /v1.0/me Bearer real-token-of-admin@contoso.com"), "\(body(found, 1))")
        #expect(body(found, 3) == "POST /v1.0/users - 6" && body(found, 5) == "GET /v1.0/me - 2")
        // 200, and the end of each stream.
        for stream: UInt8 in [1, 3, 5] {
            #expect(found.first { $0.kind == 1 && $0.stream == stream }?.payload.first == 0x88)
            #expect(found.contains { $0.kind == 0 && $0.stream == stream && $0.flags & 1 == 1 })
        }
        #expect(await eventually { wire.records.count == 3 } && wire.judge.judged.count == 3)
        #expect(Set(wire.records.map(\.bytesUp)) == [0, 6, 2])
        await wire.session.close()
        await upstream.stop()
    }

    @Test(
        "what HTTP/1.1 refuses is refused on its stream, and the others go on",
        arguments: [
            Frame.head(1, authority: "evil.example"), .head(1, "CONNECT", "/x"), .head(1, "GET", "/a b"),
            .head(1, fields: [("host", "other.example")]), .head(1, "GET", "/v1.0/me", fields: [("expect", "tea")]),
            .head(1, "TRACE"), .head(1, fields: [("transfer-encoding", "chunked")]),
            .head(1, fields: [("X-Upper", "a")]),
            .head(1, "GET", "http://x/"), .head(1, fields: [("content-length", "5")]),
        ])
    func refusals(_ bad: Frame) async throws {
        let upstream = try Upstream { request in .text("fine " + request.path) }
        let wire = try await TestWire(upstream: upstream.port)
        let found = try await answers(wire, [bad, .head(3)])
        #expect(!body(found, 1).contains("fine"), "\(body(found, 1))")
        #expect(upstream.received.count == 1 && body(found, 3) == "fine /v1.0/me", "\(found)")
        await wire.session.close()
        await upstream.stop()
    }

    @Test("random and torn bytes end the connection and nothing else", arguments: 0..<12)
    func fuzz(_ seed: UInt64) async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port) {
            $0.limits.idle = .seconds(1)
            $0.limits.bodyStall = .seconds(1)
        }
        var random = SeededRandom(seed: seed)
        var bytes =
            Frame.head(1).bytes + Frame.head(3, "PUT", ends: false).bytes + Frame.data(3, "abcdef", ends: true).bytes
        switch seed % 3 {
        case 0: bytes.removeLast(Int.random(in: 1..<bytes.count, using: &random))
        case 1:
            for _ in 0..<8 {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
            }
        default: bytes = (0..<4_000).map { _ in .random(in: 0...255, using: &random) }
        }
        _ = try await RawSession.tunnelledBytes(wire, Self.preface + bytes, arguments: ["-alpn", "h2"])
        let after = try await answers(wire, [.head(1)])
        #expect(after.first { $0.kind == 1 && $0.stream == 1 }?.payload.first == 0x88, "\(after)")
        await wire.session.close()
        await upstream.stop()
    }

    @Test("requests that are reset at once don't pile up, and reach nobody")
    func resets() async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        var frames: [Frame] = []
        for stream in stride(from: UInt8(1), through: 251, by: 2) {
            frames.append(.head(stream, "PUT", ends: false))
            frames.append(Frame(kind: 3, stream: stream, payload: [0, 0, 0, 8]))
        }
        frames.append(.head(253))
        _ = try await answers(wire, frames)
        #expect(upstream.received.allSatisfy { $0.method == "GET" })
        let after = try await answers(wire, [.head(1)])
        #expect(after.contains { $0.kind == 1 && $0.stream == 1 })
        await wire.session.close()
        await upstream.stop()
    }
}
