import MMCore
import MMSessions
import Testing

@Suite("The state of the pool after a call", .timeLimit(.minutes(5)))
struct LeaseTests {
    private let key = SessionKey(connection: "Contoso", module: "exo")

    @Test("a session is idle from its last use on, not from its sign-in")
    func use() async throws {
        let time = ManualClock()
        let factory = ScriptedFactory()
        let pool = SessionPool(factory: factory, clock: time.clock)
        _ = try await pool.connect(key)
        time.advance(.seconds(200))
        try await pool.withSession(key) { (_) throws(MMError) in }
        time.advance(.seconds(200))
        await pool.runMaintenancePass()
        #expect(factory.made[0].seen.healthChecks == 0)
        time.advance(.seconds(101))
        await pool.runMaintenancePass()
        #expect(factory.made[0].seen.healthChecks == 1)
        time.advance(.seconds(80_000))
        try await pool.withSession(key) { (_) throws(MMError) in }
        time.advance(.seconds(80_000))
        await pool.runMaintenancePass()
        #expect(await pool.reports().count == 1)
    }

    @Test("only the first user of a session that replaces a lost one is told")
    func fresh() async throws {
        let factory = ScriptedFactory()
        let pool = SessionPool(factory: factory)
        let key = key
        _ = try await pool.connect(key)
        let (gate, began) = (Gate(), Gate())
        let loser = Task {
            try await pool.withSession(key) { (lease) throws(MMError) in
                began.open()
                await gate.passed()
                lease.session.change { $0.isUsable = false }
                return lease.isFresh
            }
        }
        await began.passed()
        let waiting = Task { try await pool.withSession(key) { (lease) throws(MMError) in lease.isFresh } }
        await until { await pool.reports().first?.waiting == 1 }
        gate.open()
        #expect(try await loser.value == false)
        #expect(try await waiting.value)
        #expect(try await pool.withSession(key) { (lease) throws(MMError) in lease.isFresh } == false)
    }

    @Test("calls are counted, and failed ones as errors")
    func counts() async throws {
        let pool = SessionPool(factory: ScriptedFactory())
        _ = try await pool.connect(key)
        #expect(await pool.counters.commands == 0)
        for number in 0..<3 {
            try? await pool.withSession(key) { (_) throws(MMError) in
                if number == 1 { throw MMError(.remoteFailed, "no") }
            }
        }
        #expect(await pool.counters.commands == 3)
        #expect(await pool.counters.errors == 1)
        #expect(await pool.reports().first?.commands == 3)
    }

    @Test("a caller that gives up waiting takes no place")
    func givingUp() async throws {
        let pool = SessionPool(factory: ScriptedFactory())
        let key = key
        let (gate, began) = (Gate(), Gate())
        let holder = Task {
            try await pool.withSession(key) { (_) throws(MMError) in
                began.open()
                await gate.passed()
            }
        }
        await began.passed()
        var waiting: [Task<Bool, Never>] = []
        for number in 0..<3 {
            waiting.append(Task { (try? await pool.withSession(key) { (_) throws(MMError) in true }) ?? false })
            await until { await pool.reports().first?.waiting == number + 1 }
        }
        waiting[1].cancel()
        #expect(await waiting[1].value == false)
        #expect(await pool.reports().first?.waiting == 2)
        gate.open()
        try await holder.value
        #expect(await waiting[0].value)
        #expect(await waiting[2].value)
    }
}
