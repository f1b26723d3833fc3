import MMCore
import MMDesk
import MMSessions
import MMShell
import MMSystem
import Testing

@testable import MMOperations

@Suite("The shell sessions of a process", .timeLimit(.minutes(10)))
struct ShellSessionsTests {
    /// A clock that only moves when a test moves it.
    private final class ManualClock: Sendable {
        private let time = Mutex(Duration.zero)
        func advance(_ by: Duration) { time.withLock { $0 += by } }
        var clock: PoolClock { PoolClock(now: { self.time.withLock { $0 } }, wall: .system) }
    }

    private let time: ManualClock
    private let sessions: ShellSessions
    private let limits: SessionLimits

    init() {
        var configuration = ShellsConfiguration()
        configuration.maximumSessions = 3
        configuration.maximumSessionsOfOwner = 2
        configuration.idle = .seconds(60)
        limits = SessionLimits(configuration)
        time = ManualClock()
        sessions = ShellSessions(clock: time.clock)
    }

    /// A session that runs nothing.
    private actor Still: ShellSession {
        nonisolated let name = "still"
        private(set) var isClosed = false
        func start(
            _ command: ShellCommand, deadline: Deadline, observer: ShellCommand.Observer?
        ) async throws(MMError) -> ShellJob { throw MMError(.unsupported, "it is still") }
        func reset() async throws(MMError) {}
        func close() async { isClosed = true }
    }

    private func key(_ owner: String, _ name: String) -> ShellSessionName {
        ShellSessionName(owner: owner, place: .shell, name: name)
    }

    private func open(_ key: ShellSessionName, _ body: Still = Still()) async throws(MMError) -> Bool {
        try await sessions.session(key, limits: limits) { () async throws(MMError) in
            ShellSessions.Member(key: key, body: .shell(GuardedShell(body) { "" }), kind: "still")
        }.isNew
    }

