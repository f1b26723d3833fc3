import Glibc
import MMCore
import MMSystem

extension HostChannel {
    /// How long a process that has closed its wire may take to end by itself.
    private static let endWithin = Duration.seconds(2)

    /// Nothing more comes over the wire. Usually the process is ending, and its end says more than this does.
    func wireClosed(_ state: inout State, _ effects: inout Effects) {
        guard !state.isWireClosed else { return }
        state.isWireClosed = true
        effects.later { [weak self] in
            Task {
                try? await Task.sleep(for: Self.endWithin)
                self?.loseClosedWire()
            }
        }
    }

    private func loseClosedWire() {
        var effects = Effects()
        state.withLock { lose("PowerShell closed the wire", &$0, &effects) }
        effects.perform()
    }

    /// The process ended: what it still had sent is read first.
    func processEnded(_ exit: ChildProcess.Exit) {
        var effects = Effects()
        state.withLock { state in
            // The kernel holds no more than a few hundred kilobytes for a reader that is behind.
            readSocket(&state, &effects, rounds: 256, whatever: true)
            let half = state.decoder.isInsideLine ? " in the middle of a record" : ""
            lose(
                "PowerShell ended \(HostProcess.words(exit))\(half)", &state, &effects, isExit: true,
                isKill: exit == .signal(SIGKILL))
        }
        effects.perform()
    }

    /// The host can't be used any more.
    /// - Parameters:
    ///   - isExit: whether the process is gone already.
    ///   - isKill: whether it was killed; not by us, while no command is being stopped.
    func lose(
        _ reason: String, _ state: inout State, _ effects: inout Effects, isExit: Bool = false, isKill: Bool = false
    ) {
        guard state.loss == nil else { return }
        let console = readConsole(&state, rounds: 16)
        let loss = HostLoss(
            reason: reason, lastWords: state.lastWords.text, isForMemory: isKill || state.lastWords.speakOfMemory)
        state.loss = loss
        for watch in state.watches { loop.forget(watch) }
        state.watches = []
        let waiting = state.requests.values
        state.requests = [:]
        let error = loss.error
        for request in waiting { request.resolve(.failure(error)) }
        let wasSent = state.written >= state.requestEnd
        let command = state.machine.lose()
        requests?.ended(.max)
        if let timer = state.timer { DeadlineWatch.shared.cancel(timer) }
        state.timer = nil
        state.outgoing = []
        if let sent = state.sent {
            state.sent = nil
            sent.resolve(command?.stop == nil ? .lost : .stopped)
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
                case nil: .lost(loss.told(wasSent: wasSent))
                }
            effects.later {
                feed.tellFinished()
                feed.finish(outcome)
            }
        }
        if !isExit { effects.later { [process] in process.kill() } }
        effects.later { [onLoss] in onLoss(loss.account) }
    }
}
