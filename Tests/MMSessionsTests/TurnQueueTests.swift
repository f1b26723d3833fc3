import MMCore
import MMSessions
import Testing

@Suite("Turns of a session", .timeLimit(.minutes(5)))
struct TurnQueueTests {
    /// A caller that waits, records its turn, and gives it back.
    private func wait(
        _ queue: TurnQueue, _ number: Int, _ served: Served, first: Bool = false
    ) async -> Task<MMErrorCode?, Never> {
        let before = queue.waiting
        let task = Task { () -> MMErrorCode? in
            do throws(MMError) {
                let turn = try await queue.take(.never, first: first)
                served.add(number)
                turn.release()
            } catch {
                return error.code
            }
            return nil
        }
        await until { queue.waiting > before }
        return task
    }

    @Test("first come, first served")
    func order() async throws {
        let (queue, served) = (TurnQueue(), Served())
        let turn = try await queue.take(.never)
        var callers: [Task<MMErrorCode?, Never>] = []
        for number in 0..<20 { callers.append(await wait(queue, number, served)) }
        turn.release()
        for caller in callers { #expect(await caller.value == nil) }
        #expect(served.all == Array(0..<20))
        #expect(!queue.isTaken)
        // The turn is free: even a caller without any time gets it.
        try await queue.take(.after(.zero)).release()
    }

    @Test("a caller with priority precedes all who wait")
    func first() async throws {
        let (queue, served) = (TurnQueue(), Served())
        let turn = try await queue.take(.never)
        let callers = [
            await wait(queue, 1, served), await wait(queue, 2, served), await wait(queue, 0, served, first: true),
        ]
        turn.release()
        for caller in callers { #expect(await caller.value == nil) }
        #expect(served.all == [0, 1, 2])
    }

    @Test("a caller that gives up delays nobody, and too many are refused")
    func givingUp() async throws {
        let (queue, served) = (TurnQueue(limit: 2), Served())
        let turn = try await queue.take(.never)
        let late = await #expect(throws: MMError.self) { _ = try await queue.take(.after(.milliseconds(1))) }
        #expect(late?.code == .deadlineExceeded && queue.waiting == 0)
        let cancelled = await wait(queue, 1, served)
        let last = await wait(queue, 2, served)
        let full = await #expect(throws: MMError.self) { _ = try await queue.take(.never) }
        #expect(full?.code == .limitExceeded)
        cancelled.cancel()
        #expect(await cancelled.value == .cancelled)
        #expect(queue.waiting == 1)
        turn.release()
        #expect(await last.value == nil)
        #expect(served.all == [2])
    }

    @Test("a turn that is dropped is given back, and giving one back twice admits one caller")
    func dropped() async throws {
        let (queue, served) = (TurnQueue(), Served())
        do { _ = try await queue.take(.never) }
        #expect(!queue.isTaken)
        let turn = try await queue.take(.never)
        let second = Task { try await queue.take(.never) }
        await until { queue.waiting == 1 }
        let third = await wait(queue, 3, served)
        turn.release()
        let held = try await second.value
        turn.release()
        #expect(queue.waiting == 1 && served.all.isEmpty)
        held.release()
        #expect(await third.value == nil)
    }

    @Test("the next caller is admitted when all who share a turn have given it back", arguments: [true, false])
    func sharing(isCallerFirst: Bool) async throws {
        let (queue, served) = (TurnQueue(), Served())
        let turn = try await queue.take(.never)
        let share = queue.share()
        let next = await wait(queue, 1, served)
        (isCallerFirst ? turn : share).release()
        #expect(queue.waiting == 1 && queue.isTaken)
        (isCallerFirst ? share : turn).release()
        #expect(await next.value == nil)
        #expect(!queue.isTaken)
    }

    @Test("deferrable upkeep is asked once to make room")
    func room() async throws {
        let (queue, served, told) = (TurnQueue(), Served(), Served())
        let turn = try #require(queue.takeIfFree { told.add(1) })
        #expect(queue.takeIfFree() == nil)
        let callers = [await wait(queue, 1, served), await wait(queue, 2, served)]
        #expect(told.all == [1])
        // A caller waits already: a deferrable share is asked at once.
        let share = queue.share { told.add(2) }
        #expect(told.all == [1, 2])
        share.release()
        turn.release()
        for caller in callers { #expect(await caller.value == nil) }
        #expect(told.all == [1, 2])
    }

    @Test("closing refuses everyone, dismissing only those who wait")
    func closed() async throws {
        let (queue, served) = (TurnQueue(), Served())
        let turn = try await queue.take(.never)
        let dismissed = await wait(queue, 0, served)
        queue.dismiss(MMError(.forbidden, "no"))
        #expect(await dismissed.value == .forbidden)
        let waiting = await wait(queue, 1, served)
        queue.close(MMError(.unavailable, "closed"))
        #expect(await waiting.value == .unavailable)
        turn.release()
        let error = await #expect(throws: MMError.self) { _ = try await queue.take(.never) }
        #expect(error?.code == .unavailable)
        #expect(queue.takeIfFree() == nil)
        #expect(served.all.isEmpty)
    }
}
