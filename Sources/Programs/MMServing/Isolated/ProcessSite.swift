import Glibc
import MMCore
import MMGuard
import MMHTTP
import MMOperations
import MMPool
import MMPowerShell
import MMShell
import MMSystem

/// Pools that are isolated processes of this machine.
struct ProcessSites: PoolSites {
    /// The folders of the pools.
    let place: IsolatedPlace
    let paths: StatePaths
    let environment: [String: String]
    /// The limits of each pool.
    let caps: IsolatedCaps
    /// The kind of isolation.
    let kind: IsolatedWall
    let log: Log
    /// The HTTP client for all pools.
    let transport: HTTPClient

    var wall: String { kind.rawValue }
    var areStarted: Bool { true }

    func site(of connection: String, registry: JSONObject, among names: [String]) -> any PoolSite {
        ProcessSite(connection, registry: registry, self)
    }

    func hasSessions(_ connection: String) -> Bool { place.hasSessions(connection) }

    // A pool that never ran may have a home: `mm allow` leaves there what passes in it.
    func hasRecords(_ connection: String) -> Bool { FileStamp.mayExist(place.registry(connection)) }
}

/// A pool that is a process of its own, started when it is first needed and again after it was lost.
actor ProcessSite: PoolSite {
    nonisolated let client: PoolClient
    private let connection: String
    private let setup: ProcessSites
    private let socket: String
    private var running: Running?
    private var starting: Task<Result<Void, MMError>, Never>?
    private var group: ControlGroup?
    private var entry: JSONObject
    private var isRegistryWritten = true
    /// Since when the pool has not answered, and how many requests it left unanswered.
    private var silence: (since: ContinuousClock.Instant, count: Int)?
    private var isClosed = false
    /// How often the pool was ended for using too much memory.
    private var evictions = 0

    private struct Running: Sendable {
        let process: ChildProcess
        let isGrouped: Bool
    }

    /// Creates a pool that doesn't run yet.
    /// - Parameters:
    ///   - connection: its connection.
    ///   - registry: the registry that the pool will see, with this connection only.
    init(_ connection: String, registry: JSONObject, _ setup: ProcessSites) {
        self.connection = connection
        self.setup = setup
        entry = registry
        socket = setup.place.socket(connection)
        client = PoolClient(PoolAddress(socket: socket), transport: setup.transport)
    }

    /// Whether the pool's process runs.
    var isRunning: Bool { running?.process.exited == nil && running != nil }

    /// Stores a changed registry; the pool reads its file again by itself.
    func take(registry: JSONObject) {
        guard registry != entry || !isRegistryWritten else { return }
        entry = registry
        guard isRunning else { return }
        // If writing fails, for example on a full disk, it is tried again later.
        isRegistryWritten = (try? writeRegistry()) != nil
    }

    func bringUp(until deadline: Deadline) async throws(MMError) {
        guard !isClosed else { throw MMError(.unavailable, "The router is stopping.", retry: .after(.seconds(2))) }
        try writeRules()
        if isRunning { return }
        let start = starting ?? Task { await started() }
        starting = start
        // Callers share one start, and each waits for it no longer than its own deadline.
        let late = deadline.exceeded("starting the pool of \(connection)")
        let outcome = OneShot<Result<Void, MMError>>()
        Task { outcome.resolve(await start.value) }
        try await outcome.wait(
            until: deadline, late: .failure(late),
            cancelled: .failure(MMError(.cancelled, "The call was cancelled while its pool was starting."))
        ).get()
    }

    private func isHealthy(within limit: Duration) async -> Bool {
        (try? await client.object("GET", "/health", nil, within: limit, of: connection)) != nil
    }

    private func started() async -> Result<Void, MMError> {
        let outcome = await Result { () async throws(MMError) in try await start() }
        starting = nil
        running = try? outcome.get()
        return outcome.map { _ in }
    }

    private func writeRegistry() throws(MMError) {
        try ProtectedFile.replace(
            setup.place.registry(connection), with: JSONWriter.bytes(.object(entry), layout: .indented(2)) + [0x0A])
    }

    /// Gives the pool the owner's rules of the guard, whose file it can't read. It reads its own again when it changes.
    /// - Throws: when they can't be given to it: it would judge calls without them.
    private func writeRules() throws(MMError) {
        let copy = setup.place.home(connection) + "/.m365-state/guard-rules.json"
        let rules = try UserRuleFile.file(environment: setup.environment).read(limit: 4 << 20)
        guard try ProtectedFile.read(copy, limit: 4 << 20) != rules else { return }
        if let rules { try ProtectedFile.replace(copy, with: rules) } else { try ProtectedFile.remove(copy) }
    }

    private func start() async throws(MMError) -> Running {
        let wall = setup.kind
        let place = setup.place
        let home = place.home(connection)
        try ProtectedFile.makeDirectory(home)
        try ProtectedFile.makeDirectory(home + "/tmp")
        try ProtectedFile.makeDirectory(place.run(connection))
        try writeRegistry()
        isRegistryWritten = true
        tellSandbox()
        setup.linkLog(of: connection)
        let socketFolder = "/" + socket.split(separator: "/").dropLast().joined(separator: "/")
        try ProtectedFile.makeDirectory(socketFolder)
        try? ProtectedFile.remove(socket)
        let paths = setup.paths
        var command = wall.command(
            OwnProgram.mm,
            ["pool", "child", "--connection", connection, "--socket", socket, "--router", "\(getpid())"],
            environment: setup.environment(of: connection), folder: place.folder(connection),
            hidden: [paths.stateDirectory, paths.tokenDirectory, paths.logDirectory, setup.runtimeFolder],
            masked: [paths.registry, paths.registry + ".bak"], kept: [paths.home, paths.toolsDirectory],
            readable: setup.powerShellFolders(onSandbox: isOnSandbox) + setup.ownersFolders,
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
                    hint: "See its log: \(place.log(connection).link)")
            }
            if await isHealthy(within: .seconds(2)) { break }
            if deadline.hasPassed {
                _ = await process.terminate(grace: .zero)
                throw MMError(.unavailable, "The pool of \(connection) did not answer within 30 seconds.")
            }
            try? await Task.sleep(for: .milliseconds(20))
        }
        setup.log.scoped(connection).info("its pool runs as process \(process.pid), separated by \(wall.rawValue)")
        return Running(process: process, isGrouped: isGrouped)
    }

    private var isOnSandbox: Bool { entry["connections"]?[connection]?["cloud"] == "sandbox" }

    /// Gives the pool a description of the owner's sandbox tenant, whose file it can't read, without the secret that
    /// controls the sandbox.
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
            setup.log.scoped(connection).warning(
                "its pool can't be configured for the sandbox tenant: \(error.message)")
        }
    }

    private func hold(_ pid: Int32) -> Bool {
        if group == nil { group = try? ControlGroup.make(setup.caps.together) }
        if let group, (try? group.add(pid)) != nil { return true }
        // Without a control group, the pool at least gets a lower priority.
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(pid), 10)
        return false
    }

    /// Ends a pool that uses too much memory or doesn't answer any more; the next call starts another.
    func watch() async {
        guard let running, running.process.exited == nil else { return }
        tellSandbox()
        if await isHung() {
            setup.log.scoped(connection).warning(
                "its pool no longer answers and was stopped; the next call starts it again")
            silence = nil
            _ = await running.process.terminate(grace: .seconds(5))
            return
        }
        guard !running.isGrouped else { return }
        let used = ProcessTree.memory(of: running.process.pid)
        guard used > setup.caps.memory else { return }
        evictions += 1
        setup.log.scoped(connection).warning(
            "its pool used \(used >> 20) MB of \(setup.caps.memory >> 20) MB and was stopped; the "
                + "next call starts it again"
        )
        _ = await running.process.terminate(grace: .seconds(5))
    }

    /// Returns whether the pool has not answered for a long time. Several attempts are required, because time also
    /// passes while the machine sleeps.
    private func isHung() async -> Bool {
        if await isHealthy(within: .seconds(5)) {
            silence = nil
            return false
        }
        let (since, count) = silence ?? (ContinuousClock.now, 0)
        silence = (since, count + 1)
        return count >= 2 && since.duration(to: .now) >= setup.caps.silence
    }

    /// The isolation and limits of the pool, for `/status`.
    var holds: JSONObject {
        let isGrouped = running?.isGrouped ?? false
        return [
            "process": running.flatMap { $0.process.exited == nil ? .int(Int64($0.process.pid)) : nil } ?? .null,
            "files": .string(setup.wall),
            "memory": .string("\(setup.caps.memory >> 20) MB by \(isGrouped ? "cgroup" : "watchdog")"),
            "heap": .string("\(setup.caps.heap >> 20) MB for each PowerShell"),
            "cpu": .string(
                isGrouped ? "\(setup.caps.processors) by cgroup" : "lower priority (nice 10); no cgroup is delegated"),
            "evictions": .int(Int64(evictions)),
        ]
    }

    func close() async {
        isClosed = true
        if let starting { _ = await starting.value }
        if let running { _ = await running.process.terminate(grace: .seconds(10)) }
        running = nil
        if let group { try? await BlockingWork.run { group.end() } }
    }
}

