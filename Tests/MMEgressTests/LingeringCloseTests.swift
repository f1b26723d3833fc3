import MMCore
import TestSupport
import Testing

@testable import MMEgress

@Suite("Closing a connection whose client is still sending", .timeLimit(.minutes(5)))
struct LingeringCloseTests {
    /// A request that is refused by its head; its body exceeds the kernel's buffers for a server that doesn't read.
    private func refused(_ wire: TestWire, body: Int) -> [UInt8] {
        let head =
            "POST http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\(RawSession.authorization(wire))\r\n"
            + "Content-Length: \(body)\r\n\r\n"
        return Array(head.utf8) + [UInt8](repeating: 0x78, count: body)
    }

    @Test("a client that reads only after sending everything gets the refusal")
    func answered() async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        let answer = try await RawSession.sendingFirst(wire, refused(wire, body: 40 << 20))
        #expect(answer?.hasPrefix("HTTP/1.1 403 ") ?? false)
        #expect(upstream.received.isEmpty && wire.refusals == ["host_not_allowed"])
        await wire.session.close()
        await upstream.stop()
    }

    @Test("only a limited number of bytes is read from it")
    func boundedBytes() async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port) { $0.limits.lingerBytes = 1 << 20 }
        #expect(try await RawSession.sendingFirst(wire, refused(wire, body: 40 << 20)) == nil)
        await wire.session.close()
        await upstream.stop()
    }

    @Test("only for a limited time")
    func boundedTime() async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port) { $0.limits.linger = .seconds(1) }
        #expect(try await RawSession.neverEnding(wire, refused(wire, body: 100)))
        await wire.session.close()
        await upstream.stop()
    }

    @Test("the end of the session doesn't wait for it")
    func endOfSession() async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port) { $0.limits.linger = .seconds(3_600) }
        let client = Task { try await RawSession.neverEnding(wire, refused(wire, body: 100)) }
        #expect(await eventually { wire.refusals == ["host_not_allowed"] })
        await wire.session.close()
        #expect(try await client.value)
        await upstream.stop()
    }
}
