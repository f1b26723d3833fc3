import MMCore
import MMSystem
import Synchronization

/// The thread on which one script is evaluated, and the task that waits for it.
///
/// Evaluation recurses with the script's nesting and may compute for long, so it has a thread and a stack of its own.
/// Whatever must be awaited (a page of a service, a reader that takes the output) is done by the waiting task while the
/// thread stands still; that is also what holds a fast producer back.
final class EvaluationThread: Sendable {
    /// Bytes of address space for the stack; pages are used as they are touched.
    static let stackSize = 64 << 20
    private static let reserve = ThreadReserve("mm-native", stackSize: stackSize, most: 16)

    private let requests: AsyncStream<@Sendable () async -> Void>
    private let outbox: AsyncStream<@Sendable () async -> Void>.Continuation
    private let answered = ThreadSemaphore()
    private let stopped = Atomic<Bool>(false)

    private let deadline: Deadline

    /// - Parameter deadline: when the script must have ended.
    init(deadline: Deadline = .never) {
        self.deadline = deadline
        (requests, outbox) = AsyncStream.makeStream()
    }

    /// Whether the waiting task was cancelled, or the time is over. Evaluation ends soon after.
    var isStopped: Bool { stopped.load(ordering: .relaxed) || deadline.hasPassed }

    /// Runs a body on the thread and serves its requests until it is done.
    /// - Throws: `.unavailable` when there is no thread to be had.
    func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async throws(MMError) -> Value {
        let outcome = OneShot<Value>()
        let outbox = outbox
        try EvaluationThread.reserve.run {
            let value = body()
            outbox.finish()
            outcome.give(value)
        }
        await withTaskCancellationHandler {
            for await request in requests {
                await request()
                answered.post()
            }
        } onCancel: {
            stop()
        }
        // The stream also ends by cancellation: the thread is let go and comes to its own end.
        stop()
        return await outcome.wait()
    }

    /// Has the waiting task do something, and stands still until it is done. For the evaluating thread alone.
    /// - Returns: whether it was done; not once the task is cancelled or the time is over.
    func perform(_ work: @escaping @Sendable () async -> Void) -> Bool {
        guard !isStopped, case .enqueued = outbox.yield(work) else { return false }
        answered.wait()
        return !isStopped
    }

    private func stop() {
        stopped.store(true, ordering: .relaxed)
        answered.post()
    }
}
