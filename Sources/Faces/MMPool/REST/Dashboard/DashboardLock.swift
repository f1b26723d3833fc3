import MMCore

/// Decides who may act on the dashboard: the owner, who was given a token outside the browser.
final class DashboardLock: Sendable {
    private struct State {
        var token: (secret: Secret, until: ContinuousClock.Instant)?
        var unlocked: [(secret: Secret, until: ContinuousClock.Instant)] = []
    }

    /// How long a token may be used.
    static let tokenAge = Duration.seconds(300)
    /// How long a page stays unlocked.
    static let pageAge = Duration.seconds(3600)
    private static let mostPages = 8

    private let now: @Sendable () -> ContinuousClock.Instant
    private let state = Mutex(State())

    init(now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.now = now
    }

    /// Returns a token that unlocks one page, once. It invalidates an earlier one.
    func newToken() -> Secret {
        let token = Secret(RandomBytes.text(bytes: 15))
        let until = now() + Self.tokenAge
        state.withLock { $0.token = (token, until) }
        return token
    }

    /// Redeems a token.
    /// - Returns: the secret that the page identifies itself with from now on; `nil` for a wrong, used or expired
    ///   token.
    func unlock(_ token: String) -> Secret? {
        let page = Secret(RandomBytes.text(bytes: 24))
        let now = now()
        return state.withLock { state in
            guard let waiting = state.token, waiting.secret == Secret(token), now < waiting.until else { return nil }
            state.token = nil
            state.unlocked = state.unlocked.filter { now < $0.until }.suffix(Self.mostPages - 1)
            state.unlocked.append((page, now + Self.pageAge))
            return page
        }
    }

    /// Returns whether a page may do more than show the state.
    func isUnlocked(_ page: String?) -> Bool {
        guard let page else { return false }
        let now = now()
        let wanted = Secret(page)
        return state.withLock { state in
            // Every entry is compared, so that the time taken doesn't reveal which one matched.
            state.unlocked.reduce(false) { found, entry in
                (entry.secret == wanted && now < entry.until) || found
            }
        }
    }

    /// Locks a page again.
    func lock(_ page: String) {
        let gone = Secret(page)
        state.withLock { state in state.unlocked.removeAll { $0.secret == gone } }
    }
}
