import MMCore
import MMSessions
import Testing

@Suite("The upkeep of a pool", .timeLimit(.minutes(5)))
struct PoolUpkeepTests {
    private let key = SessionKey(connection: "Contoso", module: "exo")

    @Test("checks an idle session every five minutes, all day long")
    func keepAlive() async throws {
        let time = ManualClock()
        var settings = PoolSettings()
        settings.idleTimeout = .seconds(100_000)
        let factory = ScriptedFactory()
        let pool = SessionPool(factory: factory, settings: settings, clock: time.clock)
        _ = try await pool.connect(key)
        for _ in 0..<(86_400 / 15) {
            time.advance(.seconds(15))
            await pool.runMaintenancePass()
        }
        #expect(factory.made[0].seen.healthChecks == 288)
        #expect(await pool.counters.keepAlives == 288)
        #expect(factory.made.count == 1)
    }

    @Test("doesn't disturb a working session")
    func busy() async throws {
        let time = ManualClock()
        let factory = ScriptedFactory()
        let pool = SessionPool(factory: factory, clock: time.clock)
        let key = key
        let held = Gate()
        let work = Task { try await pool.withSession(key) { (_) throws(MMError) in await held.passed() } }
        await until { await pool.reports().first?.state.word == "busy" }
        time.advance(.seconds(3600))
        await pool.runMaintenancePass()
        #expect(factory.made[0].seen.healthChecks == 0)
        held.open()
        try await work.value
    }

    @Test(
        "replaces a session that can't stop its health check in time, keeps one that can, and delays nobody else",
        arguments: [false, true])
    func hungHealth(isKept: Bool) async throws {
        let time = ManualClock()
        var settings = PoolSettings()
        settings.healthTimeout = .milliseconds(20)
        settings.healthGrace = isKept ? .seconds(600) : .milliseconds(20)
        let factory = ScriptedFactory(.init(hangsOnHealth: true, heedsCancellation: isKept))
        let pool = SessionPool(factory: factory, settings: settings, clock: time.clock)
        _ = try await pool.connect(key)
        time.advance(.seconds(301))
        await pool.runMaintenancePass()
        #expect(factory.made[0].seen.isClosed == !isKept)
        #expect(await pool.counters.keepAliveFailures == 1)
        let number = try await pool.withSession(key) { (lease) throws(MMError) in lease.session.number }
        #expect(number == (isKept ? 1 : 2))
    }

    @Test(
        "only an ended sign-in or process ends a session; any other error is ignored and counted",
        arguments: [
            (MMErrorCode.unavailable, true), (.deadlineExceeded, true), (.remoteFailed, true), (.throttled, true),
            (.signInNeeded, false), (.sessionLost, false), (.forbidden, false),
        ])
    func passingFault(code: MMErrorCode, isKept: Bool) async throws {
        let time = ManualClock()
        let factory = ScriptedFactory(.init(healthFault: MMError(code, "a bad minute")))
        let pool = SessionPool(factory: factory, clock: time.clock)
        _ = try await pool.connect(key)
        for round in 1...(isKept ? 3 : 1) {
            time.advance(.seconds(301))
            await pool.runMaintenancePass()
            #expect(await pool.counters.keepAliveFailures == round)
        }
        #expect(factory.made[0].seen.isClosed == !isKept)
        let number = try await pool.withSession(key) { (lease) throws(MMError) in lease.session.number }
        #expect(number == (isKept ? 1 : 2))
    }

    @Test("a caller precedes a health check, and the session is kept")
    func callerFirst() async throws {
        let time = ManualClock()
        let factory = ScriptedFactory(.init(hangsOnHealth: true))
        let pool = SessionPool(factory: factory, clock: time.clock)
        _ = try await pool.connect(key)
        time.advance(.seconds(301))
        let upkeep = Task { await pool.runMaintenancePass() }
        await until { factory.made[0].seen.healthChecks == 1 }
        let number = try await pool.withSession(key) { (lease) throws(MMError) in lease.session.number }
        #expect(number == 1)
        #expect(factory.made[0].seen.roomAsked == 1)
        await upkeep.value
        #expect(await pool.counters.keepAliveFailures == 0)
        #expect(factory.made.count == 1)
    }

