package import MMCore
import MMOperations

/// Names that one process at a time holds as long as it renews its claim: the places of sessions whose shells and
/// streams can't move. Redis counts the time and holds digests of the names.
package struct SharedClaims: Sendable {
    /// A name's holder.
    package struct Claim: Sendable, Hashable {
        /// The address at which other nodes reach the process.
        package let holder: String
        /// How long the claim lasts without a renewal.
        package let left: Duration
    }

    private let redis: RedisClient
    private let kind: String

    /// Creates the claims of one kind.
    package init(_ redis: RedisClient, kind: String) {
        self.redis = redis
        self.kind = kind
    }

    /// Claims a name, or renews the claim; another holder's claim is left alone.
    /// - Returns: the name's holder afterwards.
    /// - Throws: `unavailable`.
    package func claim(_ name: String, for holder: String, lease: Duration) async throws(MMError) -> Claim {
        let answer = try await run(Self.claiming, name, [holder, Self.time(lease)])
        return Self.claim(answer) ?? Claim(holder: holder, left: lease)
    }

    /// Renews a claim.
    /// - Returns: whether the holder still had it.
    /// - Throws: `unavailable`.
    package func renew(_ name: String, for holder: String, lease: Duration) async throws(MMError) -> Bool {
        try await run(Self.renewing, name, [holder, Self.time(lease)]) == .number(1)
    }

    /// Gives a name back; another holder's claim is left alone.
    /// - Throws: `unavailable`.
    package func release(_ name: String, from holder: String) async throws(MMError) {
        _ = try await run(Self.releasing, name, [holder])
    }

    private func run(_ script: String, _ name: String, _ arguments: [String]) async throws(MMError) -> RedisValue {
        let digest = Hex.text(SHA256.digest(name.utf8).prefix(16))
        let key = RedisLeaseStore.key("\(kind)/\(digest)", "claim")
        return try await redis.script(script, keys: [key], arguments.map { Array($0.utf8) })
    }

    private static func time(_ lease: Duration) -> String { "\(max(lease.milliseconds, 1))" }

    private static func claim(_ value: RedisValue) -> Claim? {
        guard let list = value.elements, list.count == 2, let holder = list[0].text, let left = list[1].integer else {
            return nil
        }
        return Claim(holder: holder, left: .milliseconds(max(left, 0)))
    }

    private static let claiming = """
        local holder = redis.call('GET', KEYS[1])
        if holder and holder ~= ARGV[1] then return {holder, redis.call('PTTL', KEYS[1])} end
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        return {ARGV[1], tonumber(ARGV[2])}
        """

    private static let renewing = """
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        redis.call('PEXPIRE', KEYS[1], ARGV[2])
        return 1
        """

    private static let releasing = """
        if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
        return 1
        """
}

/// Claims of the changes that nodes undo, so that only one node at a time undoes a change.
extension SharedClaims: ChangeClaims {
    package func take(_ name: String, for holder: String, lease: Duration) async throws(MMError) -> Bool {
        try await claim(name, for: holder, lease: lease).holder == holder
    }
}
