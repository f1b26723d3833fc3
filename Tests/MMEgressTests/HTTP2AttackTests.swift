import MMCore
import MMHTTP
import MMSystem
import TestSupport
import Testing

@testable import MMEgress

@Suite("Attacks by HTTP/2 clients on their connection", .timeLimit(.minutes(15)))
struct HTTP2AttackTests {
    private typealias Frame = HTTP2Frame

    /// The results of requests.
    private final class Seen: Sendable {
        private let state = Mutex<(begun: Int, ended: [String])>((0, []))

        var begun: Int { state.withLock { $0.begun } }
        var ended: [String] { state.withLock { $0.ended } }

        func begin() { state.withLock { $0.begun += 1 } }
        func end(_ how: String) { state.withLock { $0.ended.append(how) } }
    }

    /// Delays many calls until it is opened.
    private final class Gate: Sendable {
        private let isOpen = Mutex(false)

        func open() { isOpen.withLock { $0 = true } }
        func pass() async { _ = await eventually { isOpen.withLock { $0 } } }
    }

    private static let read: @Sendable (HTTP2Stream) async -> String = { stream in
        do throws(WireFault) {
            var bytes: [UInt8] = []
            while let piece = try await stream.next() { bytes += piece }
            return "whole \(bytes.count)"
        } catch { return error.kind.rawValue }
    }

    private static func answer(_ stream: HTTP2Stream, _ text: String = "fine") async {
        try? await stream.whole(200, [:], Array(text.utf8), length: text.utf8.count, keepsAlive: true)
        stream.finish()
    }

    // MARK: Bodies

    @Test(
        "a body shorter than announced never counts as complete, even if its client stays silent",
        arguments: [
            [HTTP2Frame.data(1, "ab", ends: true)], [.data(1, "abcdefgh", ends: true)],
            [.data(1, "abcde", ends: false), .data(1, "f", ends: true)],
            [
                .data(1, "abcde", ends: false),
                HTTP2Frame(kind: 1, flags: 5, stream: 1, payload: HTTP2Frame.list([("content-length", "6")])),
            ],
            [.data(1, "abcde", ends: false), .reset(1)],
        ])
    func lengths(_ body: [HTTP2Frame]) async throws {
        let seen = Seen()
        let client = try await HTTP2Client { stream, _ in seen.end(await Self.read(stream)) }
        try await client.send(.head(1, "PUT", fields: [("content-length", "5")], ends: false))
        try await client.send(body.flatMap(\.bytes))
        #expect(await eventually { seen.ended == ["torn_body"] }, "\(seen.ended)")
    }

    @Test("a body that nobody reads takes only its window, and delays no other request")
    func unread() async throws {
        let gate = Gate()
        let seen = Seen()
        let client = try await HTTP2Client { stream, request in
            guard !request.endsHere else { return await Self.answer(stream) }
            await gate.pass()
            seen.end(await Self.read(stream))
            await Self.answer(stream)
        }
        let piece = String(repeating: "x", count: 16 << 10)
        try await client.send(.head(1, "PUT", ends: false))
        for _ in 0..<8 { try await client.send(.data(1, piece, ends: false)) }
        try await client.send(.head(3))
        #expect(try await client.frames { $0.isComplete(3) }.reset(of: 1) == nil)
        gate.open()
        // There is room again after it was read.
        #expect(try await client.frames { $0.contains { $0.kind == Frame.window && $0.stream == 1 } }.count > 0)
        try await client.send(.data(1, piece, ends: true))
        #expect(try await client.frames { $0.isComplete(1) }.bytes(on: 1) == 4)
        #expect(seen.ended == ["whole \(9 * (16 << 10))"])
    }

    @Test("a client that exceeds its window loses the stream")
    func beyond() async throws {
        let seen = Seen()
        let gate = Gate()
        let client = try await HTTP2Client { stream, request in
            guard !request.endsHere else { return await Self.answer(stream) }
            await gate.pass()
            seen.end(await Self.read(stream))
        }
        try await client.send(.head(1, "PUT", ends: false))
        for _ in 0..<9 { try await client.send(.data(1, String(repeating: "x", count: 16 << 10), ends: false)) }
        #expect(try await client.frames { $0.reset(of: 1) != nil }.reset(of: 1) == 3)
        gate.open()
        #expect(await eventually { seen.ended == ["torn_body"] }, "\(seen.ended)")
        try await client.send(.head(3))
        #expect(try await client.frames { $0.isComplete(3) }.isComplete(3))
    }

