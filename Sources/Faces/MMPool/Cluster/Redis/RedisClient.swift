import Glibc
package import MMCore
import MMSystem

/// A Redis client for tasks: it carries out commands one after the other on a thread of its own.
package final class RedisClient: Sendable {
    private struct Job: Sendable {
        let words: [[UInt8]]
        /// The key that decides which server is asked; `nil` for each that keeps keys.
        let key: String?
        let isRepeatable: Bool
        let outcome = OneShot<Result<RedisValue, MMError>>()
        let end: ContinuousClock.Instant
    }

    private struct State {
        var jobs: [Job] = []
        var isClosed = false
        var isRunning = false
        /// The failure of a server that doesn't answer in time; `nil` once it answers again.
        var silence: RedisSocket.Fault?
    }

    /// The address of the Redis.
    package let address: RedisAddress
    private let limit: Duration
    private let state = Mutex(State())
    private let ready = ThreadSemaphore()

    /// Creates a client. It connects with the first command.
    /// - Parameters:
    ///   - address: the address of the Redis.
    ///   - limit: the time limit for connecting, and for a command.
    package init(_ address: RedisAddress, limit: Duration = .seconds(2)) {
        self.address = address
        self.limit = limit
    }

    deinit { close() }

    /// Carries out a command.
    /// - Parameters:
    ///   - words: the command and its arguments.
    ///   - key: the key that decides which server is asked.
    /// - Throws: `unavailable` with the detail `cluster` if Redis can't be reached; `remoteFailed` for an error that
    ///   Redis reports.
    package func ask(_ words: [String], key: String) async throws(MMError) -> RedisValue {
        try await ask(words.map { Array($0.utf8) }, key: key, isRepeatable: true)
    }

    /// Returns what each server says of itself that keeps keys: in a Redis Cluster those masters that answer.
    /// - Throws: `unavailable` if Redis can't be reached.
    func facts() async throws(MMError) -> [RedisFacts] {
        let answers = try await ask([Array("INFO".utf8)], key: nil, isRepeatable: true)
        return (answers.elements ?? []).map { RedisFacts($0) }
    }

    private func ask(_ words: [[UInt8]], key: String?, isRepeatable: Bool) async throws(MMError) -> RedisValue {
        let job = Job(words: words, key: key, isRepeatable: isRepeatable, end: .now + limit * 3)
        try state.withLock { (state) throws(MMError) in
            if state.isClosed { throw Self.away(address, "it was closed") }
            // Only the first caller waits for a server that doesn't answer.
            if let silence = state.silence { throw Self.away(address, silence.text) }
            // Nothing is queued for a thread that can't be started.
            if !state.isRunning { try start() }
            state.isRunning = true
            state.jobs.append(job)
        }
        ready.post()
        let answer = try await job.outcome.wait().get()
        if case .error(let text) = answer {
            throw MMError(
                .remoteFailed, "Redis refused the request: \(text.prefix(200))",
                hint: "Check its version (6.2 or later) and the permissions of its user.",
                details: ["cluster": "refused"])
        }
        return answer
    }

    /// Runs a script whose keys are all on one server.
    /// - Parameter isRepeatable: whether it may be sent again if it is unknown whether it was carried out.
    package func script(
        _ text: String, keys: [String], _ arguments: [[UInt8]], isRepeatable: Bool = true
    ) async throws(MMError) -> RedisValue {
        var words = [Array("EVAL".utf8), Array(text.utf8), Array("\(keys.count)".utf8)]
        words += keys.map { Array($0.utf8) } + arguments
        return try await ask(words, key: keys.first ?? "", isRepeatable: isRepeatable)
    }

    /// Ends the thread; later commands fail.
    package func close() {
        let left = state.withLock { state in
            state.isClosed = true
            defer { state.jobs = [] }
            return state.jobs
        }
        for job in left { job.outcome.resolve(.failure(Self.away(address, "it was closed"))) }
        ready.post()
    }

    /// Returns the error for a Redis that can't be reached.
    private static func away(_ address: RedisAddress, _ why: String) -> MMError {
        MMError(
            .unavailable, "Redis at \(address) can't be reached: \(why).",
            hint: "Check it and --cluster; `mm pool status` shows when it is back.", retry: .after(.seconds(1)),
            details: ["cluster": "away"], cause: why)
    }

    private func start() throws(MMError) {
        let (address, limit, ready) = (address, limit, ready)
        try DedicatedThread.start("mm-redis") { [weak self] in
            let worker = RedisWorker(address, connectLimit: min(limit, .seconds(1)))
            // The key of a command that got no answer in time: its server is asked until it answers.
            var silent: String?
            while true {
                let isPosted = ready.wait(milliseconds: silent == nil ? nil : 500)
                guard let next = self?.next() else { return }
                // Jobs that failed with the first one have posted as well. The worker itself doesn't try again so soon
                // after a failure, and its refusal would be taken for the end of the silence.
                guard let job = next ?? (isPosted ? nil : silent.map { Self.question($0, limit) }) else { continue }
                let begun = ContinuousClock.now
                let fault = Self.carryOut(job, worker, address, limit)
                // A refusal that comes at once holds nobody up, and another server of a cluster may answer.
                let isQuick = begun.duration(to: .now) < .milliseconds(500)
                silent = fault == nil || isQuick || address.kind == .cluster ? nil : job.key ?? ""
                self?.note(silence: silent == nil ? nil : fault)
            }
        }
    }

    /// Notes whether the server is silent. Jobs that wait for it fail at once.
    private func note(silence: RedisSocket.Fault?) {
        let left: [Job] = state.withLock { state in
            state.silence = silence
            guard silence != nil else { return [] }
            defer { state.jobs = [] }
            return state.jobs
        }
        guard let silence else { return }
        for job in left { job.outcome.resolve(.failure(Self.away(address, silence.text))) }
    }

    /// Returns the next job: `.some(nil)` if none is queued, `nil` once the client is closed.
    private func next() -> Job?? {
        state.withLock { state in
            if state.isClosed { return .none }
            return .some(state.jobs.isEmpty ? nil : state.jobs.removeFirst())
        }
    }

    /// Returns the job that finds out whether a server answers again.
    private static func question(_ key: String, _ limit: Duration) -> Job {
        Job(words: ["EXISTS", key].map { Array($0.utf8) }, key: key, isRepeatable: true, end: .now + limit * 3)
    }

    /// Carries out a job.
    /// - Returns: the failure, if the job wasn't answered.
    private static func carryOut(
        _ job: Job, _ worker: RedisWorker, _ address: RedisAddress, _ limit: Duration
    ) -> RedisSocket.Fault? {
        // A job whose time has passed fails at once, instead of waiting for each of the jobs that hang before it.
        guard job.end > .now else {
            job.outcome.resolve(.failure(away(address, "too many requests already wait for it")))
            return nil
        }
        let milliseconds = Int32(limit.milliseconds)
        do throws(RedisSocket.Fault) {
            let answer =
                if let key = job.key {
                    try worker.run(job.words, key: key, isRepeatable: job.isRepeatable, milliseconds: milliseconds)
                } else {
                    try worker.runEverywhere(job.words, milliseconds: milliseconds)
                }
            job.outcome.resolve(.success(answer))
            return nil
        } catch {
            var failure = away(address, error.text)
            if error.mayHaveRun { failure.details["mayHaveRun"] = true }
            job.outcome.resolve(.failure(failure))
            return error
        }
    }
}

