package import MMCore
import MMHTTP
import MMOperations
import MMPool

/// The five tools of the PowerShell session manager.
enum PwshManagerProfile {
    /// Creates the profile of a process.
    /// - Parameters:
    ///   - service: performs operations in this process.
    ///   - services: what they work with.
    ///   - environment: the manager's variables.
    /// - Throws: `invalidInput`, naming a variable.
    static func profile(
        _ service: any OperationService, _ services: OperationServices, environment: [String: String]
    ) throws(MMError) -> ToolProfile {
        let settings = try TenantSettings(environment: environment)
        let sessions = TenantSessions(service: service, services: services, settings: settings)
        let manager = try PwshManagerClient(environment: environment, local: sessions, settings: settings)
        let conversation = String(Hex.text(RandomBytes.make(4)))
        return ToolProfile(
            name: "pwsh-manager", title: "PowerShell Session Manager",
            instructions: """
                Persistent PowerShell sessions for Microsoft 365 and Azure, one for each tenant and module. pwsh_login \
                answers with a device code: show code and address to the person, then ask pwsh_status, then use pwsh_run.
                """,
            tools: [
                login(manager, conversation), status(manager, conversation), run(manager, conversation), list(manager),
                disconnect(manager, conversation),
            ],
            upkeep: { _ in await manager.watch() })
    }

    // MARK: arguments

    private static let tenant = ParameterSchema.text("Tenant domain, alias or connection name (e.g., contoso.com)")
    private static let module = ParameterSchema.choice(
        TenantSessions.modules.map(\.0),
        "exo (Exchange), pnp (SharePoint), azure, teams, powerplatform (default: exo)", standard: "exo")

    private static func body(_ arguments: JSONObject, _ call: CallContext, _ conversation: String) -> JSONObject {
        var body: JSONObject = ["tenant": arguments["tenant"] ?? "", "module": arguments["module"] ?? "exo"]
        for name in ["account", "sharepoint_tenant", "command", "confirmed"] {
            if let value = arguments[name] { body[name] = value }
        }
        body["conversation_id"] = .string(String((call.sessionID ?? conversation).prefix(8)))
        return body
    }

    private static func place(_ body: JSONObject) -> String {
        "\(body["tenant"]?.string ?? "") (\(body["module"]?.string ?? "exo"))"
    }

    /// Returns the error text from whichever member holds it.
    private static func fault(_ reply: JSONObject, or standard: String) -> String {
        reply["error"]?.string ?? reply["result"]?.string ?? standard
    }

    // MARK: tools

    private static func login(_ manager: PwshManagerClient, _ conversation: String) -> ProfileTool {
        ProfileTool(
            name: "pwsh_login",
            description: "Authenticate to a Microsoft service (Exchange, SharePoint, Azure, Teams, Power Platform). "
                + "Returns a device code.",
            inputSchema: ParameterSchema.object(
                [
                    "tenant": tenant, "module": module,
                    "account": ParameterSchema.text("For Azure: which account, when there are several (default: 1)"),
                    "sharepoint_tenant": ParameterSchema.text(
                        "For pnp: first label of the SharePoint host, when it is not that of the tenant"),
                ], required: ["tenant"]),
            effects: .init(readOnly: false, idempotent: true, openWorld: true)
        ) { (arguments, call, _) async throws(MMError) in
            let body = body(arguments, call, conversation)
            let reply = await manager.answer("/login", body, call)
            if let code = reply["device_code"]?.string {
                let address = reply["auth_url"]?.string ?? ShownCode.page
                return ProfileAnswer(
                    """
                    **DEVICE CODE: \(code)**
                    Go to: \(address)

                    Tenant: \(body["tenant"]?.string ?? "")
                    Module: \(body["module"]?.string ?? "exo")

                    Authentication pending. Complete device code flow, then check status.
                    """)
            }
            guard reply["success"] == true else {
                return .failure("Login failed: \(fault(reply, or: "Unknown error"))")
            }
            return ProfileAnswer("Connected to \(place(body))")
        }
    }

    private static func status(_ manager: PwshManagerClient, _ conversation: String) -> ProfileTool {
        ProfileTool(
            name: "pwsh_status", description: "Check if authenticated: the state of a tenant's module.",
            inputSchema: ParameterSchema.object(["tenant": tenant, "module": module], required: ["tenant"]),
            effects: .init(readOnly: true, idempotent: true, openWorld: false)
        ) { (arguments, call, _) async throws(MMError) in
            let body = body(arguments, call, conversation)
            let reply = await manager.answer("/status", body, call)
            guard reply["success"] == true else { return .failure("Error: \(fault(reply, or: "Status failed"))") }
            return ProfileAnswer(
                line(reply, place(body), pending: "Authentication pending (complete device code flow)"))
        }
    }

