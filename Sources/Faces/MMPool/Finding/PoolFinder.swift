import Glibc
public import MMCore
import MMHTTP
import MMOperations
import MMSystem

/// A pool that answered.
package struct RunningPool: Sendable {
    /// A client of the pool.
    package let client: PoolClient
    /// The identity that the pool reported.
    package let handshake: PoolHandshake
}

/// Finds the pool of a user's files, and starts one if there is none.
package struct PoolFinder: Sendable {
    /// The files and addresses by which the pool is found.
    package let place: PoolPlace
    private let environment: [String: String]
    private let build: PoolBuild
    private let transport: any HTTPTransport
    private let program: String
    private let ownSocket: String?

    /// How long a pool may take to start, even on a busy machine.
    private static let startLimit = Duration.seconds(60)
    /// How long a pool may take to tell its identity.
    private static let answerLimit = Duration.seconds(30)
    private static let killing = "If it doesn't recover, kill it: mm pool stop --force."

    /// Creates a finder. One per process is enough: requests to the pool go through the client that it keeps.
    /// - Parameters:
    ///   - environment: the environment of this process, which a pool that is started inherits.
    ///   - program: the `mm` to start a pool with.
    ///   - ownSocket: the socket at which this process itself will listen. A client has connected to it already, but
    ///     nothing answers there yet.
    package init(environment: [String: String], program: String = OwnProgram.mm, ownSocket: String? = nil) {
        self.program = program
        self.ownSocket = ownSocket
        place = PoolPlace(environment: environment)
        self.environment = environment
        build = .own
        transport = HTTPClient(configuration: HTTPClientConfiguration(environment: environment))
    }

    /// Returns the pool that runs and accepts calls; `nil` if there is none.
    /// - Throws: `unavailable`, naming its process, when a pool holds its lock but doesn't answer in time or says
    ///   that it can't.
    package func running(until deadline: Deadline = .never) async throws(MMError) -> RunningPool? {
        let recorded = recordedSocket()
        // If systemd listens on behalf of a pool that has never run, there is no record of it.
        let others = place.sockets.filter { $0 != recorded && access($0, F_OK) == 0 }
        for socket in [recorded].compactMap({ $0 }) + others {
            // The pool that the own record names is the right one, whatever its version; any other must report the same
            // key.
            guard let pool = try await shake(socket, until: deadline),
                pool.handshake.key == place.key || socket == recorded,
                !pool.handshake.isDraining
            else { continue }
            return pool
        }
        return nil
    }

    /// What is known of a pool that isn't started for the question.
    package enum State: Sendable {
        /// It runs and accepts calls.
        case running(RunningPool)
        /// It completes its calls or ends its sessions, and accepts no more calls.
        case stopping(holder: String)
        /// A process holds its lock but doesn't answer, or refuses the connection.
        case silent(holder: String, hint: String)
        /// There is none.
        case stopped

        /// The state as a word, and of a pool that accepts no calls its process and what to do.
        package var json: JSONObject {
            switch self {
            case .running: ["state": "running"]
            case .stopping(let holder):
                ["state": "stopping", "holder": .string(holder), "hint": "It is finishing its calls."]
            case .silent(let holder, let hint):
                ["state": "not answering", "holder": .string(holder), "hint": .string(hint)]
            case .stopped: ["state": "stopped"]
            }
        }
    }

    /// Looks at the pool without starting one.
    /// - Parameter limit: how long the pool may take to answer; a command that only looks at it doesn't wait as long as
    ///   a call that needs it.
    package func state(within limit: Duration? = nil) async -> State {
        let deadline = Deadline.after(limit ?? .seconds(5))
        var hint = Self.killing
        do throws(MMError) {
            if let pool = try await running(until: deadline) { return .running(pool) }
        } catch {
            hint = error.hint ?? hint
        }
        guard let holder = FileLock.holder(of: place.life) else { return .stopped }
        return await isEnding(until: deadline) ? .stopping(holder: holder) : .silent(holder: holder, hint: hint)
    }

    /// Returns whether the recorded pool no longer accepts calls, because it completes its work or ends its sessions.
    package func isEnding(until deadline: Deadline = .never) async -> Bool {
        guard let socket = recordedSocket() else { return false }
        if access(socket, F_OK) != 0 { return true }
        return (try? await shake(socket, until: deadline))?.handshake.isDraining ?? false
    }

    /// Returns the running pool. Starts one if there is none, and replaces one that is older than this program.
    /// - Throws: `unavailable` with the detail `pool` if no pool comes up, or the one that runs doesn't answer.
    package func started(until deadline: Deadline = .never) async throws(MMError) -> RunningPool {
        if let pool = try await running(until: deadline), !pool.handshake.build.givesWay(to: build) { return pool }
        let turn: FileLock
        do throws(MMError) {
            turn = try await FileLock(awaiting: place.start, until: .after(Self.startLimit))
        } catch {
            throw Self.unavailable("No pool could be started: \(error.message)", hint: error.hint)
        }
        // The process that held the lock before may have started a pool.
        if let pool = try await running(until: deadline) {
            guard pool.handshake.build.givesWay(to: build), await handOver(pool) else { return pool }
        }
        let pool = try await launch()
        _ = consume turn
        return pool
    }

    /// Asks a pool for its identity.
    private func shake(_ socket: String, until deadline: Deadline) async throws(MMError) -> RunningPool? {
        guard socket != ownSocket, PoolPlace.isSafe(socket) else { return nil }
        let client = PoolClient(PoolAddress(socket: socket), transport: transport)
        let limit = max(.milliseconds(1), min(Self.answerLimit, deadline.remaining))
        let end = Deadline.after(limit)
        let failure: MMError
        do throws(MMError) {
            return RunningPool(client: client, handshake: try await client.handshake(within: limit))
        } catch {
            failure = error
        }
        guard let holder = FileLock.holder(of: place.life) else { return nil }
        // The pool's own answer; errors of the way to it name its address.
        if failure.code == .unavailable, failure.retry == .never, failure.details["pool"] == nil {
            throw Self.unavailable("The pool, \(holder), can't answer: \(failure.message)", hint: failure.hint)
        }
        // It fails sooner where nothing listens, or a pool is ending.
        guard end.remaining < limit / 10 else { return nil }
        throw Self.unavailable("The pool does not answer; its lock is held by \(holder).", hint: Self.killing)
    }

    private func recordedSocket() -> String? {
        guard let bytes = try? ProtectedFile.read(place.record, limit: 64 << 10) else { return nil }
        guard let record = try? JSONParser.parse(bytes) else { return nil }
        // If the files were copied, the record that came along names the pool of the originals; the copy has a pool of
        // its own.
        if let folder = record["folder"]?.string, folder != place.paths.stateDirectory { return nil }
        return record["socket"]?.string
    }

    /// Asks a pool that a front-end has started to complete its work and to make way for another one.
    /// - Returns: `false` if it can't do so at present, or somebody else started it.
    @discardableResult
    package func handOver(_ pool: RunningPool) async -> Bool {
        let answer = try? await pool.client.ask("POST", "/v1/pool/drain", [:])
        return answer?.status == 202
    }

    private func launch() async throws(MMError) -> RunningPool {
        // A pool keeps the environment it was started with, and only the owner may decide its proxies, certificates and
        // guard rules.
        guard try !PersonProof.isInSession(environment) else {
            throw MMError(
                .forbidden, "A pool can't be started from within a session of mm.",
                hint: "Start it in your own terminal: mm pool start.", details: ["pool": "none"])
        }
        // An older pool that makes way releases its lock before it has completed its work, so the new one can start at
        // once.
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
            throw Self.unavailable("The pool could not be started: \(error.message)", hint: error.hint)
        }
        let isUp = await Self.heard(child)
        // A pool that was started by hand at the same moment may have been quicker.
        let deadline = Deadline.after(isUp ? Self.startLimit : .seconds(5))
        repeat {
            if let pool = try await running() { return pool }
            // A running pool holds this lock, so without a holder there is none to wait for.
            guard isUp || FileLock.holder(of: place.life) != nil else { break }
            try? await Task.sleep(for: .milliseconds(20))
        } while !deadline.hasPassed && !Task.isCancelled
        if isUp { throw Self.unavailable("The new pool does not answer.") }
        throw Self.unavailable("The pool could not be started: \(lastWords(after: Int(before)))")
    }

    /// Waits until a pool reports that it listens.
    /// - Returns: `false` if it ended without doing so, or the time ran out.
    private static func heard(_ child: ChildProcess) async -> Bool {
        let heard = OneShot<Bool>()
        let reading = Task {
            let piece = try? await child.output?.read()
            heard.resolve(piece.map { !$0.isEmpty } ?? false)
        }
        defer {
            reading.cancel()
            child.output?.close()
        }
        return await heard.wait(until: .after(startLimit), late: false)
    }

    /// Returns the environment for a pool: this process's, without what belongs to one call, session or terminal.
    private func inherited() -> [String: String] {
        let own = ["MM_SESSION", "MM_EMBEDDED", "MM_SESSION_POOL_URL", "PWSH_MANAGER_URL"]
        return environment.filter { name, _ in !own.contains(name) && !name.hasPrefix("LISTEN_") }
    }

    private func errorFile() throws(MMError) -> FileDescriptor {
        try ProtectedFile.makeDirectory(place.paths.logDirectory)
        let file = try FileDescriptor.open(place.errorLog, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW)
        var status = stat()
        // This file isn't rotated, since a failing pool writes little; it is just emptied once it gets large.
        if fstat(file.raw, &status) == 0, status.st_size > 1_000_000 { _ = ftruncate(file.raw, 0) }
        return file
    }

    /// Returns what a pool has written since the offset: the last error in full, with its message and hint.
    private func lastWords(after offset: Int) -> String {
        let bytes = (try? ProtectedFile.read(place.errorLog)) ?? []
        let lines = bytes.dropFirst(offset).split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
        guard let start = lines.lastIndex(where: { $0.hasPrefix("mm: ") }) else {
            return lines.last ?? "no output; see \(place.errorLog)"
        }
        return lines[start].dropFirst(4) + lines[(start + 1)...].prefix(4).map { " \($0)" }.joined()
    }

    /// - Parameter hint: the remedy of the cause, where it is known.
    private static func unavailable(_ message: String, hint: String? = nil) -> MMError {
        MMError(
            .unavailable, message,
            hint: hint ?? "Check `mm pool status` and `mm pool logs`, or run without the pool: --embedded.",
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

    /// Creates a reference to the pool of an environment. There is one pool for each set of registry, tokens, state and
    /// logs; for a pool apart from the user's, set a `HOME` of its own.
    /// - Parameter environment: the environment of this process, which a pool that is started inherits.
    public init(environment: [String: String] = ProcessEnvironment.read()) {
        self.environment = environment
    }

    /// Returns the address of the running pool; `nil` if none runs.
    /// - Throws: `.invalidInput` if `MM_SESSION_POOL_URL` is no valid address.
    public func running() async throws(MMError) -> PoolAddress? {
        if let named = try named() { return named }
        return try await PoolFinder(environment: environment).running()?.client.address
    }

    /// Returns the address of the pool, and starts one if none runs. `MM_SESSION_POOL_URL` names a pool elsewhere;
    /// `MM_PROGRAM` names the `mm` that starts one here, by default the first on the search path.
    /// - Throws: `.unavailable` if there is no `mm`, or no pool comes up.
    public func started() async throws(MMError) -> PoolAddress {
        if let address = try await running() { return address }
        let wanted = environment["MM_PROGRAM"].flatMap { $0.isEmpty ? nil : $0 } ?? "mm"
        guard let program = ExecutableSearch.find(wanted, in: environment) else {
            throw MMError(
                .unavailable, "No pool is running, and the program “\(wanted)” to start one was not found.",
                hint: "Install mm, set MM_PROGRAM to its path, or start the pool yourself: mm pool start.",
                details: ["pool": "none"])
        }
        return try await PoolFinder(environment: environment, program: program).started().client.address
    }

    private func named() throws(MMError) -> PoolAddress? {
        guard let url = environment["MM_SESSION_POOL_URL"], !url.isEmpty else { return nil }
        return try PoolAddress(url: url, environment: environment)
    }
}