/// Finds the server for each command, and keeps the connections that were used. It stays on one thread.
final class RedisWorker {
    private let address: RedisAddress
    private let connectLimit: Duration
    private var sockets: [RedisAddress.Server: RedisSocket] = [:]
    /// What is known of the servers of a cluster.
    private var map = RedisClusterMap()
    /// The master that the sentinels named last.
    private var master: RedisAddress.Server?
    private var checked: ContinuousClock.Instant?
    private var sentinels: [RedisAddress.Server: RedisSocket] = [:]
    private var turn = 0
    /// The last failure to reach a server, and until when no other attempt is made: commands fail at once in the
    /// meantime.
    private var away: (fault: RedisSocket.Fault, until: ContinuousClock.Instant)?

    init(_ address: RedisAddress, connectLimit: Duration) {
        self.address = address
        self.connectLimit = connectLimit
    }

    /// Carries out a command.
    /// - Parameters:
    ///   - key: the key whose slot decides which server of a cluster is asked.
    ///   - isRepeatable: whether the command may be sent again if it may have been carried out.
    func run(
        _ words: [[UInt8]], key: String, isRepeatable: Bool, milliseconds: Int32
    ) throws(RedisSocket.Fault) -> RedisValue {
        if let away, ContinuousClock.now < away.until { throw away.fault }
        do throws(RedisSocket.Fault) {
            let answer = try tryAll(words, key: key, isRepeatable: isRepeatable, milliseconds: milliseconds)
            away = nil
            return answer
        } catch {
            away = (RedisSocket.Fault(text: error.text, mayHaveRun: false), .now + .milliseconds(200))
            throw error
        }
    }

    private func tryAll(
        _ words: [[UInt8]], key: String, isRepeatable: Bool, milliseconds: Int32
    ) throws(RedisSocket.Fault) -> RedisValue {
        var last = RedisSocket.Fault(text: "no server is known", mayHaveRun: false)
        var asked: RedisAddress.Server?
        for _ in 0..<(address.kind == .one ? 2 : 4) {
            var server: RedisAddress.Server?
            do throws(RedisSocket.Fault) {
                let isAsking = asked != nil
                let chosen = if let asked { asked } else { try self.server(of: key) }
                asked = nil
                server = chosen
                let socket = try self.socket(to: chosen)
                if isAsking { _ = try socket.ask([Array("ASKING".utf8)], milliseconds: milliseconds) }
                let value = try socket.ask(words, milliseconds: milliseconds)
                guard case .error(let text) = value else {
                    refreshMap(through: socket)
                    return value
                }
                let parts = text.split(separator: " ")
                switch parts.first {
                case "MOVED" where parts.count == 3:
                    map.move(RedisSlot.of(key), to: Self.server(parts[2], besides: chosen))
                case "ASK" where parts.count == 3: asked = Self.server(parts[2], besides: chosen)
                // With its memory or disk full (OOM, MISCONF) a server refuses every write, as does a replica.
                case "READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS", "OOM", "MISCONF":
                    forget(chosen)
                    last = RedisSocket.Fault(text: text, mayHaveRun: false)
                    // The server may be ready in a moment, so this attempt counts as failed and the loop tries again.
                    throw last
                default: return value
                }
            } catch {
                last = error
                if let server { forget(server) }
                if error.mayHaveRun, !isRepeatable { throw error }
            }
        }
        throw last
    }

