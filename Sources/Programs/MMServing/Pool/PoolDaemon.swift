import Glibc
import MMCore
import MMGuard
import MMHTTP
import MMOperations
import MMPool
import MMSystem

/// The process in which sessions outlive the programs that ask for them.
///
/// One runs for each set of a user's files, and holds a lock about it as long as it takes calls.
actor PoolDaemon {
    /// Why a pool ends.
    enum End: Sendable {
        /// Somebody said so, or nobody needs it any more.
        case stopped
        /// A later version takes its place.
        case replaced
    }

    let place: PoolPlace
    let options: PoolServeOptions
    let services: OperationServices
    let gate: PoolGate
    let children: PoolChildren
    let restorer: SessionRestorer
    let environment: [String: String]
    private let service: any OperationService
    private let member: ClusterMember?
    private let shared: RESTShared
    /// What this pool says of itself, but for whether it is about to end.
    private let identity: PoolHandshake
    private let ending = OneShot<End>()
    private var life: FileLock?
    private var listeners: [HTTPListener] = []
    /// Whether the record is still to be written, for want of space.
    private var isRecordDue = false
    private var socket = ""
    private var urls: [String] = []

    /// A pool that does not listen yet.
    /// - Throws: `conflict` when one runs already.
    init(_ options: PoolServeOptions, environment: [String: String]) async throws(MMError) {
        let place = PoolPlace(environment: environment)
        self.place = place
        self.options = options
        self.environment = environment
        life = try await Self.lock(place, environment)
        ResourceLimits.raiseDescriptors()
        Descendants.adopt()
        // Whatever its sessions start is known for it from now on.
        SessionMark.markThisProcess()
        identity = .ofThisProcess(key: place.key)
        var services = OperationServices(environment: environment)
        let member = try options.cluster.map { [services] (cluster) throws(MMError) in
            try ClusterMember(cluster, services: services)
        }
        self.member = member
        services.leases = member
        services.ledger.shared = member?.states?.confirmations
        services.cluster = member?.lines
        shared = RESTShared(sharing: member?.states?.challenges)
        self.services = services
        let local = LocalOperationService(services: services)
        service = member.map { ClusterOperationService(local, $0) } ?? local
        if let member { ConnectionPermits.shared.set { member.refusal(of: $0) } }
        let children = PoolChildren(folder: place.children, pool: identity.process)
        self.children = children
        let restorer = services.restorer
        self.restorer = restorer
        let collection = CoalescingTask {
            await children.look()
            await restorer.save()
        }
        gate = PoolGate(afterCall: { collection.due() })
    }

    /// One that has just given its place up may hold the lock for a moment more; one that is ending, until its calls have
    /// finished and its sessions have ended, which takes its time on a busy machine.
    private static func lock(_ place: PoolPlace, _ environment: [String: String]) async throws(MMError) -> FileLock {
        let patience = Deadline.after(.seconds(50))
        while true {
            do throws(MMError) {
                return try await FileLock(awaiting: place.life, until: .after(.seconds(3)))
            } catch {
                guard error.code == .conflict else { throw error }
                if !patience.hasPassed, await PoolFinder(environment: environment).isEnding() { continue }
            }
            throw MMError(
                .conflict, "A pool runs already: \(FileLock.holder(of: place.life) ?? "another process").",
                hint:
                    "It listens where it was told to, not at the addresses of this command: mm pool status shows where. "
                    + "Use it there, or end it with `mm pool stop` and start this one again.")
        }
    }

    /// Listens, tells that it does, and serves until it is to end.
    /// - Parameters:
    ///   - signals: what people and the system wish.
    ///   - ready: told where it listens.
    /// - Throws: `MMError` when an address can't be had.
    func serve(_ signals: PoolSignals, ready: (_ socket: String, _ urls: [String]) throws(MMError) -> Void)
        async throws(MMError)
    {
        let left = await children.endLeftovers()
        if left > 0 { services.log.warning("ended \(left) processes that an earlier pool had left") }
        await children.begin()
        restorer.prepare()
        do throws(MMError) {
            try listen()
            try record()
            try ready(socket, urls)
        } catch {
            await close(.stopped, within: .zero)
            throw error
        }
        services.log.info("the pool \(ProductVersion.text) listens at \(([socket] + urls).joined(separator: " and "))")
        let work = Task { await withTaskGroup(of: Void.self) { self.lookAfter(signals, in: &$0) } }
        let end = await ending.wait()
        services.log.info(end == .replaced ? "the pool gives way to a later version" : "the pool is stopping")
        await close(end, within: end == .replaced ? options.handOverLimit : options.drainLimit)
        work.cancel()
        // After the last calls, whose lines it is to send.
        await services.auditCopies.finish()
        services.log.info("the pool has stopped after \(gate.total) calls")
    }

    private func lookAfter(_ signals: PoolSignals, in group: inout TaskGroup<Void>) {
        services.telemetry?.sendMetrics { [services, metrics = shared.metrics] in
            await MetricsReport(metrics, services).families
        }
        if let member { group.addTask { await member.run() } }
        // What another node may have taken over meanwhile comes back with its first call.
        if member == nil { group.addTask { await self.restorer.restore() } }
        group.addTask { await self.services.runMaintenance() }
        group.addTask { await self.tick() }
        group.addTask {
            for await wish in signals.wishes {
                switch wish {
                case .stop: self.ending.resolve(.stopped)
                case .reload: await self.reload()
                }
            }
        }
    }

    /// Writes down what lives, and ends a pool that nobody needs.
    private func tick() async {
        let pause = min(max(options.idleLimit / 4, .milliseconds(50)), .seconds(2))
        while (try? await Task.sleep(for: pause)) != nil {
            await children.look()
            await restorer.save()
            if isRecordDue { try? record() }
            // Somebody has taken our files away, or another pool our place: nobody finds us any more.
            if !isRecorded() {
                services.log.warning("the pool's record has gone: it ends")
                ending.resolve(.stopped)
            }
            if options.isDetached, gate.quiet >= options.idleLimit, await isUnused() { ending.resolve(.stopped) }
        }
    }

    private func isUnused() async -> Bool {
        await services.liveSessions() == 0 && !restorer.isRestoring && runningJobs() == 0
    }

    func runningJobs() -> Int { services.runningJobs() }

    /// Reads the registry and the guard's rules anew, and ends the sessions of connections that are gone.
    private func reload() async {
        do throws(MMError) {
            let names = Set(try services.registry.snapshot().connections.map(\.name))
            _ = try services.guards.engine()
            await services.endSessions(notOf: names)
            services.log.info("read the registry and the rules again: \(names.count) connections")
        } catch {
            services.log.error("the registry or the rules can't be read: \(error.message)")
        }
    }

    // MARK: Listening

    private func listen() throws(MMError) {
        let routes = PoolLifeRoutes(
            status: { await self.status() }, stop: { self.ending.resolve(.stopped) }, drain: { await self.drain() })
        let own = HTTPChain([routes, gate] + (try PoolFace.standard.steps(context)))
        let listener = try socketListener(own)
        listeners.append(listener)
        socket = listener.address.description
        for endpoint in options.endpoints {
            let secret: Secret? =
                if let file = endpoint.options.tokenFile { try BearerSecret.read(file) } else { nil }
            let isStandard = endpoint.face.name == PoolFace.standard.name
            let probes = ProbeRoutes(gate: gate)
            let chain = HTTPChain(
                (isStandard ? [probes, routes, gate] : [probes, gate]) + (try endpoint.face.steps(context)))
            let listener = try HTTPListener.start(
                .tcp(host: endpoint.options.host, port: endpoint.options.port),
                certificate: endpoint.options.certificate,
                authenticator: AddressAuthenticator(endpoint.options, secret: secret), chain: chain)
            listeners.append(listener)
            let url = "\(endpoint.options.scheme)://\(listener.address)"
            urls.append(url)
            if endpoint.options.trustsNetwork {
                services.log.warning(
                    "THE NETWORK IS TRUSTED: everybody who reaches \(url) may use every connection")
            }
        }
    }

    private var context: PoolFace.Context {
        PoolFace.Context(
            services: services, service: service, environment: environment, handshake: { await self.handshake },
            shared: shared)
    }

    private func socketListener(_ chain: HTTPChain<AdmittedPeer>) throws(MMError) -> HTTPListener {
        let authenticator = SocketAuthenticator()
        if let handed = HandedSocket(environment) {
            return try HTTPListener.start(
                .inherited(descriptor: handed.descriptor, path: handed.path), authenticator: authenticator, chain: chain
            )
        }
        if let named = options.socket {
            return try HTTPListener.start(.unix(path: named), authenticator: authenticator, chain: chain)
        }
        var failure = MMError(.unavailable, "There is no place for the pool's socket.")
        for path in place.sockets {
            do throws(MMError) {
                if path.hasPrefix("\(place.paths.stateDirectory)/") {
                    try ProtectedFile.makeDirectory(place.paths.stateDirectory)
                }
                return try HTTPListener.start(.unix(path: path), authenticator: authenticator, chain: chain)
            } catch {
                // Another home's pool, or a folder that is not ours alone: the next place is as good.
                failure = error
            }
        }
        throw failure
    }

    private var handshake: PoolHandshake {
        var handshake = identity
        handshake.isDraining = gate.isDraining
        handshake.isNode = member?.states != nil
        return handshake
    }

    private func record() throws(MMError) {
        var object = handshake.json
        object["socket"] = .string(socket)
        object["folder"] = .string(place.paths.stateDirectory)
        object["urls"] = .array(urls.map { .string($0) })
        let bytes = JSONWriter.bytes(.object(object))
        do throws(MMError) {
            try ProtectedFile.replace(place.record, with: bytes, durable: false)
            isRecordDue = false
        } catch {
            // A full disk keeps nobody from signing in: programs look for the socket in the usual places too.
            guard error.code == .limitExceeded else { throw error }
            if !isRecordDue { services.log.warning("the pool's record can't be written yet: \(error.message)") }
            isRecordDue = true
        }
    }

    private func isRecorded() -> Bool {
        guard life != nil, !isRecordDue else { return true }
        do throws(MMError) {
            guard let bytes = try ProtectedFile.read(place.record), let json = try? JSONParser.parse(bytes) else {
                return false
            }
            return json["pid"]?.int == Int(identity.process.pid)
        } catch {
            // What can't be read at the moment, for want of descriptors say, is not gone.
            return true
        }
    }

    private func status() async -> JSONObject {
        var object: JSONObject = ["state": .string(gate.isDraining ? "stopping" : "running")]
        for (key, value) in handshake.json where key != "draining" && key != "cluster" { object[key] = value }
        object["socket"] = .string(socket)
        object["urls"] = .array(urls.map { .string($0) })
        object["sessions"] = .int(Int64(await services.liveSessions()))
        object["calls"] = .int(Int64(gate.calls))
        object["jobs"] = .int(Int64(runningJobs()))
        object["callsSoFar"] = .int(Int64(gate.total))
        if restorer.isRestoring { object["restoring"] = true }
        if let member { object["cluster"] = .object(await member.report()) }
        if let telemetry = services.telemetry { object["telemetry"] = .object(telemetry.report) }
        let copies = services.auditCopies.json
        if !copies.isEmpty { object["auditCopies"] = .array(copies) }
        if options.isDetached { object["endsAfterIdleSeconds"] = .int(options.idleLimit.components.seconds) }
        return object
    }

    // MARK: Ending

    /// Gives the place to a later version, unless somebody waits for what only this process knows.
    private func drain() -> Bool {
        guard options.isDetached, runningJobs() == 0, !gate.isDraining else { return gate.isDraining }
        giveUpPlace()
        ending.resolve(.replaced)
        return true
    }

    /// From here on another pool may start: this one takes no calls, writes no record and saves no sessions.
    private func giveUpPlace() {
        gate.close()
        restorer.stop()
        if let bytes = try? ProtectedFile.read(place.record), let json = try? JSONParser.parse(bytes),
            json["pid"]?.int == Int(identity.process.pid)
        {
            try? ProtectedFile.remove(place.record)
        }
        life = nil
    }

    private func close(_ end: End, within limit: Duration) async {
        gate.close()
        await restorer.finish()
        // What nobody uses at the moment is the next pool's to bring back.
        if end == .replaced { await services.endIdleSessions() }
        let isEmpty = await gate.empty(within: limit)
        if !isEmpty { services.log.warning("\(gate.calls) calls are cut off") }
        for listener in listeners { await listener.stop(graceful: .milliseconds(isEmpty ? 500 : 0)) }
        listeners = []
        await services.close()
        await member?.close()
        await children.endAll()
        if life != nil { giveUpPlace() }
    }
}

