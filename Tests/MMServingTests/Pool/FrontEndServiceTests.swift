import MMCore
import MMLegacy
import MMOperations
import Testing

@testable import MMServing

@Suite("Operations of a front-end whose pool is elsewhere", .timeLimit(.minutes(10)))
struct FrontEndServiceTests {
    private let home: ServingHome

    init() throws { home = try ServingHome() }

    /// Nobody listens at this address.
    private func call(_ name: String, _ arguments: JSONObject) async throws(MMError) -> OperationAnswer {
        let service = try FrontEndService.make(.elsewhere("http://127.0.0.1:1"), home.services, [:])
        return try await service.call(
            name, arguments, in: CallContext(caller: Caller(surface: .mcp, name: "test", server: "mm")))
    }

    @Test(
        "lists are given while no pool is up", arguments: ["run", "graph_request", "connections"])
    func lists(name: String) async throws {
        let answer = try await call(name, [:])
        #expect(try await answer.plainText().contains("Contoso"))
    }

    @Test(
        "what lives in a pool is not looked for here",
        arguments: [
            ("run", ["connection": "Contoso", "module": "exo", "command": "Get-Mailbox"]), ("status", [:]),
            ("sessions", [:]),
        ] as [(String, JSONObject)])
    func sessions(name: String, arguments: JSONObject) async throws {
        let error = await #expect(throws: MMError.self) { try await call(name, arguments) }
        #expect(error?.code == .unavailable)
    }
}
