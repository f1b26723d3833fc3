import Glibc
package import MMCore
import MMDesk
import MMEgress
import MMGuard
import MMSessions
package import MMShell
import MMSystem

/// Opens shell sessions as a configuration says.
package struct ShellOpening: Sendable {
    let services: ShellServices
    /// How shells are started.
    package let configuration: ShellsConfiguration

    /// How far local sessions are confined.
    package let confinement: ShellsConfiguration.Confinement

    private let callerDirectory: String?
    /// Whether hosts that are this very machine are admitted to callers whose local shells have walls, too.
    package var admitsThisMachine = false

    /// Opens sessions as a configuration says.
    /// - Parameters:
    ///   - services: what operations work with.
    ///   - configuration: how shells are started.
    ///   - confinement: how far local ones are confined.
    ///   - callerDirectory: where the caller stands; `nil`: where this process does.
    package init(
        services: ShellServices, configuration: ShellsConfiguration,
        confinement: ShellsConfiguration.Confinement, callerDirectory: String? = nil
    ) {
        self.services = services
        self.configuration = configuration
        self.confinement = confinement
        self.callerDirectory = callerDirectory
    }

    /// The program's own files: registry, tokens, ledger, logs, sockets, and the configuration of shells.
    package static func ownFiles(_ services: ShellServices) -> [String] {
        services.paths.ownFiles + [ShellsConfiguration.path(services.environment, home: services.paths.home)]
    }

    /// What the file tools beside a local session may reach.
    package var fileRules: FileRules {
        let root: String? =
            switch confinement {
            case .guard: configuration.policy.isEnabled ? configuration.policy.workingDirectory : nil
            case .workspace, .isolated, .argv: startDirectory
            }
        return FileRules(root: root, forbidden: Self.ownFiles(services), limit: configuration.maxFileSize)
    }

    /// Where local sessions start; the workspace of confined ones.
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

    /// A session on this machine.
    /// - Parameters:
    ///   - kind: the shell that was asked for.
    ///   - directory: where it starts; nil as configured.
    package func local(_ key: ShellSessionName, kind wanted: String?, directory: String? = nil) async throws(MMError)
        -> ShellSessions.Member
    {
        let environment = ShellEnvironment.scrubbed(services.environment)
        let start = directory ?? startDirectory
        if confinement == .argv {
            guard !configuration.programs.programs.isEmpty else {
                throw MMError(
                    .invalidInput, "The confinement argv admits no program yet.",
                    hint: "A person lists them under `programs` in the shells file; see Docs/Shells.md.")
            }
            let programs = ArgumentShell(
                name: key.name, programs: configuration.programs, directory: start, environment: environment)
            return ShellSessions.Member(
                key: key,
                body: .shell(GuardedShell(programs) { await programs.workingDirectory }),
                kind: "argv", label: ArgumentPolicy.label, sandbox: "argv")
        }
        let word = wanted ?? configuration.shell ?? "bash"
        var settings = ShellSettings(
            name: key.name, kind: try hostKind(word, environment), environment: environment, directory: start)
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
            label += " Programs find a managed identity: that of the connection \(connection.name), without a token."
        }
        return ShellSessions.Member(
            key: key, body: .shell(session), kind: word, label: label, sandbox: sandbox.word, wire: wire)
    }

    /// The way to the network of a confined session, where its owner lists hosts.
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
        let path = environment["PATH"] ?? ""
        return [ShellKind.bash, .dash].first { (try? $0.locate(path: path)) != nil } ?? .dash
    }

    private func sandbox(_ directory: String, _ wire: ShellWire?) throws(MMError) -> SandboxProfile {
        switch confinement {
        case .guard, .argv: return .guarded
        case .workspace, .isolated:
            if directory == DefaultWorkspace.path(services) { try DefaultWorkspace.make(services) }
            // What lies in the workspace is in reach: our own files must not be there.
            for own in Self.ownFiles(services)
            where own == directory || own.hasPrefix(directory == "/" ? "/" : directory + "/") {
                throw MMError(
                    .invalidInput, "The workspace \(directory) contains files of mm itself (\(own)).",
                    hint: "Set `directory` in the shells file to a folder of its own.")
            }
            var rules = WorkspaceRules(
                workspace: directory, network: configuration.network, readable: configuration.readable,
                hidden: Self.ownFiles(services))
            if let wire {
                rules.network = .ports([wire.port])
                rules.readable.append(wire.folder)
                rules.proxiedHosts = configuration.egress?.map(\.description) ?? []
            }
            return confinement == .workspace ? .workspace(rules) : .isolated(rules)
        }
    }

    // MARK: Hosts

    /// A target with what the configuration says of all hosts.
    /// - Throws: `denied` for a host that may not be reached.
    package func target(_ given: SSHTarget) throws(MMError) -> SSHTarget {
        if let hosts = configuration.hosts, !hosts.contains(where: { Self.matches($0[...], given.host[...]) }) {
            throw MMError(
                .denied, "The host \(given.host) is not one of those that may be reached.",
                hint: "Allowed are \(hosts.joined(separator: ", ")).", details: ["rule": "ssh-hosts"])
        }
        var target = given
        target.configFile = target.configFile ?? configuration.sshConfigFile
        target.knownHostsFile = target.knownHostsFile ?? configuration.knownHostsFile
        return target
    }

    /// Whether a name fits a pattern with `*` for any letters.
    static func matches(_ pattern: Substring, _ name: Substring) -> Bool {
        guard let first = pattern.first else { return name.isEmpty }
        if first == "*" {
            return matches(pattern.dropFirst(), name) || (!name.isEmpty && matches(pattern, name.dropFirst()))
        }
        guard let letter = name.first, letter.lowercased() == first.lowercased() else { return false }
        return matches(pattern.dropFirst(), name.dropFirst())
    }

    /// A session on a host.
    /// - Parameter isDevice: whether it is network equipment, which has a screen and a prompt but no shell.
    package func remote(_ key: ShellSessionName, _ target: SSHTarget, isDevice: Bool = false, deadline: Deadline)
        async throws(MMError) -> ShellSessions.Member
    {
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
            target, masters: masters, policy: configuration.policy, admission: admission, deadline: deadline)
        return ShellSessions.Member(
            key: key, body: .shell(GuardedShell(session) { await session.workingDirectory }), kind: "posix",
            host: session.name, secrets: secrets,
            isHere: session.isHere)
    }

    /// Which hosts a session may be opened on. One that is this very machine would be a way around the walls of local
    /// shells: whoever has those is refused it.
    private func admission() throws(MMError) -> HostAdmission {
        let path = services.paths.stateDirectory + "/here"
        let text: String
        if let bytes = try ProtectedFile.read(path, limit: 256), bytes.count >= 32 {
            text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        } else {
            text = RandomBytes.text(bytes: 32)
            try ProtectedFile.replace(path, with: Array("\(text)\n".utf8))
        }
        let isWalled = confinement != .guard && !admitsThisMachine
        let marker = HostIdentity.Marker(path: path, text: text, home: services.paths.home)
        return HostAdmission(marker: marker) { (identity, name) throws(MMError) in
            guard isWalled, identity.reachesOwnFiles else { return }
            throw MMError(
                .denied,
                identity.isThisMachine
                    ? "\(name) is this machine, and a shell there would reach the files of mm without walls."
                    : "\(name) shares this machine's files, and a shell there would reach those of mm without walls.",
                hint:
                    "Use shell_run, which has walls. Its owner allows it with \"sandbox\": \"guard\" in the shells file.",
                details: ["rule": "ssh-this-machine"])
        }
    }
}

