import CMMSystem
import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMHTTP

/// Programs of other packages that act as the server.
private enum Tool {
    static let openssl = ExecutableSearch.find("openssl", path: "/usr/bin:/bin")
    static let nginx = ExecutableSearch.find("nginx", path: "/usr/sbin:/usr/bin")
}

@Suite("Client over TLS", .timeLimit(.minutes(5)))
struct SecureConnectionTests {
    private let folder: String

    init() throws { folder = try TestFolder.make() }

    private func makeCertificate(days: Int = 2) async throws {
        let openssl = try #require(Tool.openssl)
        let steps = [
            [
                "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                folder + "/key.pem", "-out", folder + "/request.pem", "-subj", "/CN=localhost", "-addext",
                "subjectAltName=DNS:localhost", "-addext", "basicConstraints=CA:TRUE",
            ],
            [
                "x509", "-req", "-in", folder + "/request.pem", "-signkey", folder + "/key.pem", "-days", "\(days)",
                "-copy_extensions", "copy", "-out", folder + "/cert.pem",
            ],
        ]
        for step in steps {
            let made = try await ChildProcess.run(
                ChildCommand(openssl, step, environment: ["PATH": "/usr/bin:/bin"]), timeout: .seconds(300))
            try #require(made.exit == .status(0))
        }
    }

