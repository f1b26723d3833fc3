import MMCore
import MMSystem

/// Stops the running command of a session when its deadline passes.
///
/// Most commands end long before. One sleeping task is therefore kept for many of them: it looks again when it wakes.
final class CommandAlarm: Sendable {
    private struct State {
        var run: RunningCommand?
        var deadline: ContinuousClock.Instant?
        var wakes: ContinuousClock.Instant?
        var task: Task<Void, Never>?
    }

    private let state = Mutex(State())

    deinit { state.withLock { $0.task }?.cancel() }

    /// From now on this command is watched.
    func set(_ run: RunningCommand, _ deadline: Deadline) {
        guard let instant = deadline.instant else { return }
        state.withLock { state in
            state.run = run
            state.deadline = instant
            if let wakes = state.wakes, wakes <= instant { return }
            arm(&state, instant)
        }
    }

    /// The command has ended.
    func clear() {
        state.withLock { state in
            state.run = nil
            state.deadline = nil
        }
    }

    private func arm(_ state: inout State, _ instant: ContinuousClock.Instant) {
        state.task?.cancel()
        state.wakes = instant
        state.task = Task { [weak self] in
            try? await Task.sleep(until: instant, clock: .continuous)
            if !Task.isCancelled { self?.wake() }
        }
    }

    private func wake() {
        let late: RunningCommand? = state.withLock { state in
            state.wakes = nil
            guard let deadline = state.deadline else { return nil }
            guard deadline <= .now else {
                arm(&state, deadline)
                return nil
            }
            defer {
                state.run = nil
                state.deadline = nil
            }
            return state.run
        }
        late?.stop(.deadline)
    }
}
