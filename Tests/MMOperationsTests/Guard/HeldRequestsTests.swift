import MMCore
import MMGuard
import Testing

@testable import MMOperations

@Suite("Approvals of a home with pools that serve one connection each", .timeLimit(.minutes(5)))
struct HeldRequestsTests {
    private let home = JobHome()
    private let ann = Approver(person: "Ann", means: "terminal")

    private var requests: HeldRequests { HeldRequests(home.services.ledger, paths: home.services.paths) }

    /// The ledger of the pool that serves a connection alone.
    private func pool(_ connection: String) -> ConfirmationLedger {
        let folder = "\(home.services.paths.isolatedDirectory)/\(StatePaths.isolatedName(of: connection))"
        return ConfirmationLedger(path: folder + "/home/.m365-state/confirmations.json")
    }

    private func connection(_ name: String) throws -> Connection {
        try Connection(name: name, entry: ["tenant": "contoso.com", "cloud": "sandbox"])
    }

    @Test("a question of mm confirm gives the reason once: it stands with the part that is asked about")
    func question() async throws {
        let script = "Remove-Mailbox ann"
        let verdict = GuardEngine().judge(script: script, in: ScriptContext(module: "exo"), policy: .standard)
        let request = ConfirmationRequest(
            on: try connection("Contoso"), module: "exo", title: "run", text: script, verdict: verdict)
        let pending = try await home.services.ledger.enter(request).entry
        let question = Confirm.question(pending)
        #expect(question.reason.isEmpty || !question.pages.contains { $0.contains(question.reason) })
        #expect(question.pages.joined().contains("Remove-Mailbox can't be undone"))
    }

    @Test("what is allowed holds in the connection's own pool too, is listed once, and is revoked everywhere")
    func allowed() async throws {
        let contoso = try connection("Contoso")
        try ProtectedFile.makeDirectory(home.services.paths.isolatedDirectory)
        let made = try await requests.allow([.send], on: contoso, for: .seconds(600), by: ann, check: .terminal)
        let ids = made.map(\.id)
        #expect(ids.count == 1)
        #expect(try await pool("Contoso").standing().map(\.id) == ids)
        #expect(try await home.services.ledger.standing().map(\.id) == ids)
        #expect(try await pool("Fabrikam").standing().isEmpty)
        #expect(try await requests.standing().map(\.id) == ids)
        #expect(try await requests.revoke(try #require(ids.first)).id == ids.first)
        #expect(try await pool("Contoso").standing().isEmpty)
        #expect(try await requests.standing().isEmpty)
        await #expect(throws: MMError.self) { _ = try await requests.revoke(try #require(made.first).id) }
    }

    @Test("a pool whose ledger can't be changed is told, and keeps no approval from being revoked in the home's own")
    func blocked() async throws {
        try ProtectedFile.makeDirectory(home.services.paths.isolatedDirectory)
        let made = try await requests.allow(
            [.send], on: try connection("Contoso"), for: .seconds(600), by: ann, check: .terminal)
        let lock = pool("Contoso").path + ".lock"
        try ProtectedFile.remove(lock)
        try ProtectedFile.makeDirectory(lock)
        await #expect(throws: MMError.self) { _ = try await requests.revoke(try #require(made.first).id) }
        #expect(try await home.services.ledger.standing().isEmpty)
        #expect(try await requests.standing().map(\.id) == made.map(\.id))
    }

    @Test("without such pools no folder is made for them")
    func alone() async throws {
        _ = try await requests.allow(
            [.send], on: try connection("Contoso"), for: .seconds(600), by: ann, check: .terminal)
        #expect(!FileStamp.mayExist(home.services.paths.isolatedDirectory))
    }

    @Test("an approval that a session forged under the ID of a real one is listed beside it")
    func forged() async throws {
        try ProtectedFile.makeDirectory(home.services.paths.isolatedDirectory)
        let made = try await requests.allow(
            [.send], on: try connection("Contoso"), for: .seconds(600), by: ann, check: .terminal)
        var forged = try #require(made.first)
        forged.guardClass = .destructive
        try await pool("Contoso").keep([forged])
        #expect(try await requests.standing().map(\.guardClass) == [.send, .destructive])
    }
}
