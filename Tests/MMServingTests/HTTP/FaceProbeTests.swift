import MMCore
import MMHTTP
import MMMCP
import MMOperations
import Testing

@testable import MMServing

@Suite("Health checks of mm-mcp", .timeLimit(.minutes(5)))
struct FaceProbeTests {
    private func face(_ words: [String] = [], secret: String? = nil) throws -> HTTPFace {
        let home = try ServingHome()
        let options = try #require(try MCPFaceOptions(words: ["--http", "127.0.0.1:0"] + words).http)
        return try HTTPFace.start(
            try home.server(), options, secret: secret.map { Secret($0) }, gate: nil, log: home.services.log)
    }

    private func get(_ face: HTTPFace, _ path: String, _ headers: HTTPHeaders = [:]) async throws -> HTTPResponse {
        let base = face.url.dropLast("/mcp".count)
        return try await HTTPClient(configuration: HTTPClientConfiguration(environment: [:])).send(
            HTTPRequest(
                method: "GET", url: base + path, headers: headers, timeout: .seconds(60), stallTimeout: .zero,
                allowsPlainHTTP: true))
    }

    @Test("health and readiness are shown to everyone who reaches the address, and nothing else")
    func probes() async throws {
        let face = try face(["--behind-proxy"], secret: "0123456789abcdef")
        for path in ["/healthz", "/readyz"] {
            let answer = try await get(face, path, ["Host": "10.1.2.3:8365"])
            #expect(answer.status == 200, "\(path): \(answer.status)")
            #expect(String(decoding: answer.body, as: UTF8.self).contains("status"))
        }
        #expect(try await get(face, "/healthz/x").status != 200)
        #expect(try await get(face, "/mcp").status == 401)
        await face.stop(graceful: .zero)
    }

    @Test("an unsupported version is answered with the supported ones")
    func version() async throws {
        let face = try face()
        let caller = HTTPCaller(face)
        let session = try await caller.initialize()
        let answer = try await caller.post(
            ["jsonrpc": "2.0", "id": 1, "method": "tools/list"],
            ["Mcp-Session-Id": session, "MCP-Protocol-Version": "1999-01-01"])
        let text = String(decoding: answer.body, as: UTF8.self)
        #expect(answer.status == 400)
        for word in ["1999-01-01", "2025-11-25", "2026-07-28"] { #expect(text.contains(word), "\(text)") }
        await face.stop(graceful: .zero)
    }

    @Test(
        "the variable for hosts without flags allows reads alone, and one that says neither yes nor no stops the start",
        arguments: [("1", true), ("0", false), ("", false)])
    func readOnly(word: String, due: Bool) throws {
        #expect(try MCPFaceOptions(words: [], environment: ["MM_READ_ONLY": word]).readOnly == due)
        #expect(try MCPFaceOptions(words: ["--read-only"], environment: ["MM_READ_ONLY": word]).readOnly)
        #expect(throws: MMError.self) { try MCPFaceOptions(words: [], environment: ["MM_READ_ONLY": "perhaps"]) }
    }
}