/// A listening socket that systemd hands over (sd_listen_fds(3)): the pool starts when somebody connects.
struct HandedSocket: Sendable {
    /// The listening descriptor.
    let descriptor: Int32
    /// Its path.
    let path: String

    /// The first descriptor that is handed over.
    private static let first: Int32 = 3

    /// The socket that was handed to this process; `nil` when there is none.
    init?(_ environment: [String: String]) {
        guard environment["LISTEN_PID"].flatMap({ pid_t($0) }) == getpid(),
            let count = environment["LISTEN_FDS"].flatMap({ Int32($0) }), count > 0
        else { return nil }
        var address = sockaddr_un()
        var length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let isNamed = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(Self.first, $0, &length) == 0 }
        }
        guard isNamed, Int32(address.sun_family) == AF_UNIX else { return nil }
        path = withUnsafeBytes(of: &address.sun_path) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        // Our children are not to hold it.
        _ = fcntl(Self.first, F_SETFD, FD_CLOEXEC)
        descriptor = Self.first
    }
}

/// Work that many callers ask for at a time: done at once for the first, then once more after a pause for all that asked
/// meanwhile.
final class CoalescingTask: Sendable {
    private struct State {
        var isDue = false
        var isRunning = false
    }

    private let state = Mutex(State())
    private let work: @Sendable () async -> Void

