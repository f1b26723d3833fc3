/// The tokens, codes and keys that this process holds, so that they are recognised wherever they turn up: a service may
/// repeat a token in an error, a script may print it, and not every token has a recognisable shape.
package final class HeldSecrets: Sendable {
    /// The secrets of this process; every `Redactor` consults them.
    package static let shared = HeldSecrets()

    private struct State {
        var newest: [Secret] = []
        var index = SecretIndex()
        var disguised = SecretIndex()
    }

    private let state = Mutex(State())
    private let limit: Int

    /// Creates a separate collection, for tests.
    /// - Parameter limit: how many secrets are remembered; the oldest are dropped first.
    package init(limit: Int = 1024) { self.limit = limit }

    /// Remembers a secret until so many others have followed that it can no longer be valid.
    package func hold(_ secret: Secret) {
        state.withLock { state in
            guard state.newest.last != secret, !state.newest.contains(secret) else { return }
            state.newest.append(secret)
            if state.newest.count > limit {
                state.newest.removeFirst(limit / 4)
                state.index = SecretIndex(state.newest)
                state.disguised = SecretIndex()
                for secret in state.newest { state.disguised.insert(disguisesOf: secret) }
            } else {
                state.index.insert(secret)
                state.disguised.insert(disguisesOf: secret)
            }
        }
    }

    var index: SecretIndex { state.withLock { $0.index } }

    /// The same secrets as they look reversed, in base64 or as hex digits.
    var disguised: SecretIndex { state.withLock { $0.disguised } }
}
