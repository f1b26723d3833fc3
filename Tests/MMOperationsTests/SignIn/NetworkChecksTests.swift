import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMOperations

@Suite("The doctor's checks of the network", .timeLimit(.minutes(2)))
struct NetworkChecksTests {
    @Test(
        "a host is asked once, however many connections and clouds use it",
        arguments: [(["public"], 2), (["public", "gcc", "public"], 2), (["gcc", "dod"], 4)])
    func hosts(clouds: [String], requests: Int) async throws {
        let connections = try clouds.enumerated().map { number, cloud in
            try Connection(name: "c\(number)", entry: ["tenant": "contoso.com", "cloud": .string(cloud)])
        }
        var report = DoctorReport()
        // Nothing listens at the proxy, so that nothing is sent.
        let checks = NetworkChecks(environment: ["HTTPS_PROXY": "http://127.0.0.1:1"], paths: try TestHome().paths)
        await checks.examine(connections, into: &report)
        let rows = report.rows.filter { $0.name == "network" }
        #expect(rows.count == requests && Set(rows).count == requests, "\(report.rows)")
    }

    @Test(
        "only the service's own answer shows that it can be reached, not the page of a network's sign-in",
        arguments: [
            (200, #"{"issuer": "https://login.example/v2.0"}"#, true),
            (401, #"{"error": {"code": "InvalidAuthenticationToken"}}"#, true),
            (200, "<html><body>Welcome to our guest network</body></html>", false), (302, "", false),
            (511, "<html><body>Sign in to this network</body></html>", false),
        ])
    func answer(status: Int, body: String, isService: Bool) async throws {
        let isPage = body.hasPrefix("<")
        let listener = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0)) { _ in
            .text(body, status: status, type: isPage ? "text/html" : "application/json")
        }
        let home = try TestHome()
        let origin = "http://127.0.0.1:\(listener.port)"
        var report = DoctorReport()
        try await NetworkChecks(
            environment: ["MM_SANDBOX_URL": origin], paths: home.paths, limit: .seconds(300)
        ).examine([Connection(name: "demo", entry: ["tenant": "contoso.com", "cloud": "sandbox"])], into: &report)
        await listener.stop(graceful: .zero)
        let rows = report.rows.filter { $0.name == "network" }
        #expect(rows.count == 2, "\(report.rows)")
        for row in rows {
            #expect(row.state == (isService ? .sound : .failed), "\(row)")
            guard !isService else { continue }
            #expect(row.detail.contains("instead of 127.0.0.1: HTTP \(status)"), "\(row)")
            #expect(row.remedy?.contains("captive portal") == true && row.remedy?.contains(origin) == true, "\(row)")
        }
    }

    @Test("a service that doesn't answer is waited for no longer than the doctor has time")
    func silent() async throws {
        let home = try TestHome()
        let listener = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0)) { _ in
            try? await Task.sleep(for: .seconds(600))
            return .text("", status: 503)
        }
        var report = DoctorReport()
        let began = ContinuousClock.now
        try await NetworkChecks(
            environment: ["MM_SANDBOX_URL": "http://127.0.0.1:\(listener.port)"], paths: home.paths,
            deadline: .after(.milliseconds(50)), limit: .seconds(600)
        ).examine([Connection(name: "demo", entry: ["tenant": "contoso.com", "cloud": "sandbox"])], into: &report)
        // Each of two requests would have the limit otherwise.
        #expect(began.duration(to: .now) < .seconds(600))
        let rows = report.rows.filter { $0.name == "network" }
        #expect(rows.count == 2 && rows.allSatisfy { $0.state == .failed }, "\(report.rows)")
        await listener.stop(graceful: .zero)
    }
}
