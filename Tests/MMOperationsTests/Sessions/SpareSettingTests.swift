import MMCore
import MMSessions
import Testing

@testable import MMOperations

@Suite("Which sessions are started ahead", .timeLimit(.minutes(5)))
struct SpareSettingTests {
    private let home = JobHome()

    private func wanted(_ variable: String? = nil) throws -> (keys: [String], faults: [String]) {
        try ProtectedFile.replace(
            home.path + "/connections.json",
            with: Array(
                """
                {"connections": {
                  "Contoso": {"tenant": "contoso.example", "keepSpares": ["exo", "azure"]},
                  "Fabrikam": {"tenant": "fabrikam.example", "keepSpares": ["exoo", 7]},
                  "Plain": {"tenant": "plain.example"}
                }}
                """.utf8))
        var environment: [String: String] = [:]
        environment["MM_KEEP_SPARES"] = variable
        let spares = SpareSessions(environment: environment, registry: home.services.registry, log: .off)
        let (keys, faults) = spares.wanted()
        return (keys.sorted().map(\.description), faults)
    }

    @Test("the modules that a connection lists; others are named, and nothing else is kept")
    func registry() throws {
        let (keys, faults) = try wanted()
        #expect(keys == ["Contoso/azure", "Contoso/exo"])
        #expect(faults.count == 2)
        #expect(faults.first?.contains("exoo") == true)
    }

    @Test(
        "the variable counts instead",
        arguments: [
            ("off", [], 0), ("0", [], 0), ("Plain/exo", ["Plain/exo"], 0), ("Plain/exo,Contoso", ["Plain/exo"], 1),
            ("Nobody/exo", [], 1), ("", ["Contoso/azure", "Contoso/exo"], 2),
        ])
    func variable(text: String, keys: [String], faults: Int) throws {
        let found = try wanted(text)
        #expect(found.keys == keys)
        #expect(found.faults.count == faults)
    }
}
