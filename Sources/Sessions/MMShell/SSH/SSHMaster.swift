import Glibc
import MMCore
import MMSystem

/// One connection to a host, which several channels share (ssh_config(5), ControlMaster).
final class SSHMaster: Sendable {
    let target: SSHTarget
    /// The resolved `user@host:port`.
    var name: String { resolution.name }
    /// Whether the host is reached through jump hosts.
    var hasJump: Bool { resolution.hasJump }
    private let program: String
    private let environment: [String: String]
    private let secrets: SSHSecrets
    private let resolution: SSHResolution
    let process: ChildProcess
    /// Whether the host turned out to have no SFTP.
    let lacksSFTP = Mutex(false)

    /// Connects and signs in.
    /// - Throws: `.forbidden` for host keys and sign-ins, `.notFound`, `.unavailable`, `.deadlineExceeded`.
    static func connect(
        _ target: SSHTarget, environment: [String: String], temporaryDirectory: String, deadline: Deadline
    ) async throws(MMError) -> SSHMaster {
        try target.check()
        var environment = environment
        if let agent = target.agentSocket { environment["SSH_AUTH_SOCK"] = agent }
        guard let program = ExecutableSearch.find("ssh", in: environment) else {
            throw MMError(.notFound, "ssh is not installed.", hint: "Install the Debian package openssh-client.")
        }
        let resolution = try await SSHResolution.of(
            target, base(target, home: environment["HOME"]), program: program, environment: environment)
        let name = resolution.name
        // The user's configuration may set a shorter timeout. The target stays as it was given: by it the connection is
        // found again.
        let timeout = min(target.connectTimeout, resolution.connectTimeout ?? target.connectTimeout)
        let secrets = try SSHSecrets(in: temporaryDirectory, target: target, resolution, home: environment["HOME"])
        for (key, value) in secrets.environment { environment[key] = value }
        if !secrets.asks { environment["SSH_ASKPASS"] = nil }
        var command = ChildCommand(
            program,
            arguments(target, secrets, timeout: timeout, home: environment["HOME"])
                + resolution.foreground + (resolution.tellsHostKey ? ["-o", "LogVerbose=*:verify_host_key():*"] : [])
                + (resolution.ciphers.map { ["-o", "Ciphers=\($0)"] } ?? []) + [
                    "-M", "-N", "-T", "--", target.host,
                ],
            environment: environment)
        command.output = .null
        // The processes for jump hosts write to this descriptor; the connection itself writes to its log.
        let log = try secrets.openLog()
        command.error = .descriptor(log.raw)
        let limit = min(deadline, .after(timeout + .seconds(5)))
        let process = try await ChildProcess.start(command)
        try await signIn(process, secrets, target, name: name, resolution, environment, limit)
        return SSHMaster(
            target: target, resolution: resolution, program: program, environment: environment, secrets: secrets,
            process: process)
    }

