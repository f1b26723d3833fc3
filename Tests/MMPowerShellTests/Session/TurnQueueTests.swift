import MMCore
import Testing

@testable import MMPowerShell

@Suite("Turns of a session", .timeLimit(.minutes(10)))
struct TurnQueueTests {
    private final class Order: Sendable {
        private let names = Mutex<[Int]>([])
        func add(_ name: Int) { names.withLock { $0.append(name) } }
        var all: [Int] { names.withLock { $0 } }
    }

    @Test("first come, first served")
    func order() async throws {
        let queue = TurnQueue(limit: 100)
        let first = try await queue.take(.never)
        let order = Order()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in 0..<20 {
                group.addTask {
                    let turn = try await queue.take(.never)
                    order.add(name)
                    turn.giveBack()
                }
                try await until("the caller to wait") { queue.waiting == name + 1 }
            }
            first.giveBack()
            try await group.waitForAll()
        }
        #expect(order.all == Array(0..<20))
        #expect(!queue.isTaken)
    }

    @Test("who gives up holds up nobody, and too many are sent away")
    func givingUp() async throws {
        let queue = TurnQueue(limit: 3)
        let first = try await queue.take(.never)
        let late = Task { try await queue.take(.after(.milliseconds(20))) }
        let cancelled = Task { try await queue.take(.never) }
        try await until("two to wait") { queue.waiting >= 1 }
        cancelled.cancel()
        let lateError = await #expect(throws: MMError.self) { try await late.value }
        #expect(lateError?.code == .deadlineExceeded)
        let cancelledError = await #expect(throws: MMError.self) { try await cancelled.value }
        #expect(cancelledError?.code == .cancelled)
        try await until("nobody to wait") { queue.waiting == 0 }
        let waiting = (0..<3).map { _ in Task { try await queue.take(.never) } }
        try await until("three to wait") { queue.waiting == 3 }
        let full = await #expect(throws: MMError.self) { try await queue.take(.never) }
        #expect(full?.code == .limitExceeded)
        first.giveBack()
        for task in waiting { try await task.value.giveBack() }
        #expect(!queue.isTaken)
    }

    @Test("a turn that is dropped is given back")
    func dropped() async throws {
        let queue = TurnQueue(limit: 3)
        do { _ = try await queue.take(.never) }
        #expect(!queue.isTaken)
    }

    @Test("work that can be put off is asked to make room once")
    func room() async throws {
        let queue = TurnQueue(limit: 3)
        let order = Order()
        let turn = try #require(queue.takeIfFree { order.add(1) })
        #expect(queue.takeIfFree() == nil)
        let waiting = [Task { try await queue.take(.never) }, Task { try await queue.take(.never) }]
        try await until("two to wait") { queue.waiting == 2 }
        #expect(order.all == [1])
        turn.giveBack()
        for task in waiting { try await task.value.giveBack() }
    }

    @Test("a closed session sends everybody away")
    func closed() async throws {
        let queue = TurnQueue(limit: 3)
        let first = try await queue.take(.never)
        let waiting = Task { try await queue.take(.never) }
        try await until("one to wait") { queue.waiting == 1 }
        queue.close()
        await #expect(throws: MMError.self) { try await waiting.value }
        first.giveBack()
        await #expect(throws: MMError.self) { try await queue.take(.never) }
    }
}
