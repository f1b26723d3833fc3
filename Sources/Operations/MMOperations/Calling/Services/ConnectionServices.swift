package import MMCore
package import MMIdentity

/// The services for operations on connections.
package struct ConnectionServices: Sendable {
    /// The connections.
    package let registry: ConnectionRegistry
    /// Sign-ins and tokens.
    package let identity: IdentityService
    /// The services that have a person confirm changes that weaken a connection's protection.
    package let guarding: GuardServices
}
