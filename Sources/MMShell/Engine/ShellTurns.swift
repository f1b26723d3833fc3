package import MMCore
import MMSystem

/// Lets one caller use a shell at a time, in the order they came.
package final class ShellTurns: Sendable {
    private struct State {
        var isTaken = false
        var isClosed = false
        var queue: [(id: UInt64, turn: OneShot<Outcome>)] = []
        var next: UInt64 = 0
    }

    private enum Outcome { case granted, given(up: MMErrorCode), closed }

    private let state = Mutex(State())

    /// Nobody waits yet.
    package init() {}

    /// How many wait.
    var waiting: Int { state.withLock { $0.queue.count } }

    /// Waits for the turn.
    /// - Throws: `.deadlineExceeded`, `.cancelled`, and `.unavailable` when the session closes.
    package func take(until deadline: Deadline) async throws(MMError) {
        let (id, outcome, turn): (UInt64, Outcome, OneShot<Outcome>?) = state.withLock { state in
            if state.isClosed { return (0, .closed, nil) }
            if !state.isTaken {
                state.isTaken = true
                return (0, .granted, nil)
            }
            let turn = OneShot<Outcome>()
            state.next += 1
            state.queue.append((state.next, turn))
            return (state.next, .granted, turn)
        }
        var result = outcome
        if let turn {
            let alarm = deadline.instant.map { instant in
                Task {
                    try? await Task.sleep(until: instant, clock: .continuous)
                    if !Task.isCancelled { turn.give(.given(up: .deadlineExceeded)) }
                }
            }
            result = await withTaskCancellationHandler {
                await turn.wait()
            } onCancel: {
                turn.give(.given(up: .cancelled))
            }
            alarm?.cancel()
        }
        switch result {
        case .granted: return
        case .closed: throw MMError(.unavailable, "The session was closed.")
        case .given(let code):
            state.withLock { $0.queue.removeAll { $0.id == id } }
            if code == .cancelled { throw MMError(.cancelled, "The command was cancelled before it was started.") }
            throw MMError(
                .deadlineExceeded, "Another command was running until the time was over; this one was not started.",
                hint: "Wait for the running command, cancel it, or use another session.", retry: .now)
        }
    }

    /// Hands the turn on.
    package func leave() {
        while true {
            let next: OneShot<Outcome>? = state.withLock { state in
                if state.queue.isEmpty {
                    state.isTaken = false
                    return nil
                }
                return state.queue.removeFirst().turn
            }
            // One who has given up meanwhile doesn't take it.
            guard let next, !next.give(.granted) else { return }
        }
    }

    /// Sends everybody away who waits, and who comes.
    package func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            defer { state.queue = [] }
            return state.queue
        }
        for waiter in waiting { waiter.turn.give(.closed) }
    }
}
