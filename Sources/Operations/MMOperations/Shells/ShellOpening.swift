import Glibc
package import MMCore
import MMDesk
import MMEgress
import MMGuard
import MMSessions
package import MMShell
import MMSystem

/// The opener of shell sessions by a configuration.
package struct ShellOpening: Sendable {
    let services: ShellServices
    /// The configuration of shells.
    package let configuration: ShellsConfiguration

    /// The confinement of local sessions.
    package let confinement: ShellsConfiguration.Confinement

    private let callerDirectory: String?
    /// Whether callers with confined local shells may also connect to hosts that are this machine.
    package var admitsThisMachine = false

    /// Creates a value that opens sessions by a configuration.
    /// - Parameters:
    ///   - services: the services that operations use.
    ///   - configuration: the configuration of shells.
    ///   - confinement: the confinement of local sessions.
    ///   - callerDirectory: the caller's working directory; `nil` for that of this process.
    package init(
        services: ShellServices, configuration: ShellsConfiguration,
        confinement: ShellsConfiguration.Confinement, callerDirectory: String? = nil
    ) {
        self.services = services
        self.configuration = configuration
        self.confinement = confinement
        self.callerDirectory = callerDirectory
    }

    /// Returns the program's own files: registry, tokens, ledger, logs, sockets, and the configuration of shells.
    package static func ownFiles(_ services: ShellServices) -> [String] {
        ownFiles(services.paths, services.environment)
    }

    static func ownFiles(_ paths: StatePaths, _ environment: [String: String]) -> [String] {
        paths.ownFiles + [ShellsConfiguration.path(environment, home: paths.home)]
    }

    /// The files that the file operations of a local session may access.
    package var fileRules: FileRules {
        let root: String? =
            switch confinement {
            case .guard: configuration.policy.isEnabled ? configuration.policy.workingDirectory : nil
            case .workspace, .isolated, .argv: startDirectory
            }
        return FileRules(root: root, forbidden: Self.ownFiles(services), limit: configuration.maxFileSize)
    }

    /// The directory in which local sessions start, and the workspace of confined ones.
    package var startDirectory: String {
        if let directory = configuration.policy.isEnabled ? configuration.policy.workingDirectory : nil {
            return directory
        }
        if let directory = configuration.directory { return directory }
        let here = callerDirectory ?? CallContext.ownDirectory
        guard confinement == .workspace || confinement == .isolated else { return here ?? services.paths.home }
        if let here, DefaultWorkspace.admits(here, services) { return here }
        return DefaultWorkspace.path(services)
    }

    // MARK: Local

    /// Opens a session on this machine.
    /// - Parameters:
    ///   - kind: the requested kind of shell.
    ///   - directory: the directory in which it starts; `nil` for the configured one.
    package func local(_ key: ShellSessionName, kind wanted: String?, directory: String? = nil) async throws(MMError)
        -> ShellSessions.Member
    {
        let (environment, start) = (ShellEnvironment.scrubbed(services.environment), directory ?? startDirectory)
        if confinement == .argv { return try programs(key, environment, directory: start) }
        let word = wanted ?? configuration.usualShell
        var settings = ShellSettings(
            name: key.name, kind: try hostKind(word, environment), environment: environment, directory: start)
        if directory == nil {
            settings.continues = await services.shells.lastDirectory(of: key, within: configuration.idle)
        }
        settings.policy = configuration.policy
        settings.limits = configuration.limits
        settings.treeLimits = configuration.treeLimits
        if word != "python", wanted == nil || wanted == configuration.shell { settings.program = configuration.program }
        let wire = try await wire(key)
        let session: GuardedShell
        var problem: String?
        do throws(MMError) {
            settings.sandbox = try sandbox(start, wire)
            settings.environment.merge(wire?.environment ?? [:]) { _, wire in wire }
            settings.processes = wire?.processes
            if let wire { settings.takesListener = { wire.serve(inside: $0) } }
            if word == "python" {
                let python = try await PythonShell.start(settings)
                session = GuardedShell(python) { await python.workingDirectory }
            } else {
                let shell = try await LocalShell.start(settings)
                session = GuardedShell(shell) { await shell.workingDirectory }
                problem = await shell.limitsProblem
            }
        } catch {
            await wire?.close()
            guard error.code == .unsupported, configuration.sandbox == nil else { throw error }
            throw DefaultWorkspace.refusal(error, services)
        }
        let sandbox = settings.sandbox
        var label = sandbox.label
        if sandbox != .guarded, configuration.sandbox == nil { label += " " + DefaultWorkspace.note(services) }
        if let problem {
            services.log.warning("a shell has no limits on all its processes: \(problem)")
            label += " " + problem
        }
        if let connection = wire?.connection {
            label +=
                " Programs can use the managed identity of the connection \(connection.name). They never see a token."
        }
        return ShellSessions.Member(
            key: key, body: .shell(session), kind: word, label: label, sandbox: sandbox.word, wire: wire,
            walls: sandbox.rules)
    }

    /// Opens a session that runs only the allowed programs, without a shell.
    private func programs(_ key: ShellSessionName, _ environment: [String: String], directory: String) throws(MMError)
        -> ShellSessions.Member
    {
        guard !configuration.programs.programs.isEmpty else {
            throw MMError(
                .invalidInput, "The confinement argv allows no programs yet.",
                hint: "A person must list them under `programs` in the shells file; see Docs/Shells.md.")
        }
        let programs = ArgumentShell(
            name: key.name, programs: configuration.programs, directory: directory, environment: environment)
        return ShellSessions.Member(
            key: key, body: .shell(GuardedShell(programs) { await programs.workingDirectory }), kind: "argv",
            label: ArgumentPolicy.label, sandbox: "argv")
    }

    /// Opens the proxy of a confined session, if its owner lists hosts or an identity for it.
    private func wire(_ key: ShellSessionName) async throws(MMError) -> ShellWire? {
        guard confinement == .workspace else { return nil }
        if let identity = configuration.identity { return try await ShellWire.open(as: identity, with: services) }
        guard let hosts = configuration.egress else { return nil }
        return try await ShellWire.open(key.name, to: hosts, policy: configuration.guardPolicy, with: services)
    }

    private func hostKind(_ word: String, _ environment: [String: String]) throws(MMError) -> ShellKind {
        if let kind = ShellKind(rawValue: word) { return kind }
        guard word == "python" else {
            let known = ShellKind.allCases.map(\.rawValue) + ["python"]
            throw MMError(
                .invalidInput, "There is no shell “\(word)”.", hint: "Shells: \(known.joined(separator: ", ")).")
        }
        let path = ExecutableSearch.path(of: environment)
        return [ShellKind.bash, .dash].first { (try? $0.locate(path: path)) != nil } ?? .dash
    }

    private func sandbox(_ directory: String, _ wire: ShellWire?) throws(MMError) -> SandboxProfile {
        guard var rules = walls(around: directory) else { return .guarded }
        if directory == DefaultWorkspace.path(services) { try DefaultWorkspace.make(services) }
        // Files in the workspace can be accessed, so our own files must not be there.
        for own in Self.ownFiles(services)
        where own == directory || own.hasPrefix(directory == "/" ? "/" : directory + "/") {
            throw MMError(
                .invalidInput, "The workspace \(directory) contains mm's own files (\(own)).",
                hint: "Set `directory` in the shells file to another folder.")
        }
        if let wire {
            rules.network = .ports([wire.port])
            rules.readable.append(wire.folder)
        }
        return confinement == .workspace ? .workspace(rules) : .isolated(rules)
    }

    /// Returns the walls of a local session that is opened by this configuration; `nil` if it has none.
    func walls(around directory: String) -> WorkspaceRules? {
        guard confinement == .workspace || confinement == .isolated else { return nil }
        var rules = WorkspaceRules(
            workspace: directory, network: configuration.network, readable: configuration.readable,
            hidden: Self.ownFiles(services))
        // The port of its proxy is known once that listens.
        if configuration.egress != nil || configuration.identity != nil {
            rules.network = .ports([])
            rules.proxiedHosts = configuration.egress?.map(\.description) ?? []
        }
        return rules
    }

    // MARK: Hosts

    /// Returns a target with the configuration for all hosts applied.
    /// - Throws: `denied` for a host that isn't allowed.
    package func target(_ given: SSHTarget) throws(MMError) -> SSHTarget {
        if let hosts = configuration.hosts, !hosts.contains(where: { Self.matches($0[...], given.host[...]) }) {
            throw MMError(
                .denied, "The host \(given.host) is not allowed.",
                hint: "Allowed hosts: \(hosts.joined(separator: ", ")).", details: ["rule": "ssh-hosts"])
        }
        var target = given
        target.configFile = target.configFile ?? configuration.sshConfigFile
        target.knownHostsFile = target.knownHostsFile ?? configuration.knownHostsFile
        return target
    }

    /// Returns whether a name matches a pattern in which `*` stands for any characters.
    static func matches(_ pattern: Substring, _ name: Substring) -> Bool {
        guard let first = pattern.first else { return name.isEmpty }
        if first == "*" {
            return matches(pattern.dropFirst(), name) || (!name.isEmpty && matches(pattern, name.dropFirst()))
        }
        guard let letter = name.first, letter.lowercased() == first.lowercased() else { return false }
        return matches(pattern.dropFirst(), name.dropFirst())
    }

    /// Opens a session on a host.
    /// - Parameters:
    ///   - isDevice: whether the host is network equipment, which has a screen and a prompt but no shell.
    ///   - forFiles: whether an account without a shell will do, of which SFTP reaches the files.
    package func remote(
        _ key: ShellSessionName, _ target: SSHTarget, isDevice: Bool, forFiles: Bool = false, deadline: Deadline
    ) async throws(MMError) -> ShellSessions.Member {
        let masters = await services.shells.masters(
            environment: ShellEnvironment.scrubbed(services.environment),
            records: services.paths.stateDirectory + "/hosts")
        let secrets = [target.password, target.passphrase].compactMap { $0 }
        let admission = try admission()
        if isDevice {
            let session = try await ScreenSession.connect(
                target, masters: masters, admission: admission, deadline: deadline)
            return ShellSessions.Member(
                key: key, body: .screen(session), kind: "device", host: session.name, secrets: secrets)
        }
        let session = try await SSHSession.connect(
            target, masters: masters, policy: configuration.policy, admission: admission,
            continuing: await services.shells.lastDirectory(of: key, within: configuration.idle), forFiles: forFiles,
            deadline: deadline)
        return ShellSessions.Member(
            key: key, body: .shell(GuardedShell(session) { await session.workingDirectory }),
            kind: await session.hasShell ? "posix" : "sftp", host: session.name, secrets: secrets,
            isHere: session.isHere)
    }

    /// Returns the rule for which hosts a session may be opened on. A session on a host that is this machine would
    /// bypass the confinement of local shells, so callers with confined shells are refused it.
    private func admission() throws(MMError) -> HostAdmission {
        let path = services.paths.stateDirectory + "/here"
        let bytes = try ProtectedFile.kept(at: path, limit: 256, isSound: { $0.count >= 32 }) {
            Array("\(RandomBytes.text(bytes: 32))\n".utf8)
        }
        let text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        let isWalled = confinement != .guard && !admitsThisMachine
        let marker = HostIdentity.Marker(path: path, text: text, home: services.paths.home)
        return HostAdmission(marker: marker) { (identity, name) throws(MMError) in
            guard isWalled, identity.reachesOwnFiles else { return }
            throw MMError(
                .denied,
                identity.isThisMachine
                    ? "\(name) is this machine, and a shell there would not be confined: it could read mm's own files."
                    : "\(name) shares this machine's files, and a shell there would not be confined: it could read mm's own files.",
                hint:
                    "Use shell_run, which is confined. The owner can allow it with \"sandbox\": \"guard\" in the shells file.",
                details: ["rule": "ssh-this-machine"])
        }
    }
}

