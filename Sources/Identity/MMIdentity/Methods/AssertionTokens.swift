internal import MMCore

/// The tokens that were exchanged for those of callers, in memory alone: a server's people leave nothing on its disk.
final class AssertionTokens: Sendable {
    /// What a token was exchanged for. The caller's own token isn't kept, only its digest.
    struct Key: Hashable, Sendable {
        let identity: [String]
        let resource: ServiceResource
        let assertion: [UInt8]
    }

    private let tokens = Mutex<[Key: AccessToken]>([:])
    private let most: Int

    init(most: Int = 10_000) {
        self.most = most
    }

    func find(_ key: Key) -> AccessToken? { tokens.withLock { $0[key] } }

    func keep(_ token: AccessToken, for key: Key, now: Timestamp) {
        tokens.withLock { tokens in
            tokens[key] = token
            guard tokens.count > most else { return }
            tokens = tokens.filter { $0.value.expiresAt > now }
            guard tokens.count > most else { return }
            // Half of them go, those first that end first, so that this isn't done for each token.
            let ends = tokens.values.map(\.expiresAt).sorted()
            let middle = ends[ends.count / 2]
            tokens = tokens.filter { $0.value.expiresAt > middle || $0.key == key }
        }
    }

    /// Forgets the tokens of a connection.
    func forget(_ connection: String) {
        tokens.withLock { tokens in tokens = tokens.filter { $0.value.connection != connection } }
    }

    var count: Int { tokens.withLock { $0.count } }
}
