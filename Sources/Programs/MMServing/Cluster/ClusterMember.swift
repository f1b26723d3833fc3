import Glibc
import MMCore
import MMGuard
import MMHTTP
import MMIdentity
import MMOperations
import MMPool
import MMSessions

/// This pool as a member of a cluster: its leases, its connections to the other nodes, and its reports on both.
final class ClusterMember: Sendable {
    private struct Counts {
        var forwarded = 0
        var repeated = 0
    }

    let options: ClusterOptions
    let keeper: LeaseKeeper
    let ledger: CallLedger
    let directory: NodeDirectory
    /// The waits that services ask for.
    let paces: RedisPaces
    /// The directory of stored answers and jobs; `nil` without a key to encrypt it with.
    let work: WorkDirectory?
    /// The other state that the nodes share; `nil` without a key to encrypt it with.
    let states: ClusterStates?
    /// The lines in which the nodes report their writes and calls to each other; `nil` without a key.
    let lines: ClusterLines?
    private let copies: (journal: ChangeJournal, audit: AuditForwarder)?
    /// This node's id: each process has its own.
    let id: String
    private let redis: [RedisClient]
    private let secret: Secret?
    private let trustsNetwork: Bool
    private let transport: any HTTPTransport
    private let log: Log
    private let counts = Mutex(Counts())
    private let held = Mutex<[String: HeldLease]>([:])

    /// Creates a member that has not announced itself yet.
    /// - Parameters:
    ///   - options: the settings of the cluster.
    ///   - services: the services whose sessions end with their leases.
    /// - Throws: `MMError` for the files that the options name, and for `MM_TRUST_NETWORK`.
    init(_ options: ClusterOptions, services: OperationServices) throws(MMError) {
        if let fault = RedisLibrary.fault {
            throw MMError(
                .unavailable, "The Redis library can't be used: \(fault)", hint: "apt-get install libhiredis0.14")
        }
        self.options = options
        id = RandomBytes.text(bytes: 9)
        let log = services.log.scoped("cluster")
        self.log = log
        secret = try options.tokenFile.map { (file) throws(MMError) in try BearerSecret.read(file) }
        trustsNetwork = try PoolAddress.trustsNetwork(environment: services.environment)
        transport = HTTPClient(configuration: HTTPClientConfiguration(environment: services.environment))
        // Leases have a client of their own, so that no other command delays their renewal.
        let leases = RedisClient(options.redis, limit: min(.seconds(2), options.term / 4))
        let rest = RedisClient(options.redis)
        redis = [leases, rest]
        let sessions = services.sessions
        keeper = LeaseKeeper(
            RedisLeaseStore(leases), id: id, address: options.address, term: options.term,
            isBusy: { name in
                let hasSession = await sessions.reports().contains { $0.key.connection == name }
                return hasSession || services.runningJobs() > 0
            },
            onLost: { name in
                log.warning("the lease of \(name) has expired: its sessions are ended")
                _ = await sessions.reset(connection: name)
            },
            onNews: { news, lease in LeaseHistory.note(news, lease, in: log) })
        let seal = try options.keyFile.map { (file) throws(MMError) in try ClusterSeal(keyFile: file) }
        ledger = CallLedger(rest, seal: seal)
        states = seal.map { ClusterStates(rest, $0) }
        directory = NodeDirectory(
            rest, id: id, address: options.address, version: ProductVersion.text, limit: options.term)
        work = seal.map { WorkDirectory(rest, seal: $0) }
        paces = RedisPaces(rest)
        let lines = try states.map { (states) throws(MMError) in
            try ClusterLines(
                journal: states.journal, claims: UndoClaims(states.undos, isLone: options.isLone), audit: states.audit,
                paths: services.paths)
        }
        self.lines = lines
        copies = lines.map { lines in
            (
                ChangeJournal(paths: services.paths, seal: services.identity.seal, sharing: lines.journal),
                AuditForwarder(
                    to: .cluster(address: options.redis.description),
                    by: lines.sink, of: services.audit, paths: services.paths, log: log)
            )
        }
        services.share(paces)
        services.variables.share(RedisVariableNames(rest))
    }

