import MMCore
import MMOperations

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
