import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMEgress

@Suite(
    "Clients that speak HTTP/2 alone", .timeLimit(.minutes(15)),
    .enabled(if: RawSession.openssl != nil, "needs openssl (apt-get install openssl)"))
struct HTTP2Tests {
    private typealias Frame = HTTP2Frame

    private func answers(_ wire: TestWire, _ frames: [HTTP2Frame]) async throws -> [HTTP2Frame] {
        let sent = Frame.preface + frames.flatMap(\.bytes) + Frame.goodbye.bytes
        return Frame.read(try await RawSession.tunnelledBytes(wire, sent, arguments: ["-alpn", "h2"]))
    }

    private func body(_ frames: [HTTP2Frame], _ stream: UInt32) -> String {
        String(decoding: frames.filter { $0.kind == 0 && $0.stream == stream }.flatMap(\.payload), as: UTF8.self)
    }

    @Test("each stream is a request that is judged, gets its token, and is recorded")
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
        for stream: UInt32 in [1, 3, 5] {
            #expect(found.first { $0.kind == 1 && $0.stream == stream }?.payload.first == 0x88)
            #expect(found.contains { $0.kind == 0 && $0.stream == stream && $0.flags & 1 == 1 })
        }
        #expect(await eventually { wire.records.count == 3 } && wire.judge.judged.count == 3)
        #expect(Set(wire.records.map(\.bytesUp)) == [0, 6, 2])
        await wire.session.close()
        await upstream.stop()
    }

    @Test(
        "requests that HTTP/1.1 refuses are refused on their stream, and the others continue",
        arguments: [
            HTTP2Frame.head(1, authority: "evil.example"), .head(1, "CONNECT", "/x"), .head(1, "GET", "/a b"),
            .head(1, fields: [("host", "other.example")]), .head(1, "GET", "/v1.0/me", fields: [("expect", "tea")]),
            .head(1, "TRACE"), .head(1, fields: [("transfer-encoding", "chunked")]),
            .head(1, fields: [("X-Upper", "a")]),
            .head(1, "GET", "http://x/"), .head(1, fields: [("content-length", "5")]),
            // Characters that a later reader could misinterpret.
            .head(1, "GET", "*"), .head(1, "GET", "/a HTTP/1.1\r\nHost: evil.example\r\n\r\n"), .head(1, "get"),
            .head(1, "GET /x HTTP/1.1\r\nX:"), .head(1, authority: "graph.microsoft.com\r\nx: y"),
            .head(1, authority: "graph.microsoft.com:444"), .head(1, authority: "a@graph.microsoft.com"),
            .head(1, fields: [(":method", "DELETE")]), .head(1, fields: [(":path", "/v1.0/users")]),
            .head(1, fields: [("x", "y"), (":authority", "evil.example")]),
            .head(1, fields: [(":protocol", "websocket")]),
            .head(1, fields: [("connection", "x-a")]), .head(1, fields: [("upgrade", "websocket")]),
            .head(1, fields: [("te", "gzip")]), .head(1, fields: [("a: b\r\nc", "d")]),
            .head(1, "POST", fields: [("content-length", "1"), ("content-length", "2")], ends: false),
            .head(1, "POST", fields: [("content-length", "-1")], ends: false),
            .head(1, "POST", fields: [("content-length", "1, 1")], ends: false),
            .head(1, "POST", fields: [("content-length", "99999999999999999999")], ends: false),
            HTTP2Frame(
                kind: 1, flags: 5, stream: 1,
                payload: HTTP2Frame.list([
                    (":method", "GET"), (":scheme", "http"), (":path", "/"), ("host", "graph.microsoft.com"),
                ])),
            HTTP2Frame(
                kind: 1, flags: 5, stream: 1,
                payload: HTTP2Frame.list([(":method", "GET"), (":scheme", "https"), (":path", "/")])),
        ])
    func refusals(_ bad: HTTP2Frame) async throws {
        let upstream = try Upstream { request in .text("fine " + request.path) }
        let wire = try await TestWire(upstream: upstream.port)
        let found = try await answers(wire, [bad, .head(3)])
        #expect(!body(found, 1).contains("fine"), "\(body(found, 1))")
        #expect(upstream.received.count == 1 && body(found, 3) == "fine /v1.0/me", "\(found)")
        await wire.session.close()
        await upstream.stop()
    }

    @Test(
        "the value of a field never becomes another field",
        arguments: ["a\r\nauthorization: Bearer x", "a\nx-injected: 1", "a\0b", "a\u{7F}"])
    func injected(_ value: String) async throws {
        let upstream = try Upstream { request in .text("fine " + request.path) }
        let wire = try await TestWire(upstream: upstream.port)
        _ = try await answers(wire, [.head(1, fields: [("x-note", value)]), .head(3)])
        #expect(
            upstream.received.allSatisfy {
                $0.headers["authorization"] == nil && $0.headers["x-injected"] == nil && $0.headers["x-note"] == nil
            })
        await wire.session.close()
        await upstream.stop()
    }

    @Test("a request that waits for a confirmation ends with its stream, and nothing of it is sent")
    func cancelled() async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        let waits = Mutex(0)
        wire.judge.say { request in
            guard request.method == "POST" else { return .allow(class: "read") }
            return .hold(class: "write") {
                waits.withLock { $0 += 1 }
                try? await Task.sleep(for: .seconds(600))
                return Task.isCancelled ? RequestRefusal(code: "cancelled", message: "x") : nil
            }
        }
        let client = try await TunnelClient(wire, arguments: ["-alpn", "h2"])
        let frames = [Frame.head(1, "POST", "/v1.0/users", ends: false), .data(1, "{}", ends: true)]
        try client.send(Frame.preface + frames.flatMap(\.bytes))
        #expect(await eventually { waits.withLock { $0 } == 1 })
        try client.send(Frame.reset(1).bytes)
        #expect(await wire.records(1).first?.fault == "client_gone")
        try client.send(Frame.head(3).bytes + Frame.goodbye.bytes)
        #expect(await wire.records(2).last?.status == 200)
        #expect(upstream.received.map(\.method) == ["GET"])
        await wire.session.close()
        await upstream.stop()
    }

    @Test("random and torn bytes end only their connection", arguments: 0..<12)
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
        _ = try await RawSession.tunnelledBytes(wire, Frame.preface + bytes, arguments: ["-alpn", "h2"])
        // On a busy machine the first bytes of a connection may come too late.
        let isServed = try await eventually {
            try await answers(wire, [.head(1)]).first { $0.kind == 1 && $0.stream == 1 }?.payload.first == 0x88
        }
        #expect(isServed)
        await wire.session.close()
        await upstream.stop()
    }

    @Test("requests that are reset at once don't accumulate, and reach nobody")
    func resets() async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        var frames: [Frame] = []
        for stream in stride(from: UInt32(1), through: 251, by: 2) {
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
