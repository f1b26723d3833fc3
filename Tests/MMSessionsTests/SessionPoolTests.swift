import MMCore
import MMSessions
import TestSupport
import Testing

@Suite("A pool of sessions", .timeLimit(.minutes(5)))
struct SessionPoolTests {
    private let key = SessionKey(connection: "Contoso", module: "exo")
    private let prompt: JSONObject = ["userCode": "ABCD1234", "message": "Sign in"]

    @Test("starts a session once and lends it repeatedly")
    func reuse() async throws {
        let factory = ScriptedFactory()
        let pool = SessionPool(factory: factory)
        for _ in 0..<3 {
            let number = try await pool.withSession(key) { (lease) throws(MMError) in lease.session.number }
            #expect(number == 1)
        }
        #expect(factory.made.count == 1)
        #expect(await pool.counters.commands == 3)
        #expect(await pool.counters.starts == 1)
    }

    @Test("lends a session to one caller at a time")
    func exclusive() async throws {
        let factory = ScriptedFactory()
        let pool = SessionPool(factory: factory)
        let key = key
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    try await pool.withSession(key) { (lease) throws(MMError) in await lease.session.command() }
                }
            }
            try await group.waitForAll()
        }
        #expect(factory.made.count == 1)
        #expect(factory.made[0].seen.mostAtOnce == 1)
        #expect(await pool.counters.commands == 200)
    }

    @Test("work that computes in one session doesn't keep another session's work waiting")
    func besideEachOther() async throws {
        let pool = SessionPool(factory: ScriptedFactory())
        let (key, other) = (key, SessionKey(connection: "Fabrikam", module: "exo"))
        let (computes, otherRan) = (Noted(false), Noted(false))
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await pool.withSession(key) { (_) throws(MMError) in
                    computes.change { $0 = true }
                    // Without suspension, as a long conversion would.
                    let limit = ContinuousClock.now + .seconds(60)
                    while !otherRan.now, ContinuousClock.now < limit {}
                    return otherRan.now
                }
            }
            await until { computes.now }
            try await pool.withSession(other) { (_) throws(MMError) in otherRan.change { $0 = true } }
            for try await sawOther in group { #expect(sawOther) }
        }
    }

    @Test("returns a required sign-in at once, and runs after it was approved")
    func pendingSignIn() async throws {
        let factory = ScriptedFactory(.init(prompt: prompt, waitsForApproval: true))
        let pool = SessionPool(factory: factory)
        for _ in 0..<2 {
            let error = await #expect(throws: MMError.self) {
                try await pool.withSession(key) { (_) throws(MMError) in }
            }
            #expect(error?.code == .signInNeeded)
            #expect(error?.details["userCode"] == "ABCD1234")
        }
        factory.made[0].approve()
        await until { await pool.reports().first?.state.word == "ready" }
        let account = try await pool.withSession(key) { (lease) throws(MMError) in lease.account }
        #expect(account == "admin@contoso.example")
        #expect(factory.made.count == 1)
    }

    @Test("a call after the person has approved doesn't get the code again, but waits and runs")
    func approvedMeanwhile() async throws {
        let last = Gate()
        let factory = ScriptedFactory(.init(prompt: prompt, waitsForApproval: true, finishesAfter: last))
        let pool = SessionPool(factory: factory)
        let key = key
        await #expect(throws: MMError.self) { try await pool.connect(key) }
        factory.made[0].approve()
        await until {
            if case .signingIn(prompt: nil)? = await pool.reports().first?.state { true } else { false }
        }
        let again = Task { try await pool.withSession(key) { (lease) throws(MMError) in lease.account } }
        await until { await pool.reports().first?.waiting == 1 }
        last.open()
        #expect(try await again.value == "admin@contoso.example")
    }

    @Test("the next caller gets the result of a code, however often it changed meanwhile")
    func toldAfterwards() async throws {
        let factory = ScriptedFactory(.init(prompt: prompt, waitsForApproval: true))
        let pool = SessionPool(factory: factory)
        let key = key
        for _ in 0..<3 {
            let error = await #expect(throws: MMError.self) { try await pool.connect(key) }
            #expect(error?.details["userCode"] == "ABCD1234")
        }
        factory.made[0].change { $0.connectFault = MMError(.forbidden, "declined") }
        factory.made[0].approve()
        await until { await pool.reports().first?.state.word == "failed" }
        let told = await #expect(throws: MMError.self) { try await pool.connect(key) }
        #expect(told?.message == "declined")
        #expect(factory.made.count == 1)
    }

    @Test("who has signed in since isn't told that an earlier code came to nothing")
    func toldNoMore() async throws {
        let factory = ScriptedFactory(.init(prompt: prompt, waitsForApproval: true))
        let pool = SessionPool(factory: factory)
        let key = key
        await #expect(throws: MMError.self) { try await pool.connect(key) }
        factory.made[0].change { $0.connectFault = MMError(.forbidden, "declined") }
        factory.made[0].approve()
        await until { await pool.reports().first?.state.word == "failed" }
        factory.change { ($0.prompt, $0.waitsForApproval) = (nil, false) }
        factory.made[0].change { $0.isPromptObsolete = true }
        let number = try await pool.withSession(key) { (lease) throws(MMError) in lease.session.number }
        #expect(number == 2)
    }

    @Test("the reason of a code that came to nothing isn't told with a later code once the session was open between")
    func reasonNoMore() async throws {
        let factory = ScriptedFactory(.init(prompt: prompt, waitsForApproval: true))
        let pool = SessionPool(factory: factory)
        let key = key
        await #expect(throws: MMError.self) { try await pool.connect(key) }
        factory.made[0].change { $0.connectFault = MMError(.deadlineExceeded, "nobody approved it") }
        factory.made[0].approve()
        await until { await pool.reports().first?.state.word == "failed" }
        factory.change { ($0.prompt, $0.waitsForApproval) = (nil, false) }
        #expect(try await pool.withSession(key) { (lease) throws(MMError) in lease.session.number } == 2)
        factory.made[1].change { $0.isUsable = false }
        let asking = prompt
        factory.change { ($0.prompt, $0.waitsForApproval) = (asking, true) }
        let asked = await #expect(throws: MMError.self) { try await pool.connect(key) }
        #expect(
            asked?.details["userCode"] == "ABCD1234" && asked?.details["reason"] == nil, "\(String(describing: asked))")
    }

    @Test("a code that is needed no more isn't shown again: the call and a terminal that waits get a new session")
    func obsoletePrompt() async throws {
        let factory = ScriptedFactory(.init(prompt: prompt, waitsForApproval: true))
        let pool = SessionPool(factory: factory)
        let key = key
        let shown = Noted(false)
        let terminal = Task {
            try await pool.connect(key, onPrompt: { _ in shown.change { $0 = true } })
        }
        await until { shown.now }
        let before = await #expect(throws: MMError.self) { try await pool.connect(key) }
        #expect(before?.code == .signInNeeded)
        factory.change { ($0.prompt, $0.waitsForApproval) = (nil, false) }
        factory.made[0].change { $0.isPromptObsolete = true }
        let number = try await pool.withSession(key) { (lease) throws(MMError) in lease.session.number }
        #expect(number == 2 && factory.made[0].seen.isClosed)
        #expect(try await terminal.value == "admin@contoso.example")
        #expect(factory.made.count == 2)
    }

    @Test("a call that is repeated after the approval waits until the service is asked the next time")
    func repeatedAfterApproval() async throws {
        var asking = prompt
        asking["interval"] = 600
        let factory = ScriptedFactory(.init(prompt: asking, waitsForApproval: true))
        let pool = SessionPool(factory: factory)
        let key = key
        let new = await #expect(throws: MMError.self) { try await pool.connect(key) }
        #expect(new?.code == .signInNeeded)
        let again = Task { try await pool.connect(key) }
        await until { await pool.waiting(for: key) == 1 }
        factory.made[0].approve()
        #expect(try await again.value == "admin@contoso.example")
    }

    @Test("lets a terminal wait for the sign-in")
    func waitingThrough() async throws {
        let factory = ScriptedFactory(.init(prompt: prompt, waitsForApproval: true))
        let pool = SessionPool(factory: factory)
        let key = key
        let number = try await pool.withSession(
            key,
            onPrompt: { details in
                #expect(details["userCode"] == "ABCD1234")
                factory.made[0].approve()
            }
        ) { (lease) throws(MMError) in lease.session.number }
        #expect(number == 1)
    }

    @Test("reports progress of the sign-in to a waiting terminal")
    func trouble() async throws {
        var again = prompt
        again["trouble"] = "The service is down."
        let factory = ScriptedFactory(.init(prompt: prompt, promptAgain: again, waitsForApproval: true))
        let pool = SessionPool(factory: factory)
        let told = Mutex<[JSONObject]>([])
        _ = try await pool.connect(
            key,
            onPrompt: { details in
                told.withLock { $0.append(details) }
                if details["trouble"] != nil { factory.made[0].approve() }
            })
        #expect(told.withLock { $0 } == [prompt, again])
    }

    @Test("reports a failed sign-in to all waiting callers, and starts again with the next call")
    func failedSignIn() async throws {
        let factory = ScriptedFactory(.init(connectFault: MMError(.forbidden, "wrong account")))
        let pool = SessionPool(factory: factory)
        let error = await #expect(throws: MMError.self) { try await pool.connect(key) }
        #expect(error?.message == "wrong account")
        #expect(factory.made[0].seen.isClosed)
        #expect(await pool.reports().first?.state.word == "failed")
        factory.change { $0.connectFault = nil }
        #expect(try await pool.connect(key) == "admin@contoso.example")
        #expect(factory.made.count == 2)
    }

    @Test("reports a sign-in that was refused meanwhile to the next caller, and then starts again")
    func refusedUnseen() async throws {
        let factory = ScriptedFactory(
            .init(prompt: prompt, waitsForApproval: true, connectFault: MMError(.forbidden, "wrong account")))
        let pool = SessionPool(factory: factory)
        let asked = await #expect(throws: MMError.self) { try await pool.connect(key) }
        #expect(asked?.code == .signInNeeded)
        factory.made[0].approve()
        await until { await pool.reports().first?.state.word == "failed" }
        let told = await #expect(throws: MMError.self) { try await pool.connect(key) }
        #expect(told?.message == "wrong account")
        #expect(factory.made.count == 1)
        let again = await #expect(throws: MMError.self) { try await pool.connect(key) }
        #expect(again?.code == .signInNeeded)
        #expect(factory.made.count == 2)
        await pool.close()
    }

    @Test("asks again if a code expired before it was shown")
    func ranOutUnseen() async throws {
        let factory = ScriptedFactory(
            .init(prompt: prompt, waitsForApproval: true, connectFault: MMError(.deadlineExceeded, "too late")))
        let pool = SessionPool(factory: factory)
        await #expect(throws: MMError.self) { try await pool.connect(key) }
        factory.made[0].approve()
        await until { await pool.reports().first?.state.word == "failed" }
        let again = await #expect(throws: MMError.self) { try await pool.connect(key) }
        #expect(again?.code == .signInNeeded)
        await pool.close()
    }

    @Test("an unattended restore reports that a person is needed, and tries once")
    func unattended() async throws {
        let gate = Gate()
        gate.open()
        let factory = ScriptedFactory(.init(needsSomebodyAfter: gate))
        let pool = SessionPool(factory: factory)
        let key = key
        let error = await #expect(throws: MMError.self) {
            try await Attendance.unattended { () async throws(MMError) in _ = try await pool.connect(key) }
        }
        #expect(error?.code == .signInNeeded)
        #expect(factory.made.count == 1)
    }

    @Test("a caller during an unattended restore is asked instead")
    func attendedMeanwhile() async throws {
        let gate = Gate()
        let factory = ScriptedFactory(.init(needsSomebodyAfter: gate))
        let pool = SessionPool(factory: factory)
        let key = key
        let back = Task {
            try await Attendance.unattended { () async throws(MMError) in _ = try await pool.connect(key) }
        }
        await until { await pool.reports().first?.waiting == 1 }
        let caller = Task { try await pool.connect(key) }
        await until { await pool.reports().first?.waiting == 2 }
        gate.open()
        await #expect(throws: MMError.self) { try await back.value }
        #expect(try await caller.value == "admin@contoso.example")
        #expect(factory.made.count == 2)
    }

    @Test("reports a lost session to one caller and gives the others a new one")
    func lostSession() async throws {
        let factory = ScriptedFactory()
        let pool = SessionPool(factory: factory)
        let key = key
        _ = try await pool.connect(key)
        let started = Gate()
        let release = Gate()
        let first = Task {
            try await pool.withSession(key) { (lease) throws(MMError) in
                started.open()
                await release.passed()
                lease.session.change { $0.isUsable = false }
                throw MMError(.sessionLost, "gone")
            }
        }
        await started.passed()
        async let second = pool.withSession(key) { (lease) throws(MMError) in (lease.session.number, lease.isFresh) }
        await until { await pool.reports().first?.waiting == 1 }
        release.open()
        await #expect(throws: MMError.self) { try await first.value }
        let (number, isFresh) = try await second
        #expect(number == 2)
        #expect(isFresh)
        #expect(await pool.counters.restarts == 1)
        #expect(factory.made[0].seen.isClosed)
    }

    @Test("reports a session that was lost while idle, and doesn't lend its remains")
    func lostAtRest() async throws {
        let factory = ScriptedFactory()
        let pool = SessionPool(factory: factory)
        _ = try await pool.connect(key)
        #expect(await pool.state(of: key)?.word == "ready")
        factory.made[0].change { $0.isUsable = false }
        #expect(await pool.state(of: key)?.word == "lost")
        #expect(await pool.reports().first?.state.word == "lost")
        // The next one needs a person: the code shown is that of the new session.
        factory.change {
            $0.prompt = prompt
            $0.waitsForApproval = true
        }
        for _ in 0..<2 {
            let error = await #expect(throws: MMError.self) {
                try await pool.withSession(key) { (_) throws(MMError) in }
            }
            #expect(error?.details["userCode"] == "ABCD1234")
        }
        #expect(factory.made.count == 2)
        #expect(factory.made[0].seen.isClosed && !factory.made[1].seen.isClosed)
        factory.made[1].approve()
        await until { await pool.state(of: key)?.word == "ready" }
        let number = try await pool.withSession(key) { (lease) throws(MMError) in lease.session.number }
        #expect(number == 2)
        #expect(await pool.counters.restarts == 1)
        await pool.close()
    }

    @Test("ends a waiting call if it is cancelled, and forgets it")
    func cancelledWaiter() async throws {
        let factory = ScriptedFactory(.init(waitsForApproval: true))
        let pool = SessionPool(factory: factory)
        let key = key
        let call = Task { try await pool.connect(key) }
        await until { await pool.reports().first?.waiting == 1 }
        call.cancel()
        let error = await #expect(throws: MMError.self) { try await call.value }
        #expect(error?.code == .cancelled)
        #expect(await pool.reports().first?.waiting == 0)
        await pool.close()
    }

    @Test("ends a waiting call at its deadline")
    func deadline() async throws {
        let factory = ScriptedFactory(.init(waitsForApproval: true))
        let pool = SessionPool(factory: factory)
        let error = await #expect(throws: MMError.self) {
            try await pool.connect(key, until: .after(.milliseconds(20)))
        }
        #expect(error?.code == .deadlineExceeded)
        await pool.close()
    }

    @Test("resets only the chosen sessions")
    func reset() async throws {
        let factory = ScriptedFactory()
        let pool = SessionPool(factory: factory)
        for (connection, module) in [("A", "exo"), ("A", "teams"), ("B", "exo")] {
            _ = try await pool.connect(SessionKey(connection: connection, module: module))
        }
        #expect(await pool.reset(connection: "A").map(\.description) == ["A/exo", "A/teams"])
        #expect(await pool.reports().map(\.key.description) == ["B/exo"])
        #expect(factory.made.map(\.seen.isClosed) == [true, true, false])
        #expect(await pool.reset(connection: "A").isEmpty)
    }

    @Test("ends only unused sessions, also where another person uses the same module")
    func unused() async throws {
        let pool = SessionPool(factory: ScriptedFactory())
        let keys = ["ada", "ben"].map { SessionKey(connection: "A", module: "exo", signedIn: $0) }
        for key in keys { _ = try await pool.connect(key) }
        try await pool.withSession(keys[0]) { (_) throws(MMError) in await pool.resetUnused() }
        #expect(await pool.reports().map(\.key) == [keys[0]])
        #expect(await pool.reset(connection: "A", module: "exo", signedIn: "ben").isEmpty)
        #expect(await pool.reset(connection: "A", module: "exo", signedIn: "ada") == [keys[0]])
    }

    @Test("doesn't end a session that a call is opening as unused")
    func opened() async throws {
        let start = Gate()
        let pool = SessionPool(factory: ScriptedFactory(.init(startsAfter: start)))
        let key = SessionKey(connection: "A", module: "exo")
        let call = Task { try await pool.withSession(key) { (_) throws(MMError) in "done" } }
        await until { await pool.waiting(for: key) == 1 }
        await pool.resetUnused()
        start.open()
        #expect(try await call.value == "done")
    }

    @Test("makes room by ending the session that was idle longest, never a working one")
    func room() async throws {
        let time = ManualClock()
        var settings = PoolSettings()
        settings.maxSessions = 2
        let factory = ScriptedFactory()
        let pool = SessionPool(factory: factory, settings: settings, clock: time.clock)
        for module in ["a", "b"] {
            _ = try await pool.connect(SessionKey(connection: "C", module: module))
            time.advance(.seconds(1))
        }
        _ = try await pool.connect(SessionKey(connection: "C", module: "c"))
        #expect(await pool.reports().map(\.key.module) == ["b", "c"])
        let held = Gate()
        let key = SessionKey(connection: "C", module: "b")
        let other = SessionKey(connection: "C", module: "c")
        let busy = [key, other].map { key in
            Task { try await pool.withSession(key) { (_) throws(MMError) in await held.passed() } }
        }
        await until { await pool.reports().allSatisfy { $0.state.word == "busy" } }
        let error = await #expect(throws: MMError.self) {
            try await pool.connect(SessionKey(connection: "C", module: "d"))
        }
        #expect(error?.code == .limitExceeded)
        held.open()
        for task in busy { try await task.value }
    }

    @Test("uses a spare session")
    func spares() async throws {
        let factory = ScriptedFactory()
        let pool = SessionPool(factory: factory)
        await pool.keepSpares(for: [key])
        #expect(factory.made.count == 1)
        let number = try await pool.withSession(key) { (lease) throws(MMError) in lease.session.number }
        #expect(number == 1)
        await pool.close()
        #expect(factory.made.map(\.seen.isClosed) == [true])
    }

    @Test("closes every session when it ends and accepts no more calls")
    func closing() async throws {
        let factory = ScriptedFactory()
        let pool = SessionPool(factory: factory)
        _ = try await pool.connect(key)
        await pool.close()
        #expect(factory.made[0].seen.isClosed)
        let error = await #expect(throws: MMError.self) { try await pool.connect(key) }
        #expect(error?.code == .unavailable)
    }
}
