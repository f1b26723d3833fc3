package import MMCore
package import MMIdentity
package import MMSessions

/// What it takes to send guarded requests with a connection's sign-in.
package struct RequestServices: Sendable {
    /// Judges them.
    package let guarding: GuardServices
    /// Signs them in.
    package let identity: IdentityService
    /// Where contents are logged that an owner wants to see.
    package let log: Log
    /// Where each write is noted that has no call of its own.
    package let audit: AuditLog
    /// By which the nodes of a cluster tell each other of their writes; `nil` outside one.
    package let exchange: JournalExchange?
    /// Sessions for what no request reads.
    package let sessions: SessionPool<ModuleSessionFactory>

    /// The same, signed in by another service.
    func signing(by identity: IdentityService) -> RequestServices {
        RequestServices(
            guarding: guarding, identity: identity, log: log, audit: audit, exchange: exchange, sessions: sessions)
    }
}
