import MMCore
package import MMOperations
package import MMSessions

/// The session manager of tenants and modules: signs in, runs, ends, and looks after its sessions with times of its own.
///
/// Sessions themselves live in the pool; here is what this manager's callers know of them.
package actor TenantSessions {
    /// The modules, with the names they go by.
    package static let modules = [
        ("exo", "ExchangeOnlineManagement"), ("pnp", "PnP.PowerShell"), ("azure", "Az.Accounts"),
        ("teams", "MicrosoftTeams"), ("powerplatform", "PAC CLI"),
    ]
    /// Under which name connections' `mcps` lists admit this manager.
    package static let serverName = "pwsh-manager"

    let service: any OperationService
    let services: OperationServices
    let settings: TenantSettings
    let clock: PoolClock
    var records: [String: TenantRecord] = [:]
    var isWatching = false
    private var lastCommand = 0

    /// A manager without sessions.
    /// - Parameters:
    ///   - service: carries operations out in this process.
    ///   - services: what they work with.
    ///   - settings: times and tables.
    ///   - clock: the time it lives by.
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

    /// The connection of a tenant.
    func connection(_ ask: TenantAsk) throws(MMError) -> Connection {
        try names(ask.server).connection(
            ask.tenant, sharePointHost: ask.sharePointHost, account: ask.module == "azure" ? ask.account : "1")
    }

    /// Finds connections for a server's name.
    func names(_ server: String?) -> TenantName {
        TenantName(services.registry, settings: settings, server: server)
    }

    /// The record of a tenant and module, made where there is none.
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

    /// Brings a record up to what the pool knows.
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

    /// Notes that a session is used.
    func touch(_ key: String) {
        records[key]?.lastUsed = clock.wall.now
        records[key]?.usedAt = clock.now()
    }

    /// Notes that a command begins.
    func began(_ key: String) -> Int {
        lastCommand += 1
        records[key]?.running[lastCommand] = clock.now()
        return lastCommand
    }

    /// Notes that a command has ended.
    func ended(_ key: String, _ command: Int) {
        records[key]?.running[command] = nil
        touch(key)
    }

    /// Ends a session.
    /// - Returns: whether there was one.
    func end(_ key: String, _ session: SessionKey) async -> Bool {
        let known = records[key] != nil
        // Whatever callers called it, it is gone.
        records = records.filter { $0.key != key && $0.value.key != session }
        let ended = await services.sessions.reset(connection: session.connection, module: session.module)
        return known || !ended.isEmpty
    }

    // MARK: the watchdog

    /// Looks after the sessions until the task is cancelled.
    package func watch() async {
        isWatching = true
        while !Task.isCancelled {
            await runMaintenancePass()
            try? await Task.sleep(for: settings.watchInterval)
        }
        isWatching = false
    }

    /// Looks after the sessions once: ends those whose sign-in nobody finished, that nobody used, that hang or died.
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

/// What one call asks of the session manager.
struct TenantAsk: Sendable {
    /// The tenant as the caller wrote it.
    var tenant: String
    /// The module.
    var module: String
    /// The first label of the SharePoint host.
    var sharePointHost: String?
    /// Which of several accounts.
    var account = "1"
    /// The conversation that asks.
    var conversation: String?
    /// What `mcps` lists are compared with.
    var server: String?

    /// The name of its session.
    var key: String { "\(tenant):\(module)" }
}
