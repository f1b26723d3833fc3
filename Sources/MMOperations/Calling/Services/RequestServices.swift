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
}
