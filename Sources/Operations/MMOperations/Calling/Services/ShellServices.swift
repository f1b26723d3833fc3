package import MMCore

/// The services for operations on shells and hosts.
package struct ShellServices: Sendable {
    /// The services that judge commands.
    package let guarding: GuardServices
    /// The background commands, and their stored output.
    package let work: WorkServices
    /// The audit log, for commands if a security file asks for it.
    package let audit: AuditLog
    /// The record of the requests of confined shells.
    let sent: SentRequests
    /// The log.
    package let log: Log
    /// The services that send requests and sign in for shells with an identity, and record their changes.
    let requests: RequestServices

    /// The sessions.
    package var shells: ShellSessions { work.shells }
    /// The environment of the process.
    package var environment: [String: String] { guarding.environment }
    /// The paths of the state files.
    package var paths: StatePaths { guarding.paths }
}
