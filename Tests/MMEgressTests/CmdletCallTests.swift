import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMEgress

/// How a session calls cmdlets of other sessions.
@Suite("Calling cmdlets of other sessions through a session's proxy", .timeLimit(.minutes(5)))
struct CmdletCallTests {
    private static func called(
        _ wire: TestWire, _ call: String, _ fields: String..., method: String = "POST"
    ) async throws -> String {
        let lines =
            [
                "\(method) \(EgressSession.cmdletsPath) HTTP/1.1", "Host: 127.0.0.1:\(wire.session.port)",
                "Connection: close",
            ]
            + ["Content-Length: \(call.utf8.count)"] + fields
        return try await RawSession.plain(wire, Array((lines.joined(separator: "\r\n") + "\r\n\r\n" + call).utf8))
    }

    /// The proxy's secret, which the session's own processes send.
    private static func secret(_ wire: TestWire) throws -> String {
        let proxy = try #require(wire.session.environment["HTTPS_PROXY"])
        let start = try #require(proxy.firstRange(of: "://")).upperBound
        let end = try #require(proxy.lastIndex(of: "@"))
        return "Authorization: Basic " + Base64.text(Array(proxy[start..<end].utf8))
    }

    @Test("reaches the handler, and returns its result")
    func carriedOut() async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port) { configuration in
            configuration.cmdlets = { call in Array("got ".utf8) + call }
        }
        let answer = try await Self.called(wire, "{\"cmdlet\": \"Get-MgUser\"}", try Self.secret(wire))
        #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.hasSuffix("got {\"cmdlet\": \"Get-MgUser\"}"), "\(answer)")
        #expect(upstream.received.isEmpty)
        await wire.session.close()
        await upstream.stop()
    }

    @Test("needs the session's secret and the right form")
    func refused() async throws {
        let upstream = try Upstream()
        let calls = Mutex(0)
        let wire = try await TestWire(upstream: upstream.port) { configuration in
            configuration.cmdlets = { _ in
                calls.withLock { $0 += 1 }
                return []
            }
        }
        let secret = try Self.secret(wire)
        #expect(try await Self.called(wire, "{}").hasPrefix("HTTP/1.1 401 "))
        #expect(try await Self.called(wire, "{}", "Authorization: Basic c2Vzc2lvbjp4").hasPrefix("HTTP/1.1 401 "))
        #expect(try await Self.called(wire, "", secret, method: "GET").hasPrefix("HTTP/1.1 405 "))
        wire.session.cutRequests()
        #expect(try await Self.called(wire, "{}", secret).hasPrefix("HTTP/1.1 403 "))
        #expect(calls.withLock { $0 } == 0)
        await wire.session.close()
        await upstream.stop()
    }

    @Test("calls under way end with the command that is being stopped")
    func stopped() async throws {
        let upstream = try Upstream()
        let (began, ended) = (OneShot<Void>(), OneShot<Bool>())
        let wire = try await TestWire(upstream: upstream.port) { configuration in
            configuration.cmdlets = { _ in
                began.resolve(())
                while !Task.isCancelled { try? await Task.sleep(for: .milliseconds(5)) }
                ended.resolve(true)
                return []
            }
        }
        let secret = try Self.secret(wire)
        let waiting = Task { try await Self.called(wire, "{}", secret) }
        await began.wait()
        wire.session.cutRequests()
        #expect(await ended.wait())
        _ = try await waiting.value
        await wire.session.close()
        await upstream.stop()
    }

    @Test("isn't possible in a session without such calls")
    func none() async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        #expect(try await Self.called(wire, "{}", try Self.secret(wire)).hasPrefix("HTTP/1.1 407 "))
        await wire.session.close()
        await upstream.stop()
    }
}
