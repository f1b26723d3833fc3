import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMEgress

/// Attacks of a script on its own proxy. Each is refused with an answer and recorded, and nothing of it is sent on.
@Suite("Hostile requests", .timeLimit(.minutes(5)))
struct HostileRequestsTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let request: String
        let status: Int
        let kind: WireFault.Kind

        init(_ name: String, _ request: String, _ status: Int = 400, _ kind: WireFault.Kind = .malformed) {
            testDescription = name
            self.request = request
            self.status = status
            self.kind = kind
        }
    }

    private static let host = "Host: graph.microsoft.com\r\n"
    private static let tail = "\r\nGET /v1.0/smuggled HTTP/1.1\r\nHost: graph.microsoft.com\r\n\r\n"
    private static let post = "POST /v1.0/me HTTP/1.1\r\n" + host

    private static let within: [Case] = [
        Case("length and encoding", post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + tail),
        Case("encoding and length", post + "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n" + tail),
        Case("two lengths", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef" + tail),
        Case("two equal lengths", post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde" + tail),
        Case("a list of lengths", post + "Content-Length: 5, 5\r\n\r\nabcde" + tail),
        Case("a signed length", post + "Content-Length: +5\r\n\r\nabcde" + tail),
        Case("a length in hex", post + "Content-Length: 0x5\r\n\r\nabcde" + tail),
        Case("an endless length", post + "Content-Length: 99999999999999999999\r\n\r\nabcde" + tail),
        Case("another encoding", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n" + tail, 501),
        Case(
            "an encoding twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + tail),
        Case("an odd encoding", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n" + tail, 501),
        Case("a folded line", post + "Content-Length: 5\r\nX-One: a\r\n b\r\n\r\nabcde" + tail),
        Case("a folded first line", "GET /v1.0/me HTTP/1.1\r\n Host: graph.microsoft.com\r\n\r\n"),
        Case("two hosts", "GET /v1.0/me HTTP/1.1\r\n" + host + "Host: evil.example\r\n\r\n"),
        Case("two equal hosts", "GET /v1.0/me HTTP/1.1\r\n" + host + host + "\r\n"),
        Case("no host", "GET /v1.0/me HTTP/1.1\r\nAccept: */*\r\n\r\n"),
        Case("another host", "GET /v1.0/me HTTP/1.1\r\nHost: management.azure.com\r\n\r\n", 421, .nameMismatch),
        Case("a host with a user", "GET /v1.0/me HTTP/1.1\r\nHost: a@graph.microsoft.com\r\n\r\n", 421, .nameMismatch),
        Case("another port", "GET /v1.0/me HTTP/1.1\r\nHost: graph.microsoft.com:8443\r\n\r\n", 421, .nameMismatch),
        Case("absolute form", "GET https://management.azure.com/x HTTP/1.1\r\n" + host + "\r\n"),
        Case("absolute form of its own", "GET https://graph.microsoft.com/x HTTP/1.1\r\n" + host + "\r\n"),
        Case("a tunnel in a tunnel", "CONNECT graph.microsoft.com:443 HTTP/1.1\r\n" + host + "\r\n", 405),
        Case("an asterisk", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n"),
        Case("TRACE", "TRACE /v1.0/me HTTP/1.1\r\n" + host + "\r\n", 405),
        Case("a small method", "get /v1.0/me HTTP/1.1\r\n" + host + "\r\n"),
        Case("HTTP/1.0", "GET /v1.0/me HTTP/1.0\r\n" + host + "\r\n", 505, .otherProtocol),
        Case("HTTP/0.9", "GET /v1.0/me\r\n\r\n"),
        Case(
            "h2c",
            "GET /v1.0/me HTTP/1.1\r\n" + host
                + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", 501,
            .otherProtocol),
        Case(
            "a web socket",
            "GET /v1.0/me HTTP/1.1\r\n" + host + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 501,
            .otherProtocol),
        Case("bare line feeds", "GET /v1.0/me HTTP/1.1\nHost: graph.microsoft.com\n\n"),
        Case("one bare line feed", "GET /v1.0/me HTTP/1.1\r\n" + host + "X-One: a\nX-Two: b\r\n\r\n"),
        Case("a bare carriage return", "GET /v1.0/me HTTP/1.1\r\n" + host + "X-One: a\rX-Two: b\r\n\r\n"),
        Case("a NUL", "GET /v1.0/me HTTP/1.1\r\n" + host + "X-One: a\0b\r\n\r\n"),
        Case("a blank before the colon", post + "Content-Length : 5\r\n\r\nabcde" + tail),
        Case("no name", "GET /v1.0/me HTTP/1.1\r\n" + host + ": x\r\n\r\n"),
        Case("no colon", "GET /v1.0/me HTTP/1.1\r\n" + host + "Nothing\r\n\r\n"),
        Case("a blank in the target", "GET /v1.0/me /x HTTP/1.1\r\n" + host + "\r\n"),
        Case("another script in the target", "GET /v1.0/mé HTTP/1.1\r\n" + host + "\r\n"),
        Case("a fragment", "GET /v1.0/me#/users HTTP/1.1\r\n" + host + "\r\n"),
        Case("a backslash", "GET /v1.0\\..\\beta HTTP/1.1\r\n" + host + "\r\n"),
        Case("an empty line first", "\r\nGET /v1.0/me HTTP/1.1\r\n" + host + "\r\n"),
        Case("another expectation", post + "Content-Length: 5\r\nExpect: the-best\r\n\r\nabcde", 417),
        Case(
            "ten thousand headers",
            "GET /v1.0/me HTTP/1.1\r\n" + host + (0..<10_000).map { "X-\($0): 1\r\n" }.joined() + "\r\n", 431, .tooLarge
        ),
        Case(
            "a hundred thousand letters",
            "GET /v1.0/me HTTP/1.1\r\n" + host + "X-One: "
                + String(repeating: "a", count: 100_000) + "\r\n\r\n", 431, .tooLarge),
        Case("a chunk's extension", post + "Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nabcde\r\n0\r\n" + tail),
        Case("a chunk's blank", post + "Transfer-Encoding: chunked\r\n\r\n5 \r\nabcde\r\n0\r\n" + tail),
        Case("a chunk's sign", post + "Transfer-Encoding: chunked\r\n\r\n-5\r\nabcde\r\n0\r\n" + tail),
        Case("a chunk that is longer", post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcde\r\n0\r\n" + tail),
        Case("a chunk's bare line feed", post + "Transfer-Encoding: chunked\r\n\r\n5\nabcde\n0\n\n"),
        Case("trailers", post + "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\nX-Late: 1\r\n\r\n"),
        Case("a torn body", post + "Content-Length: 500\r\n\r\nabcde", 400, .torn),
        Case("a torn chunk", post + "Transfer-Encoding: chunked\r\n\r\n500\r\nabcde", 400, .torn),
        Case("a torn head", "GET /v1.0/me HTTP/1.1\r\nHost: graph.micr", 400, .torn),
    ]

    @Test(
        "are refused within a tunnel",
        .enabled(if: RawSession.openssl != nil, "needs openssl (apt-get install openssl)"), arguments: within)
    func withinTunnel(_ hostile: Case) async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port) { configuration in
            // The body never arrives, and the client waits for the proxy to close.
            configuration.limits.bodyStall = .seconds(5)
            configuration.limits.head = .seconds(hostile.kind == .torn ? 10 : 300)
        }
        let answer = try await RawSession.tunnelled(wire, Array(hostile.request.utf8))
        let isWaitedFor = hostile.kind == .torn
        #expect(
            answer.hasPrefix("HTTP/1.1 \(hostile.status) ") || (isWaitedFor && answer.hasPrefix("HTTP/1.1 408 ")),
            "\(answer)")
        #expect(answer.split(separator: "\r\n\r\n").count == 2, "one answer and no more: \(answer)")
        #expect(upstream.received.isEmpty)
        let faults = await wire.faults()
        #expect(faults == [hostile.kind.rawValue] || (isWaitedFor && faults == [WireFault.Kind.tooSlow.rawValue]))
        await wire.session.close()
        await upstream.stop()
    }

    private static let outside: [Case] = [
        Case("a path", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"),
        Case("an address", "CONNECT 169.254.169.254:443 HTTP/1.1\r\nHost: 169.254.169.254:443\r\n", 403, .foreignHost),
        Case("an IPv6 address", "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n"),
        Case("an address as a number", "CONNECT 2130706433:443 HTTP/1.1\r\nHost: 2130706433:443\r\n"),
        Case("an address in hex", "CONNECT 0x7f000001:443 HTTP/1.1\r\nHost: 0x7f000001:443\r\n"),
        Case("an address in octal", "CONNECT 0177.0.0.1:443 HTTP/1.1\r\nHost: 0177.0.0.1:443\r\n"),
        Case("a short address", "CONNECT 127.1:443 HTTP/1.1\r\nHost: 127.1:443\r\n"),
        Case("an IPv4 address in IPv6", "CONNECT [::ffff:127.0.0.1]:443 HTTP/1.1\r\nHost: x\r\n"),
        Case("an escaped name", "CONNECT graph%2emicrosoft.com:443 HTTP/1.1\r\nHost: x\r\n"),
        Case(
            "a name that only begins like one of the cloud",
            "CONNECT graph.microsoft.com.evil.example:443 HTTP/1.1\r\nHost: graph.microsoft.com.evil.example:443\r\n",
            403,
            .foreignHost),
        Case("two ports", "CONNECT graph.microsoft.com:443:80 HTTP/1.1\r\nHost: graph.microsoft.com:443\r\n"),
        Case("an endless port", "CONNECT graph.microsoft.com:70000 HTTP/1.1\r\nHost: graph.microsoft.com\r\n"),
        Case("no port", "CONNECT graph.microsoft.com HTTP/1.1\r\nHost: graph.microsoft.com\r\n"),
        Case(
            "another port", "CONNECT graph.microsoft.com:22 HTTP/1.1\r\nHost: graph.microsoft.com:22\r\n", 403,
            .foreignHost),
        Case("another script", "CONNECT grаph.microsoft.com:443 HTTP/1.1\r\nHost: x\r\n"),
        Case(
            "another script encoded",
            "CONNECT xn--grph-0qa.microsoft.com:443 HTTP/1.1\r\nHost: xn--grph-0qa.microsoft.com:443\r\n",
            403, .foreignHost),
        Case("a final dot", "CONNECT graph.microsoft.com.:443 HTTP/1.1\r\nHost: graph.microsoft.com.:443\r\n"),
        Case("a user", "CONNECT me@graph.microsoft.com:443 HTTP/1.1\r\nHost: graph.microsoft.com\r\n"),
        Case(
            "another host in Host", "CONNECT graph.microsoft.com:443 HTTP/1.1\r\nHost: evil.example:443\r\n", 400,
            .nameMismatch),
        Case(
            "a body", "CONNECT graph.microsoft.com:443 HTTP/1.1\r\nHost: graph.microsoft.com\r\nContent-Length: 5\r\n"),
        Case(
            "plain HTTP to the cloud", "GET http://graph.microsoft.com/ HTTP/1.1\r\nHost: graph.microsoft.com\r\n", 403,
            .foreignHost),
        Case(
            "plain HTTP to this machine", "GET http://localhost:80/ HTTP/1.1\r\nHost: localhost:80\r\n", 403,
            .foreignHost),
        Case("two names", "GET http://graph.microsoft.com/ HTTP/1.1\r\nHost: evil.example\r\n", 400, .nameMismatch),
        Case("https in absolute form", "GET https://graph.microsoft.com/ HTTP/1.1\r\nHost: graph.microsoft.com\r\n"),
        Case("HTTP/2 by prior knowledge", "PRI * HTTP/2.0\r\n", 505, .otherProtocol),
    ]

    @Test("are refused at the proxy itself", arguments: outside)
    func outsideTunnel(_ hostile: Case) async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        let answer = try await RawSession.plain(
            wire, Array((hostile.request + RawSession.authorization(wire) + "\r\n\r\n").utf8))
        #expect(answer.hasPrefix("HTTP/1.1 \(hostile.status) "), "\(answer)")
        #expect(upstream.received.isEmpty && wire.refusals == [hostile.kind.rawValue])
        await wire.session.close()
        await upstream.stop()
    }

    @Test(
        "without the secret, with another session's, or with two, nothing is accepted",
        arguments: ["none", "wrong", "two"])
    func secret(_ kind: String) async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        let other = try await TestWire(upstream: upstream.port)
        let own = RawSession.authorization(wire) + "\r\n"
        let fields = ["none": "", "wrong": RawSession.authorization(other) + "\r\n", "two": own + own][kind] ?? ""
        let answer = try await RawSession.plain(
            wire,
            Array("CONNECT graph.microsoft.com:443 HTTP/1.1\r\nHost: graph.microsoft.com:443\r\n\(fields)\r\n".utf8))
        #expect(answer.hasPrefix("HTTP/1.1 407 ") && answer.contains("Proxy-Authenticate: Basic"))
        #expect(wire.refusals == (kind == "none" ? [] : ["proxy_secret_needed"]))
        await wire.session.close()
        await other.session.close()
        await upstream.stop()
    }

    @Test("a process outside of the session is refused, whatever it knows")
    func otherProcess() async throws {
        let upstream = try Upstream()
        let text = { (wire: TestWire) in
            "CONNECT graph.microsoft.com:443 HTTP/1.1\r\nHost: graph.microsoft.com:443\r\n"
                + RawSession.authorization(wire) + "\r\n\r\nno TLS"
        }
        let wire = try await TestWire(upstream: upstream.port) { $0.processes = { [1] } }
        let answer = try await RawSession.plain(wire, Array(text(wire).utf8), keepsSending: true)
        #expect(answer.hasPrefix("HTTP/1.1 403 ") && wire.refusals == ["process_not_of_session"])
        await wire.session.close()
        let own = try await TestWire(upstream: upstream.port) { $0.processes = { [1, getpid()] } }
        let welcome = try await RawSession.plain(own, Array(text(own).utf8), keepsSending: true)
        #expect(welcome.hasPrefix("HTTP/1.1 200 ") && own.refusals == ["protocol_not_passed"])
        await own.session.close()
        await upstream.stop()
    }

    @Test(
        "anything but TLS within a tunnel is refused",
        arguments: ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "SSH-2.0-x\r\n"])
    func plainTunnel(_ text: String) async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        let answer = try await RawSession.plain(
            wire,
            Array(
                "CONNECT graph.microsoft.com:443 HTTP/1.1\r\nHost: graph.microsoft.com:443\r\n\(RawSession.authorization(wire))\r\n\r\n\(text)"
                    .utf8))
        #expect(
            answer.contains("HTTP/1.1 400 ") && wire.refusals == ["protocol_not_passed"] && upstream.received.isEmpty)
        await wire.session.close()
        await upstream.stop()
    }

    @Test(
        "a TLS handshake for another server, or without a common protocol, fails",
        .enabled(if: RawSession.openssl != nil, "needs openssl (apt-get install openssl)"),
        arguments: ["name", "protocol"])
    func handshake(_ kind: String) async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        let answer = try await RawSession.tunnelled(
            wire, Array("GET / HTTP/1.1\r\nHost: graph.microsoft.com\r\n\r\n".utf8),
            name: kind == "name" ? "management.azure.com" : nil, arguments: kind == "name" ? [] : ["-alpn", "spdy/3"])
        #expect(answer.isEmpty && upstream.received.isEmpty)
        #expect(wire.refusals == [kind == "name" ? "name_mismatch" : "protocol_not_passed"])
        await wire.session.close()
        await upstream.stop()
    }

    @Test(
        "a client that prefers HTTP/2 continues with HTTP/1.1, even if it began with HTTP/2",
        .enabled(if: Curl.path != nil, "needs curl (apt-get install curl)"),
        arguments: ["--http2", "--http2-prior-knowledge"])
    func goesOn(_ flag: String) async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        let answer = try await Curl.run(wire, [flag, "https://graph.microsoft.com/v1.0/me"])
        #expect(answer.status == "200", "\(answer)")
        await wire.session.close()
        await upstream.stop()
    }
}
