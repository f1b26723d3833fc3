import Glibc
import MMCore
import MMSystem

/// One connection to a host, which several channels share (ssh_config(5), ControlMaster).
final class SSHMaster: Sendable {
    let target: SSHTarget
    /// `user@host:port` as the configuration resolves them.
    let name: String
    /// Whether the host is reached over others.
    let hasJump: Bool
    private let program: String
    private let environment: [String: String]
    private let secrets: SSHSecrets
    let process: ChildProcess
    /// Whether the host was found to have no SFTP.
    let lacksSFTP = Mutex(false)

    /// Connects and signs in.
    /// - Throws: `.forbidden` for host keys and sign-ins, `.notFound`, `.unavailable`, `.deadlineExceeded`.
    static func connect(
        _ target: SSHTarget, environment: [String: String], temporaryDirectory: String, deadline: Deadline
    ) async throws(MMError) -> SSHMaster {
        try target.check()
        guard let program = ExecutableSearch.find("ssh", path: environment["PATH"] ?? "/usr/bin:/bin") else {
            throw MMError(.notFound, "ssh is not installed.", hint: "Install the Debian package openssh-client.")
        }
        let resolution = try await SSHResolution.of(
            target, base(target, home: environment["HOME"]), program: program, environment: environment)
        let name = resolution.name
        var target = target
        // What the person's configuration waits less is theirs to say.
        if let theirs = resolution.connectTimeout { target.connectTimeout = min(target.connectTimeout, theirs) }
        let secrets = try SSHSecrets(in: temporaryDirectory, target: target, resolution, home: environment["HOME"])
        var environment = environment
        for (key, value) in secrets.environment { environment[key] = value }
        if !secrets.asks { environment["SSH_ASKPASS"] = nil }
        var command = ChildCommand(
            program, arguments(target, secrets, home: environment["HOME"]) + ["-M", "-N", "-T", "--", target.host],
            environment: environment)
        command.output = .null
        // Here speak those that a jump host is reached by; the connection itself writes to its log.
        let log = try secrets.openLog()
        command.error = .descriptor(log.raw)
        let limit = min(deadline, .after(target.connectTimeout + .seconds(5)))
        let process = try await ChildProcess.start(command)
        // The socket is there as soon as the sign-in is done; nothing else tells.
        var info = stat()
        while lstat(secrets.socket, &info) != 0 {
            if process.exited != nil {
                let problem = SSHFailure.error(secrets.messages(), name: name, target: target)
                guard problem.details["reason"] == "authentication", target.passphrase == nil,
                    let key = await closedKey(target, resolution, environment)
                else { throw problem }
                throw SSHFailure.closedKey(key, name: name, problem)
            }
            if limit.hasPassed || Task.isCancelled {
                process.signalGroup(SIGKILL)
                if Task.isCancelled { throw MMError(.cancelled, "Connecting to \(name) was cancelled.") }
                throw MMError(
                    .deadlineExceeded, "\(name) did not answer in time.",
                    hint: "Check the host, the network and the port.",
                    retry: .now, cause: secrets.messages())
            }
            try? await Task.sleep(for: .milliseconds(4))
        }
        return SSHMaster(
            target: target, name: name, hasJump: resolution.hasJump, program: program, environment: environment,
            secrets: secrets, process: process)
    }

    private init(
        target: SSHTarget, name: String, hasJump: Bool, program: String, environment: [String: String],
        secrets: SSHSecrets,
        process: ChildProcess
    ) {
        self.target = target
        self.name = name
        self.hasJump = hasJump
        self.program = program
        self.environment = environment
        self.secrets = secrets
        self.process = process
    }

    var isAlive: Bool { process.exited == nil }

    /// What ssh said, for the error of a loss.
    var failure: MMError { SSHFailure.error(secrets.messages(), name: name, target: target) }

    /// Options that all calls for a host share.
    /// - Parameter secrets: those of a connection that is to be made: what counts for jump hosts too stands in a
    ///   configuration of its own, since ssh hands on nothing else to them.
    private static func base(_ target: SSHTarget, home: String?, _ secrets: SSHSecrets? = nil) -> [String] {
        var words: [String] = []
        if let file = secrets?.configuration {
            words += ["-F", file]
        } else if let file = target.configFile {
            words += ["-F", expanded(file, home)]
        }
        if let user = target.user { words += ["-l", user] }
        if let port = target.port { words += ["-p", String(port)] }
        if let jump = target.jump { words += ["-J", jump] }
        return words
    }

    /// The first key that would be tried and that a passphrase opens.
    private static func closedKey(_ target: SSHTarget, _ resolution: SSHResolution, _ environment: [String: String])
        async -> String?
    {
        guard let program = ExecutableSearch.find("ssh-keygen", path: environment["PATH"] ?? "/usr/bin:/bin") else {
            return nil
        }
        let keys = ([target.identityFile].compactMap(\.self) + resolution.keys).map {
            expanded($0, environment["HOME"])
        }
        for key in keys where access(key, R_OK) == 0 {
            // Asked for the public key with an empty passphrase, it says no to a closed one.
            let command = ChildCommand(program, ["-y", "-P", "", "-f", key], environment: environment)
            if let outcome = try? await ChildProcess.run(command, timeout: .seconds(10)),
                outcome.exit != .status(0), String(decoding: outcome.error, as: UTF8.self).contains("passphrase")
            {
                return key
            }
        }
        return nil
    }

