package import MMCore
package import MMOperations
import MMPowerShell
package import MMSessions

/// The session manager for tenants and modules: signs in, runs commands, ends sessions, and monitors them with its own
/// time limits.
///
/// The sessions themselves live in the pool; this actor keeps what its callers know about them.
package actor TenantSessions {
    /// The modules and their full names.
    package static let modules = [
        ("exo", "ExchangeOnlineManagement"), ("pnp", "PnP.PowerShell"), ("azure", "Az.Accounts"),
        ("teams", "MicrosoftTeams"), ("powerplatform", "PAC CLI"),
    ]
    /// The name under which connections' `mcps` lists admit this manager.
    package static let serverName = "pwsh-manager"

    let service: any OperationService
    let services: OperationServices
    let settings: TenantSettings
    let clock: PoolClock
    var records: [String: TenantRecord] = [:]
    var isWatching = false
    private var lastCommand = 0

    /// Creates a manager without sessions.
    /// - Parameters:
    ///   - service: performs operations in this process.
    ///   - services: the services that operations use.
    ///   - settings: time limits and tables.
    ///   - clock: supplies the time.
    package init(
        service: any OperationService, services: OperationServices, settings: TenantSettings = TenantSettings(),
        clock: PoolClock = .system
    ) {
        self.service = service
        self.services = services
        self.settings = settings
        self.clock = clock
    }

    // MARK: what the routes need

    /// Returns the connection of a tenant.
    func connection(_ ask: TenantAsk) throws(MMError) -> Connection {
        try names(ask.server).connection(
            ask.tenant, sharePointHost: ask.sharePointHost, account: ask.module == "azure" ? ask.account : "1")
    }

    /// Returns a finder of connections for a server's name.
    func names(_ server: String?) -> TenantName {
        TenantName(services.registry, settings: settings, server: server)
    }

    /// Returns the record of a tenant and module, creating it if necessary.
    func record(_ ask: TenantAsk, _ connection: Connection) -> TenantRecord {
        let key = SessionKey(connection: connection.name, module: ask.module)
        let now = clock.now()
        let wall = clock.wall.now
        var record =
            records[ask.key]
            ?? TenantRecord(
                tenant: ask.tenant, module: ask.module, key: key, createdAt: wall, lastUsed: wall, usedAt: now)
        record.key = key
        if (try? ModuleProfiles.named(ask.module))?.usesSharePointHost == true {
            record.sharePointHost = connection.sharepointHost
        }
        if record.conversation == nil { record.conversation = ask.conversation }
        records[ask.key] = record
        return record
    }

    /// Updates a record with what the pool knows.
    func refreshed(_ key: String) async -> (record: TenantRecord, state: SessionState?)? {
        guard let before = records[key] else { return nil }
        let state = await services.sessions.state(of: before.key)
        let lastUse = await services.sessions.lastUse(of: before.key)
        guard var record = records[key], record.key == before.key else { return nil }
        // Other programs use the same session, and it isn't idle for any of them then.
        if let lastUse, lastUse > record.lastUsed {
            record.lastUsed = lastUse
            record.usedAt = clock.now()
        }
        switch state {
        case .ready?, .busy?:
            if record.pendingSince != nil {
                record.completedAt = clock.wall.now
                record.wasPending = true
            }
            record.pendingSince = nil
            record.pendingFrom = nil
            record.lastCheck = clock.wall.now
        case .signingIn(prompt: _?)?:
            if record.pendingSince == nil {
                record.pendingSince = clock.wall.now
                record.pendingFrom = clock.now()
            }
        default:
            record.pendingSince = nil
            record.pendingFrom = nil
        }
        records[key] = record
        return (record, state)
    }

    /// Records that a session is being used.
    func touch(_ key: String) {
        records[key]?.lastUsed = clock.wall.now
        records[key]?.usedAt = clock.now()
    }

    /// Records that a command started, and returns its number.
    func began(_ key: String) -> Int {
        lastCommand += 1
        records[key]?.running[lastCommand] = clock.now()
        return lastCommand
    }

    /// Records that a command ended.
    func ended(_ key: String, _ command: Int) {
        records[key]?.running[command] = nil
        touch(key)
    }

    /// Ends a session.
    /// - Returns: whether there was one.
    func end(_ key: String, _ session: SessionKey) async -> Bool {
        let known = records[key] != nil
        // All records of the session are removed, whatever names callers used for it.
        records = records.filter { $0.key != key && $0.value.key != session }
        let ended = await services.sessions.reset(connection: session.connection, module: session.module)
        await services.variables.forget(connection: session.connection, module: session.module)
        return known || !ended.isEmpty
    }

    // MARK: the watchdog

    /// Maintains the sessions until the task is cancelled.
    package func watch() async {
        isWatching = true
        while !Task.isCancelled {
            await runMaintenancePass()
            try? await Task.sleep(for: settings.watchInterval)
        }
        isWatching = false
    }

    /// Runs one maintenance pass: ends sessions whose sign-in wasn't completed, that are idle, or that hang or died.
    package func runMaintenancePass() async {
        for key in records.keys.sorted() {
            guard let (record, state) = await refreshed(key) else { continue }
            if let fault = record.fault(state, settings, now: clock.now()) {
                services.log.scoped(record.key.connection, record.key.module).warning("ended by the watchdog: \(fault)")
                _ = await end(key, record.key)
            } else if state == nil, record.running.isEmpty, clock.now() - record.usedAt > settings.idleLimit {
                records[key] = nil
            }
        }
    }
}

