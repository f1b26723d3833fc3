import MMCore
import MMDesk
import MMGuard
import MMOperations
import MMSessions
import MMShell

/// What the SSH tools share: sessions by host, and the ssh-session server's wording.
struct SSHTools: Sendable {
    /// A call of one of the tools.
    struct Call: Sendable {
        let toolCall: ShellToolCall
        let arguments: ToolArguments
        let opening: ShellOpening

        var shells: ShellSessions { toolCall.services.shells }

        /// Returns the host that the call refers to.
        func host() throws(MMError) -> SSHHostArguments {
            try SSHHostArguments(arguments, environment: toolCall.services.environment)
        }

        /// Returns the name of the host's session.
        func key(_ target: SSHTarget, _ suffix: String = "") -> ShellSessionName {
            ShellSessionName(owner: toolCall.context.shellOwner, on: target, suffix: suffix)
        }

        /// Returns the host's session, connecting it if necessary.
        func member(_ host: SSHHostArguments, isDevice: Bool = false) async throws(MMError) -> ShellSessions.Member {
            let target = try opening.target(try host.target)
            let key = key(target, isDevice ? "#screen" : "")
            let (opening, limits) = (opening, SessionLimits(opening.configuration))
            return try await shells.session(key, limits: limits) { () async throws(MMError) in
                try await opening.remote(key, target, isDevice: isDevice, deadline: .after(.seconds(60)))
            }.member
        }
    }

    /// Creates a tool that answers with a text.
    static func tool(
        _ name: String, _ description: String, _ parameters: [FastSchema.Parameter],
        _ effects: OperationDeclaration.Effects, _ body: @escaping @Sendable (Call) async throws(MMError) -> String
    ) -> ProfileTool {
        ProfileTool(
            name: name, description: description, inputSchema: FastSchema.arguments(name, parameters),
            outputSchema: FastSchema.wrappedText(name), effects: effects
        ) { (arguments, call, services) async throws(MMError) in
            var configuration = try ShellsConfiguration.read(services.environment, home: services.paths.home)
            configuration.hostKeys = .acceptNew
            let toolCall = ShellToolCall(tool: name, context: call, services: services, configuration: configuration)
            var opening = ShellOpening(
                services: services.shellServices, configuration: configuration,
                confinement: configuration.confinement(of: call.caller))
            // The original server confined nothing, so this machine is allowed as a host.
            opening.admitsThisMachine = true
            let given = Call(toolCall: toolCall, arguments: ToolArguments(arguments), opening: opening)
            let start = ContinuousClock.now
            var facts = JSONObject()
            facts["host"] = given.arguments.text("host").map(JSONValue.string)
            do throws(MMError) {
                let text = try await body(given)
                if !effects.readOnly { await toolCall.record(facts, outcome: "done", since: start) }
                return ProfileAnswer(text, structured: ["result": .string(text)])
            } catch {
                await toolCall.record(facts, outcome: error.code.word, since: start)
                let text = words(of: error)
                return ProfileAnswer(text, structured: ["result": .string(text)])
            }
        }
    }

    /// Returns an error in the ssh-session server's wording; that server returned errors as answers.
    static func words(of error: MMError) -> String {
        let hint = error.hint.map { " \($0)" } ?? ""
        let isConnection =
            [.unavailable, .forbidden, .deadlineExceeded, .sessionLost].contains(error.code)
            || error.code == .notFound && error.details["reason"] != nil
        return error.afterOutput((isConnection ? "Connection Error: " : "Error: ") + error.message + hint)
    }

    /// Returns the answer for a command that has ended.
    static func result(_ status: Int32, _ outputs: [(name: String, text: String)]) -> String {
        var text = "Exit Status: \(status)\n\n"
        for output in outputs where !output.text.isEmpty {
            text += "\(output.name):\n\(output.text.droppingLastNewline)\n"
        }
        return text
    }

    // MARK: Parameters

    static let host = FastSchema.Parameter("host", .text, "Hostname or IP address")
    static let hostOrAlias = FastSchema.Parameter(
        "host", .text, "Hostname, IP address, or SSH config alias (e.g., \"myserver\")")
    static let command = FastSchema.Parameter("command", .text, "Command to execute")
    static let password = FastSchema.Parameter("password", .optionalText, "Password (optional)")
    static let keyFile = FastSchema.Parameter("key_filename", .optionalText, "Path to SSH key file (optional)")
    static let optionalUser = FastSchema.Parameter(
        "username", .optionalText, "SSH username (optional, will use SSH config or current user)")
    static let optionalPort = FastSchema.Parameter(
        "port", .optionalNumber, "SSH port (optional, will use SSH config or default 22)")
    static let acts = OperationDeclaration.Effects(readOnly: false, destructive: true, openWorld: true)
    static let looks = OperationDeclaration.Effects(readOnly: true, idempotent: true)

    // MARK: Sessions

    static let listSessions = tool("list_sessions", "List all active SSH sessions.", [], looks) {
        (call) async throws(MMError) in
        let members = await call.shells.members(of: call.toolCall.context.shellOwner, in: .ssh)
        var names: [String] = []
        for member in members where await member.isConnected {
            if let name = member.host, !names.contains(name) { names.append(name) }
        }
        guard !names.isEmpty else { return "No active SSH sessions" }
        return "Active SSH Sessions:\n" + names.map { "- \($0)" }.joined(separator: "\n")
    }

