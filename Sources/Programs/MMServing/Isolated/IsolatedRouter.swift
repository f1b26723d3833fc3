import MMCore
import MMHTTP
import MMLegacy
import MMOperations
import MMPool
import MMSessions

/// The router's routes, with one pool for each connection behind them.
actor IsolatedRouter {
    /// The server name that connections' `mcps` lists are compared with.
    static let serverName = "mm"

    let registry: ConnectionRegistry
    /// The sites of the pools.
    let sites: any PoolSites
    private let log: Log
    private let commandLimit: Duration
    private(set) var pools: [String: IsolatedPool] = [:]
    private(set) var meter: RunMeter
    let clock = PoolClock.system
    private var revision = -1
    /// The connections whose pools are being started so that their sessions come back.
    private(set) var returning: Set<String> = []
    /// How many pools are brought back at the same time: each starts several processes.
    private static let width = 2

    /// Creates a router.
    /// - Parameters:
    ///   - registry: the owner's connections.
    ///   - sites: the sites of the pools.
    ///   - log: the router's log.
    ///   - commandLimit: the time limit of a command.
    init(registry: ConnectionRegistry, sites: any PoolSites, log: Log, commandLimit: Duration) {
        self.registry = registry
        self.sites = sites
        self.log = log
        self.commandLimit = commandLimit
        meter = RunMeter(now: clock.now())
    }

    /// The routes.
    nonisolated var router: Router<AdmittedPeer> {
        var router = Router<AdmittedPeer>(.errorObjects)
        router.get("/health") { [clock] _ in
            RouteExchange.response(RouteReply(["status": "healthy", "timestamp": .string(clock.wall.now.localISO)]))
        }
        router.get("/connections") { _ throws(MMError) in RouteExchange.response(try await self.connections()) }
        router.get("/status") { _ throws(MMError) in RouteExchange.response(try await self.status()) }
        router.get("/metrics") { (request) throws(MMError) in
            if MetricsReport.prefersPrometheus(request.http.headers) { return await self.prometheus() }
            return RouteExchange.response(try await self.metrics())
        }
        router.post("/run") { await self.answer($0.http) { await self.run($0) } }
        router.post("/reset") { await self.answer($0.http) { await self.reset($0) } }
        return router
    }

    private nonisolated func answer(
        _ request: HTTPServerRequest, _ work: (JSONObject) async -> RouteReply
    ) async -> HTTPServerResponse {
        switch RouteExchange.body(request) {
        case .success(let body): RouteExchange.response(await work(body))
        case .failure(let refusal):
            RouteExchange.response(SessionPoolRoutes.failure(refusal.message, status: refusal.status))
        }
    }

    // MARK: work

    private func run(_ body: JSONObject) async -> RouteReply {
        let began = clock.now()
        let reply = await forward("/run", body, required: ["connection", "module", "command"])
        let status = reply.body["status"]
        meter.count(clock.now() - began, isError: status == "error", isSignIn: status == "auth_required")
        return reply
    }

    private func reset(_ body: JSONObject) async -> RouteReply {
        guard let name = body["connection"]?.string, !name.isEmpty else {
            return SessionPoolRoutes.failure("Missing connection parameter", status: 400)
        }
        // A pool isn't started only to be reset, and a pool that is started elsewhere is only looked for if its
        // connection is known.
        let isKnown = sites.areStarted || (try? names())?.contains(name) == true
        if isKnown, await running(name) != nil {
            return await forward("/reset", body, required: ["connection"])
        }
        return RouteReply(["status": "success", "reset": [], "count": 0])
    }

    private func forward(_ path: String, _ body: JSONObject, required: [String]) async -> RouteReply {
        do throws(MMError) {
            var texts: [String] = []
            for name in required {
                guard let text = try RouteExchange.text(name, body) else {
                    return SessionPoolRoutes.failure("Missing connection, module, or command", status: 400)
                }
                texts.append(text)
            }
            let names = try self.names()
            guard names.contains(texts[0]) else {
                let known = names.map { "'\($0)'" }.joined(separator: ", ")
                return SessionPoolRoutes.failure(
                    "Connection '\(texts[0].prefix(100))' not found in registry. Available: [\(known)]", status: 404)
            }
            let answer = try await pool(texts[0]).send("POST", path, body, within: commandLimit + .seconds(60))
            return RouteReply(answer.body, status: answer.status)
        } catch {
            return SessionPoolRoutes.failure(error.description, status: error.code == .invalidInput ? 400 : 200)
        }
    }

    // MARK: pools

    func names() throws(MMError) -> [String] {
        try registry.snapshot().visible(to: Self.serverName).map(\.name).sorted()
    }

    func pool(_ name: String) throws(MMError) -> IsolatedPool {
        if let pool = pools[name] { return pool }
        let snapshot = try registry.snapshot()
        let site = try sites.site(
            of: name, registry: Self.registry(of: name, in: snapshot), among: snapshot.names)
        let pool = IsolatedPool(connection: name, site: site)
        pools[name] = pool
        return pool
    }

    /// Returns the registry that a connection's own pool sees.
    private static func registry(of name: String, in snapshot: RegistrySnapshot) -> JSONObject {
        var document = JSONObject()
        if let known = snapshot.document["_knownModuleApps"] { document["_knownModuleApps"] = known }
        document["connections"] = .object(
            JSONObject((snapshot.document["connections"]?[name]).map { [(name, $0)] } ?? []))
        return document
    }

    /// Starts the pools that had sessions when they ended, a few at a time, so that these sessions come back.
    func restore() async {
        guard let names = try? names() else { return }
        let waiting = names.filter { sites.hasSessions($0) }
        returning = Set(waiting)
        await waiting.concurrentForEach(atOnce: Self.width) { await self.bringBack($0) }
    }

    private func bringBack(_ name: String) async {
        defer { returning.remove(name) }
        guard !Task.isCancelled else { return }
        do throws(MMError) {
            try await pool(name).site.bringUp(until: .never)
        } catch {
            log.scoped(name).warning("its sessions can't be restored: \(error.message)")
        }
    }

    /// Checks the pools until the task is cancelled: for a changed registry and for their memory.
    func watch() async {
        while !Task.isCancelled {
            if let snapshot = try? registry.snapshot(), snapshot.revision != revision {
                revision = snapshot.revision
                let known = Set(snapshot.names)
                for (name, pool) in pools {
                    if known.contains(name) {
                        await pool.site.take(registry: Self.registry(of: name, in: snapshot))
                    } else {
                        pools[name] = nil
                        await pool.site.close()
                    }
                }
            }
            await pools.values.concurrentForEach { await $0.site.watch() }
            try? await Task.sleep(for: .seconds(2))
        }
    }

    /// Ends every pool.
    func close() async {
        let all = pools.values
        pools = [:]
        await all.concurrentForEach { await $0.site.close() }
    }
}

