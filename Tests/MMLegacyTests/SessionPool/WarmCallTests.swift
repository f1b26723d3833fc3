import MMCore
import MMOperations
import MMSystem
import TestSupport
import Testing

@testable import MMLegacy

/// A repeated call is answered from cached decisions until something changes that they depend on.
@Suite("A repeated call", .timeLimit(.minutes(5)))
struct WarmCallTests {
    /// Changes between two calls.
    enum Change: String, CaseIterable, Sendable {
        case ownersRules = "a rule of the owner's"
        case connectionPolicy = "the connection's policy"
        case connectionGone = "the connection's entry is gone"
    }

    private let run: JSONValue = ["connection": "Contoso-GA", "module": "exo", "command": "Get-Mailbox -ResultSize 1"]

    @Test("is judged again as soon as something has changed that it depends on", arguments: Change.allCases)
    func changed(change: Change) async throws {
        let place = try StandInHome()
        let pool = place.pool()
        try place.approve()
        #expect(try await pool.runSignedIn(run)["status"] == "success")
        for _ in 1...3 { #expect(try await pool.ask("POST", "/run", run)["status"] == "success") }
        try make(change, in: place.home)
        let answer = try await pool.ask("POST", "/run", run)
        #expect(answer["status"] != "success", "\(answer.body)")
        await place.home.services.close()
    }

    private func make(_ change: Change, in home: ServicesHome) throws {
        let registry = home.services.registry
        switch change {
        case .ownersRules:
            let rules = #"{"version":1,"rules":[{"id":"b","cmdlets":["get-mailbox"],"class":"secret"}]}"#
            try ProtectedFile.replace(home.path + "/state/guard-rules.json", with: Array(rules.utf8))
        case .connectionPolicy:
            try registry.edit { (document) throws(MMError) in
                var connections = document["connections"]?.object ?? [:]
                var entry = connections["Contoso-GA"]?.object ?? [:]
                entry["guard"] = ["policy": "standard", "ask": ["read"]]
                connections["Contoso-GA"] = .object(entry)
                document["connections"] = .object(connections)
            }
        case .connectionGone:
            try registry.edit { (document) throws(MMError) in
                var connections = document["connections"]?.object ?? [:]
                connections["Contoso-GA"] = nil
                document["connections"] = .object(connections)
            }
        }
    }
}