    /// Keeps this node in the cluster until the task is cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.keeper.run() }
            group.addTask { await self.paces.run() }
            if let copies = self.copies {
                group.addTask { await copies.audit.run() }
                group.addTask {
                    repeat {
                        try? await copies.journal.copy()
                    } while (try? await Task.sleep(for: self.options.term)) != nil
                }
            }
            group.addTask {
                var wasAway = false
                repeat {
                    do throws(MMError) {
                        try await self.directory.tell()
                        if wasAway { self.log.info("Redis is available again") }
                        wasAway = false
                    } catch {
                        if !wasAway { self.log.warning("\(error.message) \(self.meanwhile)") }
                        wasAway = true
                    }
                } while (try? await Task.sleep(for: self.options.term / 3)) != nil
            }
        }
    }

    /// Gives all leases back and removes this node from the cluster.
    func close() async {
        await keeper.close()
        await directory.leave()
        for client in redis { client.close() }
    }

    /// What happens to calls while Redis can't be reached, as a sentence.
    var meanwhile: String {
        options.isLone
            ? "This node continues alone." : "Until it is available again, this node only reads."
    }

    /// Returns a service that calls another node.
    /// - Throws: `invalidInput` for an invalid address.
    func node(at address: String, catalogue: Catalogue) throws(MMError) -> RemoteOperationService {
        let place = try PoolAddress(url: address, bearer: secret, trustsNetwork: trustsNetwork)
        return RemoteOperationService(
            PoolClient(place, transport: transport), catalogue: catalogue,
            carriesToken: address.hasPrefix("https:"))
    }

    func countForwarded(isRepeat: Bool) {
        counts.withLock { counts in
            counts.forwarded += 1
            if isRepeat { counts.repeated += 1 }
        }
    }

    // MARK: What it tells

    /// Returns the state of the cluster for `mm pool status`.
    func report() async -> JSONObject {
        let leases = await keeper.leases
        let leaseCounts = await keeper.counts
        let counts = counts.withLock { $0 }
        var object: JSONObject = [
            "redis": .string(options.redis.description), "node": .string(id), "address": .string(options.address),
            "leaseSeconds": .double(Double(options.term.milliseconds) / 1000),
            "leases": .array(
                leases.map { ["connection": .string($0.name), "token": .int($0.token)] }),
            "takeOvers": .int(Int64(leaseCounts.takenOver)), "lostLeases": .int(Int64(leaseCounts.lost)),
            "forwardedCalls": .int(Int64(counts.forwarded)), "repeatedCalls": .int(Int64(counts.repeated)),
            "sharesConfirmations": .bool(states != nil),
        ]
        let waits = paces.waits
        if !waits.isEmpty {
            object["waits"] = .array(
                waits.sorted { $0.key < $1.key }.map { (key, left) in
                    ["for": .string(key), "seconds": .double(Double(left.milliseconds) / 1000)]
                })
        }
        do throws(MMError) {
            object["nodes"] = .array(
                try await directory.all().map { node in
                    [
                        "node": .string(node.id), "address": .string(node.address), "version": .string(node.version),
                        "state": .string(node.isAlive ? "running" : "silent"),
                    ]
                })
            object["state"] = "connected"
            if let kept = try await redis.last?.persistence() { object["persistence"] = .string(kept.rawValue) }
        } catch {
            object["state"] = "away"
            object["note"] = .string("\(error.message) \(meanwhile)")
        }
        return object
    }

    /// Returns the state of the cluster in one line, for `mm status`.
    func line() async -> String {
        let leases = await keeper.leases.count
        do throws(MMError) {
            let nodes = try await directory.all().count { $0.isAlive }
            return "This node is one of \(nodes) over \(options.redis); it holds \(leases) leases."
        } catch {
            return "\(error.message) \(meanwhile) It holds \(leases) leases."
        }
    }

    /// Returns the state of the cluster for `/metrics`.
    func families() async -> [MetricFamily] {
        let leaseCounts = await keeper.counts
        let counts = counts.withLock { $0 }
        let isAway = await keeper.away != nil
        let leases = await keeper.leases.count
        func one(_ value: Int) -> [MetricFamily.Sample] { [.init([], Double(value))] }
        return [
            MetricFamily("mm_cluster_connected", "Whether Redis can be reached.", .gauge(one(isAway ? 0 : 1))),
            MetricFamily("mm_cluster_leases", "Leases that this node holds.", .gauge(one(leases))),
            MetricFamily("mm_cluster_leases_taken_total", "Leases taken.", .counter(one(leaseCounts.taken))),
            MetricFamily(
                "mm_cluster_take_overs_total", "Leases taken over from nodes that failed.",
                .counter(one(leaseCounts.takenOver))),
            MetricFamily(
                "mm_cluster_leases_lost_total", "Leases that expired without being released.",
                .counter(one(leaseCounts.lost))),
            MetricFamily(
                "mm_cluster_forwarded_total", "Calls forwarded to other nodes.", .counter(one(counts.forwarded))),
        ]
    }
}

