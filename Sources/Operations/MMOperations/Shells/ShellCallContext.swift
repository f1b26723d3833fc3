import Glibc
package import MMCore
import MMSessions
import MMShell

/// A call on shells: who calls, and the shells file as it stands at the moment.
struct ShellCallContext: Sendable {
    let context: OperationContext
    let services: ShellServices
    let configuration: ShellsConfiguration

    /// Reads the shells file.
    /// - Throws: `invalidInput` for a file that can't be understood.
    init(_ context: OperationContext, _ services: ShellServices) throws(MMError) {
        self.context = context
        self.services = services
        configuration = try ShellsConfiguration.read(
            ShellsConfiguration.path(services.environment, home: services.paths.home))
    }

    var shells: ShellSessions { services.shells }

    /// Whether the caller may name files and folders of this machine: a person, or a program that has no walls to get around.
    var mayNamePlaces: Bool {
        let caller = context.call.caller
        return caller.surface == .terminal || caller.surface != .mcp && configuration.confinement(of: caller) == .guard
    }

    /// Opens sessions as the configuration says, new ones where the caller stands unless it says where.
    var opening: ShellOpening {
        let caller = context.call.caller
        // A program that nobody vouches for doesn't choose what it may write to by going there.
        let stands = caller.surface == .terminal || caller.surface == .mcp ? context.call.directory : nil
        return ShellOpening(
            services: services, configuration: configuration,
            confinement: configuration.confinement(of: caller),
            callerDirectory: stands)
    }

    /// What names a session of the caller.
    func key(_ session: NamedSession) -> ShellSessionName { session.key(of: context.call.shellOwner) }

    /// The session that a call names, started where there is none.
    func member(_ session: NamedSession, _ options: SessionOptions)
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
            for typed in [options.passphrase, options.password] { typed.map(HeldSecrets.shared.hold) }
        }
        if context.call.caller.surface != .mcp {
            target.jump = options.jump
            if options.acceptsNew { target.hostKeys = .acceptNew }
        }
        let (whole, deadline) = (try opening.target(target), context.deadline)
        return try await shells.session(key, limits: limits) { () async throws(MMError) in
            try await opening.remote(key, whole, isDevice: options.isDevice, deadline: deadline)
        }
    }

    /// What a command may send with the identity of its session: reads pass, what changes something is asked about or held.
    func turn(in member: ShellSessions.Member) -> CallTurn? {
        guard let connection = member.wire?.connection else { return nil }
        return CallTurn(
            ofProgram: context, allowing: [], connection: connection, module: ShellTurns.module,
            person: context.call.person, journal: WireJournal(of: connection, services.requests, in: context),
            planned: nil, with: services.guarding)
    }

    /// The caller's own agent, where it is this user's: a pool that lasts longer than a login has an old one, or none.
    private var agentSocket: String? {
        var status = stat()
        guard context.call.caller.signedIn == nil, [.terminal, .mcp].contains(context.call.caller.surface),
            let path = context.call.agentSocket, stat(path, &status) == 0, status.st_uid == geteuid(),
            status.st_mode & S_IFMT == S_IFSOCK
        else { return nil }
        return path
    }

    /// A stored secret, for a use that its owner has named, or that a person names in this very call.
    func secret(_ name: String, for use: SecretUses.Use) throws(MMError) -> Secret {
        let uses = configuration.secrets[name] ?? SecretUses()
        guard context.isTerminal || uses.allows(use) else { throw SecretUses.refusal(name, use) }
        return try ShellSecretStore.secret(named: name, services)
    }
}

extension OperationContext {
    /// Whether a person's terminal or script asks.
    var isTerminal: Bool { call.caller.surface == .terminal }
}

/// Secrets that commands are given by name, so that they stand in no call, command line or history.
///
/// A person puts them into the state folder (`~/.m365-state/secrets/NAME`, 0600) or the environment
/// (`MM_SECRET_NAME`); a model knows only their names.
package enum ShellSecretStore {
    /// The secret of a name.
    /// - Throws: `invalidInput` for what is no name, `notFound` with how to put it there.
    package static func secret(named name: String, _ services: ShellServices) throws(MMError) -> Secret {
        let isName =
            !name.isEmpty && name.utf8.count <= 64
            && name.utf8.allSatisfy { byte in
                (0x41...0x5A).contains(byte & 0xDF) || (0x30...0x39).contains(byte) || byte == 0x5F || byte == 0x2D
            }
        guard isName else {
            throw MMError(
                .invalidInput, "That isn't the name of a secret.",
                hint: "Give the name under which a person has stored it, never the secret itself.")
        }
        let variable = "MM_SECRET_" + name.uppercased().map { $0 == "-" ? "_" : $0 }
        if let value = services.environment[variable], !value.isEmpty { return held(value) }
        let path = services.paths.stateDirectory + "/secrets/" + name
        guard let bytes = try ProtectedFile.read(path, limit: 8192) else {
            throw MMError(
                .notFound, "There is no secret “\(name)”.",
                hint:
                    "A person stores it: (umask 077; mkdir -p \(services.paths.stateDirectory)/secrets; cat > \(path))")
        }
        var text = bytes[...]
        while let last = text.last, last == 0x0A || last == 0x0D { text.removeLast() }
        return held(String(decoding: text, as: UTF8.self))
    }

    /// What is used is known from then on, and taken out of all that leaves.
    private static func held(_ text: String) -> Secret {
        let secret = Secret(text)
        HeldSecrets.shared.hold(secret)
        return secret
    }
}
