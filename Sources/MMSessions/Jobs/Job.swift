package import MMCore
import MMSystem

/// One call's work, which may outlive the call.
package final class Job<Answer: Sendable>: LongWork {
    private struct State {
        var result: Result<Answer, MMError>?
        var task: Task<Void, Never>?
        var isCancelled = false
        var isDetached = false
        var isEnding = false
        var questions = 0
        var progress: JobProgress?
        var ended: ContinuousClock.Instant?
        var waiters: [Int: OneShot<Void>] = [:]
        var watchers: [Int: AsyncStream<JobEvent>.Continuation] = [:]
        var lastNumber = 0
    }

    /// The name to ask for it by.
    package let handle = WorkHandle.call.new()
    /// What is done.
    package let label: String
    /// Whose it is; nobody else may read or end it.
    package let owner: String
    private let started = Timestamp.now
    private let begun = ContinuousClock.now
    private let state = Mutex(State())

    private init(_ label: String, _ owner: String) {
        self.label = label
        self.owner = owner
    }

    /// Starts work. It is on a table once its call has been let go, see ``WorkTable/letGo(_:)``.
    /// - Parameters:
    ///   - label: what is done, for people.
    ///   - owner: who may read and end it.
    ///   - work: does it; it is cancelled with the job.
    package static func start(
        _ label: String, for owner: String,
        _ work: @escaping @Sendable (Job<Answer>) async -> Result<Answer, MMError>
    ) -> Job<Answer> {
        let job = Job(label, owner)
        let task = Task { job.finish(await work(job)) }
        let isCancelled = job.state.withLock { state in
            if state.result == nil { state.task = task }
            return state.isCancelled
        }
        if isCancelled { task.cancel() }
        return job
    }

    /// What came of it; `nil` while it goes on.
    package var result: Result<Answer, MMError>? { state.withLock { $0.result } }
    /// Whether its call has been answered, so that nobody can be asked any more.
    package var isDetached: Bool { state.withLock { $0.isDetached } }
    /// When it ended.
    package var ended: ContinuousClock.Instant? { state.withLock { $0.ended } }

    /// What is told of it.
    package var report: JobReport { state.withLock { report(of: $0) } }

    private func report(of state: State) -> JobReport {
        var word = JobReport.State.running
        var error: MMError?
        switch state.result {
        case .success?: word = .done
        case .failure(let failure)?:
            word = state.isCancelled ? .cancelled : .failed
            error = failure
        case nil: break
        }
        return JobReport(
            handle: handle, label: label, owner: owner, state: word, started: started,
            elapsed: (state.ended ?? .now) - begun, progress: state.progress, error: error)
    }

    /// Calls the work off; its result then says so.
    package func cancel() {
        let task = state.withLock { state in
            if state.result == nil { state.isCancelled = true }
            return state.task
        }
        task?.cancel()
    }

    /// Remembers what the work says of its progress, and passes it on to those who watch.
    package func tell(_ progress: JobProgress) {
        // Streams take what they are given without waiting: nothing is called while the lock is held but them.
        state.withLock { state in
            state.progress = progress
            for watcher in state.watchers.values { watcher.yield(.progress(progress)) }
        }
    }

    /// What becomes of it from now on; ends with ``JobEvent/ended(_:)``. Who reads slowly misses the oldest news.
    package var events: AsyncStream<JobEvent> {
        let (stream, continuation) = AsyncStream.makeStream(of: JobEvent.self, bufferingPolicy: .bufferingNewest(64))
        let number: Int? = state.withLock { state in
            if let progress = state.progress { continuation.yield(.progress(progress)) }
            if state.result != nil {
                continuation.yield(.ended(report(of: state)))
                return nil
            }
            state.lastNumber += 1
            state.watchers[state.lastNumber] = continuation
            return state.lastNumber
        }
        if let number {
            continuation.onTermination = { [weak self] _ in
                self?.state.withLock { $0.watchers[number] = nil }
            }
        } else {
            continuation.finish()
        }
        return stream
    }

    /// Runs a question to the person behind the call: until it is answered, the call is not let go.
    /// - Returns: `nil` when the call has been answered already.
    package func asking<Reply, Failure: Error>(
        _ question: () async throws(Failure) -> Reply
    ) async throws(Failure) -> Reply? {
        let mayAsk = state.withLock { state in
            guard !state.isDetached else { return false }
            state.questions += 1
            return true
        }
        guard mayAsk else { return nil }
        defer { state.withLock { $0.questions -= 1 } }
        return try await question()
    }

    /// Says that nothing but keeping the answer is left to do: from now on the call is not let go any more.
    /// - Returns: whether it was let go before, so that the answer has to wait for somebody to fetch it.
    package func beginEnd() -> Bool {
        state.withLock { state in
            state.isEnding = true
            return state.isDetached
        }
    }

    /// Lets the call go while the work goes on.
    /// - Returns: false while a question is open, or when the work has ended or was called off.
    func detach() -> Bool {
        state.withLock { state in
            guard state.result == nil, !state.isEnding, state.questions == 0, !state.isCancelled else { return false }
            state.isDetached = true
            return true
        }
    }

    /// Waits for the result, but not longer than said.
    /// - Parameters:
    ///   - limit: how long.
    ///   - endsEarly: whether the end of the waiting task ends the wait.
    package func result(within limit: Duration, endsEarly: Bool) async -> Result<Answer, MMError>? {
        let wake = OneShot<Void>()
        let number: Int? = state.withLock { state in
            guard state.result == nil else { return nil }
            state.lastNumber += 1
            state.waiters[state.lastNumber] = wake
            return state.lastNumber
        }
        guard let number else { return result }
        let timer = Task {
            try? await Task.sleep(for: limit)
            wake.give(())
        }
        await withTaskCancellationHandler {
            await wake.wait()
        } onCancel: {
            if endsEarly { wake.give(()) }
        }
        timer.cancel()
        return state.withLock { state in
            state.waiters[number] = nil
            return state.result
        }
    }

    /// Waits for the end.
    package func finished(within limit: Duration) async { _ = await result(within: limit, endsEarly: true) }

    private func finish(_ result: Result<Answer, MMError>) {
        var waiters: [OneShot<Void>] = []
        var watchers: [AsyncStream<JobEvent>.Continuation] = []
        let report = state.withLock { state in
            state.result = result
            state.ended = .now
            state.task = nil
            waiters = Array(state.waiters.values)
            watchers = Array(state.watchers.values)
            state.waiters = [:]
            state.watchers = [:]
            return self.report(of: state)
        }
        for waiter in waiters { waiter.give(()) }
        // A stream that ends takes itself off the list, so this stands outside the lock.
        for watcher in watchers {
            watcher.yield(.ended(report))
            watcher.finish()
        }
    }
}
