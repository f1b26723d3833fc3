/// What is known of the servers of a Redis Cluster: which ones it has, and who keeps which slots.
struct RedisClusterMap {
    /// The masters and replicas, as the cluster named them last.
    private(set) var members: [RedisAddress.Server] = []
    private var shares: [(slots: ClosedRange<Int>, master: RedisAddress.Server)] = []
    /// The slots that were found elsewhere since.
    private var moved: [Int: RedisAddress.Server] = [:]
    private var end = ContinuousClock.now

    /// Servers can join and become replicas without being noticed by anybody who has commands.
    private static let age = Duration.seconds(60)

    /// Whether the map should be read again.
    var isDue: Bool {
        get { end <= .now }
        set { end = newValue ? .now : .now + Self.age }
    }

    /// The masters that have slots.
    var masters: [RedisAddress.Server] {
        var found: [RedisAddress.Server] = []
        for share in shares where !found.contains(share.master) { found.append(share.master) }
        return found
    }

    /// Returns the server that keeps a slot, if it is known.
    func server(of slot: Int) -> RedisAddress.Server? {
        moved[slot] ?? shares.first { $0.slots.contains(slot) }?.master
    }

    /// Notes that a slot was found on another server, so that other slots may have moved too.
    mutating func move(_ slot: Int, to server: RedisAddress.Server?) {
        moved[slot] = server
        isDue = true
    }

    /// Forgets what a server keeps that can't be used. It stays a member.
    mutating func forget(_ server: RedisAddress.Server) {
        moved = moved.filter { $0.value != server }
        shares.removeAll { $0.master == server }
        isDue = true
    }

    /// Reads the reply to `CLUSTER SLOTS`: for each range its ends, its master and the replicas. A reply without any
    /// server, such as a refusal, changes nothing.
    mutating func read(_ reply: RedisValue) {
        var (members, shares) = ([RedisAddress.Server](), self.shares)
        shares = []
        for row in reply.elements ?? [] {
            guard let cells = row.elements, cells.count > 2, let first = cells[0].integer, let last = cells[1].integer,
                (0..<16384).contains(first), (first..<16384).contains(last)
            else { continue }
            let servers = cells[2...].map(Self.server)
            for case let server? in servers where !members.contains(server) { members.append(server) }
            if let master = servers.first ?? nil { shares.append((Int(first)...Int(last), master)) }
        }
        guard !members.isEmpty else { return }
        (self.members, self.shares, moved) = (members, shares, [:])
    }

    private static func server(_ cell: RedisValue) -> RedisAddress.Server? {
        guard let parts = cell.elements, parts.count > 1, let host = parts[0].text, !host.isEmpty, host != "?" else {
            return nil
        }
        return RedisAddress.Server(host: host, named: parts[1].text ?? "")
    }
}

/// The 16,384 slots to which a cluster assigns keys.
enum RedisSlot {
    /// Returns the slot of a key, or of the part within its first braces if there is one.
    static func of(_ key: String) -> Int {
        var hashed = Array(key.utf8)[...]
        if let open = hashed.firstIndex(of: UInt8(ascii: "{")),
            let close = hashed[(open + 1)...].firstIndex(of: UInt8(ascii: "}")), close > open + 1
        {
            hashed = hashed[(open + 1)..<close]
        }
        // CRC-16/XMODEM, which Redis uses.
        var sum: UInt16 = 0
        for byte in hashed {
            sum ^= UInt16(byte) << 8
            for _ in 0..<8 { sum = sum & 0x8000 != 0 ? sum << 1 ^ 0x1021 : sum << 1 }
        }
        return Int(sum) % 16384
    }
}
