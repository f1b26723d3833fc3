import MMCore

/// Tracks whether a progress line is on the screen, so that nothing is written after it on the same line.
final class ProgressLine: Sendable {
    private struct State {
        var isShown = false
        var isOver = false
        /// Counts what was shown, so that a countdown ends with the next thing.
        var turn = 0
    }

    private let state = Mutex(State())
    private let endsWithOutput: Bool

    /// Creates a tracker.
    /// - Parameter endsWithOutput: whether the answer goes to a screen, or to a program that may write to it (`less`):
    ///   from the first byte on there is no more room for progress.
    init(endsWithOutput: Bool) { self.endsWithOutput = endsWithOutput }

    /// Returns whether a progress line may be shown, and if so notes it as shown.
    func isWanted() -> Bool {
        state.withLock { state in
            state.turn += 1
            state.isShown = !state.isOver
            return state.isShown
        }
    }

    /// Notes that output is about to be written.
    /// - Returns: whether there is a line to clear first.
    func outputBegins() -> Bool {
        state.withLock { state in
            state.turn += 1
            state.isOver = state.isOver || endsWithOutput
            defer { if state.isOver { state.isShown = false } }
            return state.isShown && endsWithOutput
        }
    }

    /// Notes that something else is about to be written to the screen.
    /// - Returns: whether there is a line to clear first.
    func isCleared() -> Bool {
        state.withLock { state in
            defer { state.isShown = false }
            state.turn += 1
            return state.isShown
        }
    }

    /// Notes that a line is shown that changes by itself.
    /// - Returns: its turn, which ends when anything else is shown.
    func beginTurn() -> Int {
        state.withLock { state in
            state.turn += 1
            return state.turn
        }
    }

    /// Returns whether a line may still change by itself, and if so notes it as shown.
    func continues(_ turn: Int) -> Bool {
        state.withLock { state in
            guard state.turn == turn, !state.isOver else { return false }
            state.isShown = true
            return true
        }
    }
}
