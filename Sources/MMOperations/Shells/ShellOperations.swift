package import MMCore
package import MMShell

/// The operations on shells of one place: a session is made by its first command and lasts; commands that take long go on
/// under a handle.
struct ShellOperations: Sendable {
    let place: ShellPlace

    /// All of them, in the order help texts list them.
    static let all: [AnyOperation] =
        ShellOperations(place: .shell).operations + ShellOperations(place: .ssh).operations

    private var operations: [AnyOperation] {
        [run, read, write, keys, wait, jobs, sessions, close, upload, download, reset, cwd]
    }

    var isLocal: Bool { place == .shell }
    /// The name of a session when none is given.
    static let standardSession = "default"

    // MARK: Declaring

    func declaration(
        _ verb: String, _ title: String, _ summary: String, _ description: String? = nil,
        effects: OperationDeclaration.Effects, home: OperationDeclaration.Home = .besideSessions,
        examples: [(String, String)]
    ) -> OperationDeclaration {
        OperationDeclaration(
            "\(place.rawValue)_\(verb)", command: isLocal || verb != "run" ? [place.rawValue, verb] : ["ssh"],
            title: title,
            summary: summary, description: description, effects: effects, toolset: isLocal ? .shell : .ssh, home: home,
            examples: examples.map { OperationDeclaration.Example($0.0, $0.1) }
        ).withSessionOutput
    }

    /// The arguments that name a session.
    func sessionFields(at position: Int? = nil, creates: Bool = false, offersSession: Bool = true) -> [InputField] {
        guard !isLocal else {
            return [
                InputField(
                    "session", .text, "Session name (default `default`).",
                    at: position.map { .positional($0) } ?? .option("s"))
            ]
        }
        return [
            InputField(
                "host", .text, "Host, address or ssh_config alias; user@host and host:port work too.",
                isRequired: creates,
                at: position.map { .positional($0) } ?? .option(nil)),
            InputField(
                "user", .text, "User there (default: ssh_config, else yours).", at: .option("l"),
                isOfferedToModels: false),
            InputField(
                "port", .integer(1...65535), "Port (default: ssh_config, else 22).", at: .option("p"),
                isOfferedToModels: false),
            InputField(
                "session", .text, "A further session on the host.", at: .option("s"), isOfferedToModels: offersSession),
        ]
    }

    /// The same for calls that seldom make a connection: a model runs a command first.
    var quietConnectFields: [InputField] {
        Self.connectFields.map { field in
            InputField(field.name, field.kind, field.summary, at: field.placement, isOfferedToModels: false)
        }
    }

    /// What else a person may say of a host that is connected to.
    static let connectFields = [
        InputField("key", .text, "Path of a private key to offer first.", at: .option("i")),
        InputField(
            "jump", .text, "Hosts to jump over, as ssh -J takes them.", at: .option("J"), isOfferedToModels: false),
        InputField("password_secret", .text, "Name of the stored secret that is the password."),
        InputField(
            "passphrase_secret", .text, "Name of the stored secret that opens the private key.",
            isOfferedToModels: false),
        InputField(
            "passphrase", .text, "What opens the private key, as a person has just typed it.", at: .absent,
            isOfferedToModels: false),
        InputField(
            "device", .flag, "Network equipment without a POSIX shell: learns its prompt, turns pages."),
        InputField(
            "accept_new", .flag, "Believe the key of a host that was never seen.", isOfferedToModels: false),
    ]

    // MARK: Sessions

    /// The configuration as it is at the moment.
    func configuration(_ context: OperationContext) throws(MMError) -> ShellsConfiguration {
        try ShellsConfiguration.read(
            ShellsConfiguration.path(context.services.environment, home: context.services.paths.home))
    }

    /// Whether a caller may name files and folders of this machine: a person, or a program that has no walls to get around.
    func mayNamePlaces(_ context: OperationContext, _ configuration: ShellsConfiguration) -> Bool {
        let caller = context.call.caller
        return caller.surface == .terminal || caller.surface != .mcp && configuration.confinement(of: caller) == .guard
    }

    /// Opens sessions as a configuration says, new ones where the caller stands unless it says where.
    func opening(_ context: OperationContext, _ configuration: ShellsConfiguration) -> ShellOpening {
        let caller = context.call.caller
        // A program that nobody vouches for doesn't choose what it may write to by going there.
        let stands = caller.surface == .terminal || caller.surface == .mcp ? context.call.directory : nil
        return ShellOpening(
            services: context.services, configuration: configuration,
            confinement: configuration.confinement(of: caller),
            callerDirectory: stands)
    }

    /// The session that the arguments name.
    func key(_ input: InputReader, _ context: OperationContext) throws(MMError) -> ShellSessionName {
        let owner = context.call.shellOwner
        if isLocal {
            let name = try input.text("session") ?? Self.standardSession
            guard name.count <= 80, !name.unicodeScalars.contains(where: { $0.value < 0x20 }) else {
                throw MMError(.invalidInput, "A session's name has up to 80 characters.")
            }
            return ShellSessionName(owner: owner, place: .shell, name: name)
        }
        guard let host = try input.text("host") else {
            throw MMError(.invalidInput, "Which host?", hint: "Give `host`, as in the call that started the session.")
        }
        let target = try SSHTarget(named: host, user: try input.text("user"), port: try input.integer("port"))
        let name = target.spelled + (try input.text("session").map { "#" + $0 } ?? "")
        return ShellSessionName(owner: owner, place: .ssh, name: name)
    }

