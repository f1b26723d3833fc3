import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMSystem

@Suite("Threads", .timeLimit(.minutes(5)))
struct ThreadsTests {
    @Test("the first of several results counts")
    func oneShot() async {
        let slot = OneShot<Int>()
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<100 { group.addTask { slot.resolve(number) } }
            return await group.reduce(into: [Bool]()) { $0.append($1) }
        }
        #expect(outcomes.filter { $0 }.count == 1)
        #expect((0..<100).contains(await slot.wait()))
    }

    @Test("a wait ends with the value, with the deadline or with a cancellation, whichever comes first")
    func limitedWait() async {
        let given = OneShot<String>()
        given.resolve("value")
        #expect(await given.wait(until: .after(.seconds(-1)), late: "late", cancelled: "cancelled") == "value")
        #expect(await OneShot<String>().wait(until: .after(.seconds(-1)), late: "late") == "late")
        let waiting = Task {
            await OneShot<String>().wait(until: .after(.seconds(3_000)), late: "late", cancelled: "cancelled")
        }
        waiting.cancel()
        #expect(await waiting.value == "cancelled")
        // A wait that only a deadline limits goes on for a caller that was cancelled.
        let uncancelled = OneShot<String>()
        let patient = Task { await uncancelled.wait(until: .never, late: "late") }
        patient.cancel()
        uncancelled.resolve("value")
        #expect(await patient.value == "value")
    }

    @Test("blocking calls don't block tasks, and share a few threads")
    func blocking() async throws {
        let values = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<40 {
                group.addTask {
                    try await BlockingWork.run { () throws(MMError) in
                        usleep(5_000)
                        return number
                    }
                }
            }
            return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
        }
        #expect(values == Set(0..<40))
        let error = await failure { () async throws(MMError) in
            try await BlockingWork.run { () throws(MMError) -> Int in throw MMError(.conflict, "no") }
        }
        #expect(error?.code == .conflict)
        #expect(Resources.threads["mm-blocking", default: 0] <= 8)
    }

    @Test("deadlines call back in order, and cancelled ones don't")
    func deadlines() async throws {
        var (watch, rung, all) = (DeadlineWatch(), Noted<[String]>([]), OneShot<Void>())
        // The earlier one is added later, but in time: on a slow machine repeat with more time.
        var pause = Duration.milliseconds(20)
        while true {
            let now = ContinuousClock.now
            _ = watch.watch(now + pause * 3) { [rung, all] in
                rung.change { $0.append("second") }
                all.resolve(())
            }
            _ = watch.watch(now + pause) { [rung] in rung.change { $0.append("first") } }
            if ContinuousClock.now < now + pause { break }
            (watch, rung, all) = (DeadlineWatch(), Noted<[String]>([]), OneShot<Void>())
            pause *= 4
            try #require(pause < .seconds(60))
        }
        let gone = watch.watch(.now + .seconds(3_000)) { [rung] in rung.change { $0.append("gone") } }
        _ = watch.watch(.now + .seconds(3_600)) { [rung] in rung.change { $0.append("never") } }
        #expect(watch.count > 1)
        watch.cancel(gone)
        await all.wait()
        #expect(rung.now == ["first", "second"])
        #expect(watch.count == 1)
        let past = OneShot<Void>()
        _ = watch.watch(.now - .seconds(1)) { past.resolve(()) }
        await past.wait()
        #expect(watch.count == 1)
    }

    @Test("a reserved thread takes the next work, and simultaneous work has further threads")
    func reserve() async throws {
        let reserve = ThreadReserve("mm-reserve", stackSize: 256 << 10, maxIdle: 1)
        func number(_ body: @escaping @Sendable () -> Void = {}) async throws -> UInt {
            let told = OneShot<UInt>()
            try reserve.run {
                body()
                told.resolve(UInt(pthread_self()))
            }
            return await told.wait()
        }
        var last: UInt?
        var next = try await number()
        // A thread is available again only after it has finished: until then another one is started.
        while next != last { (last, next) = (next, try await number()) }
        let (isHeld, isFree) = (ThreadSemaphore(), ThreadSemaphore())
        async let held = number {
            isHeld.post()
            isFree.wait()
        }
        try await BlockingWork.run { () throws(MMError) in _ = isHeld.wait() }
        let other = try await number()
        isFree.post()
        #expect(try await held != other)
    }

    @Test("our threads handle no signals")
    func mask() async throws {
        let isBlocked = Noted(false)
        let thread = try DedicatedThread.start("mm-mask") {
            var mask = sigset_t()
            pthread_sigmask(SIG_BLOCK, nil, &mask)
            let blocked = sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGPIPE) == 1
            isBlocked.change { $0 = blocked }
        }
        await thread.ended()
        #expect(isBlocked.now)
    }
}
