import MMCore

/// Remembers which calls have claimed an action that may happen only once, for as long as their sealed states are
/// valid.
final class ClaimLedger: Sendable {
    private struct State: Sendable {
        var used: [String: Timestamp] = [:]
        var sweptAt = 0
    }

    private static let limit = 200_000
    private let state = Mutex(State())
    private let lifetime: Duration
    private let clock: WallClock

    init(lifetime: Duration, clock: WallClock) {
        // Each round renews a call's state, so remember the call until its last round can no longer come.
        self.lifetime = lifetime * (StateSeal.rounds + 1)
        self.clock = clock
    }

    /// Whether this is the first claim; also `false` when too many calls are remembered to be sure.
    func claim(_ nonce: String) -> Bool {
        let now = clock.now
        return state.withLock { state in
            guard state.used[nonce] == nil else { return false }
            if state.used.count >= max(1000, state.sweptAt * 2) || state.used.count >= Self.limit {
                state.used = state.used.filter { now - $0.value < lifetime }
                state.sweptAt = state.used.count
            }
            guard state.used.count < Self.limit else { return false }
            state.used[nonce] = now
            return true
        }
    }
}
