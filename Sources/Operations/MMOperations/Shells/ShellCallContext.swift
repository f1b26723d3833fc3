import Glibc
package import MMCore
import MMDesk
import MMGuard
import MMSessions
import MMShell

/// The context of a call on shells, with the present content of the shells file.
struct ShellCallContext: Sendable {
    let context: OperationContext
    let services: ShellServices
    let configuration: ShellsConfiguration

    /// Reads the shells file.
    /// - Throws: `invalidInput` if the file is invalid.
    init(_ context: OperationContext, _ services: ShellServices) throws(MMError) {
        self.context = context
        self.services = services
        configuration = try ShellsConfiguration.read(services.environment, home: services.paths.home)
    }

    var shells: ShellSessions { services.shells }

    /// Whether the caller may name files and folders of this machine: a person at a terminal, or a program whose shells
    /// aren't confined.
    var mayNamePlaces: Bool {
        let caller = context.call.caller
        return caller.surface == .terminal || caller.surface != .mcp && configuration.confinement(of: caller) == .guard
    }

    /// The opener of sessions by the configuration. New ones start in the caller's working directory unless the
    /// configuration names another.
    var opening: ShellOpening {
        let caller = context.call.caller
        // Other programs must not choose their workspace by their working directory.
        let stands = caller.surface == .terminal || caller.surface == .mcp ? context.call.directory : nil
        return ShellOpening(
            services: services, configuration: configuration,
            confinement: configuration.confinement(of: caller),
            callerDirectory: stands)
    }

    /// Returns the key of a session of the caller.
    func key(_ session: NamedSession) -> ShellSessionName { session.key(of: context.call.shellOwner) }

    /// Returns the directory in which the next command of a session runs, also of one that this command starts; `nil`
    /// if it isn't known.
    func directory(
        of known: ShellSessions.Member?, _ key: ShellSessionName, _ options: SessionOptions
    ) async -> String? {
        if let directory = await known?.workingDirectory { return directory }
        if known == nil {
            if let directory = options.directory { return context.call.path(directory) }
            if let last = await shells.lastDirectory(of: key, within: configuration.idle) { return last }
        }
        return key.place.isLocal ? opening.startDirectory : nil
    }

    /// Returns the session that a call names, and starts it if there is none.
    /// - Parameter forFiles: whether a host's account without a shell will do, of which SFTP reaches the files.
    func member(_ session: NamedSession, _ options: SessionOptions, forFiles: Bool = false)
        async throws(MMError) -> (member: ShellSessions.Member, isNew: Bool)
    {
        let (key, opening, limits) = (key(session), opening, SessionLimits(configuration))
        guard case .host(let named, _) = session else {
            let directory = options.directory.map(context.call.path)
            return try await shells.session(key, limits: limits) { () async throws(MMError) in
                try await opening.local(key, kind: options.kind, directory: directory)
            }
        }
        var target = named
        target.hostKeys = configuration.hostKeys
        target.identityFile = options.key.map(context.call.path)
        target.agentSocket = agentSocket
        target.password = try options.passwordSecret.map { (name) throws(MMError) in
            try secret(name, for: .host(named.host))
        }
        target.passphrase = try options.passphraseSecret.map { (name) throws(MMError) in
            try secret(name, for: .host(named.host))
        }
        if context.isTerminal {
            target.passphrase = options.passphrase ?? target.passphrase
            target.password = options.password ?? target.password
            target.oneTimePassword.set(options.oneTimePassword)
            for typed in [options.passphrase, options.password] { typed.map(HeldSecrets.shared.hold) }
        }
        if context.call.caller.surface != .mcp {
            target.jump = options.jump
            if options.acceptsNew { target.hostKeys = .acceptNew }
        }
        let (whole, deadline) = (try opening.target(target), context.deadline)
        let (member, isNew) = try await shells.session(key, limits: limits) { () async throws(MMError) in
            try await opening.remote(key, whole, isDevice: options.isDevice, forFiles: forFiles, deadline: deadline)
        }
        // A session that has lost its connection asks the person anew.
        if !isNew, context.isTerminal, case .shell(let shell) = member.body {
            await shell.renew(
                password: options.password, passphrase: options.passphrase, oneTimePassword: options.oneTimePassword)
        }
        return (member, isNew)
    }

