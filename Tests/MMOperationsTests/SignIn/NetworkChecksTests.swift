import MMCore
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
}
