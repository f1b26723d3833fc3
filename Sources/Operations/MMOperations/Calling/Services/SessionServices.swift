package import MMCore
package import MMIdentity
package import MMSessions

/// The services for operations on sessions.
package struct SessionServices: Sendable {
    /// The connections.
    package let registry: ConnectionRegistry
    /// The sign-ins that sessions use.
    package let identity: IdentityService
    /// The sessions of modules.
    package let sessions: SessionPool<ModuleSessionFactory>
    /// The names of variables that scripts have left in sessions.
    package let variables: SessionVariables
    /// The restorer of sessions after a restart.
    package let restorer: SessionRestorer
    /// The sessions of shells and hosts.
    package let shells: ShellSessions
}
