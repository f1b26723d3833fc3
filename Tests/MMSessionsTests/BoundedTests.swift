import MMCore
import TestSupport
import Testing

@testable import MMSessions

@Suite("Work with a deadline", .timeLimit(.minutes(5)))
struct BoundedTests {
    /// Runs work that waits for a gate.
    private func run(
        until deadline: Deadline, _ gate: Gate, begun: Gate, orElse end: @escaping @Sendable () async -> Void = {},
        dropping: @escaping @Sendable (Int) async -> Void = { _ in }
    ) -> Task<MMError?, Never> {
        Task {
            do throws(MMError) {
                _ = try await Bounded.run(
                    until: deadline, doing: "testing", orElse: end, dropping: dropping
                ) { () async throws(MMError) -> Int in
                    begun.open()
                    await withTaskCancellationHandler {
                        await gate.passed()
                    } onCancel: {
                        gate.open()
                    }
                    return 1
                }
                return nil
            } catch { return error }
        }
    }

    @Test(
        "a caller that is cancelled is told so: nothing is ended, and a result is dropped",
        arguments: [Deadline.after(.seconds(1_000)), .never])
    func cancelled(deadline: Deadline) async {
        let (begun, ends, dropped) = (Gate(), Noted(0), Noted<[Int]>([]))
        let task = run(
            until: deadline, Gate(), begun: begun, orElse: { ends.change { $0 += 1 } },
            dropping: { result in dropped.change { $0.append(result) } })
        await begun.passed()
        task.cancel()
        #expect(await task.value?.code == .cancelled)
        #expect(ends.now == 0)
        #expect(dropped.now == [1])
    }

    @Test("work that ignores its cancellation is ended at the deadline")
    func deaf() async {
        let (begun, gate) = (Gate(), Gate())
        let task = Task {
            do throws(MMError) {
                return try await Bounded.run(
                    until: .after(.milliseconds(100)), doing: "testing", orElse: { gate.open() }
                ) { () async throws(MMError) -> MMError? in
                    begun.open()
                    await gate.passed()
                    return nil
                }
            } catch { return error }
        }
        await begun.passed()
        task.cancel()
        #expect(await task.value?.code == .deadlineExceeded)
    }
}