extension ClusterMember: ConnectionLeases {
    func holding(
        _ connection: String, isReading: Bool,
        _ work: @escaping @Sendable () async throws(MMError) -> OperationAnswer
    ) async throws(MMError) -> OperationAnswer {
        let place: LeaseKeeper.Place
        do throws(MMError) {
            place = try await keeper.place(connection)
        } catch {
            // Reading without a lease does no harm; a write without one might be made twice.
            guard error.isOfAbsentRedis, isReading || options.isLone else { throw error }
            return try await work()
        }
        switch place {
        case .there(let record):
            throw MMError(
                .unavailable, "\(connection) is held by another node, at \(record.address).",
                hint: "Call this connection separately: the call is forwarded to that node.", retry: .now,
                details: ["lease": "elsewhere", "connection": .string(connection)])
        case .here(let lease):
            held.withLock { $0[connection] = lease }
            let permit = SendPermit { lease.isValid ? nil : lease.over.message }
            let hold = LeaseInUse(
                connection: connection, fence: SharedRecordStore.Fence(node: id, token: lease.token))
            do throws(MMError) {
                return try await lease.whileHeld { () async throws(MMError) in
                    try await LeaseInUse.$current.with(hold) { () async throws(MMError) in
                        try await SendPermit.$current.with(permit, work)
                    }
                }
            } catch {
                // A request that was held back may fail before the end of the lease is noticed.
                guard !lease.isValid, error.details["lease"] == nil else { throw error }
                var over = lease.over
                over.cause = error.message
                throw over
            }
        }
    }

    func answer(
        _ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext, of connection: String,
        by local: LocalOperationService
    ) async throws(MMError) -> OperationAnswer {
        var context = context
        if context.callID == nil { context.callID = "mm-\(RandomBytes.text(bytes: 15))" }
        return try await ClusterCall(
            operation: operation, arguments: arguments, context: context, connection: connection, local: local,
            member: self
        ).answer()
    }

    /// Returns the reason why a session of a connection may send nothing at present; `nil` if it may.
    func refusal(of connection: String) -> String? {
        if options.isLone { return nil }
        guard let lease = held.withLock({ $0[connection] }) else { return "This node holds no lease of \(connection)." }
        return lease.isValid ? nil : lease.over.message
    }
}

/// The claims of changes that nodes undo. A node that continues alone without Redis needs no claim.
private struct UndoClaims: ChangeClaims {
    private let claims: SharedClaims
    private let isLone: Bool

    init(_ claims: SharedClaims, isLone: Bool) { (self.claims, self.isLone) = (claims, isLone) }

    private func alone(_ work: () async throws(MMError) -> Bool) async throws(MMError) -> Bool {
        do throws(MMError) { return try await work() } catch {
            guard isLone, error.isOfAbsentRedis else { throw error }
            return true
        }
    }

    func take(_ name: String, for holder: String, lease: Duration) async throws(MMError) -> Bool {
        try await alone { () async throws(MMError) in try await claims.take(name, for: holder, lease: lease) }
    }

    func renew(_ name: String, for holder: String, lease: Duration) async throws(MMError) -> Bool {
        try await alone { () async throws(MMError) in try await claims.renew(name, for: holder, lease: lease) }
    }

    func release(_ name: String, from holder: String) async throws(MMError) {
        try await claims.release(name, from: holder)
    }
}

/// The lease under which the current task works.
struct LeaseInUse: Sendable {
    let connection: String
    let fence: SharedRecordStore.Fence

    @TaskLocal static var current: LeaseInUse?
}

extension TaskLocal {
    /// Runs work with a value, keeping the type of its error.
    fileprivate func with<Answer: Sendable>(
        _ value: Value, _ work: @escaping @Sendable () async throws(MMError) -> Answer
    ) async throws(MMError) -> Answer {
        let result = await withValue(value) { await Result { () async throws(MMError) in try await work() } }
        return try result.get()
    }
}

extension MMError {
    /// Whether Redis could not be reached.
    var isOfAbsentRedis: Bool { details["cluster"] == "away" }
}

/// The log entries about a node's leases. Their times are of the clock that leases use, which all processes of a
/// machine share, so that the entries of several nodes can be compared.
enum LeaseHistory {
    /// Logs an event of a lease. Renewals are frequent, so they are logged at a lower level.
    static func note(_ news: LeaseKeeper.News, _ lease: HeldLease, in log: Log) {
        log.write(news == .renewed ? .debug : .info) {
            "the lease of \(lease.name) is \(word(news))"
        } _: {
            let now = milliseconds()
            return [
                "lease": .string(lease.name), "news": .string(news.rawValue), "number": .int(lease.token),
                "boottime": .int(now), "until": .int(now + lease.left.milliseconds),
            ]
        }
    }

    private static func word(_ news: LeaseKeeper.News) -> String {
        switch news {
        case .taken: "taken"
        case .renewed: "renewed"
        case .over: "over"
        case .given: "given back"
        }
    }

