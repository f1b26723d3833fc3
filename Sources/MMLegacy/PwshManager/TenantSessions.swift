import MMCore
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
