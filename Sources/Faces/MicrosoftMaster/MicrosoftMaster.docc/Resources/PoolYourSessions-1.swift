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
