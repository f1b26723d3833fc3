package import MMCore
package import MMIdentity

/// What operations on connections work with.
package struct ConnectionServices: Sendable {
    /// The connections.
    package let registry: ConnectionRegistry
    /// Sign-ins and tokens.
    package let identity: IdentityService
    /// Has a person confirm what weakens a connection.
    package let guarding: GuardServices
}
