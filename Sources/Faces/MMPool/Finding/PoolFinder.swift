import Glibc
public import MMCore
import MMHTTP
import MMOperations
import MMSystem

/// A pool that answers.
package struct RunningPool: Sendable {
    /// Asks it.
    package let client: PoolClient
    /// What it tells of itself.
    package let handshake: PoolHandshake
}

/// Finds the pool of a user's files, and starts one where there is none.
package struct PoolFinder: Sendable {
    /// Where the pool is.
    package let place: PoolPlace
    private let environment: [String: String]
    private let build: PoolBuild
    private let transport: any HTTPTransport
    private let program: String

    /// How long a pool may take to come up, on a machine that does a lot besides.
    private static let startLimit = Duration.seconds(60)

    /// A finder. A process needs one: what it asks of the pool goes through the client that the finder keeps.
    /// - Parameters:
    ///   - environment: of this process; a pool that is started gets it.
    ///   - program: `mm`, by which one is started.
    package init(environment: [String: String], program: String = OwnProgram.mm) {
        self.program = program
        place = PoolPlace(environment: environment)
        self.environment = environment
        build = .own
        transport = HTTPClient(configuration: HTTPClientConfiguration(environment: environment))
    }

    /// The pool that runs and takes calls; `nil` where none does.
    package func running() async throws(MMError) -> RunningPool? {
        let recorded = recordedSocket()
        // Where systemd listens for a pool that has never run, nothing is recorded.
        let others = place.sockets.filter { $0 != recorded && access($0, F_OK) == 0 }
        for socket in [recorded].compactMap({ $0 }) + others {
            // What our own record names is ours, whichever version wrote it; what lies elsewhere must say so.
            guard let pool = await shake(socket), pool.handshake.key == place.key || socket == recorded,
                !pool.handshake.isDraining
            else { continue }
            return pool
        }
        return nil
    }

    /// What is to be said of a pool that takes no calls and yet holds its place; `nil` where there is none.
    package func holdingOn() async -> JSONObject? {
        guard let holder = FileLock.holder(of: place.life) else { return nil }
        let isStopping = await isEnding()
        return [
            "state": isStopping ? "stopping" : "not answering", "holder": .string(holder),
            "hint": .string(
                isStopping ? "It finishes its calls." : "If it stays so, end it: mm pool stop --force"),
        ]
    }

    /// Whether the pool that was recorded takes no calls any more: it finishes what it does, or ends its sessions.
    package func isEnding() async -> Bool {
        guard let socket = recordedSocket() else { return false }
        if access(socket, F_OK) != 0 { return true }
        return await shake(socket)?.handshake.isDraining ?? false
    }

    /// The pool that runs; it is started where there is none, and replaced where this program is a later one.
    /// - Throws: `unavailable` with the detail `pool` when none comes up.
    package func started() async throws(MMError) -> RunningPool {
        if let pool = try await running(), !pool.handshake.build.givesWay(to: build) { return pool }
        let turn: FileLock
        do throws(MMError) {
            turn = try await FileLock(awaiting: place.start, until: .after(Self.startLimit))
        } catch {
            throw Self.unavailable("No pool came up: \(error.message)")
        }
        // Whoever had the turn before may have started it.
        if let pool = try await running() {
            guard pool.handshake.build.givesWay(to: build), await handOver(pool) else { return pool }
        }
        let pool = try await launch()
        _ = consume turn
        return pool
    }

    /// Asks a pool who it is.
    private func shake(_ socket: String) async -> RunningPool? {
        guard PoolPlace.isSafe(socket) else { return nil }
        let client = PoolClient(PoolAddress(socket: socket), transport: transport)
        guard let handshake = try? await client.handshake() else { return nil }
        return RunningPool(client: client, handshake: handshake)
    }

    private func recordedSocket() -> String? {
        guard let bytes = try? ProtectedFile.read(place.record, limit: 64 << 10) else { return nil }
        guard let record = try? JSONParser.parse(bytes) else { return nil }
        // A copy of the files has its own pool: the record that came with it names that of the first ones.
        if let folder = record["folder"]?.string, folder != place.paths.stateDirectory { return nil }
        return record["socket"]?.string
    }

    /// Asks an older pool to finish what it does and to give its place up.
    /// - Returns: false when it can't now; it is used as it is then.
    private func handOver(_ pool: RunningPool) async -> Bool {
        let answer = try? await pool.client.ask("POST", "/v1/pool/drain", [:])
        return answer?.status == 202
    }

    private func launch() async throws(MMError) -> RunningPool {
        // The pool keeps its starter's environment: proxies, certificates and rules of the guard are the owner's to set.
        guard !PersonProof.isInSession(environment) else {
            throw MMError(
                .forbidden, "This is a session of mm: no pool is started from it.",
                hint: "Start it in a terminal of your own: mm pool start.", details: ["pool": "none"])
        }
        // An older pool that gives way lets go of its place before it has finished.
        let errors = try errorFile()
        let before = lseek(errors.raw, 0, SEEK_END)
        var command = ChildCommand(
            program, ["pool", "serve", "--detached"], environment: inherited(), directory: "/")
        command.name = "mm"
        command.output = .pipe
        command.error = .descriptor(errors.raw)
        command.deathSignal = nil
        command.endsGroup = false
        let child: ChildProcess
        do throws(MMError) {
            child = try await ChildProcess.start(command)
        } catch {
            throw Self.unavailable("The pool could not be started: \(error.message)")
        }
        let isUp = await Self.heard(child)
        // One that was started by hand at the same moment may have been quicker.
        let deadline = Deadline.after(isUp ? Self.startLimit : .seconds(5))
        repeat {
            if let pool = try await running() { return pool }
            try? await Task.sleep(for: .milliseconds(20))
        } while !deadline.hasPassed && !Task.isCancelled
        if isUp { throw Self.unavailable("The pool that was started does not answer.") }
        throw Self.unavailable("The pool did not come up: \(lastWords(after: Int(before)))")
    }

    /// Waits until a pool says that it listens.
    /// - Returns: false when it ended without, or the time ran out.
    private static func heard(_ child: ChildProcess) async -> Bool {
        let heard = OneShot<Bool>()
        let reading = Task {
            let piece = try? await child.output?.read()
            heard.resolve(piece.map { !$0.isEmpty } ?? false)
        }
        let timer = Task {
            try? await Task.sleep(for: startLimit)
            heard.resolve(false)
        }
        defer {
            timer.cancel()
            reading.cancel()
            child.output?.close()
        }
        return await heard.wait()
    }

    /// What a pool gets of this process's environment: nothing that belongs to one call, one session or one terminal.
    private func inherited() -> [String: String] {
        let own = ["MM_SESSION", "MM_EMBEDDED", "MM_SESSION_POOL_URL", "PWSH_MANAGER_URL", "MM_NO_ASK"]
        return environment.filter { name, _ in !own.contains(name) && !name.hasPrefix("LISTEN_") }
    }

    private func errorFile() throws(MMError) -> FileDescriptor {
        try ProtectedFile.makeDirectory(place.paths.logDirectory)
        let file = try FileDescriptor.open(place.errorLog, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW)
        var status = stat()
        // Nobody turns this file over: what a pool says before it ends badly is short.
        if fstat(file.raw, &status) == 0, status.st_size > 1_000_000 { _ = ftruncate(file.raw, 0) }
        return file
    }

    /// What a pool has said since then: the last complaint whole, which is a message and what to do about it.
    private func lastWords(after offset: Int) -> String {
        let bytes = (try? ProtectedFile.read(place.errorLog)) ?? []
        let lines = bytes.dropFirst(offset).split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
        guard let start = lines.lastIndex(where: { $0.hasPrefix("mm: ") }) else {
            return lines.last ?? "it said nothing; see \(place.errorLog)"
        }
        return lines[start].dropFirst(4) + lines[(start + 1)...].prefix(4).map { " \($0)" }.joined()
    }

    private static func unavailable(_ message: String) -> MMError {
        MMError(
            .unavailable, message, hint: "Look with `mm pool status` and `mm pool logs`, or go without: --embedded.",
            details: ["pool": "none"])
    }
}

