package import MMCore
package import MMIdentity

/// The services of operations on permissions.
package struct PermissionServices: Sendable {
    /// The connections.
    package let registry: ConnectionRegistry
    /// The sign-ins whose tokens are read.
    package let identity: IdentityService
    /// The audit log.
    package let audit: AuditLog
}

extension OperationServices {
    /// The services for operations on permissions.
    package var permissionServices: PermissionServices {
        PermissionServices(registry: registry, identity: identity, audit: audit)
    }
}
