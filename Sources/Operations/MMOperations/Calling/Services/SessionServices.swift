package import MMCore
package import MMIdentity
package import MMSessions

/// What operations on the sessions themselves work with.
package struct SessionServices: Sendable {
    /// The connections.
    package let registry: ConnectionRegistry
    /// Sign-ins, which sessions rest on.
    package let identity: IdentityService
    /// The sessions of modules.
    package let sessions: SessionPool<ModuleSessionFactory>
    /// The names of variables that scripts have left in them.
    package let variables: SessionVariables
    /// Brings them back after a restart.
    package let restorer: SessionRestorer
    /// The sessions of shells and hosts.
    package let shells: ShellSessions
}