/// The arguments of one call to the session manager.
struct TenantAsk: Sendable {
    /// The tenant as the caller wrote it.
    var tenant: String
    /// The module.
    var module: String
    /// The first label of the SharePoint host.
    var sharePointHost: String?
    /// The number of the account.
    var account = "1"
    /// The conversation that the call belongs to.
    var conversation: String?
    /// The name that `mcps` lists are compared with.
    var server: String?

    /// The key of the session's record.
    var key: String { "\(tenant):\(module)" }
}

extension TenantSessions {
    /// The paths and their methods.
    package static let routes: [(path: String, method: String)] = [
        ("/health", "GET"), ("/modules", "GET"), ("/sessions", "GET"), ("/watchdog", "GET"), ("/login", "POST"),
        ("/status", "POST"), ("/run", "POST"), ("/disconnect", "POST"), ("/kill", "POST"),
    ]

    /// Handles a request to a route.
    /// - Parameters:
    ///   - path: one of `routes`.
    ///   - body: the arguments; empty for routes that take none.
    ///   - caller: the caller.
    ///   - person: the person who can be asked, if there is one.
    package func answer(
        _ path: String, _ body: JSONObject, for caller: Caller, person: (any ConfirmingPerson)? = nil
    ) async -> RouteReply {
        switch path {
        case "/health":
            return RouteReply(["status": "healthy", "timestamp": .string(clock.wall.now.localISO)])
        case "/modules": return modulesReply
        case "/watchdog": return watchdogReply
        case "/sessions": return await sessionsReply()
        default: break
        }
        do throws(MMError) {
            let ask = try ask(body, caller)
            switch path {
            case "/login": return try await login(ask)
            case "/status": return try await status(ask)
            case "/run": return try await run(ask, body, caller, person)
            case "/disconnect":
                _ = try await end(ask.key, session(of: ask))
                return RouteReply(["success": true, "message": .string("Disconnected \(ask.key)")])
            case "/kill":
                let killed = try await end(ask.key, session(of: ask))
                return RouteReply([
                    "success": true, "killed": .bool(killed),
                    "message": .string(killed ? "Force killed \(ask.key)" : "No session for \(ask.key)"),
                ])
            default: return RouteReply(["success": false, "error": "Not found"], status: 404)
            }
        } catch {
            return RouteReply(["success": false, "error": .string(error.description)], status: Self.status(of: error))
        }
    }

