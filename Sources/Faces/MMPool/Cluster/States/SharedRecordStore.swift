package import MMCore

/// A record that the nodes of a cluster share, as it was read.
package struct SharedRecord: Sendable, Hashable {
    /// The record's content.
    package let value: [UInt8]
    /// Changes with each write; a conditional write names the revision that it is based on.
    package let revision: String

    package init(value: [UInt8], revision: String) {
        self.value = value
        self.revision = revision
    }
}

/// The records of one kind of shared state in Redis: small, encrypted, each with a lifetime that Redis counts.
///
/// Records of a connection lie in the slot of its lease. A write may name the lease under which it is made; it fails if
/// the node has lost that lease. Neither names nor values are readable in Redis, and each value is bound to its name.
package struct SharedRecordStore: Sendable {
    /// What a record belongs to.
    package enum Group: Sendable, Hashable {
        /// A connection, by its registered name.
        case connection(String)
        /// The cluster as a whole.
        case cluster
    }

    /// The lease under which a node writes.
    package struct Fence: Sendable, Hashable {
        /// The node's id.
        package let node: String
        /// The token of its lease.
        package let token: Int64

        package init(node: String, token: Int64) {
            self.node = node
            self.token = token
        }
    }

    /// The default maximum size of a value in bytes.
    package static let usualSize = 256 << 10

    private let redis: RedisClient
    private let seal: ClusterSeal
    private let kind: String

    /// Creates a store.
    /// - Parameters:
    ///   - redis: where the records are kept.
    ///   - seal: encrypts the values.
    ///   - kind: the kind of state, in one word.
    package init(_ redis: RedisClient, seal: ClusterSeal, kind: String) {
        self.redis = redis
        self.seal = seal
        self.kind = kind
    }

    // MARK: Reading

    /// Reads a record; `nil` if there is none (any more).
    /// - Throws: `unavailable` if Redis can't be reached, `conflict` if the value was encrypted with another key.
    package func read(_ name: String, in group: Group) async throws(MMError) -> SharedRecord? {
        let key = key(name, group)
        let answer = try await redis.ask(["HMGET", key, "value", "revision"], key: key)
        return try record(answer.elements ?? [], key)
    }

    /// Reads all records of a group, in no particular order.
    /// - Throws: the errors of `read`.
    package func list(in group: Group) async throws(MMError) -> [SharedRecord] {
        let prefix = prefix(group)
        let answer = try await redis.script(Self.listing, keys: [index(group)], [Array(prefix.utf8)])
        var records: [SharedRecord] = []
        for entry in answer.elements ?? [] {
            guard let parts = entry.elements, parts.count == 3, let member = parts[0].text,
                let record = try record(Array(parts[1...]), prefix + member)
            else { continue }
            records.append(record)
        }
        return records
    }

    /// Returns the connections that may have records of this kind.
    /// - Throws: `unavailable`.
    package func connections() async throws(MMError) -> [String] {
        let answer = try await redis.script(Self.naming, keys: [groups], [])
        return (answer.elements ?? []).compactMap { name in
            guard case .bytes(let sealed) = name, let plain = seal.plain(sealed, name: groups) else { return nil }
            return String(decoding: plain, as: UTF8.self)
        }
    }

    // MARK: Writing

    /// Writes a record, replacing an existing one.
    /// - Parameters:
    ///   - name: the record's name.
    ///   - group: what the record belongs to.
    ///   - value: the content.
    ///   - lifetime: how long the record is kept.
    ///   - most: the maximum size of the value in bytes.
    ///   - fence: the lease under which the record is written; records of the cluster have none.
    /// - Throws: `invalidInput` with the detail `cluster` for a value that is too large; `unavailable`, with the detail
    ///   `lease` if the writer no longer holds the lease.
    package func put(
        _ name: String, in group: Group, _ value: [UInt8], for lifetime: Duration, most: Int = Self.usualSize,
        fence: Fence? = nil
    ) async throws(MMError) {
        _ = try await write(name, group, from: "*", value, lifetime, most, fence)
    }

    /// Writes a record if it is still as it was read.
    /// - Parameter read: the record as it was read; `nil` if there was none.
    /// - Returns: whether it was written; `false` if the record was changed in the meantime.
    /// - Throws: the errors of `put`.
    package func change(
        _ name: String, in group: Group, from read: SharedRecord?, to value: [UInt8], for lifetime: Duration,
        most: Int = Self.usualSize, fence: Fence? = nil
    ) async throws(MMError) -> Bool {
        try await write(name, group, from: read?.revision ?? "", value, lifetime, most, fence)
    }

    private func write(
        _ name: String, _ group: Group, from revision: String, _ value: [UInt8], _ lifetime: Duration, _ most: Int,
        _ fence: Fence?
    ) async throws(MMError) -> Bool {
        let key = key(name, group)
        guard value.count <= most else {
            throw MMError(
                .invalidInput,
                "\(value.count) bytes exceed the limit for data that the nodes of a cluster share (\(most)).",
                details: ["cluster": "tooLarge"])
        }
        guard let sealed = seal.sealed(value, name: key) else { throw Self.unsealed }
        // The connection is entered first: an entry without records does no harm, but records without an entry would
        // not be found.
        if case .connection(let connection) = group { try await enter(connection, for: lifetime) }
        // The random revision lets the script recognize a write that is repeated because its answer was lost.
        let arguments = [
            Array((fence?.node ?? "").utf8), Array("\(fence?.token ?? 0)".utf8), Array(revision.utf8),
            Array(RandomBytes.text(bytes: 9).utf8), sealed, Array("\(lifetime.milliseconds)".utf8),
            Array(key.utf8.dropFirst(prefix(group).utf8.count)),
        ]
        let answer = try await redis.script(Self.writing, keys: [lease(group), key, index(group)], arguments)
        if answer.text == "lease" { throw Self.noLease(group) }
        return answer == .number(1)
    }

    /// Reads a record and removes it: if several nodes ask for it, only one gets it.
    /// - Throws: `unavailable`; the record may have been removed nevertheless, without any node getting it.
    package func take(_ name: String, in group: Group, fence: Fence? = nil) async throws(MMError) -> [UInt8]? {
        let key = key(name, group)
        let arguments = [
            Array((fence?.node ?? "").utf8), Array("\(fence?.token ?? 0)".utf8),
            Array(key.utf8.dropFirst(prefix(group).utf8.count)),
        ]
        let answer = try await redis.script(
            Self.taking, keys: [lease(group), key, index(group)], arguments, isRepeatable: false)
        if answer.text == "lease" { throw Self.noLease(group) }
        return try record([answer, .status("")], key)?.value
    }

    /// Adds a connection to the index of those that have records.
    private func enter(_ connection: String, for lifetime: Duration) async throws(MMError) {
        // The encrypted name differs each time, so the entry is identified by a digest.
        guard let sealed = seal.sealed(Array(connection.utf8), name: groups) else { throw Self.unsealed }
        _ = try await redis.script(
            Self.entering, keys: [groups],
            [Array(Self.digest(connection).utf8), sealed, Array("\(lifetime.milliseconds)".utf8)])
    }

    // MARK: Keys

    private func tag(_ group: Group) -> String {
        switch group {
        case .connection(let name): name
        case .cluster: "cluster/\(kind)"
        }
    }

    private func prefix(_ group: Group) -> String { RedisLeaseStore.key(tag(group), "\(kind):") }
    private func key(_ name: String, _ group: Group) -> String { prefix(group) + Self.digest(name) }
    private func index(_ group: Group) -> String { RedisLeaseStore.key(tag(group), "\(kind)-index") }
    private func lease(_ group: Group) -> String { RedisLeaseStore.key(tag(group), "lease") }
    private var groups: String { RedisLeaseStore.key("cluster/\(kind)", "connections") }
    private static func digest(_ name: String) -> String { Hex.text(SHA256.digest(name.utf8).prefix(16)) }

    private func record(_ parts: [RedisValue], _ key: String) throws(MMError) -> SharedRecord? {
        guard parts.count == 2, case .bytes(let sealed) = parts[0] else { return nil }
        guard let value = seal.plain(sealed, name: key) else {
            throw MMError(
                .conflict, "Data of another node in Redis can't be decrypted here.",
                hint: "MM_CLUSTER_KEY_FILE must contain the same key on all nodes.", details: ["cluster": "key"])
        }
        return SharedRecord(value: value, revision: parts[1].text ?? "")
    }

    private static var unsealed: MMError {
        MMError(.unavailable, "The data could not be encrypted for Redis.", hint: "apt-get install libssl3")
    }

    private static func noLease(_ group: Group) -> MMError {
        var name = "the connection"
        if case .connection(let connection) = group { name = connection }
        return MMError(
            .unavailable, "Another node now holds the lease of \(name).", retry: .now,
            details: ["lease": "elsewhere"])
    }
}

