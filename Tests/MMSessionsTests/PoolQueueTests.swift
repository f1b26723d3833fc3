import MMCore
import MMSessions
import Testing

@Suite("The queue of a pooled session", .timeLimit(.minutes(5)))
struct PoolQueueTests {
    private let key = SessionKey(connection: "Contoso", module: "exo")
    private let prompt: JSONObject = ["userCode": "ABCD1234", "message": "Sign in"]

    @Test("if a command outlasts its caller, the next caller waits for it")
    func leftBehind() async throws {
        let factory = ScriptedFactory()
        let pool = SessionPool(factory: factory)
        let key = key
        let command = try await pool.withSession(key) { (lease) throws(MMError) in lease.session.share() }
        let next = Task { try await pool.withSession(key) { (lease) throws(MMError) in lease.session.number } }
        await until { await pool.reports().first?.waiting == 1 }
        #expect(await pool.state(of: key)?.word == "busy")
        command?.release()
        #expect(try await next.value == 1)
        #expect(await pool.state(of: key)?.word == "ready")
    }

    @Test("a sign-out waits for the running command, and precedes waiting callers")
    func disconnect() async throws {
        let factory = ScriptedFactory()
        let pool = SessionPool(factory: factory)
        let key = key
        let command = try await pool.withSession(key) { (lease) throws(MMError) in lease.session.share() }
        let next = Task { try await pool.withSession(key) { (lease) throws(MMError) in lease.session.number } }
        await until { await pool.reports().first?.waiting == 1 }
        let ending = Task { await pool.disconnect(connection: key.connection) }
        await until { await pool.reports().first?.waiting == 2 }
        #expect(factory.made[0].seen.signOuts == 0)
        command?.release()
        #expect(await ending.value == [key])
        #expect(factory.made[0].seen.signOuts == 1)
        let error = await #expect(throws: MMError.self) { try await next.value }
        #expect(error?.code == .cancelled)
    }

    @Test("a session that is still signing in is ended at once instead of signed out")
    func disconnectPending() async throws {
        var settings = PoolSettings()
        settings.healthTimeout = .seconds(3600)
        let factory = ScriptedFactory(.init(prompt: prompt, waitsForApproval: true))
        let pool = SessionPool(factory: factory, settings: settings)
        let error = await #expect(throws: MMError.self) { try await pool.connect(key) }
        #expect(error?.code == .signInNeeded)
        #expect(await pool.disconnect(connection: key.connection) == [key])
        #expect(factory.made[0].seen.signOuts == 0 && factory.made[0].seen.isClosed)
    }

    @Test("a code ends the waiting of callers that can't show it, and not of others")
    func codes() async throws {
        let shown = Gate()
        let factory = ScriptedFactory(.init(prompt: prompt, waitsForApproval: true, startsAfter: shown))
        let pool = SessionPool(factory: factory)
        let key = key
        let told = Gate()
        let patient = Task { try await pool.connect(key) { _ in told.open() } }
        await until { await pool.reports().first?.waiting == 1 }
        let other = Task { try await pool.connect(key) }
        await until { await pool.reports().first?.waiting == 2 }
        shown.open()
        let error = await #expect(throws: MMError.self) { try await other.value }
        #expect(error?.code == .signInNeeded)
        await told.passed()
        #expect(await pool.reports().first?.waiting == 1)
        factory.made[0].approve()
        #expect(try await patient.value == "admin@contoso.example")
    }

    @Test("a caller that finds a session lost precedes later callers for the next one")
    func lostInTurn() async throws {
        let factory = ScriptedFactory()
        let pool = SessionPool(factory: factory)
        let key = key
        let command = try await pool.withSession(key) { (lease) throws(MMError) in lease.session.share() }
        let served = Served()
        var calls: [Task<Void, Never>] = []
        for number in 0..<3 {
            calls.append(
                Task {
                    try? await pool.withSession(key) { (lease) throws(MMError) in
                        served.add(number * 10 + lease.session.number)
                    }
                })
            await until { await pool.reports().first?.waiting == number + 1 }
        }
        factory.made[0].change { $0.isUsable = false }
        command?.release()
        for call in calls { await call.value }
        #expect(served.all == [2, 12, 22])
        #expect(factory.made.count == 2)
    }

    @Test("a connection's own limit ends its own session that was idle longest, and nobody else's")
    func ownersLimit() async throws {
        var settings = PoolSettings()
        settings.maxSessionsPerOwner = 2
        let time = ManualClock()
        let pool = SessionPool(factory: ScriptedFactory(), settings: settings, clock: time.clock)
        for (connection, module) in [
            ("Fabrikam", "exo"), ("Contoso", "exo"), ("Contoso", "teams"), ("Contoso", "azure"),
        ] {
            time.advance(.seconds(1))
            _ = try await pool.connect(SessionKey(connection: connection, module: module))
        }
        #expect(
            await pool.reports().map(\.key.description) == ["Contoso/azure", "Contoso/teams", "Fabrikam/exo"])
        // A working session isn't ended to make room.
        let shares = [
            try await pool.withSession(SessionKey(connection: "Contoso", module: "azure")) { (lease) throws(MMError) in
                lease.session.share()
            },
            try await pool.withSession(SessionKey(connection: "Contoso", module: "teams")) { (lease) throws(MMError) in
                lease.session.share()
            },
        ]
        let error = await #expect(throws: MMError.self) { try await pool.connect(key) }
        #expect(error?.code == .limitExceeded)
        #expect(error?.message.contains("all are in use") == true)
        #expect(await pool.reports().count == 3)
        for share in shares { share?.release() }
    }

    @Test("a caller for whom there is no room leaves nothing behind")
    func noRoom() async throws {
        var settings = PoolSettings()
        settings.maxSessions = 1
        let pool = SessionPool(factory: ScriptedFactory(), settings: settings)
        let other = SessionKey(connection: "Contoso", module: "teams")
        let command = try await pool.withSession(key) { (lease) throws(MMError) in lease.session.share() }
        let error = await #expect(throws: MMError.self) { try await pool.connect(other) }
        #expect(error?.code == .limitExceeded)
        #expect(await pool.reports().map(\.key) == [key])
        command?.release()
        #expect(try await pool.connect(other) == "admin@contoso.example")
    }
}
