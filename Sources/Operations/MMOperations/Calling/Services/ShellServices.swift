package import MMCore

/// What operations on shells and hosts work with.
package struct ShellServices: Sendable {
    /// Judges commands.
    package let guarding: GuardServices
    /// The commands that go on, and what is kept of what they write.
    package let work: WorkServices
    /// Where commands are recorded if a security file asks for it.
    package let audit: AuditLog
    /// Where requests of confined shells are recorded and counted.
    let sent: SentRequests
    /// What happens.
    package let log: Log
    /// What sends and signs in for shells with an identity, and notes what is changed.
    let requests: RequestServices

    /// The sessions.
    package var shells: ShellSessions { work.shells }
    /// The environment of the process.
    package var environment: [String: String] { guarding.environment }
    /// Where files lie.
    package var paths: StatePaths { guarding.paths }
}