    private func serve() async throws -> (server: ChildProcess, port: String) {
        var command = ChildCommand(
            try #require(Tool.openssl),
            ["s_server", "-accept", "127.0.0.1:0", "-cert", folder + "/cert.pem", "-key", folder + "/key.pem", "-www"],
            environment: [:])
        command.error = .null
        let server = try await ChildProcess.start(command)
        var said = ""
        while !said.contains(/ACCEPT [^\n]*:[0-9]+\n/) {
            let piece = try #require(try await server.output?.read())
            said += text(piece)
        }
        return (server, String(try #require(said.firstMatch(of: /ACCEPT [^\n]*:([0-9]+)\n/)?.1)))
    }

    private func remove() { TestFolder.remove(folder) }

    private func client(trusting: Bool) -> HTTPClient {
        HTTPClient(
            configuration: HTTPClientConfiguration(
                environment: trusting ? ["SSL_CERT_FILE": folder + "/cert.pem"] : [:]))
    }

    @Test(
        "a certificate is trusted when SSL_CERT_FILE names it, for its own host alone",
        .enabled(if: Tool.openssl != nil, "needs openssl (apt-get install openssl)"))
    func verification() async throws {
        defer { remove() }
        try await makeCertificate()
        let (server, port) = try await serve()
        let trusting = client(trusting: true)
        let good = try await trusting.send(HTTPRequest(url: "https://localhost:\(port)/"))
        #expect(good.status == 200)
        let otherName = await failure { () async throws(HTTPError) in
            try await trusting.send(HTTPRequest(url: "https://127.0.0.1:\(port)/?secret"))
        }
        #expect(otherName?.kind == .tls)
        #expect(otherName?.message.contains("secret") == false)
        #expect(otherName?.message.contains("issued for another host") == true, "\(otherName?.message ?? "")")
        let careful = client(trusting: false)
        let unknown = await failure { () async throws(HTTPError) in
            try await careful.send(HTTPRequest(url: "https://localhost:\(port)/"))
        }
        #expect(unknown?.kind == .tls)
        #expect(unknown?.mayHaveBeenSent == false)
        #expect(unknown?.message.contains("an authority that is not trusted") == true)
        #expect(unknown?.hint?.contains("SSL_CERT_FILE") == true)
        let lost = HTTPClient(configuration: HTTPClientConfiguration(environment: ["SSL_CERT_FILE": "/nowhere.pem"]))
        let noFile = await failure { () async throws(HTTPError) in
            try await lost.send(HTTPRequest(url: "https://localhost:\(port)/"))
        }
        #expect(noFile?.kind == .tls)
        #expect(noFile?.hint?.contains("SSL_CERT_FILE") == true)
        for client in [trusting, careful, lost] { await client.shutdown() }
        await server.terminate(grace: .seconds(1))
    }

    @Test(
        "an expired certificate is reported as such, with a hint about the clock",
        .enabled(if: Tool.openssl != nil, "needs openssl (apt-get install openssl)"))
    func expired() async throws {
        defer { remove() }
        try await makeCertificate(days: -1)
        let (server, port) = try await serve()
        let client = client(trusting: true)
        let error = await failure { () async throws(HTTPError) in
            try await client.send(HTTPRequest(url: "https://localhost:\(port)/"))
        }
        #expect(error?.kind == .tls && error?.message.contains("has expired") == true, "\(error?.message ?? "")")
        #expect(error?.hint?.contains("clock") == true)
        await client.shutdown()
        await server.terminate(grace: .seconds(1))
    }

    @Test("a connection that ends during the handshake is lost with nothing sent", arguments: [true, false])
    func handshakeBrokenOff(isReset: Bool) async throws {
        defer { remove() }
        let server = try RawServer { connection, _ in
            var piece = [UInt8](repeating: 0, count: 4096)
            _ = recv(connection.descriptor, &piece, piece.count, 0)
            if isReset {
                // With this option, closing sends a reset.
                var linger = linger(l_onoff: 1, l_linger: 0)
                setsockopt(
                    connection.descriptor, SOL_SOCKET, SO_LINGER, &linger,
                    socklen_t(MemoryLayout.size(ofValue: linger)))
            }
        }
        defer { server.stop() }
        let client = client(trusting: false)
        let error = await failure { () async throws(HTTPError) in
            try await client.send(HTTPRequest(url: "https://127.0.0.1:\(server.port)/"))
        }
        #expect(error?.kind == .connectionLost && error?.mayHaveBeenSent == false, "\(error?.message ?? "")")
        await client.shutdown()
    }

    @Test("plain HTTP instead of TLS is a failure of TLS")
    func plainServer() async throws {
        defer { remove() }
        let server = try RawServer { connection, _ in
            connection.send("HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.waitForEnd()
        }
        defer { server.stop() }
        let client = client(trusting: false)
        let error = await failure { () async throws(HTTPError) in
            try await client.send(HTTPRequest(url: "https://127.0.0.1:\(server.port)/"))
        }
        #expect(error?.kind == .tls)
        await client.shutdown()
    }

    @Test(
        "over HTTP/2 many requests share one connection, and each gets its own answer",
        .enabled(if: Tool.nginx != nil && Tool.openssl != nil, "needs nginx and openssl"))
    func multiplexed() async throws {
        defer { remove() }
        try await makeCertificate()
        var port: UInt16 = 0
        close(mm_tcp_listen("127.0.0.1", &port, 1))
        let configuration = """
            daemon off; master_process off; pid \(folder)/pid; error_log /dev/null;
            events {}
            http {
                access_log off;
                server {
                    listen 127.0.0.1:\(port) ssl http2;
                    ssl_certificate \(folder)/cert.pem;
                    ssl_certificate_key \(folder)/key.pem;
                    client_body_temp_path \(folder)/body; proxy_temp_path \(folder)/p1; fastcgi_temp_path \(folder)/p2;
                    uwsgi_temp_path \(folder)/p3; scgi_temp_path \(folder)/p4;
                    location / { return 200 "$server_protocol $connection $uri"; }
                }
            }
            """
        let file = try FileDescriptor.open(folder + "/nginx.conf", O_WRONLY | O_CREAT)
        let bytes = Array(configuration.utf8)
        #expect(write(file.raw, bytes, bytes.count) == bytes.count)
        let nginx = try #require(Tool.nginx)
        let server = try await ChildProcess.start(
            ChildCommand(nginx, ["-c", folder + "/nginx.conf", "-p", folder], environment: [:]))
        let client = client(trusting: true)
        let base = "https://localhost:\(port)"
        #expect(await eventually { (try? await client.send(HTTPRequest(url: base + "/")).status) == 200 })
        let answers = try await withThrowingTaskGroup(of: (Int, String).self) { group in
            for number in 0..<100 {
                group.addTask { (number, text(try await client.send(HTTPRequest(url: base + "/\(number)")).body)) }
            }
            return try await group.reduce(into: [Int: String]()) { $0[$1.0] = $1.1 }
        }
        #expect(answers.allSatisfy { $0.value.hasPrefix("HTTP/2.0 ") && $0.value.hasSuffix(" /\($0.key)") })
        #expect(Set(answers.values.map { $0.split(separator: " ").dropFirst().first }).count == 1)
        let pending = Task {
            await failure { () async throws(HTTPError) in
                try await client.send(HTTPRequest(url: "https://localhost:\(port)/"))
            }
        }
        pending.cancel()
        let outcome = await pending.value
        #expect(outcome == nil || outcome?.kind == .cancelled)
        #expect(try await client.send(HTTPRequest(url: base + "/after")).status == 200)
        await client.shutdown()
        await server.terminate(grace: .seconds(1))
        for name in ["body", "p1", "p2", "p3", "p4"] { rmdir("\(folder)/\(name)") }
    }
}
