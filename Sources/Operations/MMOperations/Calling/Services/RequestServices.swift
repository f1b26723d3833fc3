package import MMCore
package import MMIdentity
package import MMSessions

/// The services for sending guarded requests with a connection's sign-in.
package struct RequestServices: Sendable {
    /// The services that judge requests.
    package let guarding: GuardServices
    /// The source of access tokens for requests.
    package let identity: IdentityService
    /// The log for the contents that an owner wants to have logged.
    package let log: Log
    /// The audit log, for writes that have no call of their own.
    package let audit: AuditLog
    /// The exchange of journal lines with a cluster's nodes; `nil` outside a cluster.
    package let exchange: JournalExchange?
    /// Sessions, for data that no request can read.
    package let sessions: SessionPool<ModuleSessionFactory>

    /// Returns the same services with another identity service.
    func signing(by identity: IdentityService) -> RequestServices {
        RequestServices(
            guarding: guarding, identity: identity, log: log, audit: audit, exchange: exchange, sessions: sessions)
    }
}