/// The pool of this user: the sessions and sign-ins that `mm`, `mm-mcp` and programs share.
///
/// ```swift
/// let pool = try await UserPool().started()
/// let service = RemoteOperationService(pool: pool, environment: ProcessEnvironment.read())
/// ```
public struct UserPool: Sendable {
    private let environment: [String: String]

    /// The pool of an environment: one for each set of registry, tokens, state and logs. Whoever wants one that is apart from the
    /// user's gives it a `HOME` of its own.
    /// - Parameter environment: of this process; a pool that is started gets it.
    public init(environment: [String: String] = ProcessEnvironment.read()) {
        self.environment = environment
    }

    /// Where the pool that runs listens; `nil` where none does.
    /// - Throws: `.invalidInput` for an address in `MM_SESSION_POOL_URL` that is none.
    public func running() async throws(MMError) -> PoolAddress? {
        if let named = try named() { return named }
        return try await PoolFinder(environment: environment).running()?.client.address
    }

    /// Where the pool listens, which is started where there is none: `MM_SESSION_POOL_URL` names one elsewhere, `MM_PROGRAM` the `mm`
    /// that starts one here; else it is the first of the search path.
    /// - Throws: `.unavailable` where there is no `mm`, or no pool comes up.
    public func started() async throws(MMError) -> PoolAddress {
        if let address = try await running() { return address }
        let wanted = environment["MM_PROGRAM"].flatMap { $0.isEmpty ? nil : $0 } ?? "mm"
        guard let program = ExecutableSearch.find(wanted, path: environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin")
        else {
            throw MMError(
                .unavailable, "No pool runs, and there is no program “\(wanted)” to start one.",
                hint: "Install mm, name it with MM_PROGRAM, or start the pool yourself: mm pool start.",
                details: ["pool": "none"])
        }
        return try await PoolFinder(environment: environment, program: program).started().client.address
    }

    private func named() throws(MMError) -> PoolAddress? {
        guard let url = environment["MM_SESSION_POOL_URL"], !url.isEmpty else { return nil }
        return try PoolAddress(
            url: url, bearer: try PoolAddress.bearer(environment: environment),
            trustsNetwork: PoolAddress.trustsNetwork(environment: environment))
    }
}
