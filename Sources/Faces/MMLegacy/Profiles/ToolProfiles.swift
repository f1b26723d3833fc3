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
                var answer = try await service.call(.run, arguments, in: call)
                // This profile's texts contain only what PowerShell shows.
                EngineRemark.leaveOut(of: &answer)
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
            let sessions = JSONValue.array(try await service.sessions(in: owner).map(session))
            return ProfileAnswer(
                JSONWriter.string(sessions, layout: .indented(2)), structured: ["sessions": sessions])
        }
    }

    private static func session(_ row: SessionRow) -> JSONValue {
        var session: JSONObject = ["session": .string(row.session)]
        session["connection"] = row.connection.map { .string($0) }
        session["module"] = row.module.map { .string($0) }
        session["state"] = .string(row.state)
        session["account"] = row.account.map { .string($0) }
        session["device_code"] = row.code.map { .string($0) }
        session["auth_url"] = row.address.map { .string($0) }
        return .object(session)
    }

    private static func disconnect(_ service: any OperationService) -> ProfileTool {
        ProfileTool(
            name: "mm_disconnect", description: "End the connection's session of a module.",
            inputSchema: ParameterSchema.object(
                ["connection": connection, "module": module], required: ["connection", "module"]),
            effects: .init(readOnly: false, destructive: true, idempotent: true, openWorld: false)
        ) { (arguments, call, _) async throws(MMError) in
            _ = try await service.call(.disconnect, arguments, in: call)
            let name = "\(arguments["connection"]?.string ?? "")/\(arguments["module"]?.string ?? "")"
            let answer: JSONObject = ["success": true, "message": .string("Disconnected \(name)")]
            return ProfileAnswer(JSONWriter.string(.object(answer), layout: .indented(2)), structured: answer)
        }
    }
}

/// The four tools of the ssh-session server.
package enum SSHSessionProfile {
    /// The name on the command line.
    fileprivate static let name = "ssh-session"

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
                // Network devices have a prompt of their own, so they are handled separately.
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
                "Persistent SSH sessions, one for each host: directory and variables are kept between commands.",
            tools: [
                execute, SSHTools.listSessions, SSHTools.closeSession([SSHTools.host, user, port]), SSHTools.closeAll,
            ],
            http: ProfileHTTP(sessionEnded: { owner, services in await services.shells.closeAll(of: owner) }))
    }
}

/// JSON Schemas of the earlier servers' parameters.
enum ParameterSchema {
    /// Returns the schema of a string.
    static func text(_ description: String) -> JSONValue {
        ["type": "string", "description": .string(description)]
    }

    /// Returns the schema of a choice of words.
    static func choice(_ words: [String], _ description: String, standard: String? = nil) -> JSONValue {
        var schema: JSONObject = [
            "type": "string", "enum": .array(words.map { .string($0) }), "description": .string(description),
        ]
        schema["default"] = standard.map { .string($0) }
        return .object(schema)
    }

    /// Returns the schema of a tool's arguments.
    static func object(_ properties: JSONObject, required: [String] = []) -> JSONObject {
        var schema: JSONObject = ["type": "object", "properties": .object(properties)]
        if !required.isEmpty { schema["required"] = .array(required.map { .string($0) }) }
        return schema
    }
}

/// One tool of a profile.
package struct ProfileTool: Sendable {
    /// The implementation of a tool: receives the validated arguments, the call's context, and the services of
    /// operations.
    package typealias Call =
        @Sendable (JSONObject, CallContext, OperationServices) async throws(MMError) -> ProfileAnswer

    /// The tool's exact name.
    package let name: String
    /// The description for models.
    package let description: String
    /// The JSON Schema of the arguments.
    package let inputSchema: JSONObject
    /// The JSON Schema of the structured answer, if there is one.
    package let outputSchema: JSONObject?
    /// The effects of a call.
    package let effects: OperationDeclaration.Effects
    /// The implementation. An error becomes a failed answer with message and hint.
    package let call: Call

    /// Creates a tool.
    /// - Parameters:
    ///   - name: the tool's exact name.
    ///   - description: the description for models.
    ///   - inputSchema: the JSON Schema of the arguments.
    ///   - outputSchema: the JSON Schema of the structured answer.
    ///   - effects: the effects of a call.
    ///   - call: the implementation.
    package init(
        name: String, description: String, inputSchema: JSONObject, outputSchema: JSONObject? = nil,
        effects: OperationDeclaration.Effects, call: @escaping Call
    ) {
        self.name = name
        self.description = description
        self.inputSchema = inputSchema
        self.outputSchema = outputSchema
        self.effects = effects
        // These answers come from a session or describe one, so tokens and keys are removed from them.
        self.call = { (arguments, context, services) async throws(MMError) in
            OutgoingFilter().answer(try await call(arguments, context, services))
        }
    }
}

/// The answer of a profile's tool.
package struct ProfileAnswer: Sendable {
    /// The text for the model.
    package var text: String
    /// The answer as data, if the tool has an output schema.
    package var structured: JSONObject?
    /// Whether the call failed; the text then says what to change.
    package var isError: Bool

    package init(_ text: String, structured: JSONObject? = nil, isError: Bool = false) {
        self.text = text
        self.structured = structured
        self.isError = isError
    }

    /// Returns a failure with a text.
    package static func failure(_ text: String) -> ProfileAnswer { ProfileAnswer(text, isError: true) }
}

extension OutgoingFilter {
    /// Returns a profile's answer without secrets.
    fileprivate func answer(_ answer: ProfileAnswer) -> ProfileAnswer {
        var clean = answer
        clean.text = text(answer.text)
        clean.structured = answer.structured.flatMap { json(.object($0)).object }
        return clean
    }
}

/// The tools of an earlier server under their own names, which `mm-mcp --profile NAME` offers instead of the catalogue.
///
/// A profile maps names, parameters and answer texts to operations, and adds no capabilities. What it must remember
/// between calls is kept in actors held by its tools, so each server creates its profile once.
package struct ToolProfile: Sendable {
    /// The name on the command line.
    package let name: String
    /// The display name.
    package let title: String
    /// What a model should know before it starts.
    package let instructions: String
    /// The tools, in the order in which they are listed.
    package let tools: [ProfileTool]
    /// The name that connections' `mcps` lists are compared with, unless the command line gives another.
    package let serverName: String
    /// Maintains what the tools keep, until the task is cancelled.
    package let upkeep: @Sendable (OperationServices) async -> Void
    /// Releases what the tools keep; called once, when the server ends.
    package let close: @Sendable () async -> Void
    /// The peculiarities when served over HTTP.
    package let http: ProfileHTTP

    /// Creates a profile.
    /// - Parameters:
    ///   - name: the name on the command line.
    ///   - title: the display name.
    ///   - instructions: what a model should know before it starts.
    ///   - tools: the tools, in the order in which they are listed.
    ///   - serverName: the name that `mcps` lists are compared with.
    ///   - upkeep: maintains what the tools keep.
    ///   - close: releases what the tools keep.
    ///   - http: the peculiarities when served over HTTP.
    package init(
        name: String, title: String, instructions: String, tools: [ProfileTool], serverName: String = "mm",
        upkeep: @escaping @Sendable (OperationServices) async -> Void = { _ in },
        close: @escaping @Sendable () async -> Void = {}, http: ProfileHTTP = ProfileHTTP()
    ) {
        self.name = name
        self.title = title
        self.instructions = instructions
        self.tools = tools
        self.serverName = serverName
        self.upkeep = upkeep
        self.close = close
        self.http = http
    }
}
