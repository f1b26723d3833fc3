import MMCore

/// The events of one command on their way from the host to the one who reads them: bounded by asking the host to pause.
final class RunFeed: Sendable {
    private struct State {
        var events: [RunEvent] = []
        /// Bytes of the events that wait, as they came over the wire.
        var waiting = 0
        var outcome: Outcome?
        var readers: [CheckedContinuation<Void, Never>] = []
        /// Nobody will read any more: what comes is thrown away.
        var isAbandoned = false
        /// The command is stopping: the host must not be held up.
        var isDraining = false
        var hostIsPaused = false
    }

    enum Outcome: Sendable {
        case ended
        case failed(MMError)
        /// The host was lost under the command, or before it got it.
        case lost(HostLoss)
    }

    /// What a reader gets at once.
    enum Batch: Sendable {
        case events([RunEvent])
        case over
        case failed(MMError)
    }

    /// When this many bytes wait, the host is asked to pause.
    static let highWater = 512 << 10

    private let state = Mutex(State())
    /// Lets a paused host go on.
    private let resume: @Sendable () -> Void
    private let finished: @Sendable () -> Void

    init(resume: @escaping @Sendable () -> Void, finished: @escaping @Sendable () -> Void) {
        self.resume = resume
        self.finished = finished
    }

    /// Tells that the host is free. Called once, by the channel, outside its lock.
    func tellFinished() { finished() }

    /// Adds events.
    /// - Parameters:
    ///   - bytes: how much they were on the wire.
    ///   - wakes: whether readers are told now; not when the end, which tells them, is at hand.
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

    /// From now on the host is never held up by the reader.
    /// - Parameter keeping: whether what comes is still kept, up to the mark where the host would be paused; else it is
    ///   thrown away. What waits may be read in both cases.
    func drain(keeping: Bool) {
        let wasPaused = state.withLock { state in
            if keeping { state.isDraining = true } else { state.isAbandoned = true }
            defer { state.hostIsPaused = false }
            return state.hostIsPaused
        }
        if wasPaused { resume() }
    }

    /// Everything that waits; waits itself when there is nothing. With several readers, each event goes to one of them.
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
                // Others that wait look again and wait on.
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
