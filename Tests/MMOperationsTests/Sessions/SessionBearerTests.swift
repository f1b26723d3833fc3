import MMCore
import MMIdentity
import MMPowerShell
import MMSessions
import Testing

@testable import MMEgress
@testable import MMOperations

@Suite("For whom a session gets tokens", .timeLimit(.minutes(10)))
struct SessionBearerTests {
    private let team: TeamHome

    init() async throws {
        team = try await TeamHome()
    }

    @Test("each person's session gets tokens of that person, whoever's call it is that asks")
    func ownTokens() async throws {
        let (admin, lena) = (try await team.person("admin"), try await team.person("lena.vogt"))
        for one in [admin, lena] { team.services.identity.callers.note(one.assertion, of: one.principal) }
        for one in [admin, lena] {
            for call in [admin.assertion, lena.assertion, nil] {
                let token = try await CallerAssertion.with(call) { () async throws(MMError) in
                    try await team.bearer(one).token(for: .graph, until: .after(.seconds(300)))
                }
                #expect(token.account.objectID == one.objectID)
            }
        }
        await team.stop()
    }

    @Test("a session never carries another's token: not one that is noted for its person, nor one for its placeholders")
    func othersTokens() async throws {
        let (admin, lena) = (try await team.person("admin"), try await team.person("lena.vogt"))
        team.services.identity.callers.note(admin.assertion, of: lena.principal)
        let error = await #expect(throws: MMError.self) {
            try await CallerAssertion.with(admin.assertion) { () async throws(MMError) in
                try await team.bearer(lena).token(for: .graph, until: .after(.seconds(300)))
            }
        }
        #expect(error?.code == .signInNeeded)
        team.services.identity.callers.note(admin.assertion, of: admin.principal)
        team.services.identity.callers.note(lena.assertion, of: lena.principal)
        let cloud = try team.services.identity.cloud(of: team.connection)
        let audience = try #require(cloud.audience(of: .graph))
        let fresh = FreshTokens(bearer: team.bearer(lena), cloud: cloud)
        _ = try await fresh.token(for: TokenNeed(audience: audience, account: lena.objectID))
        let refused = await #expect(throws: MMError.self) {
            try await fresh.token(for: TokenNeed(audience: audience, account: admin.objectID))
        }
        #expect(refused?.code == .signInNeeded)
        // What was fed to one session is worth nothing in another's vault.
        let (one, other) = (PlaceholderVault(), PlaceholderVault())
        let fed = try #require(
            try await ConnectionTokens(of: team.bearer(lena), cloud: cloud, vault: one).token(
                for: TokenResource(.graph)))
        #expect(!one.holdsNone(of: fed.token.reveal()) && other.holdsNone(of: fed.token.reveal()))
        await team.stop()
    }

    @Test("a session without a token of its person says what to do, and a module shows no code")
    func missing() async throws {
        let lena = try await team.person("lena.vogt")
        let cloud = try team.services.identity.cloud(of: team.connection)
        let error = await #expect(throws: MMError.self) {
            try await ConnectionTokens(of: team.bearer(lena), cloud: cloud).token(for: TokenResource(.graph))
        }
        #expect(error?.code == .signInNeeded && error?.hint?.contains("Make another call") == true)
        let unchecked = #expect(throws: MMError.self) { try team.bearer(lena).check() }
        #expect(unchecked?.code == .signInNeeded)
        team.services.identity.callers.note(lena.assertion, of: lena.principal)
        try team.bearer(lena).check()
        // Nobody signed in: there is nobody to act for.
        let nobody = await #expect(throws: MMError.self) {
            try await team.services.sessions.connect(SessionKey(connection: "Team", module: "azure"))
        }
        #expect(nobody?.code == .unsupported && nobody?.hint?.contains("--oauth-issuer") == true)
        await team.stop()
    }

    @Test("an idle session outlives its person's token: there is only nothing to ask the service with")
    func idle() async throws {
        let lena = try await team.person("lena.vogt")
        team.services.identity.callers.note(lena.assertion, of: lena.principal)
        let session = try ExchangeSession(
            module: "exo", connection: team.connection, identity: team.services.identity, bearer: team.bearer(lena),
            makePowerShell: nil)
        _ = try await CallerAssertion.with(lena.assertion) { () async throws(MMError) in
            try await session.connect { _ in }
        }
        // The pool asks on a task of its own, which belongs to no call.
        try await Task.detached { try await session.checkHealth() }.value
        await team.stop()
    }
}

extension PlaceholderVault {
    fileprivate func holdsNone(of text: String) -> Bool { placeholders(in: text.utf8).isEmpty }
}
