package import MMCore

/// The store in Redis in which leases are recorded. It has no notion of time: a node may take a lease over after it has
/// seen the record unchanged for long enough, so that no machine's clock can end a lease early.
package final class RedisLeaseStore: Sendable {
    private let redis: RedisClient
    private let now: @Sendable () -> ContinuousClock.Instant
    /// The time at which this process first saw each reign of a server (`RedisFacts`).
    private let reigns = Mutex<[String: ContinuousClock.Instant]>([:])

    package init(_ redis: RedisClient, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.redis = redis
        self.now = now
    }

    /// Returns a key of a name. All keys of one name share a hash tag, so that a script may use several of them in a
    /// Redis Cluster.
    package static func key(_ name: String, _ part: String) -> String {
        let plain = PercentCoding.encode(name) { $0 > 0x20 && $0 < 0x7F && !"{}%".utf8.contains($0) }
        return "{mm:\(plain)}:\(part)"
    }

    /// Reads a lease; returns a free one if there is no record yet.
    /// - Throws: `unavailable` where the store can't be reached.
    package func read(_ name: String) async throws(MMError) -> LeaseRecord {
        let key = Self.key(name, "lease")
        return Self.record(
            try await redis.ask(["HMGET", key, "holder", "address", "token", "beat", "term"], key: key))
    }

    /// Takes a lease if its record is still as it was seen.
    /// - Parameters:
    ///   - name: the name of what is leased.
    ///   - seen: the record as it was seen.
    ///   - holder: the id of the node that takes the lease.
    ///   - address: the address at which that node is reached.
    ///   - term: how long the lease is to be valid.
    /// - Returns: the current record, with a new token if the holder got the lease.
    /// - Throws: `unavailable`; the lease may have been taken nevertheless, but must not be used.
    package func take(
        _ name: String, seen: LeaseRecord, for holder: String, at address: String, term: Duration
    ) async throws(MMError) -> LeaseRecord {
        let key = Self.key(name, "lease")
        let current = try await read(name)
        guard current == seen else { return current }
        let facts = RedisFacts(try await redis.ask(["INFO"], key: key))
        let known = known(facts)
        if facts.isYoung { try settle(known, term) }
        let arguments = [holder, address, seen.holder, "\(seen.token)", "\(seen.beat)", "\(term.milliseconds)"]
        return Self.record(
            try await redis.script(Self.taking, keys: [key], arguments.map { Array($0.utf8) }))
    }

    /// Renews a lease.
    /// - Returns: whether the holder still had it.
    /// - Throws: `unavailable`.
    package func renew(_ name: String, holder: String, token: Int64, term: Duration) async throws(MMError) -> Bool {
        let arguments = [holder, "\(token)", "\(term.milliseconds)"]
        let answer = try await redis.script(
            Self.renewing, keys: [Self.key(name, "lease")], arguments.map { Array($0.utf8) })
        return answer == .number(1)
    }

    /// Gives a lease back; a lease of another holder is left alone.
    /// - Throws: `unavailable`.
    package func release(_ name: String, holder: String, token: Int64) async throws(MMError) {
        _ = try await redis.script(
            Self.releasing, keys: [Self.key(name, "lease")], [holder, "\(token)"].map { Array($0.utf8) })
    }

    /// Notes since when each server is known as what it is now, so that the first call after a fail-over needn't wait
    /// if it comes much later.
    /// - Throws: `unavailable` where the store can't be reached.
    func meet() async throws(MMError) {
        for facts in try await redis.facts() { _ = known(facts) }
    }

    /// Returns since when the server that says this of itself is known as what it is now.
    private func known(_ facts: RedisFacts) -> ContinuousClock.Instant {
        let now = now()
        return reigns.withLock { reigns in
            let first = reigns[facts.reign] ?? now
            reigns[facts.reign] = first
            return first
        }
    }

    /// Refuses to take leases on a server that has just started or replaced another one, since its data may be
    /// incomplete: first, all leases that were held before must have ended by their holders' own clocks.
    private func settle(_ known: ContinuousClock.Instant, _ term: Duration) throws(MMError) {
        let left = term * 2 - known.duration(to: now())
        guard left > .zero else { return }
        throw MMError(
            .unavailable,
            "Redis has just started or failed over: leases can be acquired in \(left.inSeconds) s.",
            hint: "Wait, because earlier leases may be unknown there.", retry: .after(left),
            details: ["cluster": "settling"])
    }

    private static func record(_ value: RedisValue) -> LeaseRecord {
        guard let list = value.elements, list.count >= 5 else { return LeaseRecord() }
        return LeaseRecord(
            holder: list[0].text ?? "", address: list[1].text ?? "", token: list[2].integer ?? 0,
            beat: list[3].integer ?? 0, term: list[4].integer ?? 0)
    }

    /// Tokens follow the server's clock as long as it goes forward, so that they increase even if the last ones were
    /// lost.
    private static let taking = """
        local old = redis.call('HMGET', KEYS[1], 'holder', 'token', 'beat')
        local holder, token, beat = old[1] or '', old[2] or '0', old[3] or '0'
        if holder == ARGV[3] and token == ARGV[4] and beat == ARGV[5] then
          local time = redis.call('TIME')
          local next = math.max(tonumber(token) + 1, time[1] * 1000 + math.floor(time[2] / 1000))
          redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'address', ARGV[2], 'token', string.format('%.0f', next),
            'beat', string.format('%.0f', tonumber(beat) + 1), 'term', ARGV[6])
        end
        return redis.call('HMGET', KEYS[1], 'holder', 'address', 'token', 'beat', 'term')
        """

    private static let renewing = """
        local old = redis.call('HMGET', KEYS[1], 'holder', 'token')
        if old[1] ~= ARGV[1] or old[2] ~= ARGV[2] then return 0 end
        redis.call('HINCRBY', KEYS[1], 'beat', 1)
        redis.call('HSET', KEYS[1], 'term', ARGV[3])
        return 1
        """

    private static let releasing = """
        local old = redis.call('HMGET', KEYS[1], 'holder', 'token')
        if old[1] ~= ARGV[1] or old[2] ~= ARGV[2] then return 0 end
        redis.call('HSET', KEYS[1], 'holder', '', 'address', '')
        redis.call('HINCRBY', KEYS[1], 'beat', 1)
        return 1
        """
}

extension Duration {
    /// The duration in seconds with one decimal place, for messages.
    var inSeconds: String { "\(milliseconds / 1000).\(milliseconds % 1000 / 100)" }
}