/// The router's reports on its pools.
extension IsolatedRouter {
    func connections() throws(MMError) -> RouteReply {
        let snapshot = try registry.snapshot()
        var entries = JSONObject()
        for name in snapshot.names(visibleTo: Self.serverName) {
            guard var entry = snapshot.document["connections"]?[name]?.object else { continue }
            entry["_container_port"] = .null
            entries[name] = .object(entry)
        }
        return RouteReply(["connections": .object(entries)])
    }

    /// Returns the map of ports that the original router had. It has no values, because the pools have sockets instead
    /// of ports.
    private func ports() throws(MMError) -> JSONObject {
        JSONObject(try names().map { ($0, .null) })
    }

    /// Returns the connections and the pools that may run; pools that are started elsewhere are included.
    private func known() throws(MMError) -> (names: [String], pools: [String: IsolatedPool]) {
        let names = try names()
        // A connection whose name is no valid host name has no pool, which must not prevent the report on the others.
        if !sites.areStarted { for name in names { _ = try? pool(name) } }
        return (names, pools)
    }

    /// Returns the answers of all pools to a request, sent to all at the same time.
    private func answers(_ path: String) async throws(MMError) -> [(
        name: String, pool: IsolatedPool?, answer: JSONObject?
    )] {
        let (names, pools) = try known()
        return await names.concurrentMap { name in (name, pools[name], await pools[name]?.look(path)) }
    }

    func status() async throws(MMError) -> RouteReply {
        var sessions: [JSONValue] = []
        var containers = JSONObject()
        var isolation = JSONObject()
        var isRestoring = !returning.isEmpty
        for (name, pool, answer) in try await answers("/status") {
            if answer?["restoring"] == true { isRestoring = true }
            sessions += answer?["sessions"]?.array ?? []
            containers[name] = .string(await Self.word(pool, answer))
            if let pool { isolation[name] = .object(await pool.site.holds) }
        }
        var status: JSONObject = [
            "sessions": .array(sessions), "containers": .object(containers), "isolation": .object(isolation),
        ]
        if isRestoring { status["restoring"] = true }
        return RouteReply(status)
    }

    private static func word(_ pool: IsolatedPool?, _ answer: JSONObject?) async -> String {
        if answer != nil { return "healthy" }
        guard let pool, await pool.site.isRunning else { return "stopped" }
        return "unreachable"
    }