    /// Returns the HTTP status of an error. Invalid arguments had 400 in the original manager; every other failure had
    /// 200.
    private static func status(of error: MMError) -> Int {
        error.code == .invalidInput || error.code == .notFound ? 400 : 200
    }

    private func ask(_ body: JSONObject, _ caller: Caller) throws(MMError) -> TenantAsk {
        guard let tenant = try text("tenant", body) else { throw MMError(.invalidInput, "tenant is required") }
        let module = try text("module", body) ?? "exo"
        guard Self.modules.contains(where: { $0.0 == module }) else {
            throw MMError(.invalidInput, "Unknown module: \(module.prefix(60))")
        }
        var account = "1"
        if let given = body["account"], given != .null {
            guard let text = given.string ?? given.int.map({ String($0) }) else {
                throw MMError(.invalidInput, "account must be a text or a number")
            }
            account = text.isEmpty ? "1" : text
        }
        return TenantAsk(
            tenant: tenant, module: module, sharePointHost: try text("sharepoint_tenant", body), account: account,
            conversation: try text("conversation_id", body), server: caller.server)
    }

    /// Returns a string; `nil` when it is absent or empty.
    private func text(_ name: String, _ body: JSONObject) throws(MMError) -> String? {
        guard let value = body[name], value != .null else { return nil }
        guard let text = value.string else { throw MMError(.invalidInput, "\(name) must be a text") }
        return text.isEmpty ? nil : text
    }

    /// Returns the session that a call means: the one in its record, otherwise the one that a sign-in would create.
    private func session(of ask: TenantAsk) throws(MMError) -> SessionKey {
        if let record = records[ask.key] { return record.key }
        return SessionKey(connection: try connection(ask).name, module: ask.module)
    }

    // MARK: signing in

    private func login(_ ask: TenantAsk) async throws(MMError) -> RouteReply {
        let connection = try connection(ask)
        let before = records[ask.key]
        let record = record(ask, connection)
        // Another account or SharePoint host replaces the one that was signed in.
        if let before, before.key != record.key || before.sharePointHost != record.sharePointHost {
            await services.sessions.reset([before.key])
            await services.variables.forget(connection: before.key.connection, module: before.key.module)
        }
        do throws(MMError) {
            _ = try await services.sessions.connect(record.key, until: .after(.seconds(90)))
        } catch {
            touch(ask.key)
            guard let signIn = ShownCode(error) else {
                if await services.sessions.state(of: record.key) == nil { records[ask.key] = nil }
                let words = try words(for: error, connection)
                return RouteReply(["success": false, "result": .string("ERROR: \(words)"), "auth_pending": false])
            }
            _ = await refreshed(ask.key)
            return RouteReply([
                "success": true, "result": .string(signIn.words), "auth_pending": true,
                "device_code": .string(signIn.code), "auth_url": .string(signIn.address),
            ])
        }
        touch(ask.key)
        _ = await refreshed(ask.key)
        return RouteReply(["success": true, "result": "Connected", "auth_pending": false])
    }

    /// Returns why the sign-in failed. If the tenant has no entry, the advice is to add one rather than to edit it.
    private func words(for error: MMError, _ connection: Connection) throws(MMError) -> String {
        guard error.code == .invalidInput, try !services.registry.snapshot().names.contains(connection.name),
            let tenant = connection.tenant
        else { return error.description }
        return "\(error.message)\nNo connection in the registry belongs to this tenant. To add one, a person runs: "
            + "mm connections add NAME --tenant \(tenant) --app-id ID"
    }

