import MMCore
import MMSystem

extension HostChannel {
    /// Sends a command.
    /// - Parameters:
    ///   - finished: called once when the host is free again.
    /// - Returns: the run, and where its request has not gone out at once, what will tell when it has.
    /// - Throws: `HostLoss` when the host is gone; nothing was sent then.
    func run(
        _ command: PowerShellCommand, deadline: Deadline, finished: @escaping @Sendable () -> Void
    ) throws(HostLoss) -> (run: PowerShellRun, delivery: OneShot<Delivery>?) {
        let feed = RunFeed(resume: { [weak self] in self?.resumeReading() }, finished: finished)
        let begun: (id: UInt64, delivery: OneShot<Delivery>?)? = state.withLock { state in
            guard state.loss == nil, let id = state.machine.begin() else { return nil }
            discardConsole(&state)
            state.feed = feed
            queue(HostRequest.run(id: id, command).line, &state)
            state.requestEnd = state.queued
            state.sent = state.written < state.requestEnd ? OneShot() : nil
            state.timer = deadline.instant.map { instant in
                DeadlineWatch.shared.watch(instant) { [weak self] in self?.stop(id, .deadline) }
            }
            return (id, state.sent)
        }
        guard let (id, delivery) = begun else {
            throw state.withLock { $0.loss } ?? HostLoss(reason: "Another command was running")
        }
        let run = PowerShellRun(feed: feed) { [weak self] reason in self?.stop(id, reason) }
        return (run, delivery)
    }

    /// Stops a command, by rungs, whatever it does.
    func stop(_ id: UInt64, _ reason: CommandMachine.StopReason) {
        let (actions, feed) = state.withLock { state in
            // By now another command may run: its feed is not ours to drain.
            state.machine.owns(id) ? (state.machine.stop(id, reason), state.feed) : ([], nil)
        }
        // A reader that is gone or too late must not keep PowerShell from reading the stop.
        if reason != .asked || !actions.isEmpty { feed?.drain(keeping: reason == .asked) }
        perform(actions)
    }

    /// Stops whatever runs.
    func stopAny(_ reason: CommandMachine.StopReason) {
        if let id = state.withLock({ $0.machine.running?.id }) { stop(id, reason) }
    }

    func climb(_ id: UInt64) {
        perform(state.withLock { $0.machine.climb(id) })
    }

    func perform(_ actions: [CommandMachine.Action]) {
        for action in actions {
            switch action {
            case .sendStop(let id): send(.stop(id: id))
            case .sweep: process.endOthers()
            case .cut(let id): requests?.cut(for: id)
            case .terminate: process.terminate()
            case .kill: process.kill()
            case .wake(let id, let wait):
                Task { [weak self] in
                    try? await Task.sleep(for: wait)
                    self?.climb(id)
                }
            }
        }
    }

    /// Sends a request and waits for the frame that answers it.
    func request(_ make: (UInt64) -> HostRequest, deadline: Deadline) async throws(MMError) -> HostFrame {
        let answer = OneShot<Result<HostFrame, MMError>>()
        let id: UInt64? = state.withLock { state in
            guard state.loss == nil else { return nil }
            let id = state.machine.nextNumber()
            state.requests[id] = answer
            queue(make(id).line, &state)
            return id
        }
        guard let id else { throw lostError() }
        let timer = Task {
            if let instant = deadline.instant {
                try? await Task.sleep(until: instant, clock: .continuous)
                if !Task.isCancelled { answer.resolve(.failure(deadline.exceeded("waiting for PowerShell's answer"))) }
            }
        }
        let result = await withTaskCancellationHandler {
            await answer.wait()
        } onCancel: {
            answer.resolve(.failure(MMError(.cancelled, "The question to PowerShell was cancelled.")))
        }
        timer.cancel()
        state.withLock { _ = $0.requests.removeValue(forKey: id) }
        return try result.get()
    }

    /// Sends a request that has no answer.
    func send(_ request: HostRequest) {
        state.withLock { state in
            if state.loss == nil { queue(request.line, &state) }
        }
    }

    func lostError() -> MMError {
        (state.withLock { $0.loss } ?? HostLoss(reason: "PowerShell is gone")).error
    }
}