    /// The shortest and the longest pause between two runs.
    private static let pauses = Duration.milliseconds(25)...Duration.milliseconds(500)
    /// How many times as long as the work took it pauses, so that it takes no more than a small part of the time.
    private static let share = 100

    /// Work that is not due yet.
    init(_ work: @escaping @Sendable () async -> Void) {
        self.work = work
    }

    /// Has the work done, now or soon.
    func due() {
        let starts = state.withLock { state in
            state.isDue = true
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if starts { Task { await run() } }
    }

    private func run() async {
        while next() {
            let began = ContinuousClock.now
            await work()
            let pause = (ContinuousClock.now - began) * Self.share
            try? await Task.sleep(for: min(max(pause, Self.pauses.lowerBound), Self.pauses.upperBound))
        }
    }

    private func next() -> Bool {
        state.withLock { state in
            defer { state.isDue = false }
            if !state.isDue { state.isRunning = false }
            return state.isDue
        }
    }
}

/// The processes below a pool: none outlives it.
///
/// The kernel ends what the pool itself started when it ends. What those started in turn carries the pool's mark, and is
/// written down while the pool lives, so that the next pool ends it after a pool that was killed.
/// Each pool has a record of its own: one that gives way to a later version still has calls under way.
actor PoolChildren {
    private let folder: String
    private let pool: ProcessIdentity
    private var recorded: Set<ProcessIdentity> = []
    private var endedBefore: Set<Int32> = []
    private var isOver = false

    /// The processes below a pool.
    /// - Parameters:
    ///   - folder: where the records of all pools over these files lie, each named by its pool's number.
    ///   - pool: the pool's process.
    init(folder: String, pool: ProcessIdentity) {
        self.folder = folder
        self.pool = pool
    }

    private var path: String { "\(folder)/\(pool.pid)" }

    /// Ends what earlier pools have left, to be called while no other pool takes calls.
    /// - Returns: how many processes were ended.
    func endLeftovers() -> Int {
        ProcFile.numericNames(in: folder).reduce(0) { $0 + endLeftovers(of: $1) }
    }

    private func endLeftovers(of number: Int32) -> Int {
        let path = "\(folder)/\(number)"
        guard let bytes = try? ProtectedFile.read(path, limit: 16 << 20) else { return 0 }
        let record = try? JSONParser.parse(bytes)
        var count = 0
        if let startTime = record?["startTime"]?.int {
            let pool = ProcessIdentity(pid: number, startTime: UInt64(clamping: startTime))
            // One that gives way to us finishes its calls, and ends what is below it by itself.
            if pool.isRunning { return 0 }
            count += endBearers(of: pool)
        }
        for item in record?["processes"]?.array ?? [] {
            guard let pid = item["pid"]?.int, let startTime = item["startTime"]?.int, pid > 1, startTime >= 0 else {
                continue
            }
            // A later process with the same number started at another time.
            if ProcessIdentity(pid: Int32(clamping: pid), startTime: UInt64(startTime)).signal(SIGKILL) { count += 1 }
        }
        try? ProtectedFile.remove(path)
        return count
    }

    /// Ends what carries a pool's mark, and what that starts meanwhile, in a few rounds.
    private func endBearers(of pool: ProcessIdentity) -> Int {
        var ended: Set<ProcessIdentity> = []
        for _ in 0..<5 {
            let left = SessionMark.descendants(of: pool)
            if left.isEmpty { break }
            for process in left where process.signal(SIGKILL) { ended.insert(process) }
        }
        return ended.count
    }

    /// Makes the record before anything is started, so that the next pool knows whose mark to look for.
    func begin() { look(always: true) }

    /// Writes down what runs now, and takes leave of adopted processes that have ended.
    func look() { look(always: false) }

    private func look(always: Bool) {
        guard !isOver else { return }
        let now = Set(Descendants.running())
        if always || now != recorded {
            let list = now.sorted { $0.pid < $1.pid }.map { process -> JSONValue in
                ["pid": .int(Int64(process.pid)), "startTime": .int(Int64(clamping: process.startTime))]
            }
            let record: JSONValue = [
                "startTime": .int(Int64(clamping: pool.startTime)), "processes": .array(list),
            ]
            let bytes = JSONWriter.bytes(record)
            // What could not be written, on a full disk say, is written with the next look.
            if (try? ProtectedFile.replace(path, with: bytes, durable: false)) != nil { recorded = now }
        }
        // What we started ourselves is waited for as soon as it ends: what is still there after a while was adopted.
        let ended = Descendants.ended()
        for pid in ended.intersection(endedBefore) { Descendants.reap(pid) }
        endedBefore = ended
    }

    /// Ends everything below this process.
    func endAll() async {
        isOver = true
        let deadline = Deadline.after(.seconds(5))
        repeat {
            let left = Descendants.running()
            if left.isEmpty { break }
            for process in left { process.signal(SIGKILL) }
            try? await Task.sleep(for: .milliseconds(10))
        } while !deadline.hasPassed
        try? ProtectedFile.remove(path)
    }
}