    private func status(_ ask: TenantAsk) async throws(MMError) -> RouteReply {
        let session = try session(of: ask)
        var connected = false
        var pending = false
        var state = await services.sessions.state(of: session)
        // Adopt a session that is already signed in, such as one restored after a restart.
        if records[ask.key] == nil, state?.isSignedIn == true { _ = record(ask, try connection(ask)) }
        if records[ask.key]?.conversation == nil { records[ask.key]?.conversation = ask.conversation }
        let found = await refreshed(ask.key)
        if let found { state = found.state }
        connected = state?.isSignedIn == true
        if case .signingIn(prompt: _?)? = state { pending = true }
        var reply: JSONObject = [
            "success": true, "tenant": .string(ask.tenant), "module": .string(ask.module),
            "connected": .bool(connected), "auth_pending": .bool(pending),
            "was_pending": .bool(found?.record.wasPending ?? false),
            "conversation_id": (found?.record.conversation ?? ask.conversation).map { .string($0) } ?? .null,
        ]
        if case .failed(let error)? = state { reply["error"] = .string(error.message) }
        if let record = found?.record, record.wasPending, let completed = record.completedAt {
            reply["auth_duration_seconds"] = .double(Self.seconds(completed - record.createdAt))
        }
        records[ask.key]?.wasPending = false
        return RouteReply(reply)
    }

    private static func seconds(_ time: Duration) -> Double {
        let milliseconds = (time / .milliseconds(1)).rounded()
        return milliseconds / 1000
    }

    // MARK: commands

    private func run(
        _ ask: TenantAsk, _ body: JSONObject, _ caller: Caller, _ person: (any ConfirmingPerson)?
    ) async throws(MMError) -> RouteReply {
        guard let command = try text("command", body) else { throw MMError(.invalidInput, "command is required") }
        let session = try session(of: ask)
        let state = await services.sessions.state(of: session)
        guard state?.isSignedIn == true else { return Self.notSignedIn(because: state) }
        if records[ask.key] == nil { _ = record(ask, try connection(ask)) }
        _ = await refreshed(ask.key)
        let number = began(ask.key)
        defer { ended(ask.key, number) }
        // This is the name under which the owner admits this manager.
        let connection = try services.registry.snapshot().connection(named: session.connection)
        let server = names(caller.server).server(for: connection) ?? caller.server
        var call = CallContext(
            caller: Caller(surface: caller.surface, name: caller.name, server: server),
            timeLimit: settings.commandLimit, person: person)
        call.followEarlierServers()
        var arguments: JSONObject = [
            "connection": .string(session.connection), "module": .string(session.module), "command": .string(command),
            "output": "json", "depth": 10,
        ]
        if body["confirmed"] == true { arguments["confirmed"] = true }
        do throws(MMError) {
            let answer = try await service.call(.run, arguments, in: call)
            return RouteReply(["success": true, "result": .string(try await Self.result(answer))])
        } catch {
            if error.code == .signInNeeded { return Self.notSignedIn(because: .failed(error)) }
            if let answer = error.earlierAnswer, let result = try? await Self.result(answer) {
                return RouteReply(["success": true, "result": .string(result)])
            }
            return RouteReply(["success": false, "result": .string(error.textAfterOutput)])
        }
    }

    /// Returns the output as JSON: a single object as itself, several as a list, `OK` for none. As in PowerShell's
    /// window, errors that didn't end the command follow. Other notes are included only where they don't break the
    /// JSON.
    private static func result(_ given: OperationAnswer) async throws(MMError) -> String {
        let answer = try await given.gathered()
        guard case .value(.array(let values)) = answer.body else { return try await answer.plainText() }
        let notes = answer.notes.filter { $0 != SessionAnswer.standInNote }
        let errors = notes.filter { $0.hasPrefix(ReportedError.mark) }
        let isEmpty = values.isEmpty || (values.count == 1 && (values[0] == .null || values[0] == ""))
        if isEmpty { return (notes + (errors.isEmpty ? ["OK"] : [])).joined(separator: "\n") }
        let json = JSONWriter.string(values.count == 1 ? values[0] : .array(values), layout: .indented(2))
        return ([json] + errors).joined(separator: "\n")
    }