extension ShellSessions.Member {
    /// The working directory after the last command; nil where it isn't known.
    package var workingDirectory: String? {
        get async {
            guard case .shell(let session) = body else { return nil }
            return await session.workingDirectory
        }
    }
}

/// A session without a shell: each command is one admitted program with its arguments (the confinement `argv`).
package actor ArgumentShell: ShellSession {
    /// The session's name.
    package nonisolated let name: String
    private let programs: ArgumentPolicy
    private let directory: String
    private let environment: [String: String]
    private let turns = TurnQueue()

    /// A session over a list of programs.
    package init(name: String, programs: ArgumentPolicy, directory: String, environment: [String: String]) {
        self.name = name
        self.programs = programs
        self.directory = directory
        self.environment = environment
    }

    /// The working directory, which nothing changes.
    package var workingDirectory: String { directory }

    /// Runs an admitted program as soon as those before it have ended.
    package func start(
        _ command: ShellCommand, deadline: Deadline,
        observer: (@Sendable (ShellCommand.Stream, UnsafeRawBufferPointer) -> Void)?
    ) async throws(MMError) -> ShellJob {
        let words = try ArgumentPolicy.words(of: command.text)
        _ = try programs.check(words, directory: directory)
        let turn = try await turns.take(deadline)
        let work = Mutex<Task<Void, Never>?>(nil)
        let job = ShellJob(
            id: RandomBytes.text(bytes: 16), command: command, observer: observer,
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
            restartsSession: false, wasRestarted: false)
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

    /// There is no state to lose.
    package func reset() async throws(MMError) {}

    /// Takes no more commands.
    package func close() async { turns.close(ShellEnd.closedSession) }
}

/// The confinement of shells that no person opened at a terminal, where the owner has said nothing of it: which folder is
/// their workspace, and what is said where they can't be confined.
enum DefaultWorkspace {
    /// The folder that is made where nothing else offers itself.
    static func path(_ services: ShellServices) -> String { services.paths.home + "/m365-workspace" }

    /// Whether a folder can be a workspace without being named: one below the home folder in which neither settings nor
    /// mm's own files lie.
    static func admits(_ folder: String, _ services: ShellServices) -> Bool {
        guard let real = resolved(folder), let home = resolved(services.paths.home), real.hasPrefix(home + "/"),
            !real.dropFirst(home.count).split(separator: "/").contains(where: { $0.hasPrefix(".") })
        else { return false }
        return ShellOpening.ownFiles(services).allSatisfy { own in
            let own = resolved(own) ?? own
            return own != real && !own.hasPrefix(real + "/") && !real.hasPrefix(own + "/")
        }
    }

    /// Makes the folder where it isn't there.
    /// - Throws: `forbidden` when something else has its name.
    static func make(_ services: ShellServices) throws(MMError) {
        let path = path(services)
        var info = stat()
        if mkdir(path, 0o700) == 0 { return }
        guard lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFDIR, info.st_uid == geteuid() else {
            throw MMError(
                .forbidden, "\(path), the workspace of confined shells, can't be created or isn't a folder of yours.",
                hint: "Make it a folder, or name another one as `directory` in \(settings(services)).")
        }
    }

    /// What the first answer adds to what the confinement is worth.
    static func note(_ services: ShellServices) -> String {
        "This is how shells are confined that no person opened at a terminal; in \(settings(services)) their owner names "
            + "another folder (`directory`), more to read (`readable`), the network (`network`, `hosts`), or says "
            + "`\"sandbox\": \"guard\"` for shells without walls."
    }

    /// The error where the machine can't confine them: they are not started without walls unless their owner says so.
    static func refusal(_ error: MMError, _ services: ShellServices) -> MMError {
        MMError(
            error.code,
            "Shells that no person opened at a terminal are confined, which this machine can't do: \(error.message)",
            hint: "Use Linux 6.12 or later; or the owner installs bubblewrap and sets `\"sandbox\": \"isolated\"` in "
                + "\(settings(services)), or `\"sandbox\": \"guard\"` there: then such shells reach every file of the user. "
                + "`mm doctor shells` says what this machine can do.",
            details: error.details, cause: error.cause)
    }

    private static func settings(_ services: ShellServices) -> String {
        ShellsConfiguration.path(services.environment, home: services.paths.home)
    }

    private static func resolved(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }
}
