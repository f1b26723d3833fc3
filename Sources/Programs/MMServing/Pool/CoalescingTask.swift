import MMCore

/// Work that many callers ask for at a time: done at once for the first, then once more after a pause for all that asked
/// meanwhile.
final class CoalescingTask: Sendable {
    private struct State {
        var isDue = false
        var isRunning = false
    }

    private let state = Mutex(State())
    private let work: @Sendable () async -> Void

    /// The shortest and the longest pause between two runs.
    private static let pauses = Duration.milliseconds(25)...Duration.milliseconds(500)
    /// How many times as long as the work took it pauses, so that it takes no more than a small part of the time.
    private static let share = 40

    /// Work that is not due yet.
    init(_ work: @escaping @Sendable () async -> Void) {
        self.work = work
    }

    /// Has the work done, now or soon.
    func due() {
        let starts = state.withLock { state in
            state.isDue = true
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if starts { Task { await run() } }
    }

    private func run() async {
        while next() {
            let began = ContinuousClock.now
            await work()
            let pause = (ContinuousClock.now - began) * Self.share
            try? await Task.sleep(for: min(max(pause, Self.pauses.lowerBound), Self.pauses.upperBound))
        }
    }

    private func next() -> Bool {
        state.withLock { state in
            defer { state.isDue = false }
            if !state.isDue { state.isRunning = false }
            return state.isDue
        }
    }
}