    /// Returns the reply if a sign-in is needed first, with the reason why the last one failed.
    private static func notSignedIn(because state: SessionState?) -> RouteReply {
        var words = "Not authenticated. Call /login first."
        if case .failed(let error)? = state {
            // Only /login may give out a code, so a message with one isn't included.
            let reason = error.details["userCode"] == nil ? error.message : ShownCode.reason(in: error.details)
            if let reason { words += " " + reason }
        }
        return RouteReply(["success": false, "error": .string(words), "connected": false], status: 401)
    }

    // MARK: lists

    private var modulesReply: RouteReply {
        var details = JSONObject()
        for (module, name) in Self.modules { details[module] = ["name": .string(name)] }
        return RouteReply([
            "modules": .array(Self.modules.map { .string($0.0) }), "details": .object(details),
        ])
    }

    private var watchdogReply: RouteReply {
        func seconds(_ time: Duration) -> JSONValue { .int(time.components.seconds) }
        return RouteReply([
            "running": .bool(isWatching),
            "config": [
                "interval_seconds": seconds(settings.watchInterval),
                "auth_pending_timeout": seconds(settings.pendingLimit),
                "idle_session_timeout": seconds(settings.idleLimit),
                "stuck_process_timeout": seconds(settings.stuckLimit),
            ],
        ])
    }

    private func sessionsReply() async -> RouteReply {
        var rows: [JSONValue] = []
        var shown: Set<SessionKey> = []
        for key in records.keys.sorted() {
            // Callers may refer to one session by several names.
            guard let (record, state) = await refreshed(key), shown.insert(record.key).inserted else { continue }
            let connected = state?.isSignedIn == true
            let fault = record.fault(state, settings, now: clock.now())
            func moment(_ time: Timestamp?) -> JSONValue { time.map { .string($0.localISO) } ?? .null }
            rows.append([
                "tenant": .string(record.tenant), "module": .string(record.module),
                "conversation_id": record.conversation.map { .string($0) } ?? .null,
                "authenticated": .bool(connected), "auth_pending": .bool(record.pendingSince != nil),
                "auth_pending_since": moment(record.pendingSince), "auth_completed_at": moment(record.completedAt),
                "connected": .bool(connected), "created_at": moment(record.createdAt),
                "last_used": moment(record.lastUsed), "last_health_check": moment(record.lastCheck),
                "stuck": .bool(fault != nil), "stuck_reason": fault.map { .string($0) } ?? .null,
            ])
        }
        return RouteReply(["sessions": .array(rows)])
    }
}

/// The session manager's record of one `tenant:module`.
struct TenantRecord: Sendable {
    /// The tenant as callers write it.
    let tenant: String
    /// The module.
    let module: String
    /// The session's key in the pool.
    var key: SessionKey
    /// The first label of the SharePoint host, for the module that signs in there.
    var sharePointHost: String?
    /// The conversation of the first call.
    var conversation: String?
    let createdAt: Timestamp
    var pendingSince: Timestamp?
    var completedAt: Timestamp?
    var lastUsed: Timestamp
    var lastCheck: Timestamp?
    /// Whether a sign-in has just completed, which is reported once.
    var wasPending = false

    /// The time at which the pending sign-in began, on a monotonic clock.
    var pendingFrom: Duration?
    var usedAt: Duration
    /// The start times of running commands.
    var running: [Int: Duration] = [:]

    /// Returns why the session should be ended; `nil` if it shouldn't.
    func fault(_ state: SessionState?, _ settings: TenantSettings, now: Duration) -> String? {
        if let pendingFrom, now - pendingFrom > settings.pendingLimit {
            return
                "auth_pending for \(Self.seconds(now - pendingFrom))s (limit: \(Self.seconds(settings.pendingLimit))s)"
        }
        if case .lost? = state { return "process died unexpectedly" }
        if let oldest = running.values.min() {
            let over = now - oldest - settings.commandLimit
            guard over > settings.stuckLimit else { return nil }
            return "no answer for \(Self.seconds(over))s (limit: \(Self.seconds(settings.stuckLimit))s)"
        }
        if case .ready? = state, now - usedAt > settings.idleLimit {
            return "idle for \(Self.seconds(now - usedAt))s (limit: \(Self.seconds(settings.idleLimit))s)"
        }
        return nil
    }

