import MMCore
import MMGuard
import MMOperations
import MMPool

/// What the nodes of a cluster share besides leases and calls, where they have a key to encrypt it with.
struct ClusterStates: Sendable {
    /// Requests that wait for people, and what they allowed.
    let confirmations: any SharedConfirmations
    /// What pages are asked a passkey for.
    let challenges: any SharedChallenges
    /// What nodes tell each other of their writes.
    let journal: any SharedLines
    /// The changes that nodes take back.
    let undos: SharedClaims
    /// What nodes tell each other of their calls.
    let audit: any SharedLines

    /// What the nodes share, as a person's own program reads it; `nil` without the variables that the nodes have.
    /// - Throws: `MMError` for what these name.
    init?(environment: [String: String]) throws(MMError) {
        guard let url = environment["MM_CLUSTER"], !url.isEmpty,
            let keyFile = environment["MM_CLUSTER_KEY_FILE"], !keyFile.isEmpty
        else { return nil }
        self.init(
            RedisClient(try RedisAddress(url, environment: environment)), try ClusterSeal(keyFile: keyFile))
    }

    init(_ redis: RedisClient, _ seal: ClusterSeal) {
        confirmations = ConfirmationRecords(
            store: SharedRecordStore(redis, seal: seal, kind: "confirmations"))
        challenges = ChallengeRecords(
            store: SharedRecordStore(redis, seal: seal, kind: "challenges"), salt: seal.derived("mm page 1"))
        journal = RedisLines(redis, seal: seal, kind: "journal")
        undos = SharedClaims(redis, kind: "undos")
        audit = RedisLines(redis, seal: seal, kind: "audit")
    }
}

/// Confirmations in Redis: a record for each connection.
private struct ConfirmationRecords: SharedConfirmations {
    let store: SharedRecordStore
    /// More than the ledger ever writes.
    private static let most = 4 << 20
    private static let name = "all"

    func read(_ connection: String) async throws(MMError) -> SharedConfirmationDocument? {
        try await store.read(Self.name, in: .connection(connection)).map { record in
            SharedConfirmationDocument(connection: connection, bytes: record.value, revision: record.revision)
        }
    }

    func all() async throws(MMError) -> [SharedConfirmationDocument] {
        var found: [SharedConfirmationDocument] = []
        for connection in try await store.connections().sorted() {
            if let document = try await read(connection) { found.append(document) }
        }
        return found
    }

    func replace(
        _ connection: String, from read: SharedConfirmationDocument?, with bytes: [UInt8], for lifetime: Duration,
        underLease: Bool
    ) async throws(MMError) -> Bool {
        // A person answers on any node; what a call does with it needs the lease that the call has.
        let lease = underLease ? LeaseInUse.current : nil
        return try await store.change(
            Self.name, in: .connection(connection),
            from: read.map { SharedRecord(value: $0.bytes, revision: $0.revision) },
            to: bytes, for: lifetime, most: Self.most, fence: lease?.connection == connection ? lease?.fence : nil)
    }
}

/// Challenges in Redis.
private struct ChallengeRecords: SharedChallenges {
    let store: SharedRecordStore
    let salt: [UInt8]

    func put(_ challenge: [UInt8], _ subject: [UInt8], for lifetime: Duration) async throws(MMError) {
        try await store.put(Hex.text(challenge), in: .cluster, subject, for: lifetime)
    }

    func take(_ challenge: [UInt8]) async throws(MMError) -> [UInt8]? {
        try await store.take(Hex.text(challenge), in: .cluster)
    }
}
