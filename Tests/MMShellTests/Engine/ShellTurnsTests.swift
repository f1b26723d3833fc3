import MMCore
import Testing

@testable import MMShell

@Suite("Turns at a shell", .timeLimit(.minutes(5)))
struct ShellTurnsTests {
    /// A caller who waits behind those who wait already, and notes when it has its turn.
    private func wait(_ turns: ShellTurns, _ number: Int, _ served: Served) async -> Task<MMErrorCode?, Never> {
        let before = turns.waiting
        let task = Task { () -> MMErrorCode? in
            do throws(MMError) {
                try await turns.take(until: .never)
            } catch {
                return error.code
            }
            served.add(number)
            turns.leave()
            return nil
        }
        while turns.waiting == before { await Task.yield() }
        return task
    }

    @Test("are had in the order of asking")
    func order() async throws {
        let (turns, served) = (ShellTurns(), Served())
        try await turns.take(until: .never)
        var callers: [Task<MMErrorCode?, Never>] = []
        for number in 0..<5 { callers.append(await wait(turns, number, served)) }
        turns.leave()
        for caller in callers { #expect(await caller.value == nil) }
        #expect(served.all == Array(0..<5))
        try await turns.take(until: .after(.zero))
    }

    @Test("pass by those who have given up")
    func givenUp() async throws {
        let (turns, served) = (ShellTurns(), Served())
        try await turns.take(until: .never)
        let late = await #expect(throws: MMError.self) { try await turns.take(until: .after(.milliseconds(1))) }
        #expect(late?.code == .deadlineExceeded && turns.waiting == 0)
        let cancelled = await wait(turns, 1, served)
        let last = await wait(turns, 2, served)
        cancelled.cancel()
        #expect(await cancelled.value == .cancelled)
        #expect(turns.waiting == 1)
        turns.leave()
        #expect(await last.value == nil)
        #expect(served.all == [2])
    }

    @Test("are nobody's once the session is closed")
    func closed() async throws {
        let (turns, served) = (ShellTurns(), Served())
        try await turns.take(until: .never)
        let waiting = await wait(turns, 0, served)
        turns.close()
        #expect(await waiting.value == .unavailable)
        let error = await #expect(throws: MMError.self) { try await turns.take(until: .never) }
        #expect(error?.code == .unavailable)
        #expect(served.all.isEmpty)
    }
}

/// Who had a turn, in order.
private final class Served: Sendable {
    private let list = Mutex<[Int]>([])
    func add(_ number: Int) { list.withLock { $0.append(number) } }
    var all: [Int] { list.withLock { $0 } }
}