    @Test("a stalled body is given up; that of a request that has ended isn't waited for")
    func stalled() async throws {
        var limits = EgressLimits()
        limits.bodyStall = .milliseconds(100)
        let seen = Seen()
        let late = try await HTTP2Client(limits: limits) { stream, _ in seen.end(await Self.read(stream)) }
        try await late.send(.head(1, "PUT", ends: false))
        #expect(await eventually { seen.ended == ["too_slow"] }, "\(seen.ended)")

        let reading = Seen()
        let ended = Seen()
        let patient = try await HTTP2Client { stream, _ in
            let task = Task {
                reading.begin()
                return await Self.read(stream)
            }
            _ = await eventually { reading.begun == 1 }
            task.cancel()
            ended.end(await task.value)
        }
        try await patient.send(.head(1, "PUT", ends: false))
        #expect(await eventually { ended.ended == ["client_gone"] }, "\(ended.ended)")
    }

    // MARK: Answers

    @Test("an answer isn't read faster than its client takes it, and arrives completely")
    func slow() async throws {
        let (piece, count) = ([UInt8](repeating: 0x78, count: 16 << 10), 64)
        let seen = Seen()
        let client = try await HTTP2Client { stream, _ in
            try? await stream.head(200, [:], keepsAlive: true)
            for _ in 0..<count where (try? await stream.piece(piece, isChunked: false)) != nil { seen.begin() }
            stream.finish()
        }
        try await client.send(.head(1))
        let window = 65_535
        #expect(try await client.frames { $0.bytes(on: 1) >= window }.bytes(on: 1) == window)
        // The bytes sent, the buffer, and one piece.
        #expect(seen.begun * piece.count <= window + (64 << 10) + piece.count)
        try await client.send(.room(0, 1 << 24), .room(1, 1 << 24))
        let all = try await client.frames { $0.isComplete(1) }
        #expect(all.bytes(on: 1) == count * piece.count && seen.begun == count)
    }

    @Test("an answer that its client doesn't read is ended, and its connection serves others")
    func untaken() async throws {
        var limits = EgressLimits()
        limits.answerStall = .milliseconds(200)
        let seen = Seen()
        let client = try await HTTP2Client(limits: limits) { stream, request in
            guard !request.endsHere else { return await Self.answer(stream) }
            do throws(WireFault) {
                try await stream.head(200, [:], keepsAlive: true)
                while true { try await stream.piece([UInt8](repeating: 0, count: 32 << 10), isChunked: false) }
            } catch { seen.end(error.kind.rawValue) }
        }
        try await client.send(.room(0, 1 << 24), .head(1, "PUT", ends: false))
        #expect(try await client.frames { $0.reset(of: 1) != nil }.reset(of: 1) != nil)
        #expect(await eventually { seen.ended == ["client_gone"] })
        try await client.send(.head(3))
        #expect(try await client.frames { $0.isComplete(3) }.bytes(on: 3) == 4)
    }

    // MARK: Many of everything

    @Test(
        "a connection has at most 32 requests, and a session no more than it may have connections",
        arguments: [512, 5])
    func many(limit: Int) async throws {
        let gate = Gate()
        let seen = Seen()
        let open = OpenCount(limit: limit)
        let most = min(limit, 32)
        let client = try await HTTP2Client(open: open) { stream, _ in
            seen.begin()
            await gate.pass()
            await Self.answer(stream)
        }
        let streams = (0..<32).map { UInt32($0 * 2 + 1) }
        try await client.send(streams.flatMap { Frame.head($0).bytes })
        // 7 (REFUSED_STREAM): nothing was done for it, it may be repeated.
        let refused = try await client.frames { $0.count { $0.kind == Frame.reset } == 32 - most }
        #expect(refused.filter { $0.kind == Frame.reset }.allSatisfy { $0.payload.last == 7 })
        #expect(await eventually { seen.begun == most } && open.now == most)
        gate.open()
        #expect(try await client.frames { $0.count(where: \.ends) == most }.count(where: \.ends) == most)
        #expect(await eventually { open.now == 0 })
        try await client.send(.head(101))
        #expect(try await client.frames { $0.isComplete(101) }.isComplete(101))
    }

    @Test(
        "a client that exceeds the number of requests ends its connection with all its requests"
    )
    func tooMany() async throws {
        let seen = Seen()
        let client = try await HTTP2Client { stream, _ in
            let question = OneShot<Bool>()
            stream.onDeparture { question.resolve(true) }
            _ = await question.wait()
            seen.end("left")
        }
        try await client.send((0..<33).flatMap { Frame.head(UInt32($0 * 2 + 1)).bytes })
        #expect(try await client.frames { _ in false }.contains { $0.kind == Frame.goAway })
        await client.ended()
        #expect(seen.ended.count == 32)
    }

