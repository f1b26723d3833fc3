import Glibc
import MMCore
import MMHTTP
import MMOperations
import MMPoolWire
import MMPowerShell
import MMSystem

/// One connection's pool: a process of its own, started when it is first needed and again when it was lost.
actor IsolatedPool {
    /// What every pool is started with.
    struct Setup: Sendable {
        let place: IsolatedPlace
        let paths: StatePaths
        let environment: [String: String]
        let caps: IsolatedCaps
        /// What keeps pools apart; `nil` where containers do.
        let wall: IsolatedWall?
        /// Where pools in containers of their own have their sockets; `nil`: pools are processes started here.
        let sockets: String?
        let log: Log
        /// Asks every pool.
        let transport: HTTPClient
    }

    /// The connection.
    let connection: String
    private let setup: Setup
    private var running: Running?
    private var starting: Task<Result<Running, MMError>, Never>?
    private var group: IsolatedGroup?
    private var entry: JSONObject
    private var isRegistryWritten = true
    /// Since when it has not answered, and how often it was asked.
    private var silence: (since: ContinuousClock.Instant, count: Int)?
    private var isClosed = false
    /// How often it was ended for using too much memory.
    private(set) var evictions = 0

    private struct Running: Sendable {
        let process: ChildProcess
        let isGrouped: Bool
    }

    /// A pool that does not run yet.
    /// - Parameters:
    ///   - connection: its connection.
    ///   - registry: the registry that it will see: this connection alone.
    init(_ connection: String, registry: JSONObject, _ setup: Setup) {
        self.connection = connection
        self.setup = setup
        entry = registry
    }

    /// Whether its process runs.
    var isRunning: Bool {
        if setup.sockets != nil { return access(socket, F_OK) == 0 }
        return running?.process.exited == nil && running != nil
    }

    private var socket: String {
        guard let sockets = setup.sockets else { return setup.place.socket(connection) }
        return "\(sockets)/\(StatePaths.safeName(connection).lowercased())/own/pool.sock"
    }

    /// Takes a changed registry; the pool reads its file anew by itself.
    func take(registry: JSONObject) {
        guard registry != entry || !isRegistryWritten else { return }
        entry = registry
        guard setup.sockets == nil, isRunning else { return }
        // What could not be written, on a full disk say, is written with the next look.
        isRegistryWritten = (try? writeRegistry()) != nil
    }

    /// Sends a request to the pool, starting it where needed.
    /// - Throws: `MMError` when it can't be started or does not answer.
    func send(_ method: String, _ path: String, _ body: JSONObject?, within limit: Duration) async throws(MMError)
        -> (status: Int, body: JSONObject)
    {
        try await bringUp()
        return try await ask(method, path, body, within: limit)
    }

    /// Has it carry an operation out, starting it where needed.
    /// - Throws: the error of the operation; `unavailable` when the pool can't be started or does not answer.
    func call(_ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext) async throws(MMError)
        -> OperationAnswer
    {
        try await bringUp()
        return try await operations.call(operation, arguments, in: context)
    }

    /// Has it end what a client has left.
    func forget(_ client: CallContext) async {
        guard isRunning else { return }
        await operations.forget(client)
    }

    private var client: PoolClient { PoolClient(PoolAddress(socket: socket), transport: setup.transport) }
    private var operations: RemoteOperationService { RemoteOperationService(client) }

    /// A container is started by whoever started the router.
    private func checkContainer() throws(MMError) {
        if isRunning { return }
        throw MMError(
            .unavailable, "The container of \(connection) does not run: there is no socket at \(socket).",
            hint:
                "Start it with docker compose. In docker-compose.isolated.yml each connection needs a service of its own.",
            retry: .after(.seconds(10)))
    }

    /// Asks a pool that runs; `nil` when it does not.
    func look(_ path: String) async -> JSONObject? {
        guard isRunning else { return nil }
        return try? await ask("GET", path, nil, within: .seconds(5)).body
    }

    /// The metrics of a pool that runs, as Prometheus reads them; `nil` when it does not.
    func prometheus() async -> String? {
        guard isRunning else { return nil }
        var request = client.request("GET", "/metrics", headers: ["Accept": "text/plain"])
        request.timeout = .seconds(5)
        guard let answer = try? await client.send(request, during: "reading metrics"), answer.status == 200 else {
            return nil
        }
        return String(decoding: answer.body, as: UTF8.self)
    }

    /// Starts it where it does not run, so that it can be asked and its sessions come back.
    /// - Throws: `unavailable` when it can't be started, or is a container that does not run.
    func bringUp() async throws(MMError) {
        if setup.sockets == nil { _ = try await ready() } else { try checkContainer() }
    }

    private func ask(_ method: String, _ path: String, _ body: JSONObject?, within limit: Duration)
        async throws(MMError) -> (status: Int, body: JSONObject)
    {
        let reply = try await client.ask(method, path, body, within: limit)
        guard let object = reply.body.object else {
            throw MMError(.remoteFailed, "The pool of \(connection) answered with no JSON object.")
        }
        return (reply.status, object)
    }

    // MARK: its process

    private func ready() async throws(MMError) -> Running {
        guard !isClosed else { throw MMError(.unavailable, "The router is stopping.", retry: .after(.seconds(2))) }
        if let running, running.process.exited == nil { return running }
        if let starting { return try await starting.value.get() }
        let task = Task { await Result { () async throws(MMError) in try await start() } }
        starting = task
        let outcome = await task.value
        starting = nil
        running = try? outcome.get()
        return try outcome.get()
    }

    private func writeRegistry() throws(MMError) {
        try ProtectedFile.replace(
            setup.place.home(connection) + "/.m365-connections.json",
            with: JSONWriter.bytes(.object(entry), layout: .indented(2)) + [0x0A])
    }

    private func start() async throws(MMError) -> Running {
        guard let wall = setup.wall else { throw MMError(.internalError, "pools in containers are not started here") }
        let place = setup.place
        let home = place.home(connection)
        try ProtectedFile.makeDirectory(home)
        try ProtectedFile.makeDirectory(home + "/tmp")
        try ProtectedFile.makeDirectory(place.run(connection))
        try writeRegistry()
        isRegistryWritten = true
        tellSandbox()
        link()
        let socket = socket
        let socketFolder = "/" + socket.split(separator: "/").dropLast().joined(separator: "/")
        try ProtectedFile.makeDirectory(socketFolder)
        try? ProtectedFile.remove(socket)
        let paths = setup.paths
        var command = wall.command(
            OwnProgram.mm,
            ["pool", "child", "--connection", connection, "--socket", socket, "--router", "\(getpid())"],
            environment: childEnvironment(home), folder: place.folder(connection),
            hidden: [paths.stateDirectory, paths.tokenDirectory, paths.logDirectory, runtimeFolder],
            masked: [paths.registry, paths.registry + ".bak"],
            readable: powerShellFolders + moduleFolders,
            socketFolder: socketFolder)
        command.output = .null
        command.error = .null
        command.limits = [ChildCommand.Limit(resource: Int32(RLIMIT_CORE.rawValue), value: 0)]
        let process = try await ChildProcess.start(command)
        let isGrouped = hold(process.pid)
        let deadline = Deadline.after(.seconds(30))
        while true {
            if let exit = process.exited {
                throw MMError(
                    .unavailable, "The pool of \(connection) ended with code \(exit.code) when it was started.",
                    hint: "Its log says why: \(place.log(connection).link)")
            }
            if (try? await ask("GET", "/health", nil, within: .seconds(2))) != nil { break }
            if deadline.hasPassed {
                _ = await process.terminate(grace: .zero)
                throw MMError(.unavailable, "The pool of \(connection) did not answer within 30 seconds.")
            }
            try? await Task.sleep(for: .milliseconds(20))
        }
        setup.log.scoped(connection).info("its own pool runs as process \(process.pid) behind a \(wall.rawValue)")
        return Running(process: process, isGrouped: isGrouped)
    }

    private var isOnSandbox: Bool { entry["connections"]?[connection]?["cloud"] == "sandbox" }

    /// Tells the pool where the owner's sandbox tenant is, whose file it can't see; not how it is steered.
    private func tellSandbox() {
        guard isOnSandbox else { return }
        let copy = setup.place.home(connection) + "/.m365-state/sandbox.json"
        guard let bytes = try? ProtectedFile.read(setup.paths.sandboxFile, limit: 1 << 20),
            var description = (try? JSONParser.parse(bytes))?.object
        else {
            try? ProtectedFile.remove(copy)
            return
        }
        description["secret"] = nil
        let text = JSONWriter.bytes(.object(description))
        guard (try? ProtectedFile.read(copy)) != text else { return }
        do throws(MMError) {
            try ProtectedFile.replace(copy, with: text, durable: false)
        } catch {
            setup.log.scoped(connection).warning("its pool can't be told of the sandbox tenant: \(error.message)")
        }
    }

    private func childEnvironment(_ home: String) -> [String: String] {
        var environment = setup.environment.filter { name, _ in
            !["MM_CONNECTIONS", "MM_TOKEN_DIR", "MM_STATE_DIR", "MM_LOG_DIR", "XDG_RUNTIME_DIR", "MM_SESSION"].contains(
                name)
        }
        environment["HOME"] = home
        environment["XDG_RUNTIME_DIR"] = setup.place.run(connection)
        environment["TMPDIR"] = home + "/tmp"
        environment["M365_CONNECTION"] = connection
        // Its home is its own; the modules are those that the owner has installed.
        environment["PSModulePath"] = HostSettings.modulePaths(setup.environment).joined(separator: ":")
        return environment.merging(setup.caps.environment) { own, _ in own }
    }

    /// Where the owner's programs have their sockets: those of `mm`, of the session bus, of agents that hold keys.
    private var runtimeFolder: String {
        guard let folder = setup.environment["XDG_RUNTIME_DIR"], folder.hasPrefix("/"),
            !(setup.paths.home + "/").hasPrefix(folder + "/")
        else { return setup.paths.runtimeDirectory }
        return folder
    }

    /// Where the owner's modules lie, as far as they are there.
    private var moduleFolders: [String] {
        HostSettings.modulePaths(setup.environment).filter { (path: String) in access(path, F_OK) == 0 }
    }

    /// Where PowerShell lies, or what stands in for it on the sandbox tenant, when that is not among the system's folders.
    private var powerShellFolders: [String] {
        let programs = [
            try? PowerShellLocator(environment: setup.environment).locate().program,
            isOnSandbox ? try? OwnProgram.sandbox(setup.environment) : nil,
        ]
        return programs.compactMap(\.self).flatMap { (program: String) in
            var real = [CChar](repeating: 0, count: Int(PATH_MAX))
            return [program, realpath(program, &real).map { String(cString: $0) } ?? program]
        }.compactMap(Self.folder)
    }

    /// The folder of a program; `nil` for the root.
    private static func folder(of program: String) -> String? {
        program.lastIndex(of: "/").flatMap { $0 == program.startIndex ? nil : String(program[..<$0]) }
    }

    /// The pool's log shows where people look for logs.
    private func link() {
        let (file, link) = setup.place.log(connection)
        try? ProtectedFile.makeDirectory(setup.paths.logDirectory)
        var status = stat()
        if lstat(link, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFLNK else { return }
            unlink(link)
        }
        symlink(file, link)
    }

    private func hold(_ pid: Int32) -> Bool {
        if group == nil { group = IsolatedGroup(IsolatedPlace.folderName(connection), setup.caps) }
        if group?.take(pid) == true { return true }
        // Without a group of its own it at least waits for everybody else.
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(pid), 10)
        return false
    }

    /// Ends a pool that uses more memory than it may, or that does not answer any more; the next call starts another.
    func watch() async {
        guard let running, running.process.exited == nil else { return }
        tellSandbox()
        if await isHung() {
            setup.log.scoped(connection).warning(
                "its own pool no longer answers and is ended; the next call starts it again")
            silence = nil
            _ = await running.process.terminate(grace: .seconds(5))
            return
        }
        guard !running.isGrouped else { return }
        let used = ProcessTree.memory(of: running.process.pid)
        guard used > setup.caps.memory else { return }
        evictions += 1
        setup.log.scoped(connection).warning(
            "its own pool used \(used >> 20) MB of \(setup.caps.memory >> 20) MB and is ended; the "
                + "next call starts it again"
        )
        _ = await running.process.terminate(grace: .seconds(5))
    }

    /// Whether it has not answered for a long time, however often it was asked: a machine that slept is no reason.
    private func isHung() async -> Bool {
        if await look("/health") != nil {
            silence = nil
            return false
        }
        let (since, count) = silence ?? (ContinuousClock.now, 0)
        silence = (since, count + 1)
        return count >= 2 && since.duration(to: .now) >= setup.caps.silence
    }

    /// What holds it, for `/status`.
    var holds: JSONObject {
        guard let wall = setup.wall else { return ["files": "container"] }
        let isGrouped = running?.isGrouped ?? false
        return [
            "process": running.flatMap { $0.process.exited == nil ? .int(Int64($0.process.pid)) : nil } ?? .null,
            "files": .string(wall.rawValue),
            "memory": .string("\(setup.caps.memory >> 20) MB by \(isGrouped ? "cgroup" : "watchdog")"),
            "heap": .string("\(setup.caps.heap >> 20) MB for each PowerShell"),
            "cpu": .string(
                isGrouped ? "\(setup.caps.processors) by cgroup" : "lower priority (nice 10); no cgroup is delegated"),
            "evictions": .int(Int64(evictions)),
        ]
    }

    /// Ends it.
    func close() async {
        isClosed = true
        if let starting { _ = await starting.value }
        if let running { _ = await running.process.terminate(grace: .seconds(10)) }
        running = nil
        group?.remove()
    }
}
