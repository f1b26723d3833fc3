import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMHTTP

@Suite("Proxies", .timeLimit(.minutes(5)))
struct ProxyTests {
    private func failing(_ environment: [String: String], _ url: String = "https://away.invalid/?secret") async
        -> HTTPError?
    {
        var configuration = HTTPClientConfiguration(environment: environment)
        configuration.connectTimeout = .seconds(200)
        let client = HTTPClient(configuration: configuration)
        let error = await failure { () async throws(HTTPError) in
            try await client.send(HTTPRequest(url: url, timeout: .seconds(200)))
        }
        await client.shutdown()
        return error
    }

    private func answering(_ answer: String) throws -> RawServer {
        try RawServer { connection, server in
            server.note(connection.readRequest())
            connection.send(answer)
            connection.waitForEnd()
        }
    }

    @Test(
        "a refused connection is reported with proxy and status; only faults behind the proxy are worth a retry",
        arguments: [
            (407, HTTPError.Kind.proxy, "user name"), (403, .proxy, "does not allow away.invalid"),
            (401, .proxy, "does not allow"), (405, .proxy, "405"), (302, .proxy, "302"),
            (502, .connect, "can't reach away.invalid"), (503, .connect, "can't reach"), (504, .connect, "can't reach"),
        ] as [(Int, HTTPError.Kind, String)])
    func refused(status: Int, kind: HTTPError.Kind, words: String) async throws {
        let proxy = try answering(
            "HTTP/1.1 \(status) No\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n")
        defer { proxy.stop() }
        let error = try #require(await failing(["HTTPS_PROXY": proxy.url("")]))
        #expect(error.kind == kind && error.mayHaveBeenSent == false)
        #expect(error.message.contains("proxy http://127.0.0.1:\(proxy.port)"), "\(error.message)")
        #expect(error.message.contains("\(status)") && error.message.contains(words), "\(error.message)")
        #expect(error.hint != nil && !error.message.contains("secret"))
        #expect(error.hint.map(Redactor.standard.text) == error.hint, "a placeholder is no secret")
        #expect(proxy.seen.count == 1)
    }

    @Test("a password that the proxy refuses is reported, sent once, and never shown")
    func wrongPassword() async throws {
        let proxy = try answering(
            "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n")
        defer { proxy.stop() }
        let error = try #require(await failing(["https_proxy": "http://adele:hunter2@127.0.0.1:\(proxy.port)"]))
        #expect(error.kind == .proxy && error.message.contains("does not accept"))
        #expect(error.hint?.contains("https_proxy") == true)
        #expect(!"\(error.message) \(error.hint ?? "")".contains("hunter2"))
        #expect(proxy.seen.count == 1 && proxy.seen.first?.contains("Proxy-Authorization: Basic ") == true)
    }

    @Test("a proxy that is missing or closes the connection is named instead of the service")
    func dead() async throws {
        let gone = try RawServer(answer: "")
        let url = gone.url("")
        gone.stop()
        let refused = try #require(await failing(["HTTPS_PROXY": url]))
        #expect(refused.kind == .connect && refused.message.contains("could not connect to the proxy \(url)"))
        #expect(refused.hint?.contains("HTTPS_PROXY") == true)
        let silent = try RawServer { connection, _ in _ = connection.readRequest() }
        defer { silent.stop() }
        let ended = try #require(await failing(["HTTPS_PROXY": silent.url("")]))
        #expect(ended.kind == .connectionLost && ended.mayHaveBeenSent == false)
        #expect(ended.message.contains("the proxy http://127.0.0.1:\(silent.port)"))
        let unknown = try #require(await failing(["HTTPS_PROXY": "http://no-such-proxy.invalid:3128"]))
        #expect(unknown.message.contains("the proxy http://no-such-proxy.invalid:3128"))
    }

