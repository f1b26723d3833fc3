import MMCore
import MMSystem

extension HostChannel {
    /// The process ended: what it still had sent is read first.
    func processEnded(_ how: String) {
        var effects = Effects()
        state.withLock { state in
            // The kernel holds no more than a few hundred kilobytes for a reader that is behind.
            readSocket(&state, &effects, rounds: 256, whatever: true)
            lose("PowerShell ended \(how)", &state, &effects, isExit: true)
        }
        effects.perform()
    }

    func lose(_ reason: String, _ state: inout State, _ effects: inout Effects, isExit: Bool = false) {
        guard state.loss == nil else { return }
        state.loss = reason
        for watch in state.watches { loop.forget(watch) }
        state.watches = []
        let waiting = state.requests.values
        state.requests = [:]
        let error = HostLoss(reason: reason, wasSent: false).error
        for request in waiting { request.give(.failure(error)) }
        let wasSent = state.written >= state.requestEnd
        let command = state.machine.lose()
        if let timer = state.timer { DeadlineWatch.shared.forget(timer) }
        state.timer = nil
        state.outgoing = []
        let console = state.feed == nil ? [] : readConsole(&state, rounds: 16)
        if let sent = state.sent {
            state.sent = nil
            sent.give(command?.stop == nil ? .lost : .stopped)
        }
        if let feed = state.feed {
            state.feed = nil
            _ = feed.add(console, bytes: 0)
            let outcome: RunFeed.Outcome =
                switch command?.stop {
                case .deadline: .failed(StopErrors.deadline(restarted: true))
                case .cancelled: .failed(StopErrors.cancelled)
                case .closing: .failed(StopErrors.closing)
                case .asked: .failed(StopErrors.stoppedHard)
                case nil: .lost(HostLoss(reason: reason, wasSent: wasSent))
                }
            effects.later {
                feed.tellFinished()
                feed.finish(outcome)
            }
        }
        if !isExit { effects.later { [process] in process.kill() } }
        effects.later { [onLoss] in onLoss(reason) }
    }
}