    /// Waits until ssh has signed in, and ends it if it can't.
    private static func signIn(
        _ process: ChildProcess, _ secrets: SSHSecrets, _ target: SSHTarget, name: String,
        _ resolution: SSHResolution, _ environment: [String: String], _ limit: Deadline
    ) async throws(MMError) {
        // The socket appears when the sign-in is done; there is no other signal.
        var info = stat()
        var looks = 0
        while lstat(secrets.socket, &info) != 0 {
            looks += 1
            // Only a person can answer it, in another sign-in. This one ends before ssh gives the host an empty answer.
            if looks % 50 == 0, let question = secrets.question {
                process.signalGroup(SIGKILL)
                throw SSHFailure.question(question, name: name, target: target)
            }
            // ssh would try a refused password again by its other methods, and the host would refuse it again.
            if looks % 50 == 0, target.password != nil, SSHFailure.isRefusedPassword(secrets.messages()) {
                process.signalGroup(SIGKILL)
                throw SSHFailure.error(secrets.messages(), name: name, target: target)
            }
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
    }

    private init(
        target: SSHTarget, resolution: SSHResolution, program: String, environment: [String: String],
        secrets: SSHSecrets, process: ChildProcess
    ) {
        self.target = target
        self.resolution = resolution
        self.program = program
        self.environment = environment
        self.secrets = secrets
        self.process = process
    }

    var isAlive: Bool { process.exited == nil }

    /// The user's home folder.
    var home: String? { environment["HOME"] }

    /// The fingerprint of the host's key; `nil` if this version of ssh doesn't report it.
    var hostKey: String? { HostKeys.told(in: secrets.log) }

    /// The error for a lost connection, from the messages of ssh.
    var failure: MMError { SSHFailure.error(secrets.messages(), name: name, target: target) }

    /// Returns the error for a channel that failed because of the connection: the host opens no more channels over it,
    /// it leads to another machine than the shell's, or it was lost.
    /// - Parameter words: what the channel printed.
    func fault(of words: String) -> MMError? {
        if SSHFailure.isRefusedChannel(words) { return SSHFailure.noChannel(name) }
        if words.contains(RemoteDialect.elsewhere) { return SSHFailure.elsewhere(name) }
        return isAlive ? nil : failure
    }

    /// Returns the options that all calls for a host share.
    /// - Parameter secrets: the secrets of a connection to be made. Options that also apply to jump hosts are in a
    ///   configuration file, because ssh passes nothing else on to them.
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

    /// Returns the first key to be tried that needs a passphrase.
    private static func closedKey(_ target: SSHTarget, _ resolution: SSHResolution, _ environment: [String: String])
        async -> String?
    {
        guard let program = ExecutableSearch.find("ssh-keygen", in: environment) else {
            return nil
        }
        let keys = ([target.identityFile].compactMap(\.self) + resolution.keys).map {
            expanded($0, environment["HOME"])
        }
        for key in keys where access(key, R_OK) == 0 {
            // When asked for the public key with an empty passphrase, ssh-keygen fails for a protected key.
            let command = ChildCommand(program, ["-y", "-P", "", "-f", key], environment: environment)
            if let outcome = try? await ChildProcess.run(command, timeout: .seconds(10)),
                outcome.exit != .status(0), String(decoding: outcome.error, as: UTF8.self).contains("passphrase")
            {
                return key
            }
        }
        return nil
    }

    /// Returns a user's path with `~/` replaced by the home folder.
    static func expanded(_ path: String, _ home: String?) -> String {
        path.hasPrefix("~/") ? (home ?? "") + path.dropFirst(1) : path
    }

    private static func arguments(_ target: SSHTarget, _ secrets: SSHSecrets, timeout: Duration, home: String?)
        -> [String]
    {
        func seconds(_ duration: Duration) -> String { String(max(1, duration.components.seconds)) }
        var options = [
            "ControlPath=\(secrets.socket)", "ControlPersist=no", "BatchMode=\(secrets.asks ? "no" : "yes")",
            "NumberOfPasswordPrompts=1", "ConnectTimeout=\(seconds(timeout))",
            "ServerAliveInterval=\(seconds(target.keepAliveInterval))", "ServerAliveCountMax=3", "TCPKeepAlive=yes",
            "ForwardAgent=no", "ForwardX11=no", "ClearAllForwardings=yes", "PermitLocalCommand=no",
            "RemoteCommand=none",
            "RequestTTY=no", "EscapeChar=none", "UpdateHostKeys=no", "LogLevel=INFO",
        ]
        if let file = target.identityFile { options += ["IdentityFile=\"\(expanded(file, home))\""] }
        // ssh uses the first value that it gets, so a file of known hosts must not precede a pinned key.
        if let file = target.knownHostsFile, !target.isPinned {
            options += ["UserKnownHostsFile=\"\(expanded(file, home))\"", "GlobalKnownHostsFile=none"]
        }
        switch target.hostKeys {
        case .strict: options.append("StrictHostKeyChecking=yes")
        case .acceptNew: options.append("StrictHostKeyChecking=accept-new")
        case .pinned:
            // ssh runs this command for the key's line while it connects, before it sends any secret.
            options += [
                "StrictHostKeyChecking=yes", "UserKnownHostsFile=none", "GlobalKnownHostsFile=none",
                "KnownHostsCommand=\(secrets.keyScript) %f %t %K %H",
            ]
        }
        return base(target, home: home, secrets) + ["-E", secrets.log] + options.flatMap { ["-o", $0] }
    }

    /// Returns the command that runs a program on the host over this connection.
    /// - Parameter words: the text for the login shell there, passed unchanged.
    func channel(_ words: String, arguments: [String] = []) -> ChildCommand {
        var command = ChildCommand(
            program,
            // If the connection is lost, ssh must not make another one by itself.
            Self.base(target, home: environment["HOME"]) + [
                "-S", secrets.socket, "-o", "ControlMaster=no", "-o", "ProxyCommand=false", "-o", "BatchMode=yes", "-o",
                "LogLevel=ERROR",
                "-o", "EscapeChar=none", "-o", "RemoteCommand=none", "-o", "ClearAllForwardings=yes", "-T",
            ] + resolution.foreground + (arguments.contains("-s") ? [] : resolution.session) + arguments
                + ["--", target.host] + (words.isEmpty ? [] : [words]),
            environment: environment)
        command.environment["SSH_ASKPASS"] = nil
        command.environment["SSH_ASKPASS_REQUIRE"] = nil
        return command
    }

    /// Starts a long-running program on the host, and reads its output until it contains the sign that the program is
    /// ready.
    /// - Parameter otherwise: the error if the sign doesn't come; the output is added to it.
    /// - Throws: `.limitExceeded` if the host opens no more channels over this connection.
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
            // The connection's process holds the other end of the pipe too.
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
        if let fault = fault(of: words) { throw fault }
        var problem = otherwise
        problem.cause = words.isEmpty ? nil : words
        throw problem
    }

