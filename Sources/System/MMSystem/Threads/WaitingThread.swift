import MMCore

/// Executes tasks on a thread that waits for their results, so that no other thread has to be woken for them.
///
/// The thread calls ``serve(milliseconds:until:)`` while it waits. Jobs that arrive while it is busy wait for the next
/// such call; jobs that arrive after ``leave()`` run on the cooperative pool. Tasks run here must not block, as they
/// must not on the pool, and mustn't compute what the thread itself waits for elsewhere.
package final class WaitingThread: TaskExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var hasLeft = false
    }

    private let state = Mutex(State())
    private let changed = ThreadSemaphore()

    /// Creates an executor whose thread isn't waiting yet.
    package init() {}

    /// Adds a job; `TaskExecutor` calls it.
    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isAdded = state.withLock { state in
            if !state.hasLeft { state.jobs.append(job) }
            return !state.hasLeft
        }
        if isAdded { changed.post() } else { globalConcurrentExecutor.enqueue(ExecutorJob(job)) }
    }

    /// Runs jobs as they arrive until a condition holds, which is examined after each job and each ``wake()``. Call it
    /// only on the one thread that waits.
    /// - Parameters:
    ///   - milliseconds: how long to wait for one job; `nil` to wait forever.
    ///   - isOver: the condition.
    /// - Returns: whether the condition holds; `false` when no job came in time.
    @discardableResult
    package func serve(milliseconds: Int32? = nil, until isOver: () -> Bool) -> Bool {
        while !isOver() {
            if let job = state.withLock({ $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }) {
                job.runSynchronously(on: asUnownedTaskExecutor())
            } else if !changed.wait(milliseconds: milliseconds) {
                return isOver()
            }
        }
        return true
    }

    /// Makes the waiting thread examine its condition again.
    package func wake() { changed.post() }

    /// Passes the remaining jobs, and all that come later, to the cooperative pool.
    package func leave() {
        let rest = state.withLock { state in
            state.hasLeft = true
            defer { state.jobs = [] }
            return state.jobs
        }
        for job in rest { globalConcurrentExecutor.enqueue(ExecutorJob(job)) }
    }
}
