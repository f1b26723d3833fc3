import MMCore
import Testing

@Suite("Concurrent calls")
struct ConcurrentCallsTests {
    /// Counts the calls that are under way.
    private actor Meter {
        private(set) var most = 0
        private var (now, begun) = (0, 0)
        private var waiting: [CheckedContinuation<Void, Never>] = []

        /// Begins a call, which ends once `count` calls have begun.
        func call(untilBegun count: Int) async {
            now += 1
            begun += 1
            most = max(most, now)
            if begun < count {
                await withCheckedContinuation { waiting.append($0) }
            } else {
                for call in waiting { call.resume() }
                waiting = []
            }
            // Gives a call beyond the limit the time to begin.
            for _ in 0..<100 { await Task.yield() }
            now -= 1
        }
    }

    @Test("results come in the order of the elements, whichever call ends first")
    func order() async {
        let gate = AsyncStream.makeStream(of: Void.self)
        let results = await [3, 1, 2].concurrentMap { number in
            if number == 3 {
                for await _ in gate.stream {}
            } else if number == 2 {
                gate.continuation.finish()
            }
            return number * 10
        }
        #expect(results == [30, 10, 20])
    }

    @Test("no more calls than the limit are under way, and as many as the limit", arguments: [1, 3])
    func limit(_ limit: Int) async {
        let meter = Meter()
        await Array(0..<limit * 4).concurrentForEach(atOnce: limit) { _ in await meter.call(untilBegun: limit) }
        #expect(await meter.most == limit)
    }

    @Test("results that are nil are kept")
    func optionalResults() async {
        #expect(await [1, 2, 3].concurrentMap { $0 == 2 ? nil : $0 } == [1, nil, 3])
    }

    @Test("no element means no call")
    func empty() async {
        #expect(await [Int]().concurrentMap { $0 }.isEmpty)
    }

    @Test("a cancelled caller cancels its calls")
    func cancellation() async {
        let task = Task {
            await [1, 2].concurrentMap { _ in
                try? await Task.sleep(for: .seconds(3600))
                return Task.isCancelled
            }
        }
        task.cancel()
        #expect(await task.value == [true, true])
    }
}
