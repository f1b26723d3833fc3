import Glibc
import MMCore
import MMHTTP
import MMIdentity
import MMSystem
import TestSupport
import Testing

@testable import MMEgress

@Suite("Clients and services of a session", .timeLimit(.minutes(15)))
struct SessionClientsTests {
    private static let python = ExecutableSearch.find("python3", path: "/usr/bin:/bin")

    @Test(
        "Python finds the proxy and trusts the session's authority through its environment alone",
        .enabled(if: python != nil, "needs python3"))
    func pythonClient() async throws {
        let upstream = try Upstream { request in .text(request.method + String(request.body.count)) }
        let wire = try await TestWire(upstream: upstream.port)
        let script = """
            import urllib.request, urllib.error
            def ask(url, **more):
                try:
                    return urllib.request.urlopen(urllib.request.Request(url, **more)).read().decode()
                except urllib.error.HTTPError as error:
                    return str(error.code)
                except OSError as error:
                    return "refused " + ("403" if "403" in str(error) else str(error))
            print(ask("https://graph.microsoft.com/v1.0/me"))
            print(ask("https://management.azure.com/x", data=b"a" * 3000000, method="PUT"))
            print(ask("https://graph.microsoft.com/v1.0/me", headers={"Authorization": "Bearer eyJreal"}))
            print(ask("https://example.com/"))
            """
        var environment = wire.session.environment
        environment["PATH"] = "/usr/bin:/bin"
        let done = try await ChildProcess.run(
            ChildCommand(try #require(Self.python), ["-c", script], environment: environment), timeout: .seconds(300))
        let lines = String(decoding: done.output, as: UTF8.self).split(separator: "\n")
        #expect(
            lines == ["GET0", "PUT3000000", "403", "refused 403"], "\(String(decoding: done.error, as: UTF8.self))")
        await wire.session.close()
        await upstream.stop()
    }

    @Test(
        "large bodies are streamed in both directions, with a length or in chunks",
        .enabled(if: Curl.path != nil, "needs curl (apt-get install curl)"), arguments: [true, false])
    func large(_ isKnown: Bool) async throws {
        let size = 12 << 20
        let upstream = try Upstream { request in
            guard request.method == "GET" else {
                return .text("\(request.body.count) \(request.headers["content-length"] ?? "-")")
            }
            return HTTPServerResponse(
                body: .stream(heartbeat: nil) { (writer) async throws(HTTPError) in
                    for _ in 0..<(size >> 16) { try await writer.write([UInt8](repeating: 7, count: 1 << 16)) }
                })
        }
        let wire = try await TestWire(upstream: upstream.port)
        let file = wire.home.path + "/body"
        try ProtectedFile.replace(file, with: [UInt8](repeating: 7, count: size))
        let url = "https://contoso.sharepoint.com/sites/a/file"
        let form = isKnown ? [] : ["-H", "Transfer-Encoding: chunked"]
        let up = try await Curl.run(wire, ["-T", file] + form + [url])
        #expect(up.text == "\(size) \(isKnown ? String(size) : "-")")
        guard case .beginning(let seen, let length)? = wire.judge.judged.first?.body else {
            Issue.record("the judge saw no body")
            return
        }
        #expect(seen.count >= 1 << 20 && seen.count < 2 << 20 && length == (isKnown ? size : nil))
        let down = try await Curl.run(wire, ["-o", file, url])
        let received = try ProtectedFile.read(file)
        #expect(down.status == "200" && received?.count == size)
        #expect(
            await eventually { wire.records.map(\.bytesUp) == [size, 0] && wire.records.map(\.bytesDown).last == size })
        await wire.session.close()
        await upstream.stop()
    }