    private static func run(_ manager: PwshManagerClient, _ conversation: String) -> ProfileTool {
        ProfileTool(
            name: "pwsh_run", description: "Execute a PowerShell command in an authenticated session.",
            inputSchema: ParameterSchema.object(
                [
                    "tenant": tenant, "module": module,
                    "command": ParameterSchema.text("PowerShell command (e.g., Get-Mailbox -ResultSize 10)"),
                    "confirmed": [
                        "type": "boolean", "description": "The person has seen what will be sent and said yes",
                    ],
                ], required: ["tenant", "command"]),
            effects: .init(readOnly: false, destructive: true, openWorld: true)
        ) { (arguments, call, _) async throws(MMError) in
            guard arguments["command"]?.string?.isEmpty == false else { return .failure("Error: command is required") }
            let reply = await manager.answer("/run", body(arguments, call, conversation), call)
            guard reply["success"] == true else { return .failure("Error: \(fault(reply, or: "Command failed"))") }
            return ProfileAnswer(reply["result"]?.string ?? "OK")
        }
    }

    private static func list(_ manager: PwshManagerClient) -> ProfileTool {
        ProfileTool(
            name: "pwsh_sessions", description: "List all sessions and their state.",
            inputSchema: ParameterSchema.object([:]), effects: .init(readOnly: true, idempotent: true, openWorld: false)
        ) { (_, call, _) async throws(MMError) in
            let reply = await manager.answer("/sessions", nil, call)
            guard let rows = reply["sessions"]?.array else {
                return .failure("Error: \(fault(reply, or: "No list of sessions"))")
            }
            guard !rows.isEmpty else { return ProfileAnswer("No active sessions") }
            let lines = rows.map { row in
                let fields = row.object ?? [:]
                let text = line(fields, place(fields), pending: "Authentication pending")
                return fields["stuck"] == true ? "\(text) [STUCK: \(fields["stuck_reason"]?.string ?? "?")]" : text
            }
            return ProfileAnswer(lines.joined(separator: "\n"))
        }
    }

    private static func disconnect(_ manager: PwshManagerClient, _ conversation: String) -> ProfileTool {
        ProfileTool(
            name: "pwsh_disconnect", description: "Disconnect a session.",
            inputSchema: ParameterSchema.object(["tenant": tenant, "module": module], required: ["tenant"]),
            effects: .init(readOnly: false, destructive: true, idempotent: true, openWorld: false)
        ) { (arguments, call, _) async throws(MMError) in
            let body = body(arguments, call, conversation)
            let reply = await manager.answer("/disconnect", body, call)
            guard reply["success"] == true else { return .failure("Error: \(fault(reply, or: "Disconnect failed"))") }
            return ProfileAnswer("Disconnected \(place(body))")
        }
    }

    private static func line(_ reply: JSONObject, _ place: String, pending: String) -> String {
        if reply["connected"] == true { return "✓ \(place) - Connected" }
        if reply["auth_pending"] == true { return "⏳ \(place) - \(pending)" }
        return "✗ \(place) - Not connected"
    }
}

/// Sends the manager's tool calls to a session manager at an address, or to the one in this process.
actor PwshManagerClient {
    private let address: String?
    private let standard: String
    private let local: TenantSessions
    private let client: HTTPClient
    private let settings: TenantSettings
    private let trustsNetwork: Bool
    private var isLocal: Bool?

    /// Creates a client.
    /// - Parameters:
    ///   - environment: `PWSH_MANAGER_URL` names a manager. Without it the usual port is tried once; if nothing listens
    ///     there, the sessions live in this process.
    ///   - local: the manager in this process.
    ///   - settings: the time limit of a call, and the local names of tenants.
    /// - Throws: `invalidInput` for `MM_TRUST_NETWORK`.
    init(environment: [String: String], local: TenantSessions, settings: TenantSettings) throws(MMError) {
        address = environment["PWSH_MANAGER_URL"].flatMap { $0.isEmpty ? nil : Self.withoutEnd($0) }
        standard = "http://localhost:\(settings.port)"
        client = HTTPClient(configuration: HTTPClientConfiguration(environment: environment))
        self.local = local
        self.settings = settings
        trustsNetwork = try PoolAddress.trustsNetwork(environment: environment)
    }

    /// Sends a call to its route.
    func answer(_ path: String, _ body: JSONObject?, _ call: CallContext) async -> JSONObject {
        if address == nil, isLocal == nil { isLocal = await !isManager(standard) }
        if isLocal == true {
            return await local.answer(path, body ?? [:], for: call.caller, person: call.person).body
        }
        let base = address ?? standard
        do throws(HTTPError) {
            return try await send(base + path, named(body, on: path), within: settings.commandLimit + .seconds(30))
        } catch {
            switch error.kind {
            case .connect, .resolve:
                return [
                    "success": false,
                    "error": .string(
                        "Cannot connect to pwsh-manager at \(base). Start it: mm pool serve --profile pwsh-manager"),
                ]
            default: return ["success": false, "error": .string(error.message)]
            }
        }
    }

    /// Translates the arguments for a manager elsewhere, which doesn't know the aliases and hosts of this side.
    private func named(_ body: JSONObject?, on path: String) -> JSONObject? {
        guard var body, let word = body["tenant"]?.string else { return body }
        let tenant = word.trimmed
        let known = settings.aliases[tenant.lowercased()] ?? tenant
        body["tenant"] = .string(known)
        if path == "/login", body["sharepoint_tenant"] == nil {
            body["sharepoint_tenant"] = settings.sharePointHosts[known.lowercased()].map { .string($0) }
        }
        return body
    }

    /// Maintains the sessions of this process.
    func watch() async { await local.watch() }

    private func isManager(_ base: String) async -> Bool {
        let health = try? await send(base + "/health", nil, within: .seconds(2))
        guard health?["status"] == "healthy" else { return false }
        // Another service may listen there and report the same health.
        return (try? await send(base + "/modules", nil, within: .seconds(2)))?["modules"]?.array != nil
    }

    private func send(_ url: String, _ body: JSONObject?, within limit: Duration) async throws(HTTPError) -> JSONObject
    {
        var request = HTTPRequest(method: body == nil ? "GET" : "POST", url: url, timeout: limit, allowsPlainHTTP: true)
        request.allowsPlainHTTPToOtherHosts = trustsNetwork
        if let body {
            request.headers = ["Content-Type": "application/json"]
            request.body = JSONWriter.bytes(.object(body))
        }
        let answer = try await client.send(request)
        guard let object = (try? JSONParser.parse(answer.body))?.object else {
            throw HTTPError(
                .protocolViolation, "\(url) answered with status \(answer.status) and without a JSON object.")
        }
        return object
    }

    private static func withoutEnd(_ url: String) -> String {
        var url = url
        while url.hasSuffix("/") { url.removeLast() }
        return url
    }
}