    /// Runs a short script in the host's `sh` over its own channel.
    ///
    /// The script is passed as input: if a start-up file replaces the shell, the words of the command are lost, but the
    /// replacement shell reads the script.
    func control(
        _ script: String, timeout: Duration = .seconds(20)
    ) async throws(MMError) -> ChildProcess.Outcome {
        let marked = RemoteDialect.Marked(script)
        let text = "[ -z \"${ZSH_VERSION-}\" ] || emulate sh\n\(marked.script)\n"
        var outcome = try await ChildProcess.run(
            channel("exec /bin/sh -s"), input: Array(text.utf8), timeout: timeout)
        outcome.output = marked.answer(in: outcome.output)
        return outcome
    }

    /// Ends the connection.
    func close() async { _ = await process.terminate(grace: .milliseconds(500)) }
}

/// The private folder of one connection, with its control socket, its log and the means for giving ssh its secrets.
///
/// A secret is in a named pipe that only this user can open, never in a file, an argument or a variable. The script
/// that ssh runs to ask for it doesn't answer whether to trust a host key. A further question of the host is kept for a
/// person.
final class SSHSecrets: Sendable {
    let path: String
    private let pipes: [OwnedDescriptor]

    var socket: String { path + "/s" }
    var log: String { path + "/log" }
    private var script: String { path + "/ask" }
    var keyScript: String { path + "/key" }
    let asks: Bool

    /// The configuration file for the host and its jump hosts, if there are any.
    let configuration: String?