    @Test(
        "an invalid proxy address is refused with the variable's name, and no request bypasses it",
        arguments: [
            "http://", "http://:3128", "http://host:port", "http://host:0", "http://host:99999", "ftp://host:21",
            "http://host:3128/path", "http://bad host:1", "http://user:hunter2@", "http://us er:hunter2@h:port",
        ])
    func malformed(value: String) async throws {
        let error = try #require(await failing(["ALL_PROXY": value]))
        #expect(error.kind == .proxy && error.message.contains("ALL_PROXY"), "\(error.message)")
        #expect(!error.message.contains("hunter2"))
    }

    @Test("with socks5:// names are resolved on this machine; if that fails, the error suggests socks5h://")
    func socks() async throws {
        let proxy = try RawServer { connection, server in
            var piece = [UInt8](repeating: 0, count: 300)
            while recv(connection.descriptor, &piece, piece.count, 0) > 0 { connection.send([5, 0]) }
        }
        defer { proxy.stop() }
        let error = try #require(await failing(["ALL_PROXY": "socks5://127.0.0.1:\(proxy.port)"]))
        #expect(error.kind == .resolve && error.message.contains("away.invalid"))
        #expect(error.hint?.contains("socks5h://") == true)
    }

    @Test(
        "the errors of a SOCKS proxy are distinguished",
        arguments: [
            (2, HTTPError.Kind.proxy, "does not allow away.invalid"), (4, .connect, "can't reach away.invalid"),
            (5, .connect, "can't reach away.invalid"),
        ] as [(UInt8, HTTPError.Kind, String)])
    func socksReplies(reply: UInt8, kind: HTTPError.Kind, words: String) async throws {
        let proxy = try RawServer { connection, _ in
            var piece = [UInt8](repeating: 0, count: 300)
            guard recv(connection.descriptor, &piece, piece.count, 0) > 0 else { return }
            connection.send([5, 0])
            guard recv(connection.descriptor, &piece, piece.count, 0) > 0 else { return }
            connection.send([5, reply, 0, 1, 0, 0, 0, 0, 0, 0])
            connection.waitForEnd()
        }
        defer { proxy.stop() }
        let error = try #require(await failing(["ALL_PROXY": "socks5h://127.0.0.1:\(proxy.port)"]))
        #expect(error.kind == kind && error.message.contains(words), "\(error.message)")
        #expect(error.mayHaveBeenSent == false)
    }

    @Test(
        "NO_PROXY names hosts with all below them, addresses, ranges and ports",
        arguments: [
            ("*", "https://a.example/", true), ("", "https://a.example/", false),
            ("a.example", "https://a.example/", true), ("A.Example.", "https://a.example/", true),
            ("a.example", "https://b.a.example/", true), (".a.example", "https://a.example/", true),
            ("*.a.example", "https://b.a.example/", true), ("a.example", "https://ba.example/", false),
            ("x, a.example", "https://a.example/", true), ("x a.example", "https://a.example/", true),
            ("a.example:443", "https://a.example/", true), ("a.example:443", "https://a.example:8443/", false),
            ("a.example:8443", "https://a.example:8443/", true), ("a.example:x", "https://a.example/", false),
            ("10.0.0.0/8", "https://10.9.8.7/", true), ("10.0.0.0/8", "https://11.9.8.7/", false),
            ("10.1.2.0/23", "https://10.1.3.7/", true), ("10.1.2.0/23", "https://10.1.4.7/", false),
            ("10.1.2.3", "https://10.1.2.3/", true), ("10.1.2.3:443", "https://10.1.2.3/", true),
            ("1.2.3", "https://10.1.2.3/", false), ("0.0.0.0/33", "https://10.1.2.3/", false),
            ("fd00::/8", "https://[fd12::1]/", true), ("fd00::1", "https://[fd00:0::1]/", true),
            ("[fd00::1]:443", "https://[fd00::1]/", true), ("[fd00::1]:444", "https://[fd00::1]/", false),
            ("/8", "https://10.1.2.3/", false), (":443", "https://a.example/", false),
        ])
    func exceptions(text: String, url: String, isDirect: Bool) throws {
        #expect(ProxyExceptions(text).contains(try HTTPAddress(url)) == isDirect)
    }
}
