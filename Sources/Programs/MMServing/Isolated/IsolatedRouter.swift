import MMCore
import MMHTTP
import MMLegacy
import MMOperations
import MMPool
import MMSessions

/// The pool's routes over one pool for each connection.
actor IsolatedRouter {
    /// What connections' `mcps` lists are compared with.
    static let serverName = "mm"

    let registry: ConnectionRegistry
    /// Where the pools run.
    let sites: any PoolSites
    private let log: Log
    private let commandLimit: Duration
    private(set) var pools: [String: IsolatedPool] = [:]
    private(set) var meter: RunMeter
    let clock = PoolClock.system
    private var revision = -1
    /// Connections whose pools are started because their sessions are to come back.
    private(set) var returning: Set<String> = []
    /// How many pools are brought back at a time: each is some processes that start.
    private static let width = 2

    /// A router.
    /// - Parameters:
    ///   - registry: the owner's connections.
    ///   - sites: where the pools run.
    ///   - log: of the router.
    ///   - commandLimit: how long a command may take.
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
        // Nothing is started to be ended, and nobody's word makes a pool that others start.
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

    /// The registry that a connection's own pool sees.
    private static func registry(of name: String, in snapshot: RegistrySnapshot) -> JSONObject {
        var document = JSONObject()
        if let known = snapshot.document["_knownModuleApps"] { document["_knownModuleApps"] = known }
        document["connections"] = .object(
            JSONObject((snapshot.document["connections"]?[name]).map { [(name, $0)] } ?? []))
        return document
    }

    /// Starts the pools that had sessions when they ended, a few at a time: those sessions come back in them.
    func restore() async {
        guard let names = try? names() else { return }
        let waiting = names.filter { sites.hasSessions($0) }
        returning = Set(waiting)
        await withTaskGroup(of: Void.self) { group in
            for (index, name) in waiting.enumerated() {
                if index >= Self.width { await group.next() }
                group.addTask { await self.bringBack(name) }
            }
        }
    }

    private func bringBack(_ name: String) async {
        defer { returning.remove(name) }
        guard !Task.isCancelled else { return }
        do throws(MMError) {
            try await pool(name).site.bringUp()
        } catch {
            log.scoped(name).warning("its sessions do not come back: \(error.message)")
        }
    }

    /// Looks after the pools until the task is cancelled: a changed registry, memory.
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
            await withTaskGroup(of: Void.self) { group in
                for pool in pools.values { group.addTask { await pool.site.watch() } }
            }
            try? await Task.sleep(for: .seconds(2))
        }
    }

    /// Ends every pool.
    func close() async {
        let all = pools.values
        pools = [:]
        await withTaskGroup(of: Void.self) { group in
            for pool in all { group.addTask { await pool.site.close() } }
        }
    }
}
