import Glibc
import MMCore
import Testing

@testable import MMSystem

@Suite("Threads", .timeLimit(.minutes(15)))
struct ThreadsTests {
    @Test("of many results the first one counts")
    func oneShot() async {
        let slot = OneShot<Int>()
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<100 { group.addTask { slot.give(number) } }
            return await group.reduce(into: [Bool]()) { $0.append($1) }
        }
        #expect(outcomes.filter { $0 }.count == 1)
        #expect((0..<100).contains(await slot.wait()))
    }

    @Test("blocking calls do not hold up tasks, and share a few threads")
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
        #expect(Resources.now().threads["mm-blocking", default: 0] <= 8)
    }

    @Test("a thread of ours takes no signal")
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