/// The surroundings of a pool's process.
extension ProcessSites {
    /// Returns the environment of a connection's pool.
    func environment(of connection: String) -> [String: String] {
        let home = place.home(connection)
        var environment = self.environment.filter { name, _ in
            ![
                "MM_CONNECTIONS", "MM_TOKEN_DIR", "MM_STATE_DIR", "MM_LOG_DIR", "XDG_RUNTIME_DIR", "MM_SESSION",
                "MM_GUARD_RULES",
            ].contains(name)
        }
        environment["HOME"] = home
        environment["XDG_RUNTIME_DIR"] = place.run(connection)
        environment["TMPDIR"] = home + "/tmp"
        environment["M365_CONNECTION"] = connection
        environment["MM_TOOLS_DIR"] = paths.toolsDirectory
        // The pool has a home of its own, so the paths to the owner's tools and installed modules must be given.
        environment["PSModulePath"] = HostSettings.modulePaths(self.environment).joined(separator: ":")
        return environment.merging(caps.environment) { own, _ in own }
    }

    /// The runtime folder with the sockets of the owner's programs: `mm`, the session bus, key agents.
    var runtimeFolder: String {
        guard let folder = environment["XDG_RUNTIME_DIR"], folder.hasPrefix("/"),
            !(paths.home + "/").hasPrefix(folder + "/")
        else { return paths.runtimeDirectory }
        return folder
    }

