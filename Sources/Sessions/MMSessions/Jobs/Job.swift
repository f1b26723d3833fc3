package import MMCore
import MMSystem

/// The work of one call, which may outlive the call.
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

    /// The handle by which it is found.
    package let handle = WorkHandle.call.new()
    /// What is being done.
    package let label: String
    /// Its owner; nobody else may read or end it.
    package let owner: String
    private let started = Timestamp.now
    private let begun = ContinuousClock.now
    private let state = Mutex(State())

    private init(_ label: String, _ owner: String) {
        self.label = label
        self.owner = owner
    }

    /// Starts work. It is listed in the table once its call has been detached, see ``WorkTable/detach(_:)``.
    /// - Parameters:
    ///   - label: what is being done, for people.
    ///   - owner: who may read and end it.
    ///   - work: the work itself; it is cancelled with the job.
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

    /// The result; `nil` while the work is running.
    package var result: Result<Answer, MMError>? { state.withLock { $0.result } }
    /// Whether its call has been answered, so that no more questions can be asked.
    package var isDetached: Bool { state.withLock { $0.isDetached } }
    /// When it ended.
    package var ended: ContinuousClock.Instant? { state.withLock { $0.ended } }

    /// A report about the job.
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

    /// Cancels the work; its result then says so.
    package func cancel() {
        let task = state.withLock { state in
            if state.result == nil { state.isCancelled = true }
            return state.task
        }
        task?.cancel()
    }

    /// Stores the progress that the work reports and passes it on to those who watch.
    package func update(_ progress: JobProgress) {
        // Yielding to a stream never blocks, so nothing else is called while the lock is held.
        state.withLock { state in
            state.progress = progress
            for watcher in state.watchers.values { watcher.yield(.progress(progress)) }
        }
    }

    /// The events of the job from now on; ends with ``JobEvent/ended(_:)``. A slow reader misses the oldest events.
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

    /// Asks the person behind the call a question. Until it is answered, the call isn't detached.
    /// - Returns: `nil` if the call has already been answered.
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

    /// Declares that only storing the answer is left to do: from now on the call isn't detached any more.
    /// - Returns: whether the call was detached before, so that the answer has to be stored until it is fetched.
    package func beginEnd() -> Bool {
        state.withLock { state in
            state.isEnding = true
            return state.isDetached
        }
    }

    /// Detaches the call while the work keeps running.
    /// - Returns: `false` while a question is open, or if the work has ended or was cancelled.
    func detach() -> Bool {
        state.withLock { state in
            guard state.result == nil, !state.isEnding, state.questions == 0, !state.isCancelled else { return false }
            state.isDetached = true
            return true
        }
    }

    /// Marks the call of work that has ended as detached: the answer is fetched later.
    func keep() { state.withLock { $0.isDetached = true } }

    /// Waits for the result, for a limited time; a caller that is cancelled waits on.
    package func result(within limit: Duration) async -> Result<Answer, MMError>? {
        await wake { await $0.wait(until: .after(limit), late: ()) }
        return result
    }

    /// Waits for the end of the work, for a limited time or until the caller is cancelled.
    package func finished(within limit: Duration) async {
        await wake { await $0.wait(until: .after(limit), late: (), cancelled: ()) }
    }

    /// Waits for a value that the end of the work provides; returns at once if it has ended.
    private func wake(_ wait: (OneShot<Void>) async -> Void) async {
        let wake = OneShot<Void>()
        let number: Int? = state.withLock { state in
            guard state.result == nil else { return nil }
            state.lastNumber += 1
            state.waiters[state.lastNumber] = wake
            return state.lastNumber
        }
        guard let number else { return }
        await wait(wake)
        state.withLock { $0.waiters[number] = nil }
    }

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
        for waiter in waiters { waiter.resolve(()) }
        // A stream that ends removes itself from the list, so this must happen outside the lock.
        for watcher in watchers {
            watcher.yield(.ended(report))
            watcher.finish()
        }
    }
}

/// A report about a job.
package struct JobReport: Sendable {
    /// The state of a job.
    package enum State: String, Sendable {
        /// It is running.
        case running
        /// It succeeded.
        case done
        /// It failed.
        case failed
        /// It was cancelled.
        case cancelled
    }

    /// The handle by which it is found.
    package let handle: String
    /// What is being done, such as an operation's name.
    package let label: String
    /// Its owner.
    package let owner: String
    /// Its state.
    package let state: State
    /// When it began.
    package let started: Timestamp
    /// How long it has been running, or ran.
    package let elapsed: Duration
    /// Its last progress report.
    package let progress: JobProgress?
    /// Why it failed.
    package let error: MMError?

    /// Creates a report.
    /// - Parameters:
    ///   - handle: the handle by which the job is found.
    ///   - label: what is being done.
    ///   - owner: the job's owner.
    ///   - state: the job's state.
    ///   - started: when it began.
    ///   - elapsed: how long it has been running, or ran.
    ///   - progress: its last progress report.
    ///   - error: why it failed.
    package init(
        handle: String, label: String, owner: String, state: State, started: Timestamp, elapsed: Duration,
        progress: JobProgress?, error: MMError?
    ) {
        self.handle = handle
        self.label = label
        self.owner = owner
        self.state = state
        self.started = started
        self.elapsed = elapsed
        self.progress = progress
        self.error = error
    }
}

/// The progress of a job, as it last reported.
package struct JobProgress: Sendable, Hashable {
    /// Steps, items or bytes done so far.
    package let done: Double
    /// The total, if it is known.
    package let total: Double?
    /// What is being done.
    package let message: String

    /// Creates a progress report.
    /// - Parameters:
    ///   - done: what has been done so far.
    ///   - total: the total, if it is known.
    ///   - message: what is being done.
    package init(done: Double, total: Double?, message: String) {
        self.done = done
        self.total = total
        self.message = message
    }
}

/// An event of a job.
package enum JobEvent: Sendable {
    /// The job made progress.
    case progress(JobProgress)
    /// The job ended; no more events follow.
    case ended(JobReport)
}