    init(in parent: String, target: SSHTarget, _ resolution: SSHResolution, home: String?) throws(MMError) {
        var made: String?
        // The path of a Unix socket has a small maximum length.
        for place in [parent, "/tmp"]
        where made == nil && place.utf8.count < 60 && !place.contains("'") && !place.contains("%")
            && !place.contains(" ")
        {
            made = try? OwnedFolder.make(in: place, "mm-ssh-")
        }
        guard let path = made else { throw SystemError.error("Creating a folder in \(parent)") }
        self.path = path
        configuration = resolution.hasJump ? path + "/config" : nil
        var pipes: [OwnedDescriptor] = []
        let code = target.oneTimePassword.take()
        try code?.checkLine()
        let given = [("w", target.password), ("p", target.passphrase), ("q", code)]
        asks = given.contains { $0.1 != nil }
        if asks {
            for (name, secret) in given {
                guard let secret else { continue }
                guard mkfifo("\(path)/\(name)", 0o600) == 0 else {
                    throw SystemError.error("Creating a pipe in \(path)")
                }
                // A pipe that is open for reading and writing doesn't block without a reader, and never reports its end
                // to one.
                let pipe = OwnedDescriptor(try FileDescriptor.open("\(path)/\(name)", O_RDWR | O_NONBLOCK | O_NOFOLLOW))
                let bytes = Array(secret.reveal().utf8) + [0x0A]
                _ = write(pipe.raw, bytes, bytes.count)
                pipes.append(pipe)
            }
        }
        self.pipes = pipes
        if asks {
            // Each secret is given once: the same question again, or by ssh's other method, means that it was refused,
            // and would block on an empty pipe. Another question for a password is one for a different password.
            try Self.store(
                """
                #!/bin/sh
                cd '\(path)' || exit 1
                case $1 in
                *yes/no*) exit 1 ;;
                *assphrase*) f=p ;;
                \(resolution.hasJump ? "*\(RemoteDialect.quoted(resolution.account))*" : "")*assword*) f=w ;;
                *) f=q ;;
                esac
                if [ $f = w ] && [ -p w.told ]; then
                case $1 in "$(cat w.asked)"|*"'s password: ") exit 1 ;; *) f=q ;; esac; fi
                if mv $f $f.told 2>/dev/null; then
                printf '%s' "$1" >$f.asked; IFS= read -r secret <$f.told && printf '%s\\n' "$secret"
                elif [ $f = q ]; then printf '%s' "$1" >said && mv said question && exec sleep 300
                else exit 1; fi

                """, in: script)
        }
        if let configuration { try Self.store(Self.words(for: target, asks: asks, home: home), in: configuration) }
        if case .pinned(let fingerprint) = target.hostKeys {
            try Self.store(
                "#!/bin/sh\n[ \"$1\" = '\(fingerprint)' ] && printf '%s %s %s\\n' \"$4\" \"$2\" \"$3\"\nexit 0\n",
                in: keyScript)
        }
    }

