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
    static func all(environment: [String: String]) -> [LocalCommand] {
        [isolated(environment).hidden, PoolChildCommand.entry(environment: environment).hidden]
    }

    /// Turns this process into the router.
    /// - Parameter signals: the signals of a process that handles them itself.
    /// - Throws: the errors of `IsolatedServing.serve`; `invalidInput` that names the flag.
    static func serve(
        _ input: InputReader, environment: [String: String], signals: PoolSignals?, quiet: Bool,
        _ streams: CommandStreams
    ) async throws(MMError) {
        let address = try Self.address(of: try input.textList("listen") ?? [], environment)
        let options = IsolatedServing.Options(
            face: try HTTPFaceOptions.listening(at: address, flag: "--listen", input),
            pools: try IsolatedPoolOptions.read(input),
            drainLimit: try PoolServeOptions.drainLimit(environment))
        try await IsolatedServing.serve(
            options, environment: environment, signals: signals, quiet: quiet, streams)
    }

    /// Returns the router's address.
    /// - Throws: `invalidInput` that names the flag or the variable.
    static func address(of given: [String], _ environment: [String: String]) throws(MMError) -> String {
        guard given.count < 2 else {
            throw MMError(
                .invalidInput, "The router listens on one address, but --listen is given \(given.count) times.",
                hint: "Give it once.")
        }
        if let address = given.first { return address }
        let port = try EnvironmentNumber.read("ROUTER_PORT", of: environment, in: 0...UInt16.max, "a port") ?? 5200
        return "127.0.0.1:\(port)"
    }

    private static func isolated(_ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["pool", "isolated"], summary: "Serve a pool for each connection; the same as `mm pool serve --isolated`.",
            discussion:
                "A router serves /health /status /connections /run /reset /metrics and passes each call to the pool of "
                + "its connection: a process with its own home, namespaces and resource limits, started on demand. "
                + "MM_ISOLATED_MEMORY_MB (512) and MM_ISOLATED_CPUS (0.5) set the limits; /status shows how they are enforced. A pool "
                + "that does not answer for MM_ISOLATED_SILENCE seconds (60) is ended; the next call starts it again.",
            fields: [
                InputField("listen", .textList, "Where (default 127.0.0.1:5200).")
            ] + IsolatedPoolOptions.fields + HTTPFaceOptions.fields.filter { $0.name != "http" },
            examples: [.init("mm pool isolated", "starts the router at 127.0.0.1:5200")]
        ) { (input, options, streams) throws(MMError) in
            try await serve(input, environment: environment, signals: nil, quiet: options.quiet, streams)
            return 0
        }
    }
}