    @Test("are made once, however many ask at once")
    func once() async throws {
        let made = Mutex(0)
        let key = key("a", "x")
        let (sessions, limits) = (sessions, limits)
        let make: @Sendable () async throws(MMError) -> ShellSessions.Member = {
            made.withLock { $0 += 1 }
            await Task.yield()
            return ShellSessions.Member(key: key, body: .shell(GuardedShell(Still()) { "" }), kind: "still")
        }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask { _ = try? await sessions.session(key, limits: limits, make: make) }
            }
        }
        #expect(made.withLock { $0 } == 1)
    }

    @Test("tell all who asked at once why one could not be made")
    func failedTogether() async throws {
        let key = key("a", "x")
        let (sessions, limits, gate) = (sessions, limits, OneShot<Void>())
        let made = Mutex(0)
        let make = { @Sendable () async throws(MMError) -> ShellSessions.Member in
            made.withLock { $0 += 1 }
            await gate.wait()
            throw MMError(.notFound, "no shell")
        }
        let calls = (0..<5).map { _ in
            Task { () -> MMErrorCode? in
                do throws(MMError) {
                    _ = try await sessions.session(key, limits: limits, make: make)
                } catch {
                    return error.code
                }
                return nil
            }
        }
        while await sessions.waiting(for: key) < 5 { await Task.yield() }
        gate.resolve(())
        for call in calls { #expect(await call.value == .notFound) }
        #expect(made.withLock { $0 } == 1)
        #expect(try await open(key))
    }

    @Test("end with their client also while they are being made")
    func endedInTheMaking() async throws {
        let (key, body) = (key("a", "x"), Still())
        let (sessions, limits, began, gate) = (sessions, limits, OneShot<Void>(), OneShot<Void>())
        let call = Task {
            try await sessions.session(key, limits: limits) { () async throws(MMError) in
                began.resolve(())
                await gate.wait()
                return ShellSessions.Member(key: key, body: .shell(GuardedShell(body) { "" }), kind: "still")
            }
        }
        await began.wait()
        await sessions.closeAll(of: "a")
        // What takes its place is not touched by its late end.
        let next = Still()
        #expect(try await open(key, next))
        gate.resolve(())
        let error = await #expect(throws: MMError.self) { _ = try await call.value }
        #expect(error?.code == .unavailable)
        while await !body.isClosed { await Task.yield() }
        #expect(await next.isClosed == false)
        #expect(await sessions.count == 1)
    }

    @Test("have limits, in all and for each client, that never end another client's")
    func limitsHold() async throws {
        #expect(try await open(key("a", "1")))
        #expect(try await open(key("a", "2")))
        let own = await #expect(throws: MMError.self) { try await open(key("a", "3")) }
        #expect(own?.hint?.contains("maxSessionsPerClient") == true)
        #expect(try await open(key("b", "1")))
        let error = await #expect(throws: MMError.self) { try await open(key("b", "2")) }
        #expect(error?.code == .limitExceeded)
        #expect(error?.hint?.contains("`maxSessions`") == true)
        #expect(await sessions.count == 3)
        #expect(try await open(key("a", "1")) == false)
    }

    @Test("end when nobody has used them for long")
    func idle() async throws {
        let body = Still()
        _ = try await open(key("a", "1"), body)
        time.advance(.seconds(59))
        await sessions.runMaintenancePass()
        #expect(await sessions.count == 1)
        time.advance(.seconds(1))
        await sessions.runMaintenancePass()
        #expect(await sessions.count == 0)
        #expect(await body.isClosed)
    }

    @Test("don't end while something goes on in them, and rest from its end on")
    func atWork() async throws {
        let (key, gate, began) = (key("a", "1"), OneShot<Void>(), OneShot<Void>())
        _ = try await open(key)
        let work = Task {
            try await sessions.using(key) { () async throws(MMError) in
                began.resolve(())
                await gate.wait()
            }
        }
        await began.wait()
        time.advance(.seconds(3600))
        await sessions.runMaintenancePass()
        #expect(await sessions.reports(of: "a").map(\.state.word) == ["busy"])
        // What works makes no room for another, either.
        #expect(try await open(self.key("a", "2")))
        await #expect(throws: MMError.self) { try await open(self.key("a", "3")) }
        gate.resolve(())
        try await work.value
        time.advance(.seconds(59))
        await sessions.runMaintenancePass()
        #expect(await sessions.count == 2)
        time.advance(.seconds(1))
        await sessions.runMaintenancePass()
        #expect(await sessions.count == 0)
    }

    @Test("make room by what has rested longest, among their client's own")
    func room() async throws {
        _ = try await open(key("b", "1"))
        for name in ["1", "2"] {
            time.advance(.seconds(1))
            _ = try await open(key("a", name))
        }
        time.advance(.seconds(60))
        #expect(try await open(key("a", "3")))
        #expect(await sessions.members(of: "a", in: .shell).map(\.key.name).sorted() == ["2", "3"])
        #expect(await sessions.members(of: "b", in: .shell).count == 1)
    }

    @Test("make room at once if nothing would be lost with them", arguments: ["true; echo a | cat", "a=1", "cd /"])
    func untouched(command: String) async throws {
        let shell = try await LocalShell.start(ShellSettings(name: "untouched"))
        let session = GuardedShell(shell) { "" }
        _ = try await sessions.session(key("a", "1"), limits: limits) { () async throws(MMError) in
            ShellSessions.Member(key: key("a", "1"), body: .shell(session), kind: "bash")
        }
        #expect(try await open(key("a", "2")))
        #expect(await session.isBlank)
        _ = try await shell.run(command)
        let isBlank = command.hasPrefix("true")
        #expect(await session.isBlank == isBlank)
        guard isBlank else {
            await #expect(throws: MMError.self) { try await open(key("a", "3")) }
            return await sessions.close()
        }
        // That of another client makes no room.
        await #expect(throws: MMError.self) {
            _ = try await open(key("b", "1"))
            _ = try await open(key("b", "2"))
        }
        #expect(try await open(key("a", "3")))
        #expect(await sessions.members(of: "a", in: .shell).map(\.key.name).sorted() == ["2", "3"])
        await sessions.close()
    }

    @Test("are not opened any more when all who asked have gone")
    func calledOff() async throws {
        let (key, began, ended) = (key("a", "x"), OneShot<Void>(), OneShot<Void>())
        let (sessions, limits) = (sessions, limits)
        let call = Task {
            try await sessions.session(key, limits: limits) { () async throws(MMError) in
                began.resolve(())
                while !Task.isCancelled { await Task.yield() }
                ended.resolve(())
                throw MMError(.cancelled, "called off")
            }
        }
        await began.wait()
        call.cancel()
        let error = await #expect(throws: MMError.self) { _ = try await call.value }
        #expect(error?.code == .cancelled)
        await ended.wait()
        while await !sessions.reports(of: "a").isEmpty { await Task.yield() }
        #expect(try await open(key))
    }

    @Test("are opened by the next who asks while an opening ends that was cancelled")
    func openedByNext() async throws {
        let (key, began, gate, body) = (key("a", "x"), OneShot<Void>(), OneShot<Void>(), Still())
        let (sessions, limits) = (sessions, limits)
        let first = Task {
            try await sessions.session(key, limits: limits) { () async throws(MMError) in
                began.resolve(())
                await gate.wait()
                throw MMError(.cancelled, "called off")
            }
        }
        await began.wait()
        first.cancel()
        await #expect(throws: MMError.self) { _ = try await first.value }
        let second = Task { try await open(key, body) }
        while await sessions.waiting(for: key) < 1 { await Task.yield() }
        gate.resolve(())
        #expect(try await second.value)
        #expect(await body.isClosed == false)
        #expect(await sessions.count == 1)
    }

    @Test("end with their client, and only with theirs")
    func ownerEnds() async throws {
        let (mine, theirs) = (Still(), Still())
        _ = try await open(key("a", "1"), mine)
        _ = try await open(key("b", "1"), theirs)
        await sessions.closeAll(of: "a")
        #expect(await mine.isClosed)
        #expect(await theirs.isClosed == false)
        await sessions.close()
        #expect(await theirs.isClosed)
        let error = await #expect(throws: MMError.self) { try await open(key("b", "1")) }
        #expect(error?.code == .unavailable)
    }

    @Test("leave nothing behind when making one fails")
    func failure() async throws {
        let key = key("a", "1")
        await #expect(throws: MMError.self) {
            try await sessions.session(key, limits: limits) { () async throws(MMError) in
                throw MMError(.notFound, "no shell")
            }
        }
        #expect(await sessions.count == 0)
        #expect(try await open(key))
    }

    @Test(
        "on hosts are named as people write them",
        arguments: [
            ("web1", nil, nil, "web1"), ("me@web1", nil, nil, "me@web1"), ("web1:2222", nil, nil, "web1:2222"),
            ("me@[::1]:22", nil, nil, "me@::1:22"), ("web1", "me", 22, "me@web1:22"), ("::1", nil, nil, "::1"),
        ] as [(String, String?, Int?, String)])
    func hosts(text: String, user: String?, port: Int?, spelled: String) throws {
        #expect(try SSHTarget(named: text, user: user, port: port).requestedName == spelled)
    }

    @Test("on hosts refuse users and ports that contradict", arguments: ["me@web1", "web1:2222", "web1:x"])
    func contradictions(text: String) {
        #expect(throws: MMError.self) { try SSHTarget(named: text, user: "you", port: 22) }
    }
}
