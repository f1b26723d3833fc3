package import MMCore
package import MMIdentity

/// What operations on permissions work with.
package struct PermissionServices: Sendable {
    /// The connections.
    package let registry: ConnectionRegistry
    /// The sign-ins whose tokens are looked at.
    package let identity: IdentityService
    /// What was done.
    package let audit: AuditLog
}

extension OperationServices {
    /// For operations on permissions.
    package var permissionServices: PermissionServices {
        PermissionServices(registry: registry, identity: identity, audit: audit)
    }
}
