import MMCore

/// What a server says of itself (`INFO`).
struct RedisFacts {
    private var facts: [Substring: Substring] = [:]

    /// Reads the reply to `INFO`.
    init(_ reply: RedisValue) {
        for line in (reply.text ?? "").split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { facts[parts[0]] = parts[1] }
        }
    }

    subscript(_ name: Substring) -> Substring? { facts[name] }

    /// Whether the server accepts writes.
    var isMaster: Bool { facts["role"] != "slave" }

    /// Identifies the time for which the server is a master: it changes when the server starts, and each time it
    /// becomes a master, also again.
    var reign: String { "\(facts["run_id"] ?? "")/\(facts["master_replid"] ?? "")" }

    /// Whether the server replaced another one or started only lately, so that earlier writes may be missing.
    var isYoung: Bool {
        // A former replica has a second replication id, and a server that has just started may have lost its last
        // writes.
        let wasReplica = facts["second_repl_offset"].map { $0 != "-1" } ?? false
        return wasReplica || (facts["uptime_in_seconds"].flatMap { Int($0) } ?? 0) < 120
    }
}
