import Glibc
import MMCore
import MMHTTP
import MMSystem
import TestSupport
import Testing

@testable import MMEgress

/// Attacks by services, other processes and slow clients. Nothing reaches an unintended host, and each attempt is
/// recorded.
@Suite("Hostile surroundings", .timeLimit(.minutes(10)), .enabled(if: Curl.path != nil, "needs curl"))
struct HostileSurroundingsTests {
    /// Answers with a redirect to another address.
    private static func redirecting(to place: String, status: Int = 307) throws -> Upstream {
        try Upstream { _ in
            HTTPServerResponse(status: status, headers: ["Location": place], body: .bytes([]))
        }
    }

    @Test(
        "the client follows a redirect, and each step is judged as a request of its own",
        arguments: [
            "https://evil.example/collect", "http://graph.microsoft.com/v1.0/me", "https://127.0.0.1:8443/",
            "https://graph.microsoft.com.evil.example/", "https://graph.microsoft.com@evil.example/",
            "https://graph.microsoft.com:8443/",
        ], [301, 307])
    func redirects(_ place: String, _ status: Int) async throws {
        let upstream = try Self.redirecting(to: place, status: status)
        let wire = try await TestWire(upstream: upstream.port)
        let plain = try await Curl.run(wire, ["https://graph.microsoft.com/v1.0/me"])
        #expect(plain.status == "\(status)" && upstream.received.count == 1)
        _ = try await Curl.run(
            wire,
            [
                "-L", "--location-trusted", "--max-redirs", "3", "-d", "x", "-H",
                "Authorization: Bearer \(try wire.placeholder())", "https://graph.microsoft.com/v1.0/me",
            ])
        #expect(upstream.received.count == 2)
        #expect(wire.refusals.allSatisfy { $0 == "host_not_allowed" } && !wire.refusals.isEmpty)
        await wire.session.close()
        await upstream.stop()
    }

    @Test("a redirect to another service of the cloud gets no token")
    func redirectWithin() async throws {
        let upstream = try Self.redirecting(to: "https://management.azure.com/subscriptions")
        let wire = try await TestWire(upstream: upstream.port)
        let answer = try await Curl.run(
            wire,
            [
                "-L", "--location-trusted", "-H", "Authorization: Bearer \(try wire.placeholder())",
                "https://graph.microsoft.com/v1.0/me",
            ])
        #expect(answer.status == "403" && upstream.received.count == 1)
        // The two requests have connections of their own, which may end in either order.
        #expect(Set(await wire.records(2).map(\.fault)) == [nil, "placeholder_at_other_host"])
        await wire.session.close()
        await upstream.stop()
    }

    @Test("a neighbour's placeholder is worth nothing here")
    func neighboursPlaceholder() async throws {
        let upstream = try Upstream()
        let (own, other) = (try await TestWire(upstream: upstream.port), try await TestWire(upstream: upstream.port))
        let answer = try await Curl.run(
            own,
            ["-H", "Authorization: Bearer \(try other.placeholder())", "https://graph.microsoft.com/v1.0/me"])
        #expect(answer.status == "403" && upstream.received.isEmpty)
        #expect(await own.records(1).map(\.fault) == ["credential_not_of_session"])
        #expect(own.tokens.asked.isEmpty)
        await own.session.close()
        await other.session.close()
        await upstream.stop()
    }

    @Test("another process of the user is refused even if it knows the secret and trusts the authority")
    func neighbour() async throws {
        let upstream = try Upstream()
        // The session's processes are those of this test; curl isn't one of them.
        let wire = try await TestWire(upstream: upstream.port) { $0.processes = { [getpid()] } }
        let answer = try await Curl.run(wire, ["https://graph.microsoft.com/v1.0/me"])
        #expect(answer.text.contains("403") && upstream.received.isEmpty && wire.judge.judged.isEmpty)
        #expect(wire.refusals == ["process_not_of_session"])
        await wire.session.close()
        await upstream.stop()
    }