    func metrics() async throws(MMError) -> RouteReply {
        let own = meter.report(now: clock.now())
        var containers = JSONObject()
        var active = 0
        for (name, pool, answer) in try await answers("/metrics") {
            guard let answer else {
                containers[name] = ["status": .string(await Self.word(pool, nil))]
                continue
            }
            active += answer["active_sessions"]?.int ?? 0
            containers[name] = [
                "uptime": answer["uptime_human"] ?? .null, "requests": answer["total_requests"] ?? 0,
                "active_sessions": answer["active_sessions"] ?? 0,
            ]
        }
        return RouteReply([
            "router_uptime_seconds": own["uptime_seconds"] ?? 0, "router_uptime_human": own["uptime_human"] ?? "",
            "total_requests": own["total_requests"] ?? 0, "total_errors": own["total_errors"] ?? 0,
            "active_sessions": .int(Int64(active)), "containers": .object(containers),
            "port_map": .object(try ports()),
        ])
    }

    /// Returns the router's own metrics and those of every running pool, labelled with its connection.
    func prometheus() async -> HTTPServerResponse {
        let (names, all): ([String], [String: IsolatedPool])
        do throws(MMError) { (names, all) = try known() } catch {
            return .text("\(error.message)\n", status: 500)
        }
        let texts = await names.concurrentMap { [all] name in await all[name]?.prometheus() }
        let own = meter.report(now: clock.now())
        func figure(_ name: String) -> [(PrometheusPage.Labels, Double)] { [([], own[name]?.double ?? 0)] }
        var page = PrometheusPage()
        page.family(
            "mm_router_uptime_seconds", "gauge", "Uptime of the router.", figure("uptime_seconds"))
        page.family(
            "mm_router_requests_total", "counter", "Commands that the router forwarded.", figure("total_requests"))
        page.family("mm_router_errors_total", "counter", "Commands that failed.", figure("total_errors"))
        page.family(
            "mm_router_pool_up", "gauge", "Whether a connection's pool is running and answers.",
            zip(names, texts).map { ([("connection", $0)], $1 == nil ? 0 : 1) })
        for (name, text) in zip(names, texts) {
            if let text { page.gather(text, label: ("connection", name)) }
        }
        return .text(page.text, type: MetricsReport.prometheusType)
    }
}

/// The functions that the router's operations use.
extension IsolatedRouter {
    /// Returns the pool of a connection that a server may use.
    /// - Throws: `notFound` that lists the names.
    func pool(_ connection: String, for server: String?) throws(MMError) -> IsolatedPool {
        try pool(try registry.snapshot().connection(named: connection, for: server).name)
    }

    /// Counts an operation that a pool carries out.
    func counted(
        _ work: @Sendable () async throws(MMError) -> OperationAnswer
    ) async throws(MMError) -> OperationAnswer {
        let began = clock.now()
        do throws(MMError) {
            let answer = try await work()
            meter.count(clock.now() - began, isError: false, isSignIn: false)
            return answer
        } catch {
            meter.count(
                clock.now() - began, isError: PoolMetrics.isFailure(error.code), isSignIn: error.code == .signInNeeded)
            throw error
        }
    }

    /// Returns the running pools of connections that a server may use, by name.
    func running(for server: String?) async -> [(String, IsolatedPool)] {
        guard let names = try? names(for: server) else { return [] }
        // All are asked at the same time, so that a pool that hangs delays no other.
        let pools = await names.sorted().concurrentMap { name in await self.running(name).map { (name, $0) } }
        return pools.compactMap(\.self)
    }

    /// Returns the pools with records, of connections that a server may use, by name: those that run, and those that
    /// can be started to read their records.
    func holding(for server: String?) async -> [(String, IsolatedPool)] {
        guard let names = try? names(for: server) else { return [] }
        var found: [(String, IsolatedPool)] = []
        for name in names {
            if sites.areStarted {
                if sites.hasRecords(name), let pool = try? pool(name) { found.append((name, pool)) }
            } else if let pool = await running(name) {
                found.append((name, pool))
            }
        }
        return found
    }

    /// Returns the pool of a connection in the registry if it runs, whether this router started it or not.
    func running(_ name: String) async -> IsolatedPool? {
        guard let pool = sites.areStarted ? pools[name] : try? pool(name), await pool.site.isRunning else { return nil }
        return pool
    }

    /// Returns the connections whose pools don't run, and whether they are being brought back.
    func sleeping(besides running: Set<String>, for server: String?) throws(MMError) -> [(String, Bool)] {
        try names(for: server).filter { !running.contains($0) }.map { ($0, returning.contains($0)) }
    }