/// `mm pool child`: the pool of one connection, which only its router may use.
enum PoolChildCommand {
    /// Returns the command, which routers run.
    static func entry(environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["pool", "child"],
            summary: "Run the pool of one connection behind a router; `mm pool serve --isolated` starts it.",
            fields: [
                InputField("connection", .text, "The connection.", .required),
                InputField("socket", .text, "Unix socket to listen on.", .required),
                InputField(
                    "router", .integer(0...Int(Int32.max)), "Process ID of the router; other processes are refused."),
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
        services.saveVariableNames()
        // The router has authenticated the callers, so its statements about them count.
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
        // The command's own signals cancel this task. The end of the router is polled for, because death signals don't
        // work across namespaces.
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

/// Runs the router of isolated pools in this process.
enum IsolatedServing {
    /// The options of a router.
    struct Options: Sendable {
        /// The address at which it listens, and who may connect.
        let face: HTTPFaceOptions
        /// The place where its pools run.
        let pools: IsolatedPoolOptions
        /// How long running calls may continue once the router is to end.
        let drainLimit: Duration
    }

    /// Serves until the task is cancelled, or a signal ends it.
    /// - Parameters:
    ///   - options: the router's options.
    ///   - environment: the environment of the process.
    ///   - signals: the signals of a process that handles them itself; HUP is ignored, since the registry is read again
    ///     whenever it changes.
    /// - Throws: `unsupported` if pools can't be isolated; `MMError` if the address can't be used.
    static func serve(
        _ options: Options, environment: [String: String], signals: PoolSignals?, quiet: Bool,
        _ streams: CommandStreams
    ) async throws(MMError) {
        umask(0o077)
        let paths = StatePaths(environment: environment)
        // Logs to standard error like a pool in the foreground; what the router starts or carries out itself only logs
        // to its file.
        let own = quiet ? environment : PoolServing.logging(environment)
        let log = Log(OperationServices.logging(to: paths.poolLog(of: "router"), own))
        let environment = environment.filter { name, _ in name != OperationServices.standardErrorForm }
        let sites = try await options.pools.sites(paths, environment, log)
        // Two routers would start two pools in the same folder. If the pools are started elsewhere, that is not a
        // concern here.
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
            streams.note("Each connection has its own pool, separated by \(sites.wall). Ctrl-C ends \(what).")
        }
        log.info("the router listens at \(url); pools are separated by \(sites.wall)")
        if face.trustsNetwork {
            log.warning("THE NETWORK IS TRUSTED: everyone who can reach \(url) can use every connection")
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

    /// Takes the router's lock. A router that is just ending may hold it for a moment.
    private static func lock(_ place: IsolatedPlace) async throws(MMError) -> FileLock {
        let path = place.root + "/router"
        do throws(MMError) {
            return try await FileLock(awaiting: path, until: .after(.seconds(3)))
        } catch {
            guard error.code == .conflict else { throw error }
            throw MMError(
                .conflict,
                "A router of isolated pools is already running: \(FileLock.holder(of: path) ?? "another process").",
                hint: "Use it, or end it first. A second one needs another state folder (MM_STATE_DIR).")
        }
    }

    /// Returns the routes of the operations, which the pools carry out.
    private static func operations(
        of router: IsolatedRouter, _ gate: PoolGate, _ environment: [String: String]
    ) -> RESTRouter {
        var environment = environment
        // The router's own operations are logged in its own log.
        environment["M365_CONNECTION"] = "router"
        let handshake = PoolHandshake.ofThisProcess()
        let services = OperationServices(environment: environment)
        return RESTRouter(
            service: IsolatedOperationService(router: router, services: services),
            handshake: {
                var now = handshake
                now.isDraining = gate.isDraining
                return now
            }, settings: .ofPrograms, jobs: services.jobs.table)
    }
}

/// The operations behind a router: each is carried out by the pool of the connection that it names, so that isolated
/// pools look like a single pool to front-ends.
struct IsolatedOperationService: OperationService {
    let catalogue: Catalogue
    private let router: IsolatedRouter
    /// Carries out operations on the owner's registry, rules and audit log, which belong to the router.
    private let own: LocalOperationService

    /// Creates the operations of a router.
    init(router: IsolatedRouter, services: OperationServices) {
        self.router = router
        own = LocalOperationService(services: services)
        catalogue = own.catalogue
    }

    /// Has the pool or the router carry out an operation.
    /// - Throws: the error of the operation; `unsupported` for shells, which belong to no connection.
    func call(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext) async throws(MMError)
        -> OperationAnswer
    {
        let declaration = operation.declaration
        guard declaration.toolset == .m365 else {
            throw MMError(
                .unsupported,
                "`\(declaration.name)` is not available in isolated pools, because shells don't belong to a connection.",
                hint:
                    "Leave out --pool, MM_SESSION_POOL_URL and PWSH_MANAGER_URL, so that the shell runs on your machine."
            )
        }
        // The owner's part isn't with the connection's pool.
        if let connection = arguments["connection"]?.string, !declaration.keeper.includesOwner {
            let pool = try await router.pool(connection, for: context.caller.server)
            return try await router.counted { () async throws(MMError) in
                try await pool.call(operation, arguments, in: context)
            }
        }
        switch declaration.keeper {
        case .eachConnection:
            // A wrong argument is an error of the call, not a note for each pool.
            _ = try InputReader(operation: declaration.name, arguments: arguments, fields: operation.fields)
            return try await gathered(
                .value(.object(SessionRow.members(of: [])), columns: PoolOverview.columns), of: operation,
                besideConnections: arguments, in: context)
        case .each:
            guard try Jobs.watches(operation, arguments) else {
                return try await everyPool(operation, arguments, in: context)
            }
            return try await Jobs.watched(every: Self.interval, until: .after(context.timeLimit), in: context) {
                // Each pool answers at once; the watch is here.
                () async throws(MMError) in try await everyPool(operation, [:], in: context)
            }
        case .handle, .confirmation: return try await found(operation, arguments, in: context)
        case .any, .owner: return try await own.call(operation, arguments, in: context)
        case .records, .log, .everyLog, .record, .changes, .snapshots:
            return try await IsolatedRecords(router: router, own: own).answer(to: operation, arguments, in: context)
        }
    }

    /// The pause between two looks at the pools while a client watches.
    private static let interval = Duration.seconds(1)

    /// Returns the rows of the router and of all running pools.
    private func everyPool(
        _ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        let start = try await own.call(operation, arguments, in: context)
        var answer = try await gathered(start, of: operation, in: context)
        // The router's own notes, such as that nothing runs there, say nothing about the pools.
        if let list = operation.declaration.listMember, case .value(let value) = answer.body,
            value[list]?.array?.isEmpty == false
        {
            answer.notes.removeAll(where: start.notes.contains)
        }
        return answer
    }

    func forget(_ client: CallContext) async {
        await own.forget(client)
        await router.running(for: client.caller.server).concurrentForEach { _, pool in await pool.forget(client) }
    }

    /// Collects the rows of all running pools. A pool that doesn't answer becomes a note and delays no other.
    /// - Parameters:
    ///   - start: the answer to add the rows to.
    ///   - others: the arguments beside the connection, if each pool is asked for its own connection, and connections
    ///     whose pools don't run get a row, too; `nil` if the pools are asked for all that they have.
    private func gathered(
        _ start: OperationAnswer, of operation: AnyOperation, besideConnections others: JSONObject? = nil,
        in context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        var answer = start
        guard case .value(var value) = start.body else { return start }
        var call = context
        call.timeLimit = min(context.timeLimit, .seconds(20))
        let pools = await router.running(for: call.caller.server)
        let parts = await pools.concurrentMap { [call] connection, pool in
            // A pool in a container may see the whole registry, so it is asked for its own connection only.
            var arguments = others ?? [:]
            if others != nil { arguments["connection"] = .string(connection) }
            return await Result { [arguments] () async throws(MMError) in
                try await pool.call(operation, arguments, in: call)
            }
        }
        var ends: Set<Int32> = []
        for ((connection, _), result) in zip(pools, parts) {
            switch result {
            case .success(let part):
                if case .value(let more) = part.body { Self.add(more, to: &value) }
                guard others != nil else { continue }
                // What is wrong with a connection, such as a sign-in that has ended.
                answer.notes += part.notes
                if part.exitStatus != 0 { ends.insert(part.exitStatus) }
            case .failure(let error): answer.notes.append("\(connection): \(error.message)")
            }
        }
        if let end = ends.first { answer.exitStatus = ends.count == 1 ? end : 1 }
        if others != nil {
            try await addSleeping(to: &value, besides: Set(pools.map(\.0)), for: call.caller.server)
        }
        answer.body = .value(value)
        return answer
    }

    /// Adds a row for each connection whose pool doesn't run.
    private func addSleeping(
        to value: inout JSONValue, besides running: Set<String>, for server: String?
    ) async throws(MMError) {
        let rows = try await router.sleeping(besides: running, for: server).map { connection, isReturning in
            SessionRow(
                connection, connection: connection, module: nil,
                state: isReturning ? "restoring" : "its pool is not running")
        }
        Self.add(.object(SessionRow.members(of: rows)), to: &value)
    }

    /// Returns the first answer of a pool that knows the handle or code, since these name no connection.
    private func found(
        _ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        try await own.answer(
            after: await router.running(for: context.caller.server), to: operation, arguments, in: context)
    }

    /// Adds another pool's answer: lists are joined and counters added.
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

/// The folders of the pools of single connections; each folder is visible to its own pool only.
struct IsolatedPlace: Sendable {
    /// The folder that contains them.
    let root: String
    /// The folder of the usual logs.
    private let logs: String
    /// The folder for sockets whose paths would be too long in the folders themselves.
    private let runtime: String

    /// The size of a path in a Unix socket's address (unix(7)), including its terminator.
    private static let longestSocket = 107

    /// Creates the places of a user.
    init(_ paths: StatePaths) {
        root = paths.isolatedDirectory
        logs = paths.logDirectory
        runtime = paths.runtimeDirectory
    }

    /// Returns a connection's folder.
    func folder(_ connection: String) -> String { "\(root)/\(StatePaths.isolatedName(of: connection))" }

    /// Returns the home of a connection's pool.
    func home(_ connection: String) -> String { folder(connection) + "/home" }

    /// Returns the registry that a connection's pool sees, written whenever it starts.
    func registry(_ connection: String) -> String { home(connection) + "/.m365-connections.json" }

    /// Returns the folder in which a connection's sessions create their sockets.
    func run(_ connection: String) -> String { folder(connection) + "/run" }

    /// Returns the socket of a connection's pool.
    func socket(_ connection: String) -> String {
        let path = folder(connection) + "/pool.sock"
        if path.utf8.count < Self.longestSocket { return path }
        return "\(runtime)/isolated-\(StatePaths.isolatedName(of: connection).suffix(8))/pool.sock"
    }

    /// Returns whether a connection's pool had signed-in sessions when it ended.
    func hasSessions(_ connection: String) -> Bool {
        let name = "sessions-\(StatePaths.safeName(connection)).json"
        guard let bytes = try? ProtectedFile.read("\(home(connection))/.m365-state/\(name)", limit: 16 << 20),
            let list = (try? JSONParser.parse(bytes))?.array
        else { return false }
        return !list.isEmpty
    }

    /// Returns the log of a connection's pool, and the link by which the owner finds it beside the other logs.
    func log(_ connection: String) -> (file: String, link: String) {
        let name = "session-pool-\(StatePaths.safeName(connection)).log"
        return ("\(home(connection))/.m365-logs/\(name)", "\(logs)/\(name)")
    }
}
