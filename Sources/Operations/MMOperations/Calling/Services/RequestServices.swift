package import MMCore
package import MMIdentity

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
}