    private func names(for server: String?) throws(MMError) -> [String] {
        let snapshot = try registry.snapshot()
        return (server.map { snapshot.visible(to: $0) } ?? snapshot.connections).map(\.name).sorted()
    }
}

extension LocalOperationService {
    /// Returns the first answer of a pool that knows what is asked for; otherwise that of this process, whose own files
    /// may have it as well.
    func answer(
        after pools: [(String, IsolatedPool)], to operation: AnyOperation, _ arguments: JSONObject,
        in context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        var refusal: MMError?
        for (_, pool) in pools {
            do throws(MMError) {
                return try await pool.call(operation, arguments, in: context)
            } catch {
                guard error.code == .notFound else { throw error }
                refusal = error
            }
        }
        do throws(MMError) { return try await call(operation, arguments, in: context) } catch {
            guard error.code == .notFound, let refusal else { throw error }
            throw refusal
        }
    }
}

/// One connection's pool, as its router uses it.
struct IsolatedPool: Sendable {
    let connection: String
    /// The site of the pool.
    let site: any PoolSite

    /// Sends a request to the pool, which is started if necessary.
    /// - Parameter limit: the time limit for both.
    /// - Throws: `MMError` if the pool can't be started or doesn't answer.
    func send(_ method: String, _ path: String, _ body: JSONObject?, within limit: Duration) async throws(MMError)
        -> (status: Int, body: JSONObject)
    {
        try await reached(within: limit) { (limit) async throws(MMError) in
            try await ask(method, path, body, within: limit)
        }
    }

    /// Has the pool carry out an operation; the pool is started if necessary.
    /// - Throws: the error of the operation; `unavailable` if the pool can't be started or doesn't answer.
    func call(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext) async throws(MMError)
        -> OperationAnswer
    {
        try await reached(within: context.timeLimit) { (limit) async throws(MMError) in
            var sent = context
            sent.timeLimit = limit
            return try await operations.call(operation, arguments, in: sent)
        }
    }

    /// Has the pool end what a client has left behind.
    func forget(_ client: CallContext) async {
        guard await site.isRunning else { return }
        await operations.forget(client)
    }

    /// Sends a GET request to the pool if it runs; returns `nil` if it doesn't.
    func look(_ path: String) async -> JSONObject? {
        guard await site.isRunning else { return nil }
        return try? await ask("GET", path, nil, within: .seconds(5)).body
    }

    /// Returns the pool's metrics in Prometheus's format; `nil` if the pool doesn't run.
    func prometheus() async -> String? {
        guard await site.isRunning else { return nil }
        var request = site.client.request("GET", "/metrics", headers: ["Accept": "text/plain"])
        request.timeout = .seconds(5)
        guard let answer = try? await site.client.send(request, during: "reading metrics"), answer.status == 200 else {
            return nil
        }
        return String(decoding: answer.body, as: UTF8.self)
    }

    private var operations: RemoteOperationService { RemoteOperationService(site.client) }

    private func ask(_ method: String, _ path: String, _ body: JSONObject?, within limit: Duration)
        async throws(MMError) -> (status: Int, body: JSONObject)
    {
        try await site.client.object(method, path, body, within: limit, of: connection)
    }

    /// Does work that needs the pool. If the pool turns out to have gone before it received the request, it is started
    /// again and the work is repeated, since nothing has been done.
    /// - Parameters:
    ///   - limit: the time limit.
    ///   - work: the work; it gets what is left of the time.
    private func reached<Answer>(
        within limit: Duration, _ work: (Duration) async throws(MMError) -> Answer
    ) async throws(MMError) -> Answer {
        let deadline = Deadline.after(limit)
        try await site.bringUp(until: deadline)
        do throws(MMError) {
            return try await work(max(.zero, deadline.remaining))
        } catch {
            guard error.isOfLeavingPool, !Task.isCancelled else { throw error }
            try await site.wasMissed()
            try await site.bringUp(until: deadline)
            return try await work(max(.zero, deadline.remaining))
        }
    }
}

extension PoolClient {
    /// Sends a request for a JSON object.
    /// - Throws: `remoteFailed` if the answer isn't one, otherwise the errors of `ask`.
    func object(
        _ method: String, _ path: String, _ body: JSONObject?, within limit: Duration, of connection: String
    ) async throws(MMError) -> (status: Int, body: JSONObject) {
        let reply = try await ask(method, path, body, within: limit)
        guard let object = reply.body.object else {
            throw MMError(.remoteFailed, "The pool of \(connection) did not answer with a JSON object.")
        }
        if let error = ErrorWire.error(object), error.isOfLeavingPool { throw error }
        return (reply.status, object)
    }
}
