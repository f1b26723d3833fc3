package import MMCore
package import MMOperations
package import MMSessions

/// The session manager for tenants and modules: signs in, runs commands, ends sessions, and watches over them with its
/// own time limits.
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
    ///   - services: what they work with.
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
                tenant: ask.tenant, module: ask.module, key: key, account: ask.account, createdAt: wall, lastUsed: wall,
                usedAt: now)
        record.key = key
        record.account = ask.account
        if ask.module == "pnp" { record.sharePointHost = connection.sharepointHost }
        if record.conversation == nil { record.conversation = ask.conversation }
        records[ask.key] = record
        return record
    }

    /// Updates a record with what the pool knows.
    func refreshed(_ key: String) async -> (record: TenantRecord, state: SessionState?)? {
        guard let before = records[key] else { return nil }
        let state = await services.sessions.state(of: before.key)
        guard var record = records[key], record.key == before.key else { return nil }
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
        // Remove all records of the session, whatever names callers used for it.
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

    /// Invalid arguments were 400 in the original manager; every other failure had status 200.
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
            _ = await services.sessions.reset(connection: before.key.connection, module: before.key.module)
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
        return "\(error.message)\nNo connection of the registry names this tenant. A person adds one: "
            + "mm connections add NAME --tenant \(tenant) --app-id ID"
    }

    private func status(_ ask: TenantAsk) async throws(MMError) -> RouteReply {
        let session = try session(of: ask)
        var connected = false
        var pending = false
        var state = await services.sessions.state(of: session)
        // Adopt a session that is already signed in, such as one restored after a restart.
        if records[ask.key] == nil, Self.isConnected(state) { _ = record(ask, try connection(ask)) }
        if records[ask.key]?.conversation == nil { records[ask.key]?.conversation = ask.conversation }
        let found = await refreshed(ask.key)
        if let found { state = found.state }
        connected = Self.isConnected(state)
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

    static func isConnected(_ state: SessionState?) -> Bool {
        switch state {
        case .ready?, .busy?: true
        default: false
        }
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
        guard Self.isConnected(state) else { return Self.notSignedIn(because: state) }
        if records[ask.key] == nil { _ = record(ask, try connection(ask)) }
        _ = await refreshed(ask.key)
        let number = began(ask.key)
        defer { ended(ask.key, number) }
        // The name under which the owner admits this manager.
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
            let answer = try await service.call("run", arguments, in: call)
            return RouteReply(["success": true, "result": .string(try await Self.result(answer))])
        } catch {
            if error.code == .signInNeeded { return Self.notSignedIn(because: .failed(error)) }
            if let answer = error.earlierAnswer, let result = try? await Self.result(answer) {
                return RouteReply(["success": true, "result": .string(result)])
            }
            return RouteReply(["success": false, "result": .string(error.description)])
        }
    }

    /// Returns the output as JSON: a single object as itself, several as a list, `OK` for none. As in PowerShell's
    /// window, errors that didn't end the command follow. Other notes are included only where they don't break the
    /// JSON.
    private static func result(_ answer: OperationAnswer) async throws(MMError) -> String {
        guard case .value(.array(let values)) = answer.body else { return try await answer.plainText() }
        let notes = answer.notes.filter { $0 != SessionAnswer.standInNote }
        let errors = notes.filter { $0.hasPrefix("ERROR: ") }
        let isEmpty = values.isEmpty || (values.count == 1 && (values[0] == .null || values[0] == ""))
        if isEmpty { return (notes + (errors.isEmpty ? ["OK"] : [])).joined(separator: "\n") }
        let json = JSONWriter.string(values.count == 1 ? values[0] : .array(values), layout: .indented(2))
        return ([json] + errors).joined(separator: "\n")
    }

    /// The reply where a sign-in comes first, with why the last one came to nothing.
    private static func notSignedIn(because state: SessionState?) -> RouteReply {
        var words = "Not authenticated. Call /login first."
        if case .failed(let error)? = state, error.details["userCode"] == nil { words += " " + error.message }
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
            let connected = Self.isConnected(state)
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
