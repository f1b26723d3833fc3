import MMCore
import MMHTTP
import MMIdentity
import TestSupport
import Testing

@testable import MMEgress

@Suite(
    "Pace of a session's requests", .timeLimit(.minutes(5)),
    .enabled(if: Curl.path != nil, "needs curl (apt-get install curl)"))
struct SharedPaceTests {
    @Test("if a service asks to slow down, no session of the connection calls it until then")
    func slowDown() async throws {
        let upstream = try Upstream { _ in
            HTTPServerResponse(status: 429, headers: ["Retry-After": "900"], body: .bytes([]))
        }
        let home = try TestHome()
        let paths = home.paths
        let wire = try await TestWire(upstream: upstream.port) {
            $0.pace = { _ in
                ServicePace(paths: paths, connection: "Contoso", service: "graph", clock: .system, log: .off)
            }
        }
        let url = "https://graph.microsoft.com/v1.0/me"
        #expect(try await Curl.run(wire, [url]).status == "429")
        let told = try #require(try ProtectedFile.read(paths.throttleFile))
        #expect(try JSONParser.parse(told)["Contoso/graph"] != nil)
        let second = try await Curl.run(wire, ["-D", "-", url])
        #expect(second.status == "429" && second.text.lowercased().contains("retry-after: "))
        #expect(upstream.received.count == 1)
        #expect(await wire.records(2).map(\.fault) == [nil, "throttled"])
        await wire.session.close()
        await upstream.stop()
    }
}
