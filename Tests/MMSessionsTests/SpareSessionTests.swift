import MMCore
import MMSessions
import Testing

@Suite("Spare sessions", .timeLimit(.minutes(5)))
struct SpareSessionTests {
    private let key = SessionKey(connection: "Contoso", module: "exo")
    private let other = SessionKey(connection: "Contoso", module: "azure")

    @Test("a dead spare is closed and replaced, and never lent")
    func dead() async throws {
        let factory = ScriptedFactory()
        let pool = SessionPool(factory: factory)
        await pool.keepSpares(for: [key])
        factory.made[0].change { $0.isUsable = false }
        await pool.runMaintenancePass()
        #expect(factory.made.map(\.seen.isClosed) == [true, false])
        factory.made[1].change { $0.isUsable = false }
        let number = try await pool.withSession(key) { (lease) throws(MMError) in lease.session.number }
        #expect(number == 3)
        #expect(factory.made[1].seen.isClosed)
        await pool.close()
    }

    @Test("a spare that is replaced while it is checked leaves no open session behind")
    func replacedMeanwhile() async throws {
        let factory = ScriptedFactory()
        let pool = SessionPool(factory: factory)
        let checks = Gate()
        await pool.keepSpares(for: [key])
        factory.made[0].change { $0.checksSpareAfter = checks }
        let upkeep = Task { await pool.runMaintenancePass() }
        await until { factory.made[0].seen.spareChecks == 1 }
        await pool.keepSpares(for: [])
        await pool.keepSpares(for: [key])
        #expect(factory.made.map(\.seen.isClosed) == [true, false])
        checks.open()
        await upkeep.value
        #expect(await pool.readySpares == [key])
        #expect(factory.made.count { !$0.seen.isClosed } == 1)
        await pool.close()
    }

    @Test("an ended session gets a new spare, a living one needs none")
    func refilled() async throws {
        let factory = ScriptedFactory()
        let pool = SessionPool(factory: factory)
        await pool.keepSpares(for: [key])
        _ = try await pool.connect(key)
        await pool.runMaintenancePass()
        #expect(factory.made.count == 1)
        #expect(await pool.readySpares.isEmpty)
        _ = await pool.reset(connection: "Contoso")
        await pool.runMaintenancePass()
        #expect(await pool.readySpares == [key])
        await pool.close()
        #expect(factory.made.allSatisfy { $0.seen.isClosed })
    }

    @Test("unwanted spares are ended")
    func unwanted() async {
        let factory = ScriptedFactory()
        let pool = SessionPool(factory: factory)
        await pool.keepSpares(for: [key, other])
        await pool.keepSpares(for: [other])
        #expect(await pool.readySpares == [other])
        #expect(factory.made.count(where: { $0.seen.isClosed }) == 1)
        await pool.close()
    }

    @Test("a spare that can't be started isn't retried for a while, and the number is limited")
    func bounded() async {
        let time = ManualClock()
        let broken = ScriptedFactory(fault: MMError(.unavailable, "no pwsh"))
        let pool = SessionPool(factory: broken, clock: time.clock)
        await pool.keepSpares(for: [key])
        for _ in 0..<10 { await pool.runMaintenancePass() }
        #expect(broken.made.count == 1)
        time.advance(.seconds(301))
        await pool.runMaintenancePass()
        #expect(broken.made.count == 2)

        let factory = ScriptedFactory()
        let many = SessionPool(factory: factory)
        await many.keepSpares(for: (0..<50).map { SessionKey(connection: "C\($0)", module: "exo") })
        #expect(factory.made.count == 8)
        await many.close()
    }

    @Test("disconnecting signs the chosen sessions out before it ends them; a reset doesn't")
    func disconnect() async throws {
        let factory = ScriptedFactory()
        let pool = SessionPool(factory: factory)
        for key in [key, other] { _ = try await pool.connect(key) }
        #expect(await pool.disconnect(connection: "Contoso", module: "exo") == [key])
        #expect(factory.made.map(\.seen.signOuts) == [1, 0])
        #expect(factory.made.map(\.seen.isClosed) == [true, false])
        #expect(await pool.disconnect(connection: "Fabrikam").isEmpty)
        #expect(await pool.reset(connection: "Contoso") == [other])
        #expect(factory.made.map(\.seen.signOuts) == [1, 0])
    }

    @Test("a session that hangs while signing out is ended anyway")
    func hangingSignOut() async throws {
        var settings = PoolSettings()
        settings.healthTimeout = .milliseconds(20)
        var script = ScriptedSession.Script()
        script.hangsOnSignOut = true
        let factory = ScriptedFactory(script)
        let pool = SessionPool(factory: factory, settings: settings)
        _ = try await pool.connect(key)
        #expect(await pool.disconnect(connection: "Contoso") == [key])
        #expect(factory.made[0].seen.isClosed)
    }
}
