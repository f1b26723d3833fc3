import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMHTTP

@Suite("Server over TLS", .timeLimit(.minutes(5)))
struct SecureListenerTests {
    private static let openssl = ExecutableSearch.find("openssl", path: "/usr/bin:/bin")
    private let folder: String

    init() throws { folder = try TestFolder.make() }

    private func make(_ name: String) async throws {
        let made = try await ChildProcess.run(
            ChildCommand(
                try #require(Self.openssl),
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                    "\(folder)/\(name).key", "-out", "\(folder)/\(name).pem", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost",
                ], environment: ["PATH": "/usr/bin:/bin"]), timeout: .seconds(300))
        try #require(made.exit == .status(0))
        chmod("\(folder)/\(name).key", 0o600)
    }

    private func remove() { TestFolder.remove(folder) }

    @Test(
        "requests and streams of any size work, also with a slow handler",
        .enabled(if: openssl != nil, "needs openssl (apt-get install openssl)"))
    func exchanges() async throws {
        defer { remove() }
        try await make("one")
        let certificate = try ServerCertificate(certificate: folder + "/one.pem", key: folder + "/one.key")
        let listener = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0), certificate: certificate) { request in
            if request.path == "/stream" {
                return HTTPServerResponse(
                    body: .stream(heartbeat: nil) { (writer) async throws(HTTPError) in
                        for _ in 0..<64 { try await writer.write([UInt8](repeating: 7, count: 50_000)) }
                    })
            }
            for _ in 0..<10 { await Task.yield() }
            return HTTPServerResponse(body: .bytes(request.body))
        }
        let client = HTTPClient(
            configuration: HTTPClientConfiguration(environment: ["SSL_CERT_FILE": folder + "/one.pem"]))
        let base = "https://localhost:\(listener.port)"
        let body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
        for _ in 0..<3 {
            #expect(try await client.send(HTTPRequest(method: "POST", url: base + "/", body: body)).body == body)
        }
        #expect(try await client.send(HTTPRequest(url: base + "/stream")).body.count == 3_200_000)
        let stranger = HTTPClient(configuration: HTTPClientConfiguration(environment: [:]))
        await #expect(throws: HTTPError.self) { _ = try await stranger.send(HTTPRequest(url: base + "/")) }
        await listener.stop(graceful: .zero)
    }

    @Test(
        "new connections get a renewed certificate once its key fits, and requests under way go on",
        .enabled(if: openssl != nil, "needs openssl (apt-get install openssl)"))
    func renewal() async throws {
        defer { remove() }
        for name in ["one", "two", "live"] { try await make(name) }
        func install(_ file: String, _ name: String) throws {
            try #require(rename("\(folder)/\(name).\(file)", "\(folder)/live.\(file)") == 0)
        }
        func client(_ name: String) throws -> HTTPClient {
            let bytes = try #require(try ProtectedFile.read("\(folder)/\(name).pem", limit: 1 << 20))
            try ProtectedFile.replace("\(folder)/\(name)-known.pem", with: bytes)
            return HTTPClient(
                configuration: HTTPClientConfiguration(
                    environment: ["SSL_CERT_FILE": "\(folder)/\(name)-known.pem"]))
        }
        let (before, after) = (try client("live"), try client("two"))
        let certificate = try ServerCertificate(certificate: folder + "/live.pem", key: folder + "/live.key")
        let gate = OneShot<Void>()
        let listener = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0), certificate: certificate) { request in
            if request.path == "/slow" { await gate.wait() }
            return .text("done")
        }
        let base = "https://localhost:\(listener.port)"
        async let slow = before.send(HTTPRequest(url: base + "/slow"))
        #expect(try await before.send(HTTPRequest(url: base + "/")).status == 200)
        // The certificate comes before its key.
        try install("pem", "two")
        #expect(try await before.send(HTTPRequest(url: base + "/")).status == 200)
        try install("key", "two")
        #expect(await eventually { (try? await after.send(HTTPRequest(url: base + "/")))?.status == 200 })
        gate.resolve(())
        #expect(try await slow.status == 200)
        await listener.stop(graceful: .zero)
    }

    @Test(
        "a key that others may read, that is invalid or belongs to another certificate is refused",
        .enabled(if: openssl != nil, "needs openssl (apt-get install openssl)"))
    func refusals() async throws {
        defer { remove() }
        try await make("one")
        try await make("two")
        let mixed = try ServerCertificate(certificate: folder + "/one.pem", key: folder + "/two.key")
        #expect(throws: MMError.self) {
            _ = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0), certificate: mixed) { _ in .text("") }
        }
        #expect(throws: MMError.self) {
            _ = try ServerCertificate(certificate: folder + "/one.key", key: folder + "/one.key")
        }
        #expect(throws: MMError.self) {
            _ = try ServerCertificate(certificate: folder + "/one.pem", key: folder + "/none.key")
        }
        chmod(folder + "/one.key", 0o640)
        #expect(throws: MMError.self) {
            _ = try ServerCertificate(certificate: folder + "/one.pem", key: folder + "/one.key")
        }
    }
}
