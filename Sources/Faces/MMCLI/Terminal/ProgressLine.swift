import MMCore

/// The one line of a terminal that tells how far a command is.
///
/// It comes after half a second, so that what is quick shows nothing, changes a few times a second at most, and is gone
/// before anything else is written. Everything is drawn with the state locked: nothing can come between a look at it and
/// the drawing.
final class ProgressLine: Sendable {
    private struct State {
        var isShown = false
        var isOver = false
        /// What is to be shown.
        var text = ""
        /// What stands there.
        var drawn = ""
        /// When it may be drawn next; `nil` before the first report.
        var due: ContinuousClock.Instant?
        var isDrawing = false
        /// Counts what was shown, so that a countdown ends with the next thing.
        var turn = 0
    }

    private let state = Mutex(State())
    private let endsWithOutput: Bool
    private let draw: @Sendable (String) -> Void
    private let quiet: Duration
    private let interval: Duration

    /// Creates a line.
    /// - Parameters:
    ///   - endsWithOutput: whether the answer goes to a screen, or to a program that may write to it (`less`): from the
    ///     first byte on there is no more room for progress.
    ///   - quiet: how long a command works before it tells anything.
    ///   - interval: the shortest time between two changes of the line.
    ///   - draw: puts a text into the line, and clears it with an empty one.
    init(
        endsWithOutput: Bool, quiet: Duration = .milliseconds(500), interval: Duration = .milliseconds(150),
        draw: @escaping @Sendable (String) -> Void
    ) {
        self.quiet = quiet
        self.interval = interval
        self.endsWithOutput = endsWithOutput
        self.draw = draw
    }

    /// Has a text shown as soon as it may be.
    func show(_ text: String) {
        let starts = state.withLock { state -> Bool in
            guard !state.isOver else { return false }
            state.turn += 1
            state.text = text
            if state.due == nil { state.due = .now + quiet }
            defer { state.isDrawing = true }
            return !state.isDrawing
        }
        if starts { Task { await drawWhenDue() } }
    }

    /// Draws what is to be shown, until that stands there.
    private func drawWhenDue() async {
        while true {
            let wait = state.withLock { state -> Duration? in
                guard let due = state.due, state.text != state.drawn else {
                    state.isDrawing = false
                    return nil
                }
                let left = due - .now
                guard left <= .zero else { return left }
                draw(state.text)
                (state.drawn, state.isShown) = (state.text, true)
                state.due = .now + interval
                state.isDrawing = false
                return nil
            }
            guard let wait else { return }
            try? await Task.sleep(for: wait)
        }
    }

    /// Clears the line before output is written, if it stands there.
    func beginOutput() {
        state.withLock { state in
            state.isOver = state.isOver || endsWithOutput
            if endsWithOutput { clear(&state) }
        }
    }

    /// Makes room for the progress of another command in the same process.
    func begin() {
        state.withLock { state in
            clear(&state)
            state.isOver = false
        }
    }

    /// Fits the line to another width of the screen.
    func redraw() {
        state.withLock { state in
            if state.isShown { draw(state.drawn) }
        }
    }

    /// Clears the line before anything else is written to the screen.
    func clear() { state.withLock { clear(&$0) } }

    private func clear(_ state: inout State) {
        if state.isShown { draw("") }
        state.turn += 1
        (state.isShown, state.text, state.drawn, state.due) = (false, "", "", nil)
    }

    /// Notes that a line is shown that changes by itself.
    /// - Returns: its turn, which ends when anything else is shown.
    func beginTurn() -> Int {
        state.withLock { state in
            state.turn += 1
            return state.turn
        }
    }

    /// Changes a line that changes by itself.
    /// - Returns: whether its turn goes on.
    func change(to text: String, in turn: Int) -> Bool {
        state.withLock { state in
            guard state.turn == turn, !state.isOver else { return false }
            draw(text)
            (state.drawn, state.isShown) = (text, true)
            return true
        }
    }
}