    @Test(
        "a client that causes answers without reading them loses its connection",
        arguments: [HTTP2Frame.ping, HTTP2Frame.settings, HTTP2Frame.headers, HTTP2Frame.reset])
    func flood(_ kind: UInt8) async throws {
        let gate = Gate()
        let open = OpenCount(limit: 512)
        let client = try await HTTP2Client(open: open) { stream, _ in
            await gate.pass()
            await Self.answer(stream)
        }
        var isEnded = false
        var stream: UInt32 = 1
        for _ in 0..<4_000 where !isEnded {
            var bytes: [UInt8] = []
            for _ in 0..<100 {
                switch kind {
                case Frame.ping: bytes += Frame(kind: kind, payload: [UInt8](repeating: 0, count: 8)).bytes
                case Frame.settings: bytes += Frame(kind: kind).bytes
                case Frame.headers: bytes += Frame.head(stream).bytes
                default: bytes += Frame.head(stream).bytes + Frame.reset(stream).bytes
                }
                stream += 2
            }
            do { try await client.send(bytes) } catch { isEnded = true }
        }
        #expect(isEnded)
        gate.open()
        await client.ended()
        #expect(open.now == 0)
    }

    @Test("a head that doesn't end, is a bomb, or is too large begins no request")
    func heads() async throws {
        let seen = Seen()
        let serve: @Sendable (HTTP2Stream, HTTP2Connection.Request) async -> Void = { stream, _ in
            seen.begin()
            await Self.answer(stream)
        }
        // Endless continuation frames.
        let endless = try await HTTP2Client(serve: serve)
        var head = Frame.head(1)
        head.flags = 1
        let more = Frame(kind: Frame.continuation, stream: 1, payload: Frame.list([("x-a", "b")])).bytes
        var isEnded = false
        do {
            try await endless.send(head.bytes)
            for _ in 0..<2_000 { try await endless.send([[UInt8]](repeating: more, count: 50).flatMap(\.self)) }
        } catch { isEnded = true }
        #expect(isEnded && seen.begun == 0)

        let client = try await HTTP2Client(serve: serve)
        // One large field that is referred to thousands of times by a byte each; 62 is the newest of the table.
        var bomb = Frame.head(1)
        bomb.payload += [0x40] + Frame.text("x-bomb") + Frame.text(String(repeating: "b", count: 3_900))
        bomb.payload += [UInt8](repeating: 0x80 | 62, count: 8_000)
        let fields = (0..<130).map { ("x-\($0)", "a") }
        let large = (0..<5).map { ("x-\($0)", String(repeating: "a", count: 3_000)) }
        try await client.send(bomb, .head(3, fields: fields), .head(5, fields: large))
        #expect(try await client.frames { $0.isComplete(5) }.isComplete(5))
        let frames = try await client.frames { $0.reset(of: 3) != nil }
        #expect(frames.reset(of: 1) != nil && frames.reset(of: 3) != nil && seen.begun == 1)
    }

    // MARK: Ends

    @Test("a client that is gone leaves nothing behind, whatever it waited for", arguments: [false, true])
    func gone(saysNothing: Bool) async throws {
        let seen = Seen()
        let open = OpenCount(limit: 512)
        let client = try await HTTP2Client(open: open) { stream, request in
            seen.begin()
            if request.endsHere {
                // A question that waits, and an answer that isn't read.
                let question = OneShot<Bool>()
                stream.onDeparture { question.resolve(true) }
                _ = await question.wait()
                while (try? await stream.piece([UInt8](repeating: 0, count: 64 << 10), isChunked: false)) != nil {}
                seen.end("question")
            } else {
                seen.end(await Self.read(stream))
            }
        }
        try await client.send(.head(1), .head(3, "PUT", ends: false), .data(3, "abc", ends: false))
        #expect(await eventually { seen.begun == 2 })
        if saysNothing { client.leave() } else { try await client.send(.reset(1), .reset(3)) }
        #expect(
            await eventually { seen.ended.sorted() == ["question", "torn_body"] && open.now == 0 }, "\(seen.ended)")
        if saysNothing { await client.ended() }
    }

    @Test("after a GOAWAY the requests under way complete, then the connection ends")
    func goodbye() async throws {
        let gate = Gate()
        let client = try await HTTP2Client { stream, _ in
            await gate.pass()
            await Self.answer(stream)
        }
        try await client.send(.head(1), Frame.goodbye)
        gate.open()
        #expect(try await client.frames { _ in false }.isComplete(1))
        await client.ended()
    }

    @Test("an idle connection is closed, one with a request under way isn't")
    func idle() async throws {
        var limits = EgressLimits()
        limits.idle = .seconds(2)
        let gate = Gate()
        let client = try await HTTP2Client(.head(1), limits: limits) { stream, _ in
            await gate.pass()
            await Self.answer(stream)
        }
        let quiet = try await HTTP2Client(limits: limits) { _, _ in }
        #expect(try await quiet.frames { _ in false }.contains { $0.kind == Frame.goAway })
        await quiet.ended()
        gate.open()
        let frames = try await client.frames { _ in false }
        #expect(frames.isComplete(1) && frames.contains { $0.kind == Frame.goAway })
        await client.ended()
    }
}