    @Test("a clock that jumps ends no session too early and keeps none for ever")
    func jumpingClock() async throws {
        let time = ManualClock()
        let factory = ScriptedFactory()
        let pool = SessionPool(factory: factory, clock: time.clock)
        time.advance(.seconds(1_000_000))
        _ = try await pool.connect(key)
        // Backward, as after a sleep or a correction: nothing is due.
        time.advance(.seconds(-900_000))
        await pool.runMaintenancePass()
        #expect(factory.made[0].seen.healthChecks == 0)
        #expect(await pool.reports().count == 1)
        // Forward past a check, however far: one check is made, not one for each missed interval.
        time.advance(.seconds(900_000 + 40_000))
        await pool.runMaintenancePass()
        await pool.runMaintenancePass()
        #expect(factory.made[0].seen.healthChecks == 1)
        time.advance(.seconds(50_000))
        await pool.runMaintenancePass()
        #expect(await pool.reports().isEmpty)
    }

    @Test("a session that is used while another one ends is kept")
    func usedMeanwhile() async throws {
        let time = ManualClock()
        let closes = Gate()
        let factory = ScriptedFactory(.init(closesAfter: closes))
        let pool = SessionPool(factory: factory, clock: time.clock)
        let keys = ["a", "b"].map { SessionKey(connection: "Contoso", module: $0) }
        for key in keys { _ = try await pool.connect(key) }
        time.advance(.seconds(86_401))
        let upkeep = Task { await pool.runMaintenancePass() }
        await until { factory.made.contains { $0.seen.isClosed } }
        let kept = keys[factory.made[0].seen.isClosed ? 1 : 0]
        try await pool.withSession(kept) { (_) throws(MMError) in }
        closes.open()
        await upkeep.value
        #expect(await pool.reports().map(\.key) == [kept])
        #expect(await pool.counters.reaped == 1)
    }

    @Test("a caller that replaces a lost session isn't told that its sign-in took too long")
    func replacing() async throws {
        let time = ManualClock()
        let closes = Gate()
        let factory = ScriptedFactory(.init(closesAfter: closes))
        let pool = SessionPool(factory: factory, clock: time.clock)
        let key = key
        _ = try await pool.connect(key)
        time.advance(.seconds(901))
        factory.made[0].change { $0.isUsable = false }
        let call = Task { try await pool.withSession(key) { (lease) throws(MMError) in lease.session.number } }
        await until { factory.made[0].seen.isClosed }
        await pool.runMaintenancePass()
        closes.open()
        #expect(try await call.value == 2)
    }

    @Test(
        "removes abandoned and unused sessions",
        arguments: [
            (ScriptedSession.Script(prompt: ["userCode": "X"], waitsForApproval: true), 899, 901),
            (ScriptedSession.Script(connectFault: MMError(.forbidden, "no")), 899, 901),
            (ScriptedSession.Script(), 86_399, 86_401),
        ])
    func reaping(script: ScriptedSession.Script, before: Int, after: Int) async throws {
        let time = ManualClock()
        let factory = ScriptedFactory(script)
        let pool = SessionPool(factory: factory, clock: time.clock)
        _ = try? await pool.connect(key)
        time.advance(.seconds(before))
        await pool.runMaintenancePass()
        #expect(await pool.reports().count == 1)
        time.advance(.seconds(after - before))
        await pool.runMaintenancePass()
        #expect(await pool.reports().isEmpty)
        #expect(factory.made[0].seen.isClosed)
        #expect(await pool.counters.reaped == 1)
    }
}
