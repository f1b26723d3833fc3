import Glibc
import MMCLI
import MMCore
import MMHTTP
import MMLegacy
import MMOperations
import MMPool
import MMSystem

/// The commands of isolated pools.
enum IsolatedCommands {
    /// All of them.
    static func all(environment: [String: String]) -> [LocalCommand] {
        [isolated(environment).hidden, PoolChildCommand.entry(environment: environment).hidden]
    }

    /// Becomes the router.
    /// - Parameter signals: of a process that took them over.
    /// - Throws: as `IsolatedServing.serve`; `invalidInput` that names the flag.
    static func serve(
        _ input: InputReader, environment: [String: String], signals: PoolSignals?, quiet: Bool,
        _ streams: CommandStreams
    ) async throws(MMError) {
        let addresses = try input.textList("listen") ?? []
        guard addresses.count < 2 else {
            throw MMError(
                .invalidInput, "The router listens at one address, and --listen came \(addresses.count) times.",
                hint: "Give it once.")
        }
        let address = addresses.first ?? "127.0.0.1:\(environment["ROUTER_PORT"] ?? "5200")"
        var options = IsolatedServing.Options(
            face: try HTTPFaceOptions.listening(at: address, flag: "--listen", input),
            pools: try IsolatedPoolOptions.read(input))
        options.drainLimit = try PoolServeOptions.drainLimit(environment) ?? options.drainLimit
        try await IsolatedServing.serve(
            options, environment: environment, signals: signals, quiet: quiet, streams)
    }

    private static func isolated(_ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["pool", "isolated"], summary: "Serve a pool for each connection; the same as `mm pool serve --isolated`.",
            discussion:
                "A router answers /health /status /connections /run /reset /metrics and passes each call to the pool of "
                + "its connection: a process with a home, namespaces and caps of its own, started when it is first needed. "
                + "MM_ISOLATED_MEMORY_MB (512) and MM_ISOLATED_CPUS (0.5) set the caps; /status says what holds them. A pool "
                + "that answers nothing for MM_ISOLATED_SILENCE seconds (60) is started again.",
            fields: [
                InputField("listen", .textList, "Where (default 127.0.0.1:5200).")
            ] + IsolatedPoolOptions.fields + HTTPFaceOptions.fields.filter { $0.name != "http" },
            examples: [.init("mm pool isolated", "the router at 127.0.0.1:5200")]
        ) { (input, options, streams) throws(MMError) in
            try await serve(input, environment: environment, signals: nil, quiet: options.quiet, streams)
            return 0
        }
    }
}

/// `mm pool child`: the pool of one connection, which only its router may use.
enum PoolChildCommand {
    /// The command; routers start it.
    static func entry(environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["pool", "child"],
            summary: "Be the pool of one connection behind a router; `mm pool serve --isolated` starts it.",
            fields: [
                InputField("connection", .text, "The connection.", .required),
                InputField("socket", .text, "The Unix socket to listen at.", .required),
                InputField(
                    "router", .integer(0...Int(Int32.max)), "The router's process; other processes get no answer."),
            ]
        ) { (input, _, _) throws(MMError) in
            let router = try input.integer("router").map { Int32($0) }
            try await serve(
                try input.requiredText("connection"), at: try input.requiredText("socket"), for: router,
                environment: environment)
            return 0
        }
    }

    private static func serve(
        _ connection: String, at socket: String, for router: Int32?, environment: [String: String]
    ) async throws(MMError) {
        umask(0o077)
        SessionMark.markThisProcess()
        var environment = environment
        environment["M365_CONNECTION"] = connection
        let services = OperationServices(environment: environment)
        let local = LocalOperationService(services: services)
        let routes = SessionPoolRoutes(
            service: local, services: services,
            settings: try SessionPoolRoutes.Settings(environment: environment))
        let restorer = services.restorer
        restorer.prepare()
        // The router has looked at who asks; what it says of its callers counts.
        let handshake = PoolHandshake.ofThisProcess()
        let operations = RESTRouter(
            service: local, handshake: { handshake }, services: services)
        let listener = try HTTPListener.start(
            .unix(path: socket), authenticator: SocketAuthenticator(process: router),
            chain: HTTPChain(PoolFace.steps(routes.router, before: [operations])))
        services.log.info("the pool of \(connection) listens")
        let upkeep = Task {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await restorer.restore() }
                group.addTask { await services.runMaintenance() }
                group.addTask { while (try? await Task.sleep(for: .seconds(2))) != nil { await restorer.save() } }
            }
        }
        // The command's own signals cancel this task. The router's end is watched: namespaces forget death signals.
        while !Task.isCancelled, router.map({ getppid() == $0 }) ?? true {
            try? await Task.sleep(for: .milliseconds(500))
        }
        upkeep.cancel()
        await restorer.finish()
        await listener.stop(graceful: .seconds(2))
        await services.close()
        services.log.info("the pool of \(connection) has stopped")
    }
}