    /// The session that the arguments name, started where there is none.
    func session(_ input: InputReader, _ context: OperationContext, _ configuration: ShellsConfiguration)
        async throws(MMError) -> (member: ShellSessions.Member, isNew: Bool)
    {
        let key = try key(input, context)
        let opening = opening(context, configuration)
        let limits = ShellSessions.Limits(configuration)
        if isLocal {
            let kind = input.has("shell") ? try input.text("shell") : nil
            let directory = input.has("directory") ? try input.text("directory").map(context.call.path) : nil
            return try await context.services.shells.session(key, limits: limits) { () async throws(MMError) in
                try await opening.local(key, kind: kind, directory: directory)
            }
        }
        var target = try SSHTarget(
            named: try input.requiredText("host"), user: try input.text("user"), port: try input.integer("port"))
        var isDevice = false
        target.hostKeys = configuration.hostKeys
        if input.has("key") {
            target.identityFile = try input.text("key").map(context.call.path)
            isDevice = try input.flag("device")
            if let name = try input.text("password_secret") {
                target.password = try secret(name, for: .host(target.host), configuration, context)
            }
            if let name = try input.text("passphrase_secret") {
                target.passphrase = try secret(name, for: .host(target.host), configuration, context)
            }
            if context.isTerminal, let typed = try input.text("passphrase") {
                target.passphrase = Secret(typed)
                HeldSecrets.shared.hold(Secret(typed))
            }
            if context.call.caller.surface != .mcp {
                target.jump = try input.text("jump")
                if try input.flag("accept_new") { target.hostKeys = .acceptNew }
            }
        }
        target = try opening.target(target)
        let (whole, device, deadline) = (target, isDevice, context.deadline)
        return try await context.services.shells.session(key, limits: limits) { () async throws(MMError) in
            try await opening.remote(key, whole, isDevice: device, deadline: deadline)
        }
    }

    /// A stored secret, for a use that its owner has named, or that a person names in this very call.
    func secret(
        _ name: String, for use: SecretUses.Use, _ configuration: ShellsConfiguration, _ context: OperationContext
    ) throws(MMError) -> Secret {
        let uses = configuration.secrets[name] ?? SecretUses()
        guard context.isTerminal || uses.admit(use) else { throw SecretUses.refusal(name, use) }
        return try ShellSecretStore.secret(named: name, context.services)
    }

    /// A running or finished command of the caller.
    func task(_ input: InputReader, _ context: OperationContext) async throws(MMError) -> ShellTask {
        guard let handle = try input.text("job") else {
            throw MMError(
                .invalidInput, "Which command?", hint: "Give `job`, the handle that run answered with (cmd-…).")
        }
        let task = try await context.services.shells.task(handle, of: context.call.shellOwner)
        guard task.session.place == place else {
            throw MMError(
                .invalidInput, "\(handle) runs \(isLocal ? "on a host" : "in a local shell").",
                hint: "Use \(task.session.place.rawValue)_… for it.")
        }
        return task
    }

    /// The answer about a command.
    func answer(_ task: ShellTask, _ context: OperationContext, prompt: ShellPrompt? = nil, more: JSONObject = [:])
        async -> OperationAnswer
    {
        let report = await ShellReport(storing: task, room: ShellReport.room(for: context), prompt: prompt)
        var object = report.json
        for (key, value) in more { object[key] = value }
        return OperationAnswer(.value(.object(object)), notes: context.call.caller.surface == .mcp ? [] : report.notes)
    }
}

extension InputReader {
    /// Whether an argument is declared.
    func has(_ name: String) -> Bool { declares(name) }
}

extension SSHTarget {
    /// A host as people write it: `host`, `user@host`, `host:port`, `[address]:port`.
    /// - Throws: `invalidInput` for a port that is none, or a user or port that is said twice and differently.
    package init(named text: String, user: String?, port: Int?) throws(MMError) {
        var host = Substring(text)
        var named = user
        var number = port
        if let at = host.lastIndex(of: "@") {
            let name = String(host[..<at])
            if let user, user != name {
                throw MMError(.invalidInput, "The user is \(name) in `host` and \(user) in `user`.")
            }
            named = name
            host = host[host.index(after: at)...]
        }
        var digits: Substring?
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            let rest = host[host.index(after: end)...]
            if rest.hasPrefix(":") { digits = rest.dropFirst() }
            host = host[host.index(after: host.startIndex)..<end]
        } else if let colon = host.firstIndex(of: ":"), host.lastIndex(of: ":") == colon {
            digits = host[host.index(after: colon)...]
            host = host[..<colon]
        }
        if let digits {
            guard let written = Int(digits), (1...65535).contains(written), port == nil || port == written else {
                throw MMError(.invalidInput, "`\(text.prefix(80))` names no port that fits.", hint: "Write host:22.")
            }
            number = written
        }
        self.init(String(host), user: named, port: number)
    }

    /// The target as it was asked for, to tell sessions apart.
    package var spelled: String {
        (user.map { $0 + "@" } ?? "") + host + (port.map { ":\($0)" } ?? "")
    }
}
