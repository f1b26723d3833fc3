import MMCore
import MMHTTP
import MMOperations
import MMPool
import MMREST

/// The pool's routes over one pool for each connection.
actor IsolatedRouter {
    /// The port that the first connection's container publishes; the others follow in the order of their names.
    static let firstPort = 5210
    private static let serverName = "mm"

    private let registry: ConnectionRegistry
    private let setup: IsolatedPool.Setup
    private let commandLimit: Duration
    private var pools: [String: IsolatedPool] = [:]
    private var meter: SeedMeter
    private let clock = PoolClock.system
    private var revision = -1

    /// A router.
    /// - Parameters:
    ///   - registry: the owner's connections.
    ///   - setup: what every pool is started with.
    ///   - commandLimit: how long a command may take.
    init(registry: ConnectionRegistry, setup: IsolatedPool.Setup, commandLimit: Duration) {
        self.registry = registry
        self.setup = setup
        self.commandLimit = commandLimit
        meter = SeedMeter(now: clock.now())
    }

    /// Answers a request.
    /// - Returns: `nil` when the path is none of the router's.
    func respond(to request: HTTPServerRequest) async -> HTTPServerResponse? {
        guard let method = SeedPoolRoutes.paths[request.path] else { return nil }
        guard request.method == method || (method == "GET" && request.method == "HEAD") else {
            return SeedExchange.wrongMethod(method)
        }
        return SeedExchange.response(await reply(request))
    }

    private func reply(_ request: HTTPServerRequest) async -> SeedReply {
        do throws(MMError) {
            switch request.path {
            case "/health":
                return SeedReply(["status": "healthy", "timestamp": .string(clock.wall.now.localISO)])
            case "/connections": return try connections()
            case "/status": return try await status()
            case "/metrics": return try await metrics()
            default: break
            }
            let body: JSONObject
            switch SeedExchange.body(request) {
            case .success(let object): body = object
            case .failure(let refusal):
                return SeedPoolRoutes.failure(refusal.message, status: refusal.status)
            }
            return request.path == "/run" ? await run(body) : await reset(body)
        } catch {
            return SeedPoolRoutes.failure(error.description)
        }
    }

    // MARK: work

    private func run(_ body: JSONObject) async -> SeedReply {
        let began = clock.now()
        let reply = await forward("/run", body, required: ["connection", "module", "command"])
        let status = reply.body["status"]
        meter.count(clock.now() - began, isError: status == "error", isSignIn: status == "auth_required")
        return reply
    }

    private func reset(_ body: JSONObject) async -> SeedReply {
        guard let name = body["connection"]?.string, !name.isEmpty else {
            return SeedPoolRoutes.failure("Missing connection parameter", status: 400)
        }
        // Nothing is started to be ended.
        if let pool = pools[name], await pool.isRunning {
            return await forward("/reset", body, required: ["connection"])
        }
        return SeedReply(["status": "success", "reset": [], "count": 0])
    }

    private func forward(_ path: String, _ body: JSONObject, required: [String]) async -> SeedReply {
        do throws(MMError) {
            var texts: [String] = []
            for name in required {
                guard let text = try SeedExchange.text(name, body) else {
                    return SeedPoolRoutes.failure("Missing connection, module, or command", status: 400)
                }
                texts.append(text)
            }
            let names = try self.names()
            guard names.contains(texts[0]) else {
                let known = names.map { "'\($0)'" }.joined(separator: ", ")
                return SeedPoolRoutes.failure(
                    "Connection '\(texts[0].prefix(100))' not found in registry. Available: [\(known)]", status: 404)
            }
            let answer = try await pool(texts[0]).send("POST", path, body, within: commandLimit + .seconds(60))
            return SeedReply(answer.body, status: answer.status)
        } catch {
            return SeedPoolRoutes.failure(error.description, status: error.code == .invalidInput ? 400 : 200)
        }
    }

    // MARK: pools

    private func names() throws(MMError) -> [String] {
        try registry.snapshot().visible(to: Self.serverName).map(\.name).sorted()
    }

    private func pool(_ name: String) throws(MMError) -> IsolatedPool {
        if let pool = pools[name] { return pool }
        let pool = IsolatedPool(name, registry: Self.registry(of: name, in: try registry.snapshot()), setup)
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

    /// Looks after the pools until the task is cancelled: a changed registry, memory.
    func watch() async {
        while !Task.isCancelled {
            if let snapshot = try? registry.snapshot(), snapshot.revision != revision {
                revision = snapshot.revision
                let known = Set(snapshot.names)
                for (name, pool) in pools {
                    if known.contains(name) {
                        await pool.take(registry: Self.registry(of: name, in: snapshot))
                    } else {
                        pools[name] = nil
                        await pool.close()
                    }
                }
            }
            for pool in pools.values { await pool.watch() }
            try? await Task.sleep(for: .seconds(2))
        }
    }

    /// Ends every pool.
    func close() async {
        let all = pools.values
        pools = [:]
        await withTaskGroup(of: Void.self) { group in
            for pool in all { group.addTask { await pool.close() } }
        }
    }

    // MARK: looks

    private func connections() throws(MMError) -> SeedReply {
        let snapshot = try registry.snapshot()
        var entries = JSONObject()
        let ports = try ports()
        for name in snapshot.names(visibleTo: Self.serverName) {
            guard var entry = snapshot.document["connections"]?[name]?.object else { continue }
            entry["_container_port"] = ports[name]
            entries[name] = .object(entry)
        }
        return SeedReply(["connections": .object(entries)])
    }

    private func ports() throws(MMError) -> JSONObject {
        JSONObject(try names().enumerated().map { ($1, .int(Int64(Self.firstPort + $0))) })
    }

    /// What every pool says to a question, asked of all at once.
    private func answers(_ path: String) async throws(MMError) -> [(
        name: String, pool: IsolatedPool?, answer: JSONObject?
    )] {
        let names = try names()
        if setup.sockets != nil { for name in names { _ = try pool(name) } }
        let pools = pools
        var found: [String: JSONObject] = [:]
        await withTaskGroup(of: (String, JSONObject?).self) { group in
            for name in names {
                guard let pool = pools[name] else { continue }
                group.addTask { (name, await pool.look(path)) }
            }
            for await (name, answer) in group { found[name] = answer }
        }
        return names.map { ($0, pools[$0], found[$0]) }
    }

    private func status() async throws(MMError) -> SeedReply {
        var sessions: [JSONValue] = []
        var containers = JSONObject()
        var isolation = JSONObject()
        for (name, pool, answer) in try await answers("/status") {
            sessions += answer?["sessions"]?.array ?? []
            containers[name] = .string(await Self.word(pool, answer))
            if let pool { isolation[name] = .object(await pool.holds) }
        }
        return SeedReply([
            "sessions": .array(sessions), "containers": .object(containers), "isolation": .object(isolation),
        ])
    }

    private static func word(_ pool: IsolatedPool?, _ answer: JSONObject?) async -> String {
        if answer != nil { return "healthy" }
        guard let pool, await pool.isRunning else { return "stopped" }
        return "unreachable"
    }

    private func metrics() async throws(MMError) -> SeedReply {
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
        return SeedReply([
            "router_uptime_seconds": own["uptime_seconds"] ?? 0, "router_uptime_human": own["uptime_human"] ?? "",
            "total_requests": own["total_requests"] ?? 0, "total_errors": own["total_errors"] ?? 0,
            "active_sessions": .int(Int64(active)), "containers": .object(containers),
            "port_map": .object(try ports()),
        ])
    }
}