/// A process that becomes the router of isolated pools.
enum IsolatedServing {
    /// How a router is told to serve.
    struct Options: Sendable {
        /// Where it listens, and who may connect.
        let face: HTTPFaceOptions
        /// Where its pools run.
        var pools: IsolatedPoolOptions = .processes
        /// How long calls under way may go on when it is to end.
        var drainLimit: Duration = .seconds(20)
    }

    /// Serves until the task is cancelled, or a signal ends it.
    /// - Parameters:
    ///   - options: where it listens, and where its pools run.
    ///   - environment: of the process.
    ///   - signals: of a process that took them over; HUP needs no answer, the registry is read whenever it changes.
    /// - Throws: `unsupported` where pools can't be kept apart; `MMError` when the address can't be had.
    static func serve(
        _ options: Options, environment: [String: String], signals: PoolSignals? = nil, quiet: Bool,
        _ streams: CommandStreams
    ) async throws(MMError) {
        umask(0o077)
        let paths = StatePaths(environment: environment)
        // As a pool in the foreground does; what the router starts or carries out itself has its file.
        let own = quiet ? environment : PoolServing.logging(environment)
        let log = Log(OperationServices.logging(to: paths.poolLog(of: "router"), own))
        let environment = environment.filter { name, _ in name != OperationServices.standardErrorForm }
        let sites = try await options.pools.sites(paths, environment, log)
        // Two routers would start two pools in one folder. Where others start them, they see to that.
        let turn: FileLock? = if sites.areStarted { try await lock(IsolatedPlace(paths)) } else { nil }
        let settings = try SessionPoolRoutes.Settings(environment: environment)
        let router = IsolatedRouter(
            registry: ConnectionRegistry(path: paths.registry), sites: sites, log: log,
            commandLimit: settings.commandLimit)
        let face = options.face
        let secret = try face.tokenFile.map { (file) throws(MMError) in try BearerSecret.read(file) }
        let gate = PoolGate()
        let chain = HTTPChain(
            [ProbeRoutes(gate: gate), gate]
                + PoolFace.steps(router.router, before: [operations(of: router, gate, environment)]))
        let listener = try HTTPListener.start(
            .tcp(host: face.host, port: face.port), certificate: face.certificate,
            authenticator: AddressAuthenticator(face, secret: secret, refusesSessions: true), chain: chain)
        let url = "\(face.scheme)://\(listener.address)"
        try? streams.writeLine(url)
        if !quiet {
            let what = sites.areStarted ? "them" : "the router"
            streams.note("Each connection has a pool of its own behind a \(sites.wall). Ctrl-C ends \(what).")
        }
        log.info("the router listens at \(url); pools are kept apart by \(sites.wall)")
        if face.trustsNetwork {
            log.warning("THE NETWORK IS TRUSTED: everybody who reaches \(url) may use every connection")
        }
        let watch = Task {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await router.restore() }
                group.addTask { await router.watch() }
            }
        }
        if let signals {
            for await wish in signals.wishes where wish == .stop { break }
        } else {
            while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
        }
        log.info("the router is stopping")
        gate.close()
        if !(await gate.empty(within: options.drainLimit)) { log.warning("\(gate.calls) calls are cut off") }
        watch.cancel()
        await listener.stop(graceful: signals == nil ? .seconds(5) : .milliseconds(500))
        await router.close()
        log.info("the router has stopped")
        _ = consume turn
    }

    /// One that is about to end may hold the lock for a moment more.
    private static func lock(_ place: IsolatedPlace) async throws(MMError) -> FileLock {
        let path = place.root + "/router"
        do throws(MMError) {
            return try await FileLock(awaiting: path, until: .after(.seconds(3)))
        } catch {
            guard error.code == .conflict else { throw error }
            throw MMError(
                .conflict,
                "A router of isolated pools runs already: \(FileLock.holder(of: path) ?? "another process").",
                hint: "Use it, or end it first; another one needs files of its own (MM_STATE_DIR).")
        }
    }

    /// The operations' routes, over the pools.
    private static func operations(
        of router: IsolatedRouter, _ gate: PoolGate, _ environment: [String: String]
    ) -> RESTRouter {
        var environment = environment
        // What the router does itself stands in its own log.
        environment["M365_CONNECTION"] = "router"
        let handshake = PoolHandshake.ofThisProcess()
        return RESTRouter(
            service: IsolatedOperationService(
                router: router, services: OperationServices(environment: environment)),
            handshake: {
                var now = handshake
                now.isDraining = gate.isDraining
                return now
            })
    }
}