    private func forget(_ server: RedisAddress.Server) {
        sockets[server] = nil
        map.forget(server)
        if master == server { master = nil }
        turn += 1
    }

    /// Carries out a command that only reads on each server that keeps keys.
    /// - Returns: the list of the replies of those that answer soon.
    func runEverywhere(_ words: [[UInt8]], milliseconds: Int32) throws(RedisSocket.Fault) -> RedisValue {
        map.isDue = true
        let first = try run(words, key: "", isRepeatable: true, milliseconds: milliseconds)
        let masters = map.masters
        guard !masters.isEmpty else { return .list([first]) }
        // The commands for other servers wait meanwhile, so a server that hangs must not hold them up.
        let limit = min(milliseconds, 500)
        var replies: [RedisValue] = []
        for server in masters {
            do throws(RedisSocket.Fault) {
                let socket = try socket(to: server, within: min(connectLimit, .milliseconds(500)))
                replies.append(try socket.ask(words, milliseconds: limit))
            } catch {
                forget(server)
            }
        }
        return .list(replies)
    }

    /// Reads the map of a cluster again if it is due. Without a new map, the old one stays.
    private func refreshMap(through socket: RedisSocket) {
        guard address.kind == .cluster, map.isDue else { return }
        map.isDue = false
        let answer = try? socket.ask(["CLUSTER", "SLOTS"].map { Array($0.utf8) }, milliseconds: 500)
        guard let answer else {
            // The connection can't be used any more.
            sockets = sockets.filter { $0.value !== socket }
            return
        }
        map.read(answer)
    }

    private func socket(
        to server: RedisAddress.Server, within limit: Duration? = nil
    ) throws(RedisSocket.Fault) -> RedisSocket {
        if let open = sockets[server] { return open }
        let opened = try RedisSocket.open(server, address, within: limit ?? connectLimit)
        if case .sentinels = address.kind, !opened.isMaster {
            throw RedisSocket.Fault(text: "\(server) is not a master (or no longer one)", mayHaveRun: false)
        }
        sockets[server] = opened
        return opened
    }

    private func server(of key: String) throws(RedisSocket.Fault) -> RedisAddress.Server {
        let servers = address.servers
        switch address.kind {
        case .one: return servers[0]
        case .cluster:
            // Any server redirects to the right one. Those that the address names may all be gone.
            let known = servers + map.members.filter { !servers.contains($0) }
            return map.server(of: RedisSlot.of(key)) ?? known[turn % known.count]
        case .sentinels(let name):
            let now = ContinuousClock.now
            if let master, let checked, checked.duration(to: now) < .seconds(1) { return master }
            let found = try namedMaster(name)
            if found != master, let old = master { sockets[old] = nil }
            master = found
            checked = now
            return found
        }
    }

    /// Returns the master that most of the sentinels name. A majority is required because a master that a network
    /// partition has cut off with a minority would accept writes that are lost later.
    private func namedMaster(_ name: String) throws(RedisSocket.Fault) -> RedisAddress.Server {
        var last = "the sentinels don't agree on the master \(name)"
        var votes: [RedisAddress.Server: Int] = [:]
        for sentinel in address.servers {
            do throws(RedisSocket.Fault) {
                let limit = min(connectLimit, .milliseconds(500))
                let socket =
                    if let open = sentinels[sentinel] { open } else {
                        try RedisSocket.open(sentinel, address, isSentinel: true, within: limit)
                    }
                sentinels[sentinel] = nil
                let answer = try socket.ask(
                    ["SENTINEL", "get-master-addr-by-name", name].map { Array($0.utf8) }, milliseconds: 500)
                if case .error(let text) = answer {
                    last = "\(sentinel): \(text)"
                    continue
                }
                sentinels[sentinel] = socket
                if let list = answer.elements, list.count == 2, let host = list[0].text,
                    let named = RedisAddress.Server(host: host, named: list[1].text ?? "")
                {
                    votes[named, default: 0] += 1
                }
            } catch {
                last = error.text
            }
        }
        guard let best = votes.max(by: { $0.value < $1.value }), best.value * 2 > address.servers.count else {
            throw RedisSocket.Fault(text: last, mayHaveRun: false)
        }
        return best.key
    }

    /// Returns the server in a redirection (`host:port`); without a host it is the server that was asked.
    private static func server(_ text: Substring, besides asked: RedisAddress.Server) -> RedisAddress.Server? {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let host = text[..<colon]
        return RedisAddress.Server(
            host: host.isEmpty ? asked.host : String(host), named: text[text.index(after: colon)...])
    }
}
