import MMCore
import MMSystem
import Synchronization

/// The thread that evaluates one script, paired with the task that waits for it.
///
/// Evaluation recurses with the script's nesting and may compute for a long time, so it has a thread and a stack of its
/// own. Anything asynchronous (a page of a service, a reader that takes the output) is awaited by the waiting task
/// while the thread blocks, which also slows down a fast producer.
final class EvaluationThread: Sendable {
    /// The size of the stack in bytes of address space; pages are committed as they are touched.
    static let stackSize = 64 << 20
    private static let reserve = ThreadReserve("mm-native", stackSize: stackSize, maxIdle: 16)

    private let requests: AsyncStream<@Sendable () async -> Void>
    private let outbox: AsyncStream<@Sendable () async -> Void>.Continuation
    private let answered = ThreadSemaphore()
    private let stopped = Atomic<Bool>(false)

    private let deadline: Deadline

    /// Creates a thread for one run.
    /// - Parameter deadline: the time by which the script must have ended.
    init(deadline: Deadline = .never) {
        self.deadline = deadline
        (requests, outbox) = AsyncStream.makeStream()
    }

    /// Whether the waiting task was cancelled or the time is up. Evaluation ends soon after.
    var isStopped: Bool { stopped.load(ordering: .relaxed) || deadline.hasPassed }

    /// Runs a body on the thread and serves its requests until it has finished.
    /// - Throws: `.unavailable` when no thread can be created.
    func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async throws(MMError) -> Value {
        let outcome = OneShot<Value>()
        let outbox = outbox
        try EvaluationThread.reserve.run {
            let value = body()
            outbox.finish()
            outcome.resolve(value)
        }
        await withTaskCancellationHandler {
            for await request in requests {
                await request()
                answered.post()
            }
        } onCancel: {
            stop()
        }
        // Cancellation ends the stream, too: stop the thread, and wait until it has ended by itself.
        stop()
        return await outcome.wait()
    }

    /// Has the waiting task perform some work and blocks until it is done. Call it on the evaluating thread only.
    /// - Returns: whether it was done; `false` once the task is cancelled or the time is up.
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