extension ShellSessions.Member {
    /// The working directory after the last command; `nil` if it isn't known.
    package var workingDirectory: String? {
        get async {
            guard case .shell(let session) = body else { return nil }
            return await session.workingDirectory
        }
    }
}

/// A session without a shell (the confinement `argv`): each command is one admitted program with its arguments.
package actor ArgumentShell: ShellSession {
    /// The session's name.
    package nonisolated let name: String
    private let programs: ArgumentPolicy
    private let directory: String
    private let environment: [String: String]
    private let turns = TurnQueue()

    /// Creates a session for a list of programs.
    package init(name: String, programs: ArgumentPolicy, directory: String, environment: [String: String]) {
        self.name = name
        self.programs = programs
        self.directory = directory
        self.environment = environment
    }

    /// The working directory, which never changes.
    package var workingDirectory: String { directory }

    /// Runs an admitted program after the earlier ones have ended.
    package func start(
        _ command: ShellCommand, deadline: Deadline, observer: ShellCommand.Observer?
    ) async throws(MMError) -> ShellJob {
        let words = try ArgumentPolicy.words(of: command.text)
        _ = try programs.check(words, directory: directory)
        let turn = try await turns.take(deadline)
        let work = Mutex<Task<Void, Never>?>(nil)
        let job = ShellJob(
            command: command, observer: observer,
            reach: ShellJob.Reach(
                cancel: { _ in work.withLock { $0 }?.cancel() }, type: { _ in }, signal: { _ in false },
                waiting: { _ in nil }))
        let task = Task {
            await self.run(words, job, deadline)
            turn.release()
        }
        work.withLock { $0 = task }
        return job
    }

    private func run(_ words: [String], _ job: ShellJob, _ deadline: Deadline) async {
        let begin = ContinuousClock.now
        var end = ShellEnd(
            cause: .finished, exitCode: 255, signal: nil, directoryBytes: Array(directory.utf8), duration: .zero,
            restartsSession: false)
        do throws(MMError) {
            let outcome = try await programs.run(
                words, directory: directory, environment: environment,
                limit: job.command.limits.head + job.command.limits.tail, timeout: deadline.remaining)
            outcome.stdout.withUnsafeBytes { job.append(.stdout, $0) }
            outcome.stderr.withUnsafeBytes { job.append(.stderr, $0) }
            end.exitCode = outcome.code
        } catch {
            switch error.code {
            case .deadlineExceeded: end.cause = .deadline
            case .cancelled: end.cause = .cancelled
            default: end.cause = .lost(error.message)
            }
        }
        end.duration = ContinuousClock.now - begin
        job.finish(end)
    }

    /// Does nothing, since there is no state.
    package func reset() async throws(MMError) {}

    /// Refuses further commands.
    package func close() async { turns.close(ShellEnd.closedSession) }
}