    private static func milliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

/// The settings of a pool that is one of several.
struct ClusterOptions: Sendable {
    /// The address of Redis.
    let redis: RedisAddress
    /// The address at which the other nodes reach this one.
    let address: String
    /// Whether the node continues alone while Redis can't be reached.
    let isLone: Bool
    /// How long a lease is valid after a renewal.
    let term: Duration
    /// The file with the secret by which nodes authenticate themselves to each other.
    let tokenFile: String?
    /// The file with the key that encrypts answers; `nil` if answers are not kept.
    let keyFile: String?

    /// The arguments of the command.
    static let fields: [InputField] = [
        InputField(
            "cluster", .text,
            "Redis server that joins several pools into one: redis://host:6379, rediss://…, redis+sentinel://a,b,c/NAME, "
                + "redis+cluster://a,b,c (MM_CLUSTER)."),
        InputField(
            "node-address", .text,
            "Address at which the other pools reach this one: https://host:port (MM_NODE_ADDRESS)."),
        InputField(
            "cluster-lone", .flag,
            "Continue alone, including writes, while Redis is unreachable. Use it on one node only."),
    ]

    /// Reads the options from a command line and an environment.
    /// - Parameter endpoints: the addresses at which the pool listens.
    /// - Returns: `nil` if no cluster is requested.
    /// - Throws: `invalidInput` that names the flag or variable.
    static func read(
        _ reader: InputReader, _ environment: [String: String], endpoints: [PoolServeOptions.Endpoint]
    ) throws(MMError) -> ClusterOptions? {
        func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let isLone = try reader.flag("cluster-lone")
        let given = try reader.text("node-address")
        guard let url = try reader.text("cluster") ?? variable("MM_CLUSTER") else {
            guard given == nil, !isLone else {
                throw MMError(
                    .invalidInput, "--\(isLone ? "cluster-lone" : "node-address") needs --cluster.",
                    hint: "Add --cluster redis://host:6379, or leave it out.")
            }
            return nil
        }
        guard let face = endpoints.first(where: { $0.face.name == PoolFace.standard.name })?.options else {
            throw MMError(
                .invalidInput, "A pool of a cluster needs an address of the profile mm for the other pools.",
                hint: "Add --listen HOST:PORT --token-file FILE, with the same secret on all nodes, and --profile mm "
                    + "beside any other profile.")
        }
        guard face.tokenFile != nil else {
            throw MMError(
                .invalidInput, "A pool of a cluster needs the secret with which the pools authenticate each other.",
                hint: "Add --token-file FILE, with the same secret on all nodes.")
        }
        let term = try EnvironmentNumber.read("MM_CLUSTER_LEASE", of: environment, in: 1.0...30, "seconds") ?? 10
        guard let address = given ?? variable("MM_NODE_ADDRESS") ?? usual(face) else {
            throw MMError(
                .invalidInput, "The address at which the other pools reach this one is unknown.",
                hint: "Set --node-address https://host:port (MM_NODE_ADDRESS).")
        }
        return ClusterOptions(
            redis: try RedisAddress(url, environment: environment), address: address, isLone: isLone,
            term: .seconds(term),
            tokenFile: face.tokenFile, keyFile: variable("MM_CLUSTER_KEY_FILE"))
    }

    /// Returns the address at which the pool listens, if other machines can use it.
    private static func usual(_ face: HTTPFaceOptions) -> String? {
        guard face.port != 0, face.host != "0.0.0.0", face.host != "::" else { return nil }
        return "\(face.scheme)://\(face.host.contains(":") ? "[\(face.host)]" : face.host):\(face.port)"
    }
}

/// The state that the nodes of a cluster share besides leases and calls, if they have a key to encrypt it with.
struct ClusterStates: Sendable {
    /// Requests that wait for a person's approval, and the approvals given.
    let confirmations: any SharedConfirmations
    /// The challenges of passkeys that pages are asked for.
    let challenges: any SharedChallenges
    /// The lines in which nodes report their writes to each other.
    let journal: any SharedLines
    /// The claims of changes that nodes undo.
    let undos: SharedClaims
    /// The lines in which nodes report their calls to each other.
    let audit: any SharedLines

    /// Creates the shared state for a person's own program; `nil` without the variables that the nodes have.
    /// - Throws: `MMError` for invalid values of these variables.
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

/// Confirmations in Redis: one record for each connection.
private struct ConfirmationRecords: SharedConfirmations {
    let store: SharedRecordStore
    /// A maximum size that exceeds anything the ledger writes.
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
        // A person may answer on any node; a call that uses the answer needs the lease under which it runs.
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