// MARK: Scripts

extension SharedRecordStore {
    private static let leaseCheck = """
        if ARGV[1] ~= '' then
          local lease = redis.call('HMGET', KEYS[1], 'holder', 'token')
          if lease[1] ~= ARGV[1] or lease[2] ~= ARGV[2] then return 'lease' end
        end

        """

    private static let moment = """
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)

        """

    /// An index expires together with the last record that it lists.
    private static let writing =
        leaseCheck + moment + """
            local revision = redis.call('HGET', KEYS[2], 'revision') or ''
            if revision == ARGV[4] then return 1 end
            if ARGV[3] ~= '*' and ARGV[3] ~= revision then return 0 end
            redis.call('HSET', KEYS[2], 'value', ARGV[5], 'revision', ARGV[4])
            redis.call('PEXPIRE', KEYS[2], ARGV[6])
            redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', string.format('%.0f', now))
            redis.call('ZADD', KEYS[3], string.format('%.0f', now + ARGV[6]), ARGV[7])
            local last = redis.call('ZRANGE', KEYS[3], -1, -1, 'WITHSCORES')
            redis.call('PEXPIREAT', KEYS[3], string.format('%.0f', last[2]))
            return 1
            """

    private static let taking =
        leaseCheck + """
            local value = redis.call('HGET', KEYS[2], 'value')
            redis.call('DEL', KEYS[2])
            redis.call('ZREM', KEYS[3], ARGV[3])
            return value
            """

