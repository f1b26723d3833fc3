import MMCore

/// Calls handlers when deadlines pass. Nearly every deadline is cancelled long before it passes, which costs only a
/// dictionary look-up here; a sleeping task for each deadline would be created, queued and woken for nothing.
package final class DeadlineWatch: Sendable {
    /// Identifies a watched deadline.
    package struct Token: Sendable, Hashable {
        fileprivate let number: UInt64
    }

    private struct Entry {
        let instant: ContinuousClock.Instant
        let handler: @Sendable () -> Void
    }

    private struct State {
        var entries: [UInt64: Entry] = [:]
        var last: UInt64 = 0
        /// When the sleeper wakes; `nil` when nothing sleeps.
        var wakes: ContinuousClock.Instant?
        var sleeper: Task<Void, Never>?
    }

    /// The shared instance.
    package static let shared = DeadlineWatch()

    private let state = Mutex(State())

    /// Creates a watch without deadlines.
    package init() {}

    /// Calls a handler once after an instant has passed, unless it is forgotten first.
    /// - Parameters:
    ///   - instant: when to call it.
    ///   - handler: what to do then; it must be short.
    package func watch(_ instant: ContinuousClock.Instant, _ handler: @escaping @Sendable () -> Void) -> Token {
        state.withLock { state in
            state.last += 1
            state.entries[state.last] = Entry(instant: instant, handler: handler)
            wake(by: instant, &state)
            return Token(number: state.last)
        }
    }

    /// Cancels a deadline. A handler call in progress may still finish.
    package func cancel(_ token: Token) {
        _ = state.withLock { $0.entries.removeValue(forKey: token.number) }
    }

    /// The number of watched deadlines.
    package var count: Int { state.withLock { $0.entries.count } }

    private func wake(by instant: ContinuousClock.Instant, _ state: inout State) {
        if let wakes = state.wakes, wakes <= instant { return }
        state.sleeper?.cancel()
        state.wakes = instant
        state.sleeper = Task { [weak self] in
            guard (try? await Task.sleep(until: instant, clock: .continuous)) != nil else { return }
            self?.fire(instant)
        }
    }

    /// Calls the handlers that are due, and sleeps until the next deadline.
    private func fire(_ alarm: ContinuousClock.Instant) {
        let due: [@Sendable () -> Void] = state.withLock { state in
            // A newer sleeper replaced this one at the last moment.
            guard state.wakes == alarm else { return [] }
            let now = max(ContinuousClock.now, alarm)
            let passed = state.entries.filter { $0.value.instant <= now }
            for number in passed.keys { state.entries[number] = nil }
            state.wakes = nil
            state.sleeper = nil
            if let next = state.entries.values.map(\.instant).min() { wake(by: next, &state) }
            return passed.values.sorted { $0.instant < $1.instant }.map(\.handler)
        }
        for handler in due { handler() }
    }
}
