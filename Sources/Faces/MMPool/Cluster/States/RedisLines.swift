package import MMCore
package import MMOperations

/// Lines that the nodes of a cluster share through Redis: encrypted, in the order of arrival, only the newest.
package struct RedisLines: SharedLines {
    private let redis: RedisClient
    private let seal: ClusterSeal
    private let key: String

    /// The approximate number of lines that are kept.
    private static let most = 20_000
    /// How long the lines are kept after the last one was added.
    private static let lifetime = Duration.seconds(90 * 86_400)
    /// How many lines are read or written at once.
    private static let page = 200

    /// Creates the lines of one kind.
    package init(_ redis: RedisClient, seal: ClusterSeal, kind: String) {
        (self.redis, self.seal) = (redis, seal)
        key = RedisLeaseStore.key("cluster/\(kind)", "lines")
    }

    package func add(_ lines: [[UInt8]], from origin: String) async throws(MMError) {
        var rest = lines[...]
        while !rest.isEmpty {
            var arguments = ["\(Self.most)", "\(Self.lifetime.milliseconds)", origin].map { Array($0.utf8) }
            for line in rest.prefix(Self.page) {
                guard let sealed = seal.sealed(line, name: key) else {
                    throw MMError(
                        .unavailable, "The data could not be encrypted for Redis.", hint: "apt-get install libssl3")
                }
                arguments.append(sealed)
            }
            _ = try await redis.script(Self.adding, keys: [key], arguments)
            rest = rest.dropFirst(Self.page)
        }
    }

    package func following(_ mark: String?) async throws(MMError) -> [SharedLine] {
        try await read(["XRANGE", key, mark.map { "(\($0)" } ?? "-", "+", "COUNT", "\(Self.page)"])
    }

    package func preceding(_ mark: String?) async throws(MMError) -> [SharedLine] {
        try await read(["XREVRANGE", key, mark.map { "(\($0)" } ?? "+", "-", "COUNT", "\(Self.page)"])
    }

    private func read(_ words: [String]) async throws(MMError) -> [SharedLine] {
        let answer = try await redis.ask(words, key: key)
        var lines: [SharedLine] = []
        for entry in answer.elements ?? [] {
            guard let parts = entry.elements, parts.count == 2, let mark = parts[0].text,
                let origin = parts[1].pairs["origin"]?.text, case .bytes(let sealed)? = parts[1].pairs["line"]
            else { continue }
            guard let bytes = seal.plain(sealed, name: key) else {
                throw MMError(
                    .conflict, "Data of another node in Redis can't be decrypted here.",
                    hint: "MM_CLUSTER_KEY_FILE must contain the same key on all nodes.", details: ["cluster": "key"])
            }
            lines.append(SharedLine(mark: mark, origin: origin, bytes: bytes))
        }
        return lines
    }

    private static let adding = """
        for place = 4, #ARGV do
          redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'origin', ARGV[3], 'line', ARGV[place])
        end
        redis.call('PEXPIRE', KEYS[1], ARGV[2])
        return 1
        """
}
