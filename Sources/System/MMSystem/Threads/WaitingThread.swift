import MMCore

/// An executor for the task that a blocked thread waits for. The task's jobs run on that thread while it waits, so that
/// neither has to wake the other; at all other times, and while the thread runs one, they run on the cooperative pool.
package final class WaitingThread: TaskExecutor {
    private enum Step {
        case run(UnownedJob)
        case wait
        case end(isPosted: Bool)
    }

    private struct State {
        /// Whether the thread waits, or is about to wait for the first time, and has nothing to run.
        var isFree = true
        var job: UnownedJob?
        /// The posts that no wait has taken yet.
        var posts = 0

        /// Returns what the waiting thread does next.
        mutating func next(isOver: Bool) -> Step {
            if let job {
                self.job = nil
                return .run(job)
            }
            isFree = posts == 0 && !isOver
            if isFree { return .wait }
            guard posts > 0 else { return .end(isPosted: false) }
            posts -= 1
            return .end(isPosted: true)
        }
    }

    private let state = Mutex(State())
    private let changed = ThreadSemaphore()

    package init() {}

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isForThread = state.withLock { state in
            guard state.isFree else { return false }
            state.isFree = false
            state.job = job
            return true
        }
        guard isForThread else { return globalConcurrentExecutor.enqueue(ExecutorJob(job)) }
        changed.post()
    }

    /// Lets one wait end, now or later.
    package func post() {
        state.withLock { $0.posts += 1 }
        changed.post()
    }

    /// Runs the task's jobs on this thread until a post. One thread waits at a time, and never one of the cooperative
    /// pool.
    /// - Parameters:
    ///   - milliseconds: how long to wait; `nil` to wait forever.
    ///   - begin: gives the task its work, once the thread is ready to run it.
    /// - Returns: `false` when the time ran out.
    @discardableResult
    package func wait(milliseconds: Int32? = nil, for begin: () -> Void = {}) -> Bool {
        let end = milliseconds.map { ContinuousClock.now + .milliseconds(max($0, 0)) }
        state.withLock { $0.isFree = true }
        begin()
        while true {
            let left = end.map { ContinuousClock.now.duration(to: $0) }
            switch state.withLock({ $0.next(isOver: left.map { $0 <= .zero } ?? false) }) {
            case .run(let job): job.runSynchronously(on: asUnownedTaskExecutor())
            case .end(let isPosted): return isPosted
            case .wait: changed.wait(milliseconds: left.map { Int32(clamping: $0.milliseconds + 1) })
            }
        }
    }
}