    static func closeSession(_ parameters: [FastSchema.Parameter]) -> ProfileTool {
        tool(
            "close_session",
            "Close a specific SSH session.\n\nArgs:\n    host: Hostname or IP address\n    username: SSH username\n    port: "
                + "SSH port (default: 22)", parameters, .init(readOnly: false, destructive: true, idempotent: true)
        ) { (call) async throws(MMError) in
            let target = try call.host().target
            let owner = call.toolCall.context.shellOwner
            await call.shells.forget(withoutShell: call.key(try call.opening.target(target)))
            let wanted = "\(target.user ?? "")@\(target.host):\(target.port ?? 22)"
            var name = wanted
            for member in await call.shells.members(of: owner, in: .ssh) {
                let key = member.key.name
                guard key == target.requestedName || key == target.requestedName + "#screen" || member.host == wanted
                else {
                    continue
                }
                name = member.host ?? wanted
                await call.shells.close(member.key)
            }
            return "Closed session: \(name)"
        }
    }

    static let closeAll = tool(
        "close_all_sessions", "Close all active SSH sessions.", [],
        .init(readOnly: false, destructive: true, idempotent: true)
    ) { (call) async throws(MMError) in
        for member in await call.shells.members(of: call.toolCall.context.shellOwner, in: .ssh) {
            await call.shells.close(member.key)
        }
        return "All SSH sessions closed"
    }

    // MARK: Commands

    /// Judges a command and starts it.
    static func start(_ command: String, _ call: Call, limit: Duration, patience: Duration, isTyped: Bool)
        async throws(MMError) -> ShellTask
    {
        let host = try call.host()
        let secrets = [try host.target.password, host.sudoPassword, host.enablePassword].compactMap { $0 }
        let (cleared, admission): (Cleared<ShellLine>, ShellPolicy.Admission)
        do throws(MMError) {
            cleared = try await call.toolCall.check(command, place: .ssh, directory: nil)
            admission = try call.toolCall.configuration.policy.check(command, directory: "/")
        } catch {
            await call.toolCall.note(command, secrets: secrets, isRefused: true)
            throw error
        }
        await call.toolCall.note(command, secrets: secrets, isRefused: false)
        let key = call.key(try call.opening.target(try host.target))
        guard await !call.shells.hasNoShell(key) else {
            throw MMError(
                .unavailable, "\(host.host) has no POSIX shell.", hint: "Use --device.",
                details: ["reason": "no_shell"])
        }
        let member: ShellSessions.Member
        do throws(MMError) {
            member = try await call.member(host)
        } catch {
            if error.details["reason"] == "no_shell" { await call.shells.note(withoutShell: key) }
            throw error
        }
        do throws(MMError) {
            return try await ShellRunner(sessions: call.shells, member: member).start(
                cleared, input: isTyped ? .terminal : .none, timeLimit: limit, patience: patience,
                admission: admission)
        } catch {
            guard error.code == .conflict, let handle = error.details["job"]?.string else { throw error }
            var busy = error
            busy.hint =
                isTyped
                ? "Use get_command_status('\(handle)') to follow it, or interrupt_command_by_id('\(handle)') to end it."
                : "Wait until it ends, or end its session with close_session."
            throw busy
        }
    }

    /// Returns the answer for a command's outcome.
    static func answer(_ task: ShellTask, _ end: ShellEnd) -> String {
        var errors = [task.job.words(.stderr), task.job.words(.terminal)].filter { !$0.isEmpty }
        var status = end.exitCode
        switch end.cause {
        case .finished, .shellEnded: break
        case .deadline:
            status = 124
            errors.append("Command timed out after \(task.timeLimit.components.seconds)s")
        case .cancelled: errors.append("Command was interrupted")
        case .flood: errors.append("Command wrote too much output")
        case .closed: errors.append("The session was closed")
        case .lost(let reason): errors.append("The connection was lost\(reason.isEmpty ? "" : ": \(reason)")")
        }
        return result(
            status,
            [
                ("STDOUT", task.job.words(.stdout)),
                ("STDERR", errors.map(\.droppingLastNewline).joined(separator: "\n")),
            ])
    }
}

/// The host that a call of the SSH tools refers to, with its settings from the environment (`OVRD_<host>_HOST`,
/// `_PORT`, `_USER`, `_PASS`, `_KEY`, `_SUDO_PASS`, `_ENABLE_PASS`).
struct SSHHostArguments: Sendable {
    let arguments: ToolArguments
    let environment: [String: String]
    /// The host as the caller named it.
    let host: String

    init(_ arguments: ToolArguments, environment: [String: String]) throws(MMError) {
        guard let host = arguments.text("host") else { throw MMError(.invalidInput, "host is required") }
        self.arguments = arguments
        self.environment = environment
        self.host = host
    }

    private func override(_ name: String) -> String? {
        environment["OVRD_\(host)_\(name)"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Registers a given secret, so that it is redacted from everything sent out from then on.
    private func held(_ text: String?) -> Secret? {
        guard let secret = text.map({ Secret($0) }) else { return nil }
        HeldSecrets.shared.hold(secret)
        return secret
    }

    /// The password for `sudo` on the host.
    var sudoPassword: Secret? { held(arguments.text("sudo_password") ?? override("SUDO_PASS")) }
    /// The password for privileged mode on a network device.
    var enablePassword: Secret? { held(arguments.text("enable_password") ?? override("ENABLE_PASS")) }

    /// The target, before general settings are applied. Keys of new hosts are accepted, changed ones refused.
    var target: SSHTarget {
        get throws(MMError) {
            var target = SSHTarget(override("HOST") ?? host)
            target.user = override("USER") ?? arguments.text("username")
            target.port = override("PORT").flatMap { Int($0) } ?? arguments.number("port")
            target.password = held(override("PASS") ?? arguments.text("password"))
            target.identityFile = override("KEY") ?? arguments.text("key_filename")
            // If a key file is given, the password also decrypts it, as in the ssh-session server's library.
            if target.identityFile != nil { target.passphrase = target.password }
            target.hostKeys = .acceptNew
            return target
        }
    }
}
