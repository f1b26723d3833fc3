import Glibc
import MMCore
import MMGuard
import MMHTTP
import MMOperations
import MMPool
import MMSessions
import MMSystem

/// The pool's process, in which sessions outlive the programs that use them.
///
/// One pool runs for each set of a user's files, and holds a lock as long as it accepts calls.
actor PoolDaemon {
    /// The reason why a pool ends.
    enum End: Sendable {
        /// It was stopped, or has not been used for a while.
        case stopped
        /// A later version replaces it.
        case replaced
    }

    let place: PoolPlace
    let options: PoolServeOptions
    let services: OperationServices
    let gate: PoolGate
    let children: PoolChildren
    let restorer: SessionRestorer
    let environment: [String: String]
    private let handed: HandedSocket?
    private let service: any OperationService
    private let member: ClusterMember?
    private let shared: RESTShared
    /// The identity of this pool, without the information whether it is ending.
    private let identity: PoolHandshake
    private let ending = OneShot<End>()
    private var life: FileLock?
    private var listeners: [HTTPListener] = []
    /// Whether the record still has to be written, because the disk was full.
    private var isRecordDue = false
    private var socket = ""
    private var urls: [String] = []

    /// Creates a pool that doesn't listen yet.
    /// - Parameters:
    ///   - handed: the socket at which it is to listen, if systemd passed one on.
    ///   - finder: finds the pool that runs already.
    /// - Throws: `conflict` if a pool is running already.
    init(
        _ options: PoolServeOptions, _ handed: HandedSocket?, _ finder: PoolFinder, environment: [String: String]
    ) async throws(MMError) {
        let place = finder.place
        self.place = place
        self.options = options
        self.handed = handed
        self.environment = environment
        var services = OperationServices(environment: environment)
        life = try await Self.lock(finder, services.log)
        ResourceLimits.raiseDescriptors()
        Descendants.adopt()
        // From now on, everything that its sessions start can be recognized.
        SessionMark.markThisProcess()
        identity = .ofThisProcess(key: place.key)
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

    /// Takes the pool's lock. A pool that has just given way may hold it for a moment. One that is ending holds it
    /// until its calls and sessions have ended, which may take long on a busy machine.
    private static func lock(_ finder: PoolFinder, _ log: Log) async throws(MMError) -> FileLock {
        let life = finder.place.life
        let patience = Deadline.after(.seconds(50))
        while true {
            do throws(MMError) {
                return try await FileLock(awaiting: life, until: .after(.seconds(3)))
            } catch {
                guard error.code == .conflict else { throw error }
                if !patience.hasPassed, await finder.isEnding() {
                    log.info("a new pool waits for the end of the one before it")
                    continue
                }
            }
            throw MMError(
                .conflict, "A pool is already running: \(FileLock.holder(of: life) ?? "another process").",
                hint:
                    "It listens at its own addresses, not at those of this command: mm pool status shows them. "
                    + "Use it there, or stop it with `mm pool stop` and repeat this command.")
        }
    }

    /// Listens, reports the addresses, and serves until the pool is to end.
    /// - Parameters:
    ///   - signals: the signals of people and the system.
    ///   - ready: called with the addresses at which the pool listens.
    /// - Throws: `MMError` if an address can't be used.
    func serve(_ signals: PoolSignals, ready: (_ socket: String, _ urls: [String]) throws(MMError) -> Void)
        async throws(MMError)
    {
        let left = await children.endLeftovers()
        if left > 0 { services.log.warning("ended \(left) processes that an earlier pool had left") }
        await children.begin()
        restorer.prepare()
        // The nodes of a cluster have the names in common, elsewhere.
        if member == nil {
            services.saveVariableNames()
            await services.saveShellDirectories()
        }
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
        services.log.info(end == .replaced ? "the pool is replaced by a later version" : "the pool is stopping")
        await close(end, within: end == .replaced ? options.handOverLimit : options.drainLimit)
        work.cancel()
        // Must follow the last calls, whose lines are to be sent.
        await services.auditCopies.finish()
        services.log.info("the pool has stopped after \(gate.total) calls")
    }

    private func lookAfter(_ signals: PoolSignals, in group: inout TaskGroup<Void>) {
        services.telemetry?.sendMetrics { [services, metrics = shared.metrics] in
            await MetricsReport(metrics, services).families
        }
        if let member { group.addTask { await member.run() } }
        // In a cluster, another node may have taken over the connections, so sessions only come back with their first
        // call.
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

    /// Records what runs, and ends a pool that is not needed.
    private func tick() async {
        let pause = min(max(options.idleLimit / 4, .milliseconds(50)), .seconds(2))
        while (try? await Task.sleep(for: pause)) != nil {
            await children.look()
            await restorer.save()
            if isRecordDue { try? record() }
            if let loss = lostPlace() {
                services.log.warning("\(loss): the pool ends")
                ending.resolve(.stopped)
            }
            if startsOnDemand, gate.quiet >= options.idleLimit, await isUnused() { ending.resolve(.stopped) }
            // systemd starts the new program with the next call, and no earlier than this one has ended.
            if isActivated, gate.calls == 0, runningJobs() == 0, identity.build.givesWay(to: .own) {
                ending.resolve(.replaced)
            }
        }
    }

    /// Whether systemd started this pool and starts the next one, when a client connects. It can't do so for those that
    /// use another address.
    private var isActivated: Bool { handed != nil && options.endpoints.isEmpty }

    /// Whether a pool is started again when one is needed.
    private var startsOnDemand: Bool { options.isDetached || isActivated }

    private func isUnused() async -> Bool {
        await services.liveSessions() == 0 && !restorer.isRestoring && runningJobs() == 0
    }

    func runningJobs() -> Int { services.runningJobs() }

    /// Reads the registry and the guard's rules again.
    private func reload() {
        do throws(MMError) {
            let count = try services.registry.snapshot().connections.count
            _ = try services.guards.engine()
            services.log.info("read the registry and the rules again: \(count) connections")
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
                    "THE NETWORK IS TRUSTED: everyone who can reach \(url) can use every connection")
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
        if let handed {
            return try HTTPListener.start(
                .inherited(descriptor: handed.descriptor, path: handed.path), authenticator: authenticator, chain: chain
            )
        }
        if let named = options.socket {
            return try HTTPListener.start(.unix(path: named), authenticator: authenticator, chain: chain)
        }
        var failure = MMError(.unavailable, "There is no folder for the pool's socket.")
        for path in place.sockets {
            do throws(MMError) {
                if path.hasPrefix("\(place.paths.stateDirectory)/") {
                    try ProtectedFile.makeDirectory(place.paths.stateDirectory)
                }
                return try HTTPListener.start(.unix(path: path), authenticator: authenticator, chain: chain)
            } catch {
                // The path may be used by another home's pool, or its folder may be open to others; the next path will
                // do as well.
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
            // A full disk must not prevent sign-ins: front-ends look for the socket in the usual places, too.
            guard error.code == .limitExceeded else { throw error }
            if !isRecordDue { services.log.warning("the pool's record can't be written yet: \(error.message)") }
            isRecordDue = true
        }
    }

    /// Returns why front-ends can't find this pool any more; `nil` if they can. While it holds its lock, they can't
    /// start another one.
    private func lostPlace() -> String? {
        guard life != nil else { return nil }
        if !isRecorded() { return "the pool's record was removed" }
        // One with further addresses is still of use at those.
        guard options.endpoints.isEmpty, let own = listeners.first, !own.isInPlace else { return nil }
        return "the pool's socket \(socket) was removed or replaced"
    }

    private func isRecorded() -> Bool {
        guard !isRecordDue else { return true }
        do throws(MMError) {
            guard let bytes = try ProtectedFile.read(place.record), let json = try? JSONParser.parse(bytes) else {
                return false
            }
            return json["pid"]?.int == Int(identity.process.pid)
        } catch {
            // A record that can't be read at the moment, for example without a free descriptor, still exists.
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
        object["idleSeconds"] = .int(gate.quiet.components.seconds)
        if restorer.isRestoring { object["restoring"] = true }
        if let member { object["cluster"] = .object(await member.report()) }
        if let telemetry = services.telemetry { object["telemetry"] = .object(telemetry.report) }
        let copies = services.auditCopies.json
        if !copies.isEmpty { object["auditCopies"] = .array(copies) }
        if startsOnDemand { object["endsAfterIdleSeconds"] = .int(options.idleLimit.components.seconds) }
        return object
    }

    // MARK: Ending

    /// Gives way to a later version, unless jobs are running that only this process knows.
    private func drain() -> Bool {
        guard options.isDetached, runningJobs() == 0, !gate.isDraining else { return gate.isDraining }
        giveUpPlace()
        ending.resolve(.replaced)
        return true
    }

    /// Gives up the pool's place, so that another pool may start: this one accepts no calls, writes no record and saves
    /// no sessions from here on.
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
        // The next pool brings back the sessions that are not in use.
        if end == .replaced { await services.sessions.resetUnused() }
        let isEmpty = await gate.empty(within: limit)
        if !isEmpty { services.log.warning("\(gate.calls) calls are aborted") }
        for listener in listeners { await listener.stop(graceful: .milliseconds(isEmpty ? 500 : 0)) }
        listeners = []
        await services.close()
        await member?.close()
        await children.endAll()
        if life != nil { giveUpPlace() }
    }
}

/// A listening socket that systemd passes on (sd_listen_fds(3)): the pool starts when a client connects.
struct HandedSocket: Sendable {
    /// The listening descriptor.
    let descriptor: Int32
    /// Its path.
    let path: String

    /// The first descriptor that systemd passes on.
    private static let first: Int32 = 3

    /// Takes the socket that was passed on to this process; `nil` if there is none.
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
        // Child processes must not inherit it.
        _ = fcntl(Self.first, F_SETFD, FD_CLOEXEC)
        descriptor = Self.first
    }
}

/// Work that is requested often: done at once for the first request, then once more after a pause for all requests made
/// meanwhile.
final class CoalescingTask: Sendable {
    private struct State {
        var isDue = false
        var isRunning = false
    }

    private let state = Mutex(State())
    private let work: @Sendable () async -> Void

    /// The shortest and the longest pause between two runs.
    private static let pauses = Duration.milliseconds(25)...Duration.seconds(2)
    /// The ratio of the pause to the duration of the work, so that the work takes only a small part of the time.
    private static let share = 100

    /// Creates work that is not due yet.
    init(_ work: @escaping @Sendable () async -> Void) {
        self.work = work
    }

    /// Has the work done at once or soon.
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

/// The processes below a pool, none of which outlives it.
///
/// When the pool ends, the kernel ends the processes that the pool itself started. Processes that those have started
/// carry the pool's mark and are recorded while the pool lives, so that the next pool can end them if this one was
/// killed. Each pool has a record of its own, because one that gives way to a later version still has running calls.
actor PoolChildren {
    private let folder: String
    private let pool: ProcessIdentity
    private var recorded: Set<ProcessIdentity> = []
    private var endedBefore: Set<Int32> = []
    private var isOver = false

    /// Creates the list of the processes below a pool.
    /// - Parameters:
    ///   - folder: the folder of the records of all pools with these files, each named after its pool's process id.
    ///   - pool: the pool's process.
    init(folder: String, pool: ProcessIdentity) {
        self.folder = folder
        self.pool = pool
    }

    private var path: String { "\(folder)/\(pool.pid)" }

    /// Ends the processes that earlier pools have left; must be called while no other pool accepts calls.
    /// - Returns: the number of ended processes.
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
            // A pool that gives way to this one finishes its calls and then ends its processes itself.
            if pool.isRunning { return 0 }
            count += endBearers(of: pool)
        }
        for item in record?["processes"]?.array ?? [] {
            guard let pid = item["pid"]?.int, let startTime = item["startTime"]?.int, pid > 1, startTime >= 0 else {
                continue
            }
            // The start time distinguishes the recorded process from a later one with the same id.
            if ProcessIdentity(pid: Int32(clamping: pid), startTime: UInt64(startTime)).signal(SIGKILL) { count += 1 }
        }
        try? ProtectedFile.remove(path)
        return count
    }

    /// Ends the processes that carry a pool's mark, in a few rounds, since they may start others meanwhile.
    private func endBearers(of pool: ProcessIdentity) -> Int {
        var ended: Set<ProcessIdentity> = []
        for _ in 0..<5 {
            let left = SessionMark.descendants(of: pool)
            if left.isEmpty { break }
            for process in left where process.signal(SIGKILL) { ended.insert(process) }
        }
        return ended.count
    }

    /// Writes the record before anything is started, so that the next pool knows which mark to look for.
    func begin() { look(always: true) }

    /// Records the running processes, and reaps adopted ones that have ended.
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
            // If writing fails, for example on a full disk, it is tried again the next time.
            if (try? ProtectedFile.replace(path, with: bytes, durable: false)) != nil { recorded = now }
        }
        // Processes that this one started itself are reaped as soon as they end. Those that are still there at the next
        // look were adopted.
        let ended = Descendants.ended()
        for pid in ended.intersection(endedBefore) { Descendants.reap(pid) }
        endedBefore = ended
    }

    /// Ends all processes below this one.
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
