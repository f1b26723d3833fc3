import MMCore
import MMSystem

/// A single event that several tasks wait for.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiters: [OneShot<Void>] = []
    }
    private let state = Mutex(State())

    func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resolve(()) }
    }

    /// Waits until it has happened, or until the task is cancelled, so that a test ends at its time limit.
    func wait() async {
        let turn = OneShot<Void>()
        let isOpen = state.withLock { state in
            if !state.isOpen { state.waiters.append(turn) }
            return state.isOpen
        }
        guard !isOpen else { return }
        await withTaskCancellationHandler {
            await turn.wait()
        } onCancel: {
            turn.resolve(())
        }
    }
}