    private static func seconds(_ time: Duration) -> Int64 { time.components.seconds }
}

/// Finds the connection that callers mean by a tenant: a connection's name, an alias, a domain or an id.
struct TenantName: Sendable {
    private let registry: ConnectionRegistry
    private let settings: TenantSettings
    private let servers: [String]

    /// Creates a finder.
    /// - Parameters:
    ///   - registry: the connections; tenants that it doesn't contain become implied connections.
    ///   - settings: aliases and SharePoint hosts.
    ///   - server: the name that `mcps` lists are compared with, in addition to the manager's own.
    init(_ registry: ConnectionRegistry, settings: TenantSettings, server: String?) {
        self.registry = registry
        self.settings = settings
        servers = [server, TenantSessions.serverName].compactMap { $0 }
    }

    /// Returns the name under which a connection may be used; `nil` if its `mcps` list admits none.
    func server(for connection: Connection) -> String? { servers.first { connection.isVisible(to: $0) } }

    /// Returns the connection of a tenant.
    ///
    /// A tenant in the registry is used as its owner configured it, with its account, guard and `mcps`. Only a tenant
    /// without an entry becomes an implied connection, which is never listed and can be used only by this manager.
    /// - Parameters:
    ///   - word: the tenant as the caller wrote it.
    ///   - sharePointHost: the first label of the SharePoint host, if the caller gives one.
    ///   - account: the number of one of several accounts. For a tenant in the registry, each entry is one account.
    /// - Throws: `invalidInput` for an invalid tenant, and for one with several entries; `notFound` for one that this
    ///   server may not use.
    func connection(_ word: String, sharePointHost: String?, account: String) throws(MMError) -> Connection {
        if let sharePointHost, !Self.isLabel(sharePointHost) {
            throw MMError(
                .invalidInput, "`\(sharePointHost.prefix(80))` is not a SharePoint tenant.",
                hint: "Give the first label of the host: contoso for contoso.sharepoint.com.")
        }
        guard let number = Int(account), (1...99).contains(number) else {
            throw MMError(.invalidInput, "`account` can't be `\(account.prefix(20))`.", hint: "Give a number from 1.")
        }
        let snapshot = try registry.snapshot()
        let aliases = try table("_tenantAliases", in: snapshot).merging(settings.aliases) { $1 }
        let hosts = try table("_sharepointTenants", in: snapshot).merging(settings.sharePointHosts) { $1 }
        let tenant = word.trimmed
        let domain = (aliases[tenant.lowercased()] ?? tenant).lowercased()
        guard let one = try registered(tenant, aliases, account: number, in: snapshot) else {
            return try implied(domain, sharePointHost: sharePointHost ?? hosts[domain], account: number)
        }
        if let given = sharePointHost {
            guard !snapshot.namesSharePointHost(one.name) || one.sharepointHost?.lowercased() == given.lowercased()
            else {
                throw MMError(
                    .invalidInput, "The connection \(one.name) has the SharePoint host `\(one.sharepointHost ?? "")`.",
                    hint: "Leave out sharepoint_tenant. To change it, a person runs: mm connections edit "
                        + "\(ShellWord.quoted(one.name)) sharepoint_host=\(ShellWord.quoted(given))")
            }
            registry.give(sharePointHost: given, to: one.name, isLast: true)
        } else if let mapped = [domain, one.tenant?.lowercased(), one.tenantId?.lowercased()]
            .compactMap({ $0.flatMap { hosts[$0] } }).first, Self.isLabel(mapped)
        {
            registry.give(sharePointHost: mapped, to: one.name, isLast: false)
        }
        return try registry.snapshot().connection(named: one.name)
    }

