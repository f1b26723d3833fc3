import MMCore
import MMHTTP
import MMOperations
import MMPool
import Testing

@testable import MMServing

@Suite("Calls to pools that don't come up", .timeLimit(.minutes(5)))
struct IsolatedDeadlineTests {
    private let transport = HTTPClient(configuration: HTTPClientConfiguration(environment: [:]))

    private func call(_ pool: IsolatedPool, within limit: Duration) async throws(MMError) {
        let status = try Catalogue.standard.require("status")
        let context = CallContext(caller: Caller(surface: .terminal, name: "mm", server: nil), timeLimit: limit)
        _ = try await pool.call(status, [:], in: context)
    }

    @Test("end at their own deadline, however long the router waits for such a pool")
    func elsewhere() async throws {
        let site = NetworkSite(
            connection: "Contoso", client: PoolClient(try PoolAddress(url: "http://127.0.0.1:1"), transport: transport),
            patience: .seconds(3600))
        let error = await #expect(throws: MMError.self) {
            try await call(IsolatedPool(connection: "Contoso", site: site), within: .milliseconds(100))
        }
        #expect(error?.code == .unavailable && error?.message.contains("does not answer") == true)
    }
}
