import MMCore

/// The queue of one command's events between the host and its reader; bounded by asking the host to pause.
final class RunFeed: Sendable {
    private struct State {
        var events: [RunEvent] = []
        /// The size of the waiting events in bytes, as received.
        var waiting = 0
        var outcome: Outcome?
        var readers: [CheckedContinuation<Void, Never>] = []
        /// Whether there is no reader any more, so that new events are dropped.
        var isAbandoned = false
        /// Whether the command is being stopped, so that the host must not be paused.
        var isDraining = false
        var hostIsPaused = false
    }

    enum Outcome: Sendable {
        case ended
        case failed(MMError)
        /// The host was lost while the command ran, or before it received it.
        case lost(HostLoss)
    }

    /// The events that a reader gets in one step.
    enum Batch: Sendable {
        case events([RunEvent])
        case over
        case failed(MMError)
    }

    /// The number of waiting bytes at which the host is asked to pause.
    static let highWater = 512 << 10

    private let state = Mutex(State())
    /// The function that resumes a paused host.
    private let resume: @Sendable () -> Void
    private let finished: @Sendable () -> Void

    init(resume: @escaping @Sendable () -> Void, finished: @escaping @Sendable () -> Void) {
        self.resume = resume
        self.finished = finished
    }

    /// Reports that the host is free. Called once, by the channel, outside its lock.
    func tellFinished() { finished() }

    /// Adds events.
    /// - Parameters:
    ///   - bytes: their size as received.
    ///   - wakes: whether to wake readers now; `false` if `finish`, which wakes them, follows at once.
    /// - Returns: whether the host should pause until `resume` is called.
    func add(_ events: [RunEvent], bytes: Int, wakes: Bool = true) -> Bool {
        guard !events.isEmpty else { return state.withLock { $0.hostIsPaused } }
        let (pauses, readers) = state.withLock { state -> (Bool, [CheckedContinuation<Void, Never>]) in
            guard !state.isAbandoned, state.outcome == nil else { return (false, []) }
            if state.isDraining, state.waiting >= Self.highWater { return (false, []) }
            state.events.append(contentsOf: events)
            state.waiting += bytes
            if state.waiting >= Self.highWater, !state.isDraining { state.hostIsPaused = true }
            guard wakes else { return (state.hostIsPaused, []) }
            defer { state.readers = [] }
            return (state.hostIsPaused, state.readers)
        }
        for reader in readers { reader.resume() }
        return pauses
    }

    /// Adds the last event, if there is one, and ends the feed. Only the first end counts.
    func finish(_ outcome: Outcome, last: RunEvent? = nil) {
        let readers = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            guard state.outcome == nil else { return [] }
            state.outcome = outcome
            if let last, !state.isAbandoned { state.events.append(last) }
            state.hostIsPaused = false
            defer { state.readers = [] }
            return state.readers
        }
        for reader in readers { reader.resume() }
    }

    /// Stops pausing the host for a slow reader.
    /// - Parameter keeping: whether new events are still kept, up to the high-water mark; otherwise they are dropped.
    ///   Waiting events can be read in both cases.
    func drain(keeping: Bool) {
        let wasPaused = state.withLock { state in
            if keeping { state.isDraining = true } else { state.isAbandoned = true }
            defer { state.hostIsPaused = false }
            return state.hostIsPaused
        }
        if wasPaused { resume() }
    }

    /// Returns all waiting events, or waits for the next. With several readers, each event goes to one of them.
    func next() async -> Batch {
        while true {
            if let batch = take() { return batch }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isReady = state.withLock { state in
                        if !state.events.isEmpty || state.outcome != nil || Task.isCancelled { return true }
                        state.readers.append(continuation)
                        return false
                    }
                    if isReady { continuation.resume() }
                }
            } onCancel: {
                // The other readers check again and continue to wait.
                let readers = state.withLock { state in
                    defer { state.readers = [] }
                    return state.readers
                }
                for reader in readers { reader.resume() }
            }
            if Task.isCancelled {
                return .failed(MMError(.cancelled, "The command was cancelled."))
            }
        }
    }

    private func take() -> Batch? {
        let (batch, wasPaused) = state.withLock { state -> (Batch?, Bool) in
            if !state.events.isEmpty {
                let events = state.events
                state.events = []
                state.waiting = 0
                defer { state.hostIsPaused = false }
                return (.events(events), state.hostIsPaused)
            }
            switch state.outcome {
            case .ended: return (.over, false)
            case .failed(let error): return (.failed(error), false)
            case .lost(let loss): return (.failed(loss.error), false)
            case nil: return (nil, false)
            }
        }
        if wasPaused { resume() }
        return batch
    }
}
