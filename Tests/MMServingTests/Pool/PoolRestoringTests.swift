import MMCore
import MMOperations
import MMSessions
import Testing

@testable import MMServing

@Suite("Restoring sessions", .timeLimit(.minutes(5)))
struct PoolRestoringTests {
    private static let key = SessionKey(connection: "Contoso", module: "exo")

    private func home() throws -> ServingHome {
        let home = try ServingHome()
        let session: JSONObject = [
            "connection_name": "Contoso", "module": "exo", "tenant": "contoso.example", "app_id": "",
            "authenticated_as": "owner@contoso.example", "saved_at": .string(Timestamp.now.iso8601),
        ]
        try home.write("state/sessions-unified.json", JSONWriter.string(.array([.object(session)])))
        return home
    }

    @Test("begins before the first answer")
    func preparing() throws {
        let home = try home()
        let restorer = home.services.restorer
        #expect(!restorer.isRestoring)
        restorer.prepare()
        #expect(restorer.isRestoring)
        #expect(restorer.standings == [Self.key: .restoring])
        #expect(restorer.account(of: Self.key) == "owner@contoso.example")
    }

    @Test("sessions aren't forgotten if the registry is temporarily unreadable")
    func brokenRegistry() throws {
        let home = try home()
        try home.write("connections.json", "{\"connections\": {\"Conto")
        home.services.restorer.prepare()
        #expect(home.services.restorer.standings == [Self.key: .restoring])
    }

    @Test("sessions are forgotten with their connection")
    func removedConnection() throws {
        let home = try home()
        try home.write("connections.json", "{\"connections\": {}}")
        home.services.restorer.prepare()
        #expect(home.services.restorer.standings.isEmpty)
    }
}