/// The settings that the session manager reads from its environment, with its own defaults.
package struct TenantSettings: Sendable {
    /// The port of the session manager on this machine.
    package var port: UInt16 = 5100
    /// The time between two passes of the watchdog.
    package var watchInterval: Duration = .seconds(30)
    /// How long a sign-in may wait for approval.
    package var pendingLimit: Duration = .seconds(300)
    /// How long a session may be idle before it is ended.
    package var idleLimit: Duration = .seconds(3600)
    /// How long a command may exceed its time limit before its session is ended.
    package var stuckLimit: Duration = .seconds(120)
    /// The time limit of a command.
    package var commandLimit: Duration = .seconds(300)
    /// Aliases of tenants.
    package var aliases: [String: String] = [:]
    /// The first label of the SharePoint host, by tenant.
    package var sharePointHosts: [String: String] = [:]

    package init() {}

    /// Reads the settings from an environment.
    /// - Throws: `invalidInput`, naming the variable.
    package init(environment: [String: String]) throws(MMError) {
        port = try EnvironmentNumber.read("PWSH_MANAGER_PORT", of: environment, in: 0...UInt16.max, "a port") ?? port
        watchInterval = try Self.seconds("PWSH_WATCHDOG_INTERVAL", environment) ?? watchInterval
        pendingLimit = try Self.seconds("PWSH_AUTH_TIMEOUT", environment) ?? pendingLimit
        idleLimit = try Self.seconds("PWSH_IDLE_TIMEOUT", environment) ?? idleLimit
        stuckLimit = try Self.seconds("PWSH_STUCK_TIMEOUT", environment) ?? stuckLimit
        commandLimit = try Self.seconds("PWSH_MANAGER_TIMEOUT", environment) ?? commandLimit
        aliases = try Self.pairs("PWSH_TENANT_ALIASES", environment)
        sharePointHosts = try Self.pairs("PWSH_SHAREPOINT_TENANTS", environment)
    }

    /// Returns the environment as the rest of the product reads it, translated from the manager's own variables.
    package static func product(_ environment: [String: String]) -> [String: String] {
        var adapted = environment
        for (theirs, ours) in [("PWSH_MANAGER_TOKEN_DIR", "MM_TOKEN_DIR"), ("PWSH_MANAGER_LOG_LEVEL", "MM_LOG_LEVEL")] {
            if let value = environment[theirs], !value.isEmpty, environment[ours] == nil { adapted[ours] = value }
        }
        if environment["PWSH_MANAGER_DEBUG"]?.lowercased() == "true", environment["MM_LOG_LEVEL"] == nil {
            adapted["MM_LOG_LEVEL"] = "DEBUG"
        }
        return adapted
    }

    private static func seconds(_ name: String, _ environment: [String: String]) throws(MMError) -> Duration? {
        try EnvironmentNumber.read(name, of: environment, in: 1...31_536_000, "whole seconds").map { .seconds($0) }
    }

    private static func pairs(_ name: String, _ environment: [String: String]) throws(MMError) -> [String: String] {
        var pairs: [String: String] = [:]
        for part in (environment[name] ?? "").split(separator: ",") {
            let sides = part.split(separator: "=", omittingEmptySubsequences: false).map(\.trimmed)
            guard sides.count == 2, !sides[0].isEmpty, !sides[1].isEmpty else {
                throw MMError(
                    .invalidInput, "\(name) can't contain `\(part.prefix(60))`.",
                    hint: "Use pairs separated by commas: contoso=contoso.com,personal=example.com.")
            }
            pairs[sides[0].lowercased()] = sides[1]
        }
        return pairs
    }
}