    /// Returns the options that also apply to jump hosts, before the user's own configuration, because ssh uses the
    /// first value.
    private static func words(for target: SSHTarget, asks: Bool, home: String?) -> String {
        var lines = [
            "BatchMode \(asks ? "no" : "yes")",
            "StrictHostKeyChecking \(target.hostKeys == .acceptNew ? "accept-new" : "yes")",
        ]
        if let file = target.knownHostsFile {
            lines += ["UserKnownHostsFile \"\(SSHMaster.expanded(file, home))\"", "GlobalKnownHostsFile none"]
        }
        switch target.configFile {
        case "none"?: break
        case let file?: lines.append("Include \"\(SSHMaster.expanded(file, home))\"")
        case nil: lines += ["Include ~/.ssh/config", "Include /etc/ssh/ssh_config"]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Opens the log for other processes of the connection.
    func openLog() throws(MMError) -> OwnedDescriptor {
        OwnedDescriptor(try FileDescriptor.open(log, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, mode: 0o600))
    }

    private static func store(_ text: String, in file: String) throws(MMError) {
        let descriptor = try FileDescriptor.open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o700)
        let bytes = Array(text.utf8)
        guard write(descriptor.raw, bytes, bytes.count) == bytes.count else {
            throw SystemError.error("Writing \(file)")
        }
    }

    /// The variables that make ssh ask only through this folder's script.
    var environment: [String: String] {
        asks ? ["SSH_ASKPASS": script, "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": "none"] : [:]
    }

    /// The host's question that the script couldn't answer, while ssh waits for the script.
    var question: String? {
        guard asks, let bytes = ProcFile.read(path + "/question", limit: 4096) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Returns ssh's messages about the connection.
    func messages() -> String {
        let text = String(decoding: ProcFile.read(log, limit: 16 << 10) ?? [], as: UTF8.self)
        guard text.contains("debug1: ") else { return text }
        return text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            .filter { !$0.hasPrefix("debug1: ") }.joined(separator: "\n")
    }

    deinit { FolderTree.remove(path) }
}

/// The configuration of ssh for a target, as `ssh -G` reports it.
struct SSHResolution: Sendable {
    /// `user@host:port`.
    let name: String
    /// The `user@host` in ssh's question for a password.
    let account: String
    /// Whether the host is reached through jump hosts.
    let hasJump: Bool
    /// The private keys to try.
    let keys: [String]
    /// Whether this version of ssh can report the host's key.
    let tellsHostKey: Bool
    /// The configuration's timeout for connecting; `nil` if it has none.
    let connectTimeout: Duration?
    /// The ciphers to offer, fastest first; `nil` for those of the configuration.
    let ciphers: String?
    /// The options against those of the configuration that take ssh's input away, which a tunnel doesn't need. Earlier
    /// versions of ssh know neither.
    let foreground: [String]
    /// The options against a configured kind of session, such as none.
    let session: [String]

    /// Reads the configuration with `ssh -G`.
    /// - Throws: `.invalidInput` if ssh doesn't accept the configuration.
    static func of(_ target: SSHTarget, _ arguments: [String], program: String, environment: [String: String])
        async throws(MMError) -> SSHResolution
    {
        // Without a command, ssh refuses a configuration that moves it into the background.
        let command = ChildCommand(
            program, arguments + ["-o", "RemoteCommand=none", "-G", "--", target.host, "true"],
            environment: environment)
        let outcome = try await ChildProcess.run(command, limit: 1 << 20, timeout: .seconds(20))
        guard outcome.exit == .status(0) else {
            throw MMError(
                .invalidInput, "The ssh configuration for \(target.host) is not valid.",
                hint: "Read the message and correct ssh_config.",
                cause: String(decoding: outcome.error.prefix(1000), as: UTF8.self))
        }
        return SSHResolution(String(decoding: outcome.output, as: UTF8.self), target)
    }

    private init(_ text: String, _ target: SSHTarget) {
        var values: [Substring: Substring] = [:]
        var keys: [String] = []
        for line in text.split(separator: "\n") {
            guard let blank = line.firstIndex(of: " ") else { continue }
            let value = line[line.index(after: blank)...]
            if line[..<blank] == "identityfile" { keys.append(String(value)) }
            values[line[..<blank]] = value
        }
        let user = values["user"] ?? ""
        let host = values["hostname"] ?? Substring(target.host)
        name = "\(user)@\(host):\(values["port"] ?? "22")"
        account = "\(user)@\(values["hostkeyalias"] ?? host)"
        hasJump = target.jump != nil || values["proxyjump"].map { $0 != "none" } ?? false
        self.keys = keys
        tellsHostKey = values["logverbose"] != nil
        connectTimeout = values["connecttimeout"].flatMap { Int64($0) }.map { .seconds($0) }
        ciphers = values["ciphers"].flatMap { Self.fastestFirst($0) }
        func option(_ name: String, _ value: String) -> [String] {
            values[Substring(name.lowercased())].map { $0 == value ? [] : ["-o", "\(name)=\(value)"] } ?? []
        }
        foreground = option("StdinNull", "no") + option("ForkAfterAuthentication", "no")
        session = option("SessionType", "default")
    }

    /// OpenSSH's own list prefers a cipher that works without the processor's help: encrypting with it takes more than
    /// half of the time of a large upload. AES-GCM is as strong and takes a tenth where the processor has instructions
    /// for it. A list that somebody chose is left alone.
    static func fastestFirst(_ configured: Substring, hasAES: Bool = Processor.hasAES) -> String? {
        let names = configured.split(separator: ",")
        guard hasAES, names.first == "chacha20-poly1305@openssh.com", Set(names) == usualCiphers else { return nil }
        let fast = names.filter { $0.contains("-gcm@") }
        return (fast + names.filter { !fast.contains($0) }).joined(separator: ",")
    }

    private static let usualCiphers: Set<Substring> = [
        "chacha20-poly1305@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr", "aes128-gcm@openssh.com",
        "aes256-gcm@openssh.com",
    ]
}