/// The default confinement of shells that were not opened at a terminal, if the owner hasn't configured it: the
/// workspace folder, and the error if they can't be confined.
enum DefaultWorkspace {
    /// Returns the folder that is created if no other is suitable.
    static func path(_ services: ShellServices) -> String { services.paths.home + "/m365-workspace" }

    /// Returns whether a folder may be a workspace without being configured: it must be below the home folder, outside
    /// hidden folders, and without mm's own files.
    static func admits(_ folder: String, _ services: ShellServices) -> Bool {
        guard let real = RealPath.of(folder), let home = RealPath.of(services.paths.home), real.hasPrefix(home + "/"),
            !real.dropFirst(home.count).split(separator: "/").contains(where: { $0.hasPrefix(".") })
        else { return false }
        return ShellOpening.ownFiles(services).allSatisfy { own in
            let own = RealPath.of(own) ?? own
            return own != real && !own.hasPrefix(real + "/") && !real.hasPrefix(own + "/")
        }
    }

    /// Creates the folder if it doesn't exist.
    /// - Throws: `forbidden` if something else has its name.
    static func make(_ services: ShellServices) throws(MMError) {
        let path = path(services)
        var info = stat()
        if mkdir(path, 0o700) == 0 { return }
        guard lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFDIR, info.st_uid == geteuid() else {
            throw MMError(
                .forbidden, "\(path), the workspace of confined shells, can't be created, or you don't own it.",
                hint: "Create the folder, or set another one as `directory` in \(settings(services)).")
        }
    }

    /// Returns the note about the default confinement for the first answer.
    static func note(_ services: ShellServices) -> String {
        "Shells that no person opened at a terminal are confined like this. The owner can set in \(settings(services)) "
            + "another folder (`directory`), more folders to read (`readable`), the network (`network`, `hosts`), or "
            + "`\"sandbox\": \"guard\"` for shells without confinement."
    }

    /// Returns the error if the machine can't confine shells. Unconfined ones are not started unless the owner
    /// configures it.
    static func refusal(_ error: MMError, _ services: ShellServices) -> MMError {
        MMError(
            error.code,
            "Shells that no person opened at a terminal must be confined, and this machine can't confine them: \(error.message)",
            hint: "Use Linux 6.12 or later. Or let the owner install bubblewrap and set `\"sandbox\": \"isolated\"` in "
                + "\(settings(services)), or `\"sandbox\": \"guard\"`, with which such shells can use every file of the user. "
                + "`mm doctor shells` shows what this machine supports.",
            details: error.details, cause: error.cause)
    }

    private static func settings(_ services: ShellServices) -> String {
        ShellsConfiguration.path(services.environment, home: services.paths.home)
    }
}
