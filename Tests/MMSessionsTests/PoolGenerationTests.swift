import MMCore
import MMSessions
import Testing

@Suite("Late events of a replaced session", .timeLimit(.minutes(5)))
struct PoolGenerationTests {
    private let key = SessionKey(connection: "Contoso", module: "exo")

    /// A call that holds its session until the gate opens.
    private func call(_ pool: SessionPool<ScriptedFactory>, until gate: Gate, began: Gate) -> Task<Int?, Never> {
        let key = key
        return Task {
            try? await pool.withSession(key) { (lease) throws(MMError) in
                began.open()
                await gate.passed()
                return lease.session.number
            }
        }
    }

    @Test("a call that ends after a reset doesn't release the new session")
    func lateReturn() async throws {
        let factory = ScriptedFactory()
        let pool = SessionPool(factory: factory)
        let (first, second) = (Gate(), Gate())
        let (firstBegan, secondBegan) = (Gate(), Gate())
        let early = call(pool, until: first, began: firstBegan)
        await firstBegan.passed()
        _ = await pool.reset()
        let late = call(pool, until: second, began: secondBegan)
        await secondBegan.passed()
        first.open()
        #expect(await early.value == 1)
        #expect(await pool.reports().map(\.state.word) == ["busy"])
        second.open()
        #expect(await late.value == 2)
        #expect(factory.made.count == 2 && !factory.made[1].seen.isClosed)
    }

    @Test("a health check that ends after a reset doesn't affect the new session", arguments: [true, false])
    func lateHealth(isHealthy: Bool) async throws {
        let answer = Gate()
        let factory = ScriptedFactory(
            .init(
                healthFault: isHealthy ? nil : MMError(.sessionLost, "no answer"), answersHealthAfter: answer))
        let clock = ManualClock()
        var settings = PoolSettings()
        settings.healthTimeout = .seconds(300)
        let pool = SessionPool(factory: factory, settings: settings, clock: clock.clock)
        _ = try await pool.connect(key)
        clock.advance(settings.keepAliveAfter)
        let look = Task { await pool.runMaintenancePass() }
        await until { factory.made[0].seen.healthChecks == 1 }
        _ = await pool.reset()
        let (gate, began) = (Gate(), Gate())
        let late = call(pool, until: gate, began: began)
        await began.passed()
        answer.open()
        await look.value
        #expect(await pool.reports().map(\.state.word) == ["busy"])
        #expect(await pool.counters.keepAliveFailures == 0)
        gate.open()
        #expect(await late.value == 2)
        #expect(factory.made.count == 2)
    }

    /// Late events of an abandoned sign-in.
    enum LateNews: CaseIterable { case account, prompt, fault }

    @Test("events of a sign-in after a reset affect only its own session", arguments: LateNews.allCases)
    func lateSignIn(news: LateNews) async throws {
        let approval = Gate()
        let factory = ScriptedFactory(
            .init(
                prompt: news == .prompt ? ["userCode": "OLD"] : nil,
                connectFault: news == .fault ? MMError(.forbidden, "declined") : nil, signsInAfter: approval))
        let pool = SessionPool(factory: factory)
        let key = key
        let waiting = Task { try? await pool.connect(key) }
        await until { factory.made.first?.seen.connects == 1 }
        _ = await pool.reset()
        #expect(await waiting.value == nil)
        factory.change {
            $0 = .init(waitsForApproval: true)
        }
        let next = Task { try? await pool.connect(key) }
        await until { factory.made.count == 2 && factory.made[1].seen.connects == 1 }
        await until { await pool.reports().first?.waiting == 1 }
        approval.open()
        await until { factory.made[0].seen.connects == 2 }
        // If at all, the pool learns of it within its next few turns.
        for _ in 0..<200 {
            #expect(await pool.accounts().isEmpty)
            guard case .signingIn(prompt: nil) = await pool.state(of: key) else {
                Issue.record("the old sign-in changed the new session")
                break
            }
        }
        factory.made[1].approve()
        #expect(await next.value == "admin@contoso.example")
        #expect(await pool.counters.signIns == 1)
    }

    @Test("a session whose start ends after a reset is closed and never lent")
    func lateStart() async throws {
        let start = Gate()
        let factory = ScriptedFactory(.init(startsAfter: start))
        let pool = SessionPool(factory: factory)
        let key = key
        let waiting = Task { try? await pool.connect(key) }
        await until { factory.made.count == 1 }
        _ = await pool.reset()
        #expect(await waiting.value == nil)
        factory.change { $0.startsAfter = nil }
        let (gate, began) = (Gate(), Gate())
        let late = call(pool, until: gate, began: began)
        await began.passed()
        start.open()
        await until { factory.made[0].seen.isClosed }
        #expect(factory.made[0].seen.connects == 0)
        gate.open()
        #expect(await late.value == 2)
        #expect(await pool.reports().map(\.state.word) == ["ready"])
        #expect(!factory.made[1].seen.isClosed)
    }

    @Test("waiting callers are served in order")
    func order() async throws {
        let factory = ScriptedFactory()
        let pool = SessionPool(factory: factory)
        let (gate, began) = (Gate(), Gate())
        let holder = call(pool, until: gate, began: began)
        await began.passed()
        let served = Served()
        let key = key
        var calls: [Task<Void, Never>] = []
        for number in 0..<5 {
            calls.append(
                Task {
                    try? await pool.withSession(key) { (_) throws(MMError) in served.add(number) }
                })
            await until { await pool.reports().first?.waiting == number + 1 }
        }
        gate.open()
        _ = await holder.value
        for call in calls { await call.value }
        #expect(served.all == Array(0..<5))
    }
}
