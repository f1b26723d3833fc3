package import MMCore
package import MMOperations
import MMShell

/// The available profiles, one per line.
package enum ToolProfiles {
    /// Creates a profile for one server.
    /// - Parameters:
    ///   - service: performs operations, possibly in another process.
    ///   - services: what operations in this process work with.
    package typealias Maker =
        @Sendable (_ service: any OperationService, _ services: OperationServices) throws(MMError) -> ToolProfile

    /// The name and maker of every profile, in the order of help texts.
    static let all: [(name: String, make: Maker)] = [
        (
            "pwsh-manager",
            { (_, services) throws(MMError) in
                // Tenants outside the registry are known only to this process.
                try PwshManagerProfile.profile(
                    LocalOperationService(services: services), services, environment: services.environment)
            }
        ),
        (
            MMDesignProfile.name,
            { (service, _) throws(MMError) in MMDesignProfile.profile(service) }
        ),
        (
            PersistentShellProfile.name,
            { (_, services) throws(MMError) in
                try PersistentShellProfile.profile(environment: services.environment)
            }
        ),
        (SSHSessionProfile.name, { (_, _) throws(MMError) in SSHSessionProfile.profile() }),
        (SSHSessionFullProfile.name, { (_, _) throws(MMError) in SSHSessionFullProfile.profile() }),
    ]

    /// The names of all profiles. The default, `mm`, is the catalogue itself.
    package static var names: [String] { ["mm"] + all.map(\.name) }

    /// Returns the address at which a profile is served when the command line gives none.
    /// - Returns: `nil` for a profile on standard input and output.
    /// - Throws: `invalidInput` for invalid settings.
    package static func address(of name: String, environment: [String: String]) throws(MMError) -> String? {
        name == PersistentShellProfile.name ? try PersistentShellProfile.address(environment: environment) : nil
    }

    /// Returns whether a profile's operations run in the pool, which keeps their sessions.
    package static func usesPool(_ name: String) -> Bool { name == MMDesignProfile.name }

    /// Creates the profile with a name.
    /// - Returns: `nil` for `mm`, which is the catalogue itself.
    /// - Throws: `invalidInput`, listing the names.
    package static func make(_ name: String, _ service: any OperationService, _ services: OperationServices)
        throws(MMError) -> ToolProfile?
    {
        if name == "mm" { return nil }
        guard let entry = all.first(where: { $0.name == name }) else { throw unknown(name) }
        return try entry.make(service, services)
    }

    /// Checks that a profile with this name exists.
    /// - Throws: `invalidInput`, listing the names.
    package static func check(_ name: String) throws(MMError) {
        guard names.contains(name) else { throw unknown(name) }
    }

    /// Returns the environment as the product reads it, translated from a profile's own variables.
    package static func environment(_ environment: [String: String], for profile: String?) -> [String: String] {
        switch profile {
        case "pwsh-manager": TenantSettings.product(environment)
        case PersistentShellProfile.name: PersistentShellSettings.product(environment)
        default: environment
        }
    }

    private static func unknown(_ name: String) -> MMError {
        let near = NearestNames.of(name, among: names, limit: 1).first.map { " Did you mean `\($0)`?" } ?? ""
        return MMError(
            .invalidInput, "There is no profile `\(name.prefix(60))`.\(near)",
            hint: "Profiles: \(names.joined(separator: ", ")).")
    }
}

/// The three tools of the design that preceded the current one: run, status and disconnect.
enum MMDesignProfile {
    /// The profile's name.
    static let name = "mm-design"

    /// Creates the profile for a service.
    static func profile(_ service: any OperationService) -> ToolProfile {
        ToolProfile(
            name: name, title: "Microsoft Master",
            instructions: """
                Microsoft 365 PowerShell through persistent, signed-in sessions. mm_run starts the session it needs; when it \
                answers with a device code, show code and address to the person and repeat the call afterwards.
                """,
            tools: [run(service), status(service), disconnect(service)])
    }

    private static let connection = ParameterSchema.text("Connection name from ~/.m365-connections.json")
    private static let module = ParameterSchema.choice(
        ["exo", "azure", "teams", "pnp", "powerplatform"],
        "exo (Exchange), azure, teams, pnp (SharePoint), powerplatform")

