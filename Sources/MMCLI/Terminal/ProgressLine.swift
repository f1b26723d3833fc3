import MMCore

/// Whether a line of progress stands on the screen, so that nothing is written behind it.
final class ProgressLine: Sendable {
    private struct State {
        var isShown = false
        var isOver = false
    }

    private let state = Mutex(State())
    private let endsWithOutput: Bool

    /// - Parameter endsWithOutput: whether the answer goes to a screen, or to a program that may write to it (`less`):
    ///   from its first byte on there is no place for progress any more.
    init(endsWithOutput: Bool) { self.endsWithOutput = endsWithOutput }

    /// Whether a line of progress may be shown; it counts as shown then.
    func isWanted() -> Bool {
        state.withLock { state in
            state.isShown = !state.isOver
            return state.isShown
        }
    }

    /// Output is about to be written.
    /// - Returns: whether there is a line to clear first.
    func outputBegins() -> Bool {
        state.withLock { state in
            state.isOver = state.isOver || endsWithOutput
            defer { if state.isOver { state.isShown = false } }
            return state.isShown && endsWithOutput
        }
    }

    /// Something else is about to be written to the screen.
    /// - Returns: whether there is a line to clear first.
    func isCleared() -> Bool {
        state.withLock { state in
            defer { state.isShown = false }
            return state.isShown
        }
    }
}