    /// Returns the keys of the person at whose terminal the call was made.
    /// - Parameter remedy: what to do otherwise.
    /// - Throws: `.forbidden` for every other caller; `.denied` if the owner wants every command judged, since what is
    ///   typed into a terminal can't be.
    func keys(otherwise remedy: String) throws(MMError) -> any CallInput {
        guard context.isTerminal, context.call.person?.isAtTerminal == true, let keys = context.call.input else {
            throw MMError(
                .forbidden, "Only a person at a terminal can type into a session's terminal.", hint: remedy)
        }
        guard configuration.guardPolicy.name == .standard, !configuration.policy.isEnabled else {
            throw MMError(
                .denied,
                "The guard can't judge what is typed into a terminal, and the shell settings require it for every command.",
                hint: remedy)
        }
        return keys
    }

    /// Returns the turn of a command whose session has an identity: reads are allowed, and a person is asked about
    /// changes.
    func turn(in member: ShellSessions.Member) -> CallTurn? {
        guard let connection = member.wire?.connection else { return nil }
        return CallTurn(
            ofProgram: context, allowing: [], connection: connection, module: ShellTurns.module,
            person: context.call.person, journal: WireJournal(of: connection, services.requests, in: context),
            planned: nil, with: services.guarding)
    }

    /// The socket of the caller's SSH agent, if it belongs to this user. The pool may outlive a login, so its own agent
    /// may be outdated or missing.
    private var agentSocket: String? {
        var status = stat()
        guard context.call.caller.signedIn == nil, [.terminal, .mcp].contains(context.call.caller.surface),
            let path = context.call.agentSocket, stat(path, &status) == 0, status.st_uid == geteuid(),
            status.st_mode & S_IFMT == S_IFSOCK
        else { return nil }
        return path
    }

    /// Returns a stored secret for a use that its owner has allowed, or that a person at a terminal requests.
    func secret(_ name: String, for use: SecretUses.Use) throws(MMError) -> Secret {
        let uses = configuration.secrets[name] ?? SecretUses()
        guard context.isTerminal || uses.allows(use) else { throw SecretUses.refusal(name, use) }
        return try ShellSecretStore.secret(named: name, services)
    }
}

extension OperationContext {
    /// Whether the caller is a person's terminal or script.
    var isTerminal: Bool { call.caller.surface == .terminal }
}

/// Stored secrets, which calls use by name so that the values don't appear in calls, command lines or histories.
///
/// A person puts them into the state folder (`~/.m365-state/secrets/NAME`, 0600) or the environment (`MM_SECRET_NAME`);
/// a model knows only their names.
package enum ShellSecretStore {
    /// Returns the secret with a name.
    /// - Throws: `invalidInput` for an invalid name, `notFound` with a hint how to store it.
    package static func secret(named name: String, _ services: ShellServices) throws(MMError) -> Secret {
        let isName =
            !name.isEmpty && name.utf8.count <= 64
            && name.utf8.allSatisfy { byte in
                (0x41...0x5A).contains(byte & 0xDF) || (0x30...0x39).contains(byte) || byte == 0x5F || byte == 0x2D
            }
        guard isName else {
            throw MMError(
                .invalidInput, "This is not the name of a secret.",
                hint: "Give the name under which a person stored the secret, never the secret itself.")
        }
        let variable = "MM_SECRET_" + name.uppercased().map { $0 == "-" ? "_" : $0 }
        if let value = services.environment[variable], !value.isEmpty {
            let secret = Secret(value)
            HeldSecrets.shared.hold(secret)
            return secret
        }
        let path = services.paths.stateDirectory + "/secrets/" + name
        guard let secret = try SecretFile.read(path, limit: 8192) else {
            throw MMError(
                .notFound, "There is no secret “\(name)”.",
                hint:
                    "A person stores it: (umask 077; mkdir -p \(services.paths.stateDirectory)/secrets; cat > \(path))")
        }
        return secret
    }
}
