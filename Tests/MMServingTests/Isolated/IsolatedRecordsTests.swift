import MMCore
import MMOperations
import TestSupport
import Testing

@testable import MMServing

@Suite("The records of isolated pools", .timeLimit(.minutes(5)))
struct IsolatedRecordsTests {
    /// Places in which no pool runs.
    private struct NoSites: PoolSites {
        let wall = "none"

        func site(of connection: String, registry: JSONObject, among names: [String]) throws(MMError) -> any PoolSite {
            throw MMError(.unavailable, "No pool runs.")
        }
    }

    private static let names: [String] = Catalogue.standard.operations.map(\.declaration).filter {
        switch $0.keeper {
        case .records, .log: true
        default: false
        }
    }.map(\.name)

    @Test("are listed by every operation that lists them, also where no pool has any", arguments: names)
    func lists(name: String) async throws {
        let home = try TestHome()
        let services = OperationServices(environment: home.environment)
        let router = IsolatedRouter(
            registry: services.registry, sites: NoSites(), log: .off, commandLimit: .seconds(60))
        let service = IsolatedOperationService(router: router, services: services)
        let context = CallContext(caller: Caller(surface: .terminal, name: "mm", server: nil))
        let answer = try await service.call(name, name == "history" ? ["object": "x"] : [:], in: context)
        guard case .value(.array) = answer.body else {
            Issue.record("\(answer.body)")
            return
        }
        await services.close()
    }
}