    /// Returns the registry's entry for a tenant; `nil` if there is none.
    private func registered(
        _ tenant: String, _ aliases: [String: String], account: Int, in snapshot: RegistrySnapshot
    ) throws(MMError) -> Connection? {
        let written = aliases[tenant.lowercased()] ?? tenant
        for name in [tenant, written] where snapshot.names.contains(name) {
            let named = snapshot.connections.first { $0.name == name }
            let one = try snapshot.connection(named: name, for: named.flatMap { server(for: $0) } ?? servers[0])
            if account > 1 { throw Self.onlyOneAccount(one) }
            return one
        }
        let domain = written.lowercased()
        let named = snapshot.connections.filter { connection in
            [connection.tenant, connection.tenantId].contains { $0?.lowercased() == domain }
        }
        let usable = named.filter { server(for: $0) != nil }
        if account > 1, let one = usable.first {
            guard account <= usable.count else { throw Self.onlyOneAccount(one) }
            return usable[account - 1]
        }
        if usable.count > 1 {
            throw MMError(
                .invalidInput, "Several connections belong to the tenant `\(domain.prefix(80))`.",
                hint: "Use one of these as the tenant: \(usable.map(\.name).joined(separator: ", ")).")
        }
        if named.isEmpty { return nil }
        if let one = usable.first { return one }
        return try snapshot.connection(named: tenant, for: servers[0])
    }

    /// Refuses a further account: an entry stands for one account, which the owner chooses, not the caller.
    private static func onlyOneAccount(_ connection: Connection) -> MMError {
        let account = connection.expectedEmail.map { " (\($0))" } ?? ""
        return MMError(
            .invalidInput, "The connection \(connection.name) has one account\(account) and can't use another one.",
            hint:
                "Another account needs its own connection. To add one, a person runs: mm connections add NAME --tenant "
                + "\(connection.tenant ?? "DOMAIN") --expected-email ACCOUNT")
    }

    private func implied(_ domain: String, sharePointHost: String?, account number: Int) throws(MMError) -> Connection {
        guard Self.isDomain(domain) || GUID.isValid(domain) else {
            throw MMError(
                .invalidInput, "`\(domain.prefix(80))` is not a tenant.",
                hint: "Give a domain such as contoso.com, a tenant id, or the name of a connection.")
        }
        let name = number == 1 ? domain : "\(domain) (account \(number))"
        var entry: JSONObject = [
            "tenant": .string(domain), "description": "A tenant that is not in the registry",
            "mcps": .array([.string(TenantSessions.serverName)]), "engine": "pwsh",
        ]
        if GUID.isValid(domain) { entry["tenantId"] = .string(domain) }
        entry["sharepoint_host"] = sharePointHost.map { .string($0) }
        let one = try RegistrySnapshot(document: ["connections": [name: .object(entry)]]).connection(named: name)
        registry.imply(one)
        return one
    }

    /// Returns a table of strings at the top level of the registry.
    private func table(_ key: String, in snapshot: RegistrySnapshot) throws(MMError) -> [String: String] {
        var pairs: [String: String] = [:]
        for (name, value) in snapshot.document[key]?.object ?? [:] {
            if let text = value.string { pairs[name.lowercased()] = text }
        }
        return pairs
    }

    /// Returns whether a text is a host name with at least two labels (RFC 1123, section 2.1).
    static func isDomain(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        return text.utf8.count <= 253 && labels.count > 1 && labels.allSatisfy { isLabel(String($0)) }
    }

    private static func isLabel(_ text: String) -> Bool {
        let bytes = text.utf8
        return (1...63).contains(bytes.count) && bytes.first != UInt8(ascii: "-") && bytes.last != UInt8(ascii: "-")
            && bytes.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"): true
                default: false
                }
            }
    }
}