    private static func run(_ service: any OperationService) -> ProfileTool {
        ProfileTool(
            name: "mm_run",
            description:
                "Run a PowerShell command in the connection's session of a module. Answers the command's output, "
                + "or a device code to sign in with.",
            inputSchema: ParameterSchema.object(
                ["connection": connection, "module": module, "command": ParameterSchema.text("PowerShell command")],
                required: ["connection", "module", "command"]),
            effects: .init(readOnly: false, destructive: true, openWorld: true)
        ) { (arguments, call, _) async throws(MMError) in
            do throws(MMError) {
                var answer = try await service.call("run", arguments, in: call)
                // A pool that performed the operation doesn't know that this profile called it.
                if answer.notes.first?.hasPrefix("engine: ") == true { answer.notes.removeFirst() }
                return ProfileAnswer(try await answer.plainText())
            } catch {
                guard let signIn = ShownCode(error) else { throw error }
                return ProfileAnswer(
                    "\(signIn.heading)\n\n\(signIn.message)\n\nAfter completing authentication, retry your command.")
            }
        }
    }

    private static func status(_ service: any OperationService) -> ProfileTool {
        ProfileTool(
            name: "mm_status", description: "List the active sessions: connection, module, state and account.",
            inputSchema: ParameterSchema.object([:]), effects: .init(readOnly: true, idempotent: true, openWorld: false)
        ) { (_, call, _) async throws(MMError) in
            var owner = call
            owner.caller = Caller(surface: .library, name: call.caller.name, server: call.caller.server)
            let answer = try await service.call("sessions", [:], in: owner)
            guard case .value(let value) = answer.body, let rows = value["sessions"]?.array else {
                throw MMError(.internalError, "The list of sessions is none.")
            }
            let sessions = JSONValue.array(rows.map(session))
            return ProfileAnswer(
                JSONWriter.string(sessions, layout: .indented(2)), structured: ["sessions": sessions])
        }
    }

    private static func session(_ row: JSONValue) -> JSONValue {
        var session: JSONObject = [:]
        for key in ["session", "connection", "module", "state", "account"] {
            if let value = row[key], value != .null { session[key] = value }
        }
        session["device_code"] = row["code"]
        session["auth_url"] = row["address"]
        return .object(session)
    }

    private static func disconnect(_ service: any OperationService) -> ProfileTool {
        ProfileTool(
            name: "mm_disconnect", description: "End the connection's session of a module.",
            inputSchema: ParameterSchema.object(
                ["connection": connection, "module": module], required: ["connection", "module"]),
            effects: .init(readOnly: false, destructive: true, idempotent: true, openWorld: false)
        ) { (arguments, call, _) async throws(MMError) in
            _ = try await service.call("disconnect", arguments, in: call)
            let name = "\(arguments["connection"]?.string ?? "")/\(arguments["module"]?.string ?? "")"
            let answer: JSONObject = ["success": true, "message": .string("Disconnected \(name)")]
            return ProfileAnswer(JSONWriter.string(.object(answer), layout: .indented(2)), structured: answer)
        }
    }
}

/// The four tools of the ssh-session server.
package enum SSHSessionProfile {
    /// The name on the command line.
    package static let name = "ssh-session"

    /// Creates the profile.
    package static func profile() -> ToolProfile {
        let user = FastSchema.Parameter("username", .text, "SSH username")
        let port = FastSchema.Parameter("port", .number, standard: 22, "SSH port (default: 22)")
        let execute = SSHTools.tool(
            "execute_command",
            "Execute a command on an SSH host using a persistent session.\n\nArgs:\n    host: Hostname or IP address\n    "
                + "username: SSH username\n    command: Command to execute\n    password: Password (optional)\n    "
                + "key_filename: Path to SSH key file (optional)\n    port: SSH port (default: 22)",
            [SSHTools.host, user, SSHTools.command, SSHTools.password, SSHTools.keyFile, port], SSHTools.acts
        ) { (call) async throws(MMError) in
            let limit = call.toolCall.configuration.commandTime
            let task: ShellTask
            do throws(MMError) {
                task = try await SSHTools.start(
                    call.arguments.written("command"), call, limit: limit, patience: limit, isTyped: false)
            } catch  where error.details["reason"] == "no_shell" {
                // Network devices have a prompt of their own.
                let host = try call.host()
                return try await SSHScreenTools.device(call.arguments.written("command"), call, host, within: limit)
            }
            let end = await withTaskCancellationHandler {
                await task.job.waitForEnd()
            } onCancel: {
                task.job.cancel()
            }
            await call.shells.touch(task.session)
            return SSHTools.answer(task, end)
        }
        return ToolProfile(
            name: name, title: "MCP SSH Session",
            instructions:
                "Lasting SSH sessions, one for each host: directory and variables stay from command to command.",
            tools: [
                execute, SSHTools.listSessions, SSHTools.closeSession([SSHTools.host, user, port]), SSHTools.closeAll,
            ],
            http: ProfileHTTP(sessionEnded: { owner, services in await services.shells.closeAll(of: owner) }))
    }
}