    private static let listing =
        moment + """
            local found = {}
            for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], string.format('%.0f', now), '+inf')) do
              local record = redis.call('HMGET', ARGV[1] .. name, 'value', 'revision')
              if record[1] then found[#found + 1] = {name, record[1], record[2]} end
            end
            return found
            """

    /// Names and their expiry times in one hash: `DIGEST` holds the encrypted name, `DIGEST:end` when its last record
    /// expires.
    private static let entering =
        moment + """
            local ends = now + ARGV[3]
            local known = tonumber(redis.call('HGET', KEYS[1], ARGV[1] .. ':end') or '0')
            if known < ends then
              redis.call('HSET', KEYS[1], ARGV[1], ARGV[2], ARGV[1] .. ':end', string.format('%.0f', ends))
            end
            local left = redis.call('PTTL', KEYS[1])
            if left < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
            return 1
            """

    private static let naming =
        moment + """
            local found = {}
            local all = redis.call('HGETALL', KEYS[1])
            local names, ends = {}, {}
            for place = 1, #all, 2 do
              local digest = string.match(all[place], '^(.*):end$')
              if digest then ends[digest] = tonumber(all[place + 1]) else names[all[place]] = all[place + 1] end
            end
            for digest, name in pairs(names) do
              if (ends[digest] or 0) > now then
                found[#found + 1] = name
              else
                redis.call('HDEL', KEYS[1], digest, digest .. ':end')
              end
            end
            return found
            """
}
