import Glibc
import MMCore
import MMHTTP
import MMSystem
import TestSupport
import Testing

@testable import MMServing

@Suite("mm-mcp as a listening program", .timeLimit(.minutes(10)))
struct ServerProgramTests {
    private func start(_ home: ServingHome, _ arguments: [String]) async throws -> (ChildProcess, String) {
        let program = try BuiltPrograms.path("mm-mcp")
        let process = try await ChildProcess.start(
            ChildCommand(
                program, arguments,
                environment: ["HOME": home.path, "MM_CONNECTIONS": home["connections.json"], "PATH": "/usr/bin:/bin"]))
        var line: [UInt8] = []
        while !line.contains(0x0A), let piece = try await process.output?.read() { line += piece }
        return (process, String(decoding: line.prefix { $0 != 0x0A }, as: UTF8.self))
    }

    @Test("prints its address, answers, and ends with 0 on a signal", arguments: [SIGTERM, SIGINT])
    func stops(signal: Int32) async throws {
        let home = try ServingHome()
        let (process, url) = try await start(home, ["--http", "127.0.0.1:0"])
        #expect(url.hasPrefix("http://127.0.0.1:") && url.hasSuffix("/mcp"))
        let caller = HTTPCaller(url: url)
        let session = try await caller.initialize()
        #expect(try await caller.call(session, "tools/list")["tools"]?.array?.isEmpty == false)
        let stream = try await caller.listen(session)
        process.signal(signal)
        #expect(await process.exit().code == 0)
        withExtendedLifetime(stream) {}
    }

    @Test(
        "speaks TLS with a certificate",
        .enabled(if: ExecutableSearch.find("openssl", path: "/usr/bin:/bin") != nil, "needs openssl"))
    func secure() async throws {
        let home = try ServingHome()
        let made = try await ChildProcess.run(
            ChildCommand(
                "/usr/bin/env",
                [
                    "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", home["key.pem"], "-out", home["cert.pem"], "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1",
                ], environment: ["PATH": "/usr/bin:/bin"]), timeout: .seconds(300))
        try #require(made.exit == .status(0))
        chmod(home["key.pem"], 0o600)
        let (process, url) = try await start(
            home, ["--http", "127.0.0.1:0", "--tls-cert", home["cert.pem"], "--tls-key", home["key.pem"]])
        #expect(url.hasPrefix("https://127.0.0.1:"))
        let client = HTTPClient(
            configuration: HTTPClientConfiguration(environment: ["SSL_CERT_FILE": home["cert.pem"]]))
        let answer = try await client.send(
            HTTPRequest(
                method: "POST", url: url,
                headers: ["Content-Type": "application/json", "Accept": "application/json, text/event-stream"],
                body: JSONWriter.bytes(HTTPCaller.initialize)))
        #expect(answer.status == 200)
        process.signal(SIGTERM)
        #expect(await process.exit().code == 0)
    }

    @Test("behind a proxy the file's secret is accepted")
    func secret() async throws {
        let home = try ServingHome()
        try home.write("token", "0123456789abcdef\n")
        let (process, url) = try await start(
            home, ["--http", "127.0.0.1:0", "--behind-proxy", "--token-file", home["token"]])
        let caller = HTTPCaller(url: url)
        #expect(try await caller.post(HTTPCaller.initialize).status == 401)
        #expect(
            try await caller.post(HTTPCaller.initialize, ["Authorization": "bearer 0123456789abcdef"]).status == 200)
        process.signal(SIGTERM)
        #expect(await process.exit().code == 0)
    }

    @Test("an address in use ends it with a message")
    func taken() async throws {
        let home = try ServingHome()
        let (first, url) = try await start(home, ["--http", "127.0.0.1:0"])
        let port = try #require(url.split(separator: ":").last?.split(separator: "/").first)
        let program = try BuiltPrograms.path("mm-mcp")
        let second = try await ChildProcess.run(
            ChildCommand(program, ["--http", String(port)], environment: ["HOME": home.path]), timeout: .seconds(300))
        #expect(second.exit.code == 1)
        #expect(String(decoding: second.error, as: UTF8.self).contains("already in use"))
        first.signal(SIGTERM)
        _ = await first.exit()
    }
}
