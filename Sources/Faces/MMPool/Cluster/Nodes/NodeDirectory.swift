package import MMCore

/// The nodes of the cluster: each announces itself as long as it lives.
package actor NodeDirectory {
    /// A node.
    package struct Node: Sendable, Hashable {
        /// The node's id; each process has its own.
        package let id: String
        /// The address at which other nodes reach it.
        package let address: String
        /// The node's version.
        package let version: String
        /// Whether the node has announced itself lately, as far as this node has observed.
        package let isAlive: Bool
    }

    private let redis: RedisClient
    private let own: (id: String, address: String, version: String)
    private let limit: Duration
    private var beat = 0
    private var sights: [String: (text: String, since: ContinuousClock.Instant)] = [:]
    private static let key = "{mm:nodes}:all"

    /// Creates the directory as one node sees it.
    /// - Parameters:
    ///   - redis: where the directory is kept.
    ///   - limit: how long a node may be silent.
    package init(
        _ redis: RedisClient, id: String, address: String, version: String, limit: Duration
    ) {
        self.redis = redis
        own = (id, address, version)
        self.limit = limit
    }

    /// Announces this node.
    /// - Throws: `unavailable`.
    package func tell() async throws(MMError) {
        beat += 1
        let entry: JSONObject = [
            "address": .string(own.address), "version": .string(own.version), "beat": .int(Int64(beat)),
        ]
        let text = String(decoding: JSONWriter.bytes(.object(entry)), as: UTF8.self)
        _ = try await redis.ask(["HSET", Self.key, own.id, text], key: Self.key)
        _ = try await all()
    }

    /// Returns the nodes that announced themselves, by address. Those that have long been silent are forgotten.
    /// - Throws: `unavailable`.
    package func all() async throws(MMError) -> [Node] {
        let entries = try await redis.ask(["HGETALL", Self.key], key: Self.key).pairs
        let now = ContinuousClock.now
        var nodes: [Node] = []
        for (id, value) in entries {
            guard let text = value.text, let json = try? JSONParser.parse(Array(text.utf8)) else { continue }
            if sights[id]?.text != text { sights[id] = (text, now) }
            let silent = sights[id].map { $0.since.duration(to: now) } ?? .zero
            if silent > limit * 20 {
                _ = try? await redis.ask(["HDEL", Self.key, id], key: Self.key)
                continue
            }
            nodes.append(
                Node(
                    id: id, address: json["address"]?.string ?? "", version: json["version"]?.string ?? "",
                    isAlive: silent <= limit))
        }
        sights = sights.filter { entries[$0.key] != nil }
        return nodes.sorted { ($0.address, $0.id) < ($1.address, $1.id) }
    }

    /// Removes this node.
    package func leave() async {
        _ = try? await redis.ask(["HDEL", Self.key, own.id], key: Self.key)
    }
}
