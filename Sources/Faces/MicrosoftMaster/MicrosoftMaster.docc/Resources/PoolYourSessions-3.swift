import MMCore
import MMSessions

actor Mailbox: PooledSession {
    private var isOpen = true

    func connect(report: @escaping @Sendable (SignInStep) -> Void) async throws(MMError) -> String { "Anne" }
    func checkHealth() async throws(MMError) {}
    func close() async { isOpen = false }
    var isUsable: Bool { isOpen }
    var memory: Int? { nil }

    func count() -> Int { 3 }
}

struct Mailboxes: SessionFactory {
    func start(_ key: SessionKey) async throws(MMError) -> Mailbox { Mailbox() }
}

var settings = PoolSettings()
settings.maxSessions = 20
settings.idleTimeout = .seconds(600)
let pool = SessionPool(factory: Mailboxes(), settings: settings)
let maintenance = Task { await pool.runMaintenance() }

let key = SessionKey(connection: "Contoso", module: "mail")
let count = try await pool.withSession(key, until: .after(.seconds(60))) { lease in await lease.session.count() }
print("\(count) messages")

maintenance.cancel()
await pool.close()
