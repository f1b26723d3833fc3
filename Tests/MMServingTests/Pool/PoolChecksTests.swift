import MMCore
import MMHTTP
import MMOperations
import MMPool
import Testing

@testable import MMServing

@Suite("What mm doctor says of the pool", .timeLimit(.minutes(5)))
struct PoolChecksTests {
    private func row(_ url: String) async throws -> DoctorReport.Row {
        var report = DoctorReport()
        await PoolChecks(environment: ["MM_SESSION_POOL_URL": url]).examine(into: &report)
        return try #require(report.rows.first { $0.name == "pool" })
    }

    @Test("it is that of the pool which the environment names, as commands use it")
    func named() async throws {
        let handshake = PoolHandshake.ofThisProcess()
        let listener = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0)) { request in
            request.path == PoolHandshake.path
                ? .json(JSONWriter.bytes(.object(handshake.publicJSON))) : .text("", status: 404)
        }
        let url = "http://127.0.0.1:\(listener.port)"
        let found = try await row(url)
        #expect(found.state == .sound && found.detail.hasSuffix(", at \(url)"), "\(found)")
        await listener.stop(graceful: .zero)
        let lost = try await row(url)
        #expect(lost.state == .failed && lost.detail == "The pool at \(url) can't be reached.", "\(lost)")
        #expect(lost.remedy?.contains("mm pool serve") == true)
    }

    @Test("a pool of the session-pool server is known as one")
    func earlier() async throws {
        let listener = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0)) { request in
            request.path == "/connections" ? .json(Array(#"{"connections": {}}"#.utf8)) : .text("", status: 404)
        }
        let url = "http://127.0.0.1:\(listener.port)"
        let found = try await row(url)
        #expect(found.state == .sound && found.detail == "an earlier session pool, at \(url)", "\(found)")
        await listener.stop(graceful: .zero)
    }
}
