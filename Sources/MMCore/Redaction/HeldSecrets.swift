/// The tokens, codes and keys that this process has in its hands, so that they are known wherever they turn up: a service may
/// repeat a token in an error, a script may print it, and not every token has a shape that gives it away.
package final class HeldSecrets: Sendable {
    /// Those of this process; every `Redactor` asks them.
    package static let shared = HeldSecrets()

    private struct State {
        var newest: [Secret] = []
        var index = SecretIndex()
    }

    private let state = Mutex(State())
    private let limit: Int

    /// A collection of its own, for tests.
    /// - Parameter limit: how many are remembered; the oldest go first.
    package init(limit: Int = 1024) { self.limit = limit }

    /// Remembers a secret until so many have come after it that it can't be good any more.
    package func hold(_ secret: Secret) {
        state.withLock { state in
            guard state.newest.last != secret, !state.newest.contains(secret) else { return }
            state.newest.append(secret)
            if state.newest.count > limit {
                state.newest.removeFirst(limit / 4)
                state.index = SecretIndex(state.newest)
            } else {
                state.index.insert(secret)
            }
        }
    }

    var index: SecretIndex { state.withLock { $0.index } }
}