    /// A path of the user's, for whom `~/` is the home folder.
    static func expanded(_ path: String, _ home: String?) -> String {
        path.hasPrefix("~/") ? (home ?? "") + path.dropFirst(1) : path
    }

    private static func arguments(_ target: SSHTarget, _ secrets: SSHSecrets, home: String?) -> [String] {
        func seconds(_ duration: Duration) -> String { String(max(1, duration.components.seconds)) }
        var options = [
            "ControlPath=\(secrets.socket)", "ControlPersist=no", "BatchMode=\(secrets.asks ? "no" : "yes")",
            "NumberOfPasswordPrompts=1", "ConnectTimeout=\(seconds(target.connectTimeout))",
            "ServerAliveInterval=\(seconds(target.keepAliveInterval))", "ServerAliveCountMax=3", "TCPKeepAlive=yes",
            "ForwardAgent=no", "ForwardX11=no", "ClearAllForwardings=yes", "PermitLocalCommand=no",
            "RemoteCommand=none",
            "RequestTTY=no", "EscapeChar=none", "UpdateHostKeys=no", "LogLevel=INFO",
        ]
        if let file = target.identityFile { options += ["IdentityFile=\"\(expanded(file, home))\""] }
        // ssh takes the first value that it is given: a file of known hosts must not come before a pinned key.
        if let file = target.knownHostsFile, !target.isPinned {
            options += ["UserKnownHostsFile=\"\(expanded(file, home))\"", "GlobalKnownHostsFile=none"]
        }
        switch target.hostKeys {
        case .strict: options.append("StrictHostKeyChecking=yes")
        case .acceptNew: options.append("StrictHostKeyChecking=accept-new")
        case .pinned:
            // ssh itself asks for the key's line while it connects, before anything secret is sent.
            options += [
                "StrictHostKeyChecking=yes", "UserKnownHostsFile=none", "GlobalKnownHostsFile=none",
                "KnownHostsCommand=\(secrets.keyScript) %f %t %K %H",
            ]
        }
        return base(target, home: home, secrets) + ["-E", secrets.log] + options.flatMap { ["-o", $0] }
    }

    /// A program of the host over this connection.
    /// - Parameter words: handed to the login shell there as they are.
    func channel(_ words: String, arguments: [String] = []) -> ChildCommand {
        var command = ChildCommand(
            program,
            // Without the connection nothing must make another one by itself.
            Self.base(target, home: environment["HOME"]) + [
                "-S", secrets.socket, "-o", "ControlMaster=no", "-o", "ProxyCommand=false", "-o", "BatchMode=yes", "-o",
                "LogLevel=ERROR",
                "-o", "EscapeChar=none", "-o", "RemoteCommand=none", "-o", "ClearAllForwardings=yes", "-T",
            ] + arguments + ["--", target.host] + (words.isEmpty ? [] : [words]),
            environment: environment)
        command.environment["SSH_ASKPASS"] = nil
        command.environment["SSH_ASKPASS_REQUIRE"] = nil
        return command
    }

    /// Starts what lasts over there, and reads what it says until that holds the sign that it is ready.
    /// - Parameter otherwise: the error for what never gives the sign; what it said is added.
    /// - Throws: `.limitExceeded` where the host opens no more channels over this connection.
    func start<Sign: Sendable>(
        _ given: ChildCommand, within time: Duration, otherwise: MMError, until sign: ([UInt8]) -> Sign?
    ) async throws(MMError) -> (process: ChildProcess, sign: Sign) {
        var command = given
        command.input = .pipe
        command.error = .output
        let process = try await ChildProcess.start(command)
        let alarm = Task {
            try? await Task.sleep(for: time)
            guard !Task.isCancelled else { return }
            process.signalGroup(SIGKILL)
            // The connection has the other end of the pipe, too.
            process.output?.close()
        }
        defer { alarm.cancel() }
        var said: [UInt8] = []
        while said.count < 64 << 10, let bytes = try? await process.output?.read() {
            said += bytes
            if let found = sign(said) { return (process, found) }
        }
        process.signalGroup(SIGKILL)
        let words = String(decoding: said.prefix(500), as: UTF8.self)
        if SSHFailure.isRefusedChannel(words) { throw SSHFailure.noChannel(name) }
        if !isAlive { throw failure }
        var problem = otherwise
        problem.cause = words.isEmpty ? nil : words
        throw problem
    }

    /// Runs a short script of the host's `sh` over a channel of its own.
    ///
    /// Where it reads nothing itself it is handed over as input: a start-up file that puts another shell in place loses
    /// the words that the host was asked to run, and that shell then reads the script.
    func control(_ script: String, input: [UInt8]? = nil, timeout: Duration = .seconds(20)) async throws(MMError)
        -> ChildProcess.Outcome
    {
        guard let input else {
            let text = "[ -z \"${ZSH_VERSION-}\" ] || emulate sh\n\(script)\n"
            return try await ChildProcess.run(channel("exec /bin/sh -s"), input: Array(text.utf8), timeout: timeout)
        }
        return try await ChildProcess.run(
            channel("exec /bin/sh -c " + RemoteDialect.quoted(script)), input: input, timeout: timeout)
    }

    /// Ends the connection.
    func close() async { _ = await process.terminate(grace: .milliseconds(500)) }
}