/// The operations behind a router: each is carried out by the pool of the connection that it names, so that front-ends
/// find with isolated pools what they find with one pool.
struct IsolatedOperationService: OperationService {
    let catalogue: Catalogue
    private let router: IsolatedRouter
    /// Carries out what concerns the owner's registry, rules and audit log: those are the router's.
    private let own: LocalOperationService

    /// The operations of a router.
    init(router: IsolatedRouter, services: OperationServices) {
        self.router = router
        own = LocalOperationService(services: services)
        catalogue = own.catalogue
    }

    /// Has one operation carried out where it belongs.
    /// - Throws: the error of the operation; `unsupported` for shells, which belong to no connection.
    func call(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext) async throws(MMError)
        -> OperationAnswer
    {
        let declaration = operation.declaration
        guard declaration.toolset == .m365 else {
            throw MMError(
                .unsupported,
                "`\(declaration.name)` is not offered by isolated pools: shells belong to no connection.",
                hint: "Leave --pool, MM_SESSION_POOL_URL and PWSH_MANAGER_URL out: the shell runs beside you then.")
        }
        if let group = declaration.command.first, ["connections", "guard"].contains(group) {
            return try await own.call(operation, arguments, in: context)
        }
        // The log of a connection's own pool is not the router's, where its entry was made and changed.
        if let connection = arguments["connection"]?.string, declaration.name != "audit_show" {
            let pool = try await router.pool(connection, for: context.caller.server)
            return try await pool.call(operation, arguments, in: context)
        }
        if let answer = try await records.answer(to: operation, arguments, in: context) { return answer }
        switch declaration.keeper {
        case .eachConnection:
            return try await gathered(
                .value(["sessions": []], columns: PoolOverview.columns), of: operation, in: context, naming: "sessions")
        case .each:
            let start = try await own.call(operation, arguments, in: context)
            return try await gathered(start, of: operation, in: context)
        case .handle, .confirmation: return try await found(operation, arguments, in: context)
        case .any: return try await own.call(operation, arguments, in: context)
        }
    }

    private var records: IsolatedRecords { IsolatedRecords(router: router, own: own) }

    func forget(_ client: CallContext) async {
        await own.forget(client)
        await withTaskGroup(of: Void.self) { group in
            for (_, pool) in await router.running(for: client.caller.server) {
                group.addTask { await pool.forget(client) }
            }
        }
    }

    /// The rows of every pool that runs; one that does not answer is a note, and holds up no other.
    /// - Parameters:
    ///   - start: what there is to say without any pool.
    ///   - list: where a row stands for a connection whose pool does not run; `nil`: nowhere.
    private func gathered(
        _ start: OperationAnswer, of operation: AnyOperation, in context: CallContext, naming list: String? = nil
    ) async throws(MMError) -> OperationAnswer {
        var answer = start
        guard case .value(var value) = start.body else { return start }
        var call = context
        call.timeLimit = min(context.timeLimit, .seconds(20))
        let pools = await router.running(for: call.caller.server)
        let parts = await withTaskGroup(of: (String, Result<OperationAnswer, MMError>).self) { [call] group in
            for (connection, pool) in pools {
                // A container may see the whole registry; it speaks for its own connection.
                let arguments: JSONObject = list == nil ? [:] : ["connection": .string(connection)]
                group.addTask {
                    let part = await Result { () async throws(MMError) in
                        try await pool.call(operation, arguments, in: call)
                    }
                    return (connection, part)
                }
            }
            var parts: [String: Result<OperationAnswer, MMError>] = [:]
            for await (connection, result) in group { parts[connection] = result }
            return parts
        }
        for (connection, result) in parts.sorted(by: { $0.key < $1.key }) {
            switch result {
            case .success(let part): if case .value(let more) = part.body { Self.add(more, to: &value) }
            case .failure(let error): answer.notes.append("\(connection): \(error.message)")
            }
        }
        if let list { try await addSleeping(to: &value, list, besides: Set(pools.map(\.0)), for: call.caller.server) }
        answer.body = .value(value)
        return answer
    }

