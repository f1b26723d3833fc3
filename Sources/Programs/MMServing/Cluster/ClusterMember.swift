import Glibc
import MMCore
import MMGuard
import MMHTTP
import MMIdentity
import MMOperations
import MMPool
import MMSessions

/// This pool as one of a cluster: its leases, the other nodes, and what it tells of both.
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
    /// Where stored answers lie and jobs run; `nil` without a key to encrypt it with.
    let work: WorkDirectory?
    /// What the nodes share besides; `nil` without a key to encrypt it with.
    let states: ClusterStates?
    /// What the nodes tell each other of their writes and calls; `nil` without a key.
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

    /// A member that has not told of itself yet.
    /// - Parameters:
    ///   - options: how it is one.
    ///   - services: whose sessions end with their leases.
    /// - Throws: `MMError` for the files that the options name.
    init(_ options: ClusterOptions, services: OperationServices) throws(MMError) {
        if let fault = RedisLibrary.fault {
            throw MMError(.unavailable, "Redis can't be spoken to: \(fault)", hint: "apt-get install libhiredis0.14")
        }
        self.options = options
        id = RandomBytes.text(bytes: 9)
        let log = services.log.scoped("cluster")
        self.log = log
        secret = try options.tokenFile.map { (file) throws(MMError) in try BearerSecret.read(file) }
        trustsNetwork = PoolAddress.trustsNetwork(environment: services.environment)
        transport = HTTPClient(configuration: HTTPClientConfiguration(environment: services.environment))
        // Leases are renewed beside whatever else waits for an answer.
        let leases = RedisClient(options.redis, limit: min(.seconds(2), options.term / 4))
        let rest = RedisClient(options.redis)
        redis = [leases, rest]
        let sessions = services.sessions
        keeper = LeaseKeeper(
            RedisLeaseStore(leases), id: id, address: options.address, term: options.term,
            isBusy: { name in
                let isLive = await sessions.reports().contains {
                    $0.key.connection == name && $0.state.word != "stopped"
                }
                return isLive || services.runningJobs() > 0
            },
            onLost: { name in
                log.warning("the lease of \(name) is over: its sessions are ended")
                for report in await sessions.reports() where report.key.connection == name {
                    _ = await sessions.reset(connection: name, module: report.key.module)
                }
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

    /// Lives in the cluster until the task is cancelled.
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
                        if wasAway { self.log.info("Redis is back") }
                        wasAway = false
                    } catch {
                        if !wasAway { self.log.warning("\(error.message) \(self.meanwhile)") }
                        wasAway = true
                    }
                } while (try? await Task.sleep(for: self.options.term / 3)) != nil
            }
        }
    }

    /// Gives everything back.
    func close() async {
        await keeper.close()
        await directory.leave()
        for client in redis { client.close() }
    }

    /// What becomes of calls while Redis can't be reached.
    var meanwhile: String {
        options.isLone
            ? "This node goes on alone." : "Until it is back this node only reads; nothing is changed through it."
    }

    /// The operations of another node.
    /// - Throws: `invalidInput` for an address that can't be one.
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

    /// How the cluster stands, for `mm pool status`.
    func report() async -> JSONObject {
        let leases = await keeper.leases
        let so = await keeper.counts
        let counts = counts.withLock { $0 }
        var object: JSONObject = [
            "redis": .string(options.redis.description), "node": .string(id), "address": .string(options.address),
            "leaseSeconds": .double(Double(options.term.milliseconds) / 1000),
            "leases": .array(
                leases.map { ["connection": .string($0.name), "token": .int($0.token)] }),
            "takeOvers": .int(Int64(so.takenOver)), "lostLeases": .int(Int64(so.lost)),
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

    /// The same in a line, for `mm status`.
    func line() async -> String {
        let leases = await keeper.leases.count
        do throws(MMError) {
            let nodes = try await directory.all().count { $0.isAlive }
            return "This node is one of \(nodes) over \(options.redis); it holds \(leases) leases."
        } catch {
            return "\(error.message) \(meanwhile) It holds \(leases) leases."
        }
    }

    /// The same for `/metrics`.
    func families() async -> [MetricFamily] {
        let so = await keeper.counts
        let counts = counts.withLock { $0 }
        let isAway = await keeper.away != nil
        let leases = await keeper.leases.count
        func one(_ value: Int) -> [MetricFamily.Sample] { [.init([], Double(value))] }
        return [
            MetricFamily("mm_cluster_connected", "Whether Redis can be reached.", .gauge(one(isAway ? 0 : 1))),
            MetricFamily("mm_cluster_leases", "Leases that this node holds.", .gauge(one(leases))),
            MetricFamily("mm_cluster_leases_taken_total", "Leases taken.", .counter(one(so.taken))),
            MetricFamily(
                "mm_cluster_take_overs_total", "Leases taken from nodes that had gone.", .counter(one(so.takenOver))),
            MetricFamily(
                "mm_cluster_leases_lost_total", "Leases that ended without being given back.", .counter(one(so.lost))),
            MetricFamily(
                "mm_cluster_forwarded_total", "Calls sent on to other nodes.", .counter(one(counts.forwarded))),
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
            // Reads do no harm, whoever holds the lease; what is written without one might be written twice.
            guard error.isOfAbsentRedis, isReading || options.isLone else { throw error }
            return try await work()
        }
        switch place {
        case .there(let record):
            throw MMError(
                .unavailable, "\(connection) is held by another node, at \(record.address).",
                hint: "Call it by its own name: the call is sent on to that node.", retry: .now,
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
                // A request that was held back may tell of it sooner than the lease itself.
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

    /// Why a session of a connection may send nothing now; `nil` where it may.
    func refusal(of connection: String) -> String? {
        if options.isLone { return nil }
        guard let lease = held.withLock({ $0[connection] }) else { return "This node holds no lease of \(connection)." }
        return lease.isValid ? nil : lease.over.message
    }
}

/// The changes that nodes take back. A node that goes on alone without Redis asks nobody then.
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
    /// Whether Redis could not be reached, or may not be gone by yet.
    var isOfAbsentRedis: Bool { details["cluster"] == "away" }
}

/// What a node's log says of its leases. The times are of the clock that leases go by, which all processes of a machine share, so
/// that the histories of several nodes can be laid side by side.
enum LeaseHistory {
    /// Writes down what became of a lease. Renewals are many and for those who look closely.
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

/// How a pool is one of several.
struct ClusterOptions: Sendable {
    /// Where Redis is.
    let redis: RedisAddress
    /// Where the other nodes reach this one.
    let address: String
    /// Whether it goes on alone while Redis can't be reached.
    let isLone: Bool
    /// How long a lease is valid after a renewal.
    let term: Duration
    /// The file with the secret that nodes prove themselves with.
    let tokenFile: String?
    /// The file with the key that answers are sealed with; `nil`: they are not kept.
    let keyFile: String?

    /// The arguments of the command.
    static let fields: [InputField] = [
        InputField(
            "cluster", .text,
            "The Redis through which several pools are one: redis://host:6379, rediss://…, redis+sentinel://a,b,c/NAME, "
                + "redis+cluster://a,b,c (MM_CLUSTER)."),
        InputField("node-address", .text, "Where the other pools reach this one: https://host:port (MM_NODE_ADDRESS)."),
        InputField(
            "cluster-lone", .flag, "Go on alone, also writing, while Redis can't be reached: for one node alone."),
    ]

    /// Options of a command line and an environment.
    /// - Parameter endpoints: where the pool listens.
    /// - Returns: `nil` where no cluster is asked for.
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
                    .invalidInput, "--\(isLone ? "cluster-lone" : "node-address") goes with --cluster.",
                    hint: "Add --cluster redis://host:6379, or leave it out.")
            }
            return nil
        }
        guard let face = endpoints.first(where: { $0.face.name == PoolFace.standard.name })?.options else {
            throw MMError(
                .invalidInput, "A pool of a cluster needs an address for the other pools.",
                hint: "Add --listen HOST:PORT --token-file FILE, with the same secret on all nodes.")
        }
        guard face.tokenFile != nil else {
            throw MMError(
                .invalidInput, "A pool of a cluster needs the secret by which the pools know each other.",
                hint: "Add --token-file FILE, with the same secret on all nodes.")
        }
        var term = Duration.seconds(10)
        if let text = variable("MM_CLUSTER_LEASE") {
            guard let seconds = Double(text), (1...30).contains(seconds) else {
                throw MMError(
                    .invalidInput, "MM_CLUSTER_LEASE can't be `\(text.prefix(40))`.", hint: "Give seconds from 1 to 30."
                )
            }
            term = .seconds(seconds)
        }
        guard let address = given ?? variable("MM_NODE_ADDRESS") ?? usual(face) else {
            throw MMError(
                .invalidInput, "Where the other pools reach this one is not known.",
                hint: "Give --node-address https://host:port (MM_NODE_ADDRESS).")
        }
        return ClusterOptions(
            redis: try RedisAddress(url, environment: environment), address: address, isLone: isLone, term: term,
            tokenFile: face.tokenFile, keyFile: variable("MM_CLUSTER_KEY_FILE"))
    }

    /// The address where it listens, where that is one that others can use.
    private static func usual(_ face: HTTPFaceOptions) -> String? {
        guard face.port != 0, face.host != "0.0.0.0", face.host != "::" else { return nil }
        return "\(face.scheme)://\(face.host.contains(":") ? "[\(face.host)]" : face.host):\(face.port)"
    }
}

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