    /// The folders of the owner's modules and tools that exist.
    var ownersFolders: [String] {
        (HostSettings.modulePaths(environment) + [paths.toolsDirectory]).filter { access($0, F_OK) == 0 }
    }

    /// Returns the folder of PowerShell, or of its stand-in on the sandbox tenant, if that is not one of the system's
    /// folders.
    func powerShellFolders(onSandbox isOnSandbox: Bool) -> [String] {
        let programs = [
            try? PowerShellLocator(environment: environment).locate().program,
            isOnSandbox ? try? OwnProgram.sandbox(environment) : nil,
        ]
        return programs.compactMap(\.self).flatMap { [$0, RealPath.of($0) ?? $0] }.compactMap(Self.folder)
    }

    /// Returns the folder of a program; `nil` for the root.
    private static func folder(of program: String) -> String? {
        program.lastIndex(of: "/").flatMap { $0 == program.startIndex ? nil : String(program[..<$0]) }
    }

    /// Links a pool's log into the folder where people look for logs.
    func linkLog(of connection: String) {
        let (file, link) = place.log(connection)
        try? ProtectedFile.makeDirectory(paths.logDirectory)
        var status = stat()
        if lstat(link, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFLNK else { return }
            unlink(link)
        }
        symlink(file, link)
    }
}