    @Test(
        "a request that arrives too slowly is given up, and nothing of it is sent",
        arguments: [
            "GET /v1.0/me HTTP/1.1\r\nHost: graph.mic",
            "POST /v1.0/me HTTP/1.1\r\nHost: graph.microsoft.com\r\nContent-Length: 9\r\n\r\nabc",
            "POST /v1.0/me HTTP/1.1\r\nHost: graph.microsoft.com\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            "POST /v1.0/me HTTP/1.1\r\nHost: graph.microsoft.com\r\nTransfer-Encoding: chunked\r\n\r\n5",
        ])
    func slow(_ begun: String) async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port) { configuration in
            configuration.limits.bodyStall = .seconds(1)
            // A head that is sent whole has to arrive in time on a busy machine too.
            configuration.limits.head = .seconds(begun.contains("\r\n\r\n") ? 300 : 10)
        }
        let client = try await TunnelClient(wire)
        try client.send(begun)
        let answer = try await client.rest()
        #expect(answer.hasPrefix("HTTP/1.1 408 ") && upstream.received.isEmpty, "\(answer)")
        #expect(await wire.faults() == ["too_slow"])
        await wire.session.close()
        await upstream.stop()
    }

    @Test("a slow head has one deadline, however often bytes arrive")
    func dribble() async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port) { $0.limits.head = .seconds(10) }
        let client = try await TunnelClient(wire)
        let dribbling = Task {
            try client.send("GET /v1.0/me HTTP/1.1\r\nHost: graph.microsoft.com\r\n")
            while true {
                try client.send("X-More: 1\r\n")
                try await Task.sleep(for: .milliseconds(100))
            }
        }
        let answer = try await client.rest()
        dribbling.cancel()
        #expect(answer.hasPrefix("HTTP/1.1 408 ") && upstream.received.isEmpty, "\(answer)")
        #expect(wire.refusals == ["too_slow"])
        await wire.session.close()
        await upstream.stop()
    }

    @Test("bytes after the body of a refused request are never read as a request", arguments: [100, 3 << 20])
    func behindRefused(_ size: Int) async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        wire.judge.say { request in
            request.target == "/v1.0/bad"
                ? .refuse(class: "write", RequestRefusal(code: "denied", message: "No.")) : .allow(class: "read")
        }
        let smuggled = "GET /v1.0/smuggled HTTP/1.1\r\nHost: graph.microsoft.com\r\n\r\n"
        let body = String(repeating: smuggled, count: size / smuggled.utf8.count + 1)
        let head =
            "POST /v1.0/bad HTTP/1.1\r\nHost: graph.microsoft.com\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
        let client = try await TunnelClient(wire)
        try? client.send(head + body)
        let answer = try await client.rest()
        #expect(answer.hasPrefix("HTTP/1.1 403 "), "\(answer)")
        #expect(upstream.received.isEmpty)
        #expect(wire.judge.judged.map(\.target) == ["/v1.0/bad"])
        await wire.session.close()
        await upstream.stop()
    }

    @Test("pipelined requests are judged one by one")
    func pipelined() async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        wire.judge.say { request in
            request.method == "GET"
                ? .allow(class: "read") : .refuse(class: "write", RequestRefusal(code: "denied", message: "No."))
        }
        func one(_ method: String, _ more: String = "") -> String {
            "\(method) /v1.0/me HTTP/1.1\r\nHost: graph.microsoft.com\r\n\(more)\r\n"
        }
        let client = try await TunnelClient(wire)
        try client.send(one("GET") + one("DELETE") + one("GET", "Connection: close\r\n"))
        _ = try await client.rest()
        #expect(await wire.records(3).map(\.status) == [200, 403, 200])
        #expect(upstream.received.map(\.method) == ["GET", "GET"])
        await wire.session.close()
        await upstream.stop()
    }

    @Test("hop-by-hop fields are neither judged nor sent on, whoever lists them")
    func hopByHop() async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        _ = try await Curl.run(
            wire,
            [
                "-X", "POST", "-H", "Connection: X-HTTP-Method-Override", "-H", "X-HTTP-Method-Override: DELETE", "-H",
                "Keep-Alive: 5", "-H", "Proxy-Connection: x", "-H", "TE: trailers", "-H", "X-Kept: yes",
                "https://graph.microsoft.com/v1.0/me",
            ])
        let judged = try #require(wire.judge.judged.first?.headers)
        let sent = try #require(upstream.received.first?.headers)
        for headers in [judged, sent] {
            for name in ["x-http-method-override", "keep-alive", "proxy-connection", "te", "proxy-authorization"] {
                #expect(!headers.contains(name), "\(name)")
            }
            #expect(headers["x-kept"] == "yes")
        }
        await wire.session.close()
        await upstream.stop()
    }
}