    /// Adds a row for each connection whose pool does not run.
    private func addSleeping(
        to value: inout JSONValue, _ list: String, besides running: Set<String>, for server: String?
    ) async throws(MMError) {
        guard var object = value.object else { return }
        var rows = object[list]?.array ?? []
        for (connection, isReturning) in try await router.sleeping(besides: running, for: server) {
            rows.append([
                "session": .string(connection), "connection": .string(connection),
                "state": .string(isReturning ? "restoring" : "its pool does not run"),
            ])
        }
        object[list] = .array(rows)
        value = .object(object)
    }

    /// The first answer of a pool that knows what is asked for; handles and codes name no connection.
    private func found(
        _ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        try await own.answer(
            after: await router.running(for: context.caller.server), to: operation, arguments, in: context)
    }

    /// Lists grow by the other's rows, counters by the other's counts.
    private static func add(_ more: JSONValue, to value: inout JSONValue) {
        switch (value, more) {
        case (.array(let rows), .array(let others)): value = .array(rows + others)
        case (.int(let count), .int(let other)): value = .int(count + other)
        case (.object(var members), .object(let others)):
            for (key, other) in others {
                var member = members[key] ?? other
                if members[key] != nil { add(other, to: &member) }
                members[key] = member
            }
            value = .object(members)
        default: break
        }
    }
}

/// Where the pools of single connections live: a folder for each, which only its own pool can see.
struct IsolatedPlace: Sendable {
    /// The folder of them all.
    let root: String
    /// Where the usual logs lie.
    private let logs: String
    /// Where sockets lie whose paths would be too long in the folders themselves.
    private let runtime: String

    /// The longest path that fits into a Unix socket's address (unix(7)), its end included.
    private static let longestSocket = 107

    /// The places of a user.
    init(_ paths: StatePaths) {
        root = paths.isolatedDirectory
        logs = paths.logDirectory
        runtime = paths.runtimeDirectory
    }

    /// The name of a connection's folder: two connections never share one, whatever their names.
    static func folderName(_ connection: String) -> String {
        let digest = Hex.text(SHA256.digest(connection.utf8).prefix(4))
        return "\(StatePaths.safeName(connection).prefix(12))-\(digest)"
    }

    /// A connection's folder.
    func folder(_ connection: String) -> String { "\(root)/\(Self.folderName(connection))" }

    /// Its pool's home.
    func home(_ connection: String) -> String { folder(connection) + "/home" }

    /// Where its sessions make their own sockets.
    func run(_ connection: String) -> String { folder(connection) + "/run" }

    /// The socket of its pool.
    func socket(_ connection: String) -> String {
        let path = folder(connection) + "/pool.sock"
        if path.utf8.count < Self.longestSocket { return path }
        return "\(runtime)/isolated-\(Self.folderName(connection).suffix(8))/pool.sock"
    }

    /// Whether its pool had signed in sessions when it ended.
    func hasSessions(_ connection: String) -> Bool {
        let name = "sessions-\(StatePaths.safeName(connection)).json"
        guard let bytes = try? ProtectedFile.read("\(home(connection))/.m365-state/\(name)", limit: 16 << 20),
            let list = (try? JSONParser.parse(bytes))?.array
        else { return false }
        return !list.isEmpty
    }

    /// The log of its pool, and the name under which the owner finds it beside the other logs.
    func log(_ connection: String) -> (file: String, link: String) {
        let name = "session-pool-\(StatePaths.safeName(connection)).log"
        return ("\(home(connection))/.m365-logs/\(name)", "\(logs)/\(name)")
    }
}