    @Test(
        "a slow answer is passed on as it arrives, beginning with its head",
        .enabled(if: python != nil, "needs python3"))
    func slowAnswer() async throws {
        let upstream = try Upstream { _ in
            HTTPServerResponse(
                body: .stream(heartbeat: nil) { (writer) async throws(HTTPError) in
                    try await writer.write(Array("first".utf8))
                    try? await Task.sleep(for: .seconds(600))
                })
        }
        let wire = try await TestWire(upstream: upstream.port)
        let script = """
            import urllib.request
            answer = urllib.request.urlopen("https://graph.microsoft.com/v1.0/me", timeout=60)
            print(answer.status, answer.read(5).decode())
            """
        var environment = wire.session.environment
        environment["PATH"] = "/usr/bin:/bin"
        let done = try await ChildProcess.run(
            ChildCommand(try #require(Self.python), ["-c", script], environment: environment), timeout: .seconds(300))
        #expect(
            String(decoding: done.output, as: UTF8.self) == "200 first\n",
            "\(String(decoding: done.error, as: UTF8.self))")
        await wire.session.close()
        await upstream.stop()
    }

    @Test("a large body that is interrupted never reaches the service as complete")
    func tornUpload() async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port) { $0.limits.bodyStall = .seconds(3) }
        let head = "PUT /v1.0/x HTTP/1.1\r\nHost: graph.microsoft.com\r\nContent-Length: 5000000\r\n\r\n"
        if RawSession.openssl != nil {
            _ = try await RawSession.tunnelled(wire, Array(head.utf8) + [UInt8](repeating: 7, count: 3_000_000))
            #expect(await eventually { !wire.records.isEmpty })
            #expect(upstream.received.isEmpty && wire.records.first?.status != 200)
        }
        await wire.session.close()
        await upstream.stop()
    }

    @Test(
        "requests leave only over TLS that this machine trusts",
        .enabled(if: RawSession.openssl != nil && Curl.path != nil, "needs openssl and curl"), arguments: [true, false])
    func upstreamTLS(_ isTrusted: Bool) async throws {
        let home = try TestHome()
        let certificate = try await TestCertificate.make("up", for: "localhost", in: home.path)
        let pem = home.path + "/up.pem"
        let reached = Mutex(0)
        let listener = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0), certificate: certificate) { _ in
            reached.withLock { $0 += 1 }
            return .text("over TLS")
        }
        let wire = try await TestWire(upstream: 1, allow: ["localhost:\(listener.port)"]) { configuration in
            configuration.transport = nil
            configuration.environment = isTrusted ? ["SSL_CERT_FILE": pem] : [:]
        }
        let answer = try await Curl.run(wire, ["https://localhost:\(listener.port)/"])
        #expect(answer.status == (isTrusted ? "200" : "502") && answer.text.contains("over TLS") == isTrusted)
        #expect(reached.withLock { $0 } == (isTrusted ? 1 : 0))
        await wire.session.close()
        await listener.stop(graceful: .zero)
    }

    @Test(
        "the sandbox's services on this machine are a cloud like others",
        .enabled(if: Curl.path != nil, "needs curl"))
    func sandbox() async throws {
        let upstream = try Upstream { request in
            guard request.path.hasSuffix("/token") else { return .text(request.headers["authorization"] ?? "-") }
            return HTTPServerResponse(
                headers: ["Content-Type": "application/json"],
                body: .bytes(
                    JSONWriter.bytes([
                        "access_token": .string(TestToken.access(audience: "https://graph.microsoft.com")),
                        "expires_in": 3_600,
                    ])))
        }
        let base = "http://127.0.0.1:\(upstream.port)"
        let wire = try await TestWire(upstream: upstream.port) { configuration in
            let paths = StatePaths(environment: ["HOME": configuration.folder])
            if let cloud = try? Cloud.named("sandbox", paths: paths, environment: ["MM_SANDBOX_URL": base]) {
                configuration.hosts = EgressHosts(cloud: cloud)
            }
        }
        let placeholder = try wire.placeholder()
        let answer = try await Curl.run(wire, ["-H", "Authorization: Bearer \(placeholder)", base + "/v1.0/me"])
        #expect(answer.text == "Bearer real-token-of-admin@contoso.com-for-graph.microsoft.com")
        let token = try await Curl.run(
            wire, ["-d", "grant_type=client_credentials&client_id=app", base + "/common/oauth2/v2.0/token"])
        let given = try #require(try JSONParser.parse(token.text).object?["access_token"]?.string)
        #expect(try #require(wire.vault.worth(of: given)).audience == "https://graph.microsoft.com")
        #expect(try await Curl.run(wire, ["https://graph.microsoft.com/"]).status != "200")
        await wire.session.close()
        await upstream.stop()
    }

    @Test("simultaneous requests of many sessions each use their own account")
    func manySessions() async throws {
        let upstream = try Upstream { request in
            let account = request.target.split(separator: "/").last.map(String.init) ?? ""
            return .text(
                "",
                status: request.headers["authorization"] == "Bearer real-token-of-\(account)-for-graph.microsoft.com"
                    ? 200 : 500)
        }
        let good = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<8 {
                group.addTask {
                    let account = "account\(number)"
                    let wire = try await TestWire(upstream: upstream.port, name: account)
                    let placeholder = try wire.placeholder(account: account)
                    var configuration = HTTPClientConfiguration(environment: wire.session.environment)
                    // 1,200 handshakes at once take a while on a busy machine.
                    configuration.connectTimeout = .seconds(300)
                    let client = HTTPClient(configuration: configuration)
                    let request = HTTPRequest(
                        url: "https://graph.microsoft.com/v1.0/users/\(account)",
                        headers: ["Authorization": "Bearer \(placeholder)"])
                    let good = try await withThrowingTaskGroup(of: Bool.self) { calls in
                        for _ in 0..<150 { calls.addTask { try await client.send(request).status == 200 } }
                        return try await calls.reduce(0) { $0 + ($1 ? 1 : 0) }
                    }
                    #expect(Set(wire.tokens.asked.map(\.account)) == [account])
                    await client.shutdown()
                    await wire.session.close()
                    return good
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(good == 1_200)
        await upstream.stop()
    }

    @Test("nothing remains of a closed session")
    func closed() async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        let placeholder = try wire.placeholder()
        let file = wire.session.certificateFile
        var status = stat()
        #expect(stat(file, &status) == 0 && status.st_mode & 0o777 == 0o600)
        await wire.session.close()
        #expect(stat(file, &status) != 0)
        #expect(wire.vault.worth(of: placeholder) == nil)
        await #expect(throws: (any Error).self) {
            _ = try await RawSession.plain(wire, Array("GET / HTTP/1.1\r\n\r\n".utf8))
        }
        await upstream.stop()
    }
}
