package import MMCore
package import MMGuard

/// What it takes to judge an action and to have it confirmed. Most services and steps of an operation hold it, so that it is one
/// object for all.
package final class GuardServices: Sendable {
    /// The environment of the process.
    package let environment: [String: String]
    /// Where files lie.
    package let paths: StatePaths
    /// The connections, which have a policy each.
    package let registry: ConnectionRegistry
    /// Judges scripts and requests.
    package let guards: CurrentGuard
    /// Requests that wait for a person.
    package let ledger: ConfirmationLedger

    init(
        environment: [String: String], paths: StatePaths, registry: ConnectionRegistry, guards: CurrentGuard,
        ledger: ConfirmationLedger
    ) {
        self.environment = environment
        self.paths = paths
        self.registry = registry
        self.guards = guards
        self.ledger = ledger
    }

    /// Puts a request where a person finds it, and tells the owner's own command of a new one.
    /// - Throws: the errors of reading and writing the ledger.
    package func hold(_ request: ConfirmationRequest) async throws(MMError) -> PendingConfirmation {
        let (entry, isNew) = try await ledger.enter(request)
        if isNew { ApprovalNotice(environment: environment)?.send(entry, environment: environment) }
        return entry
    }

    /// How strictly the guard judges for a connection and the caller.
    package func policy(of connection: Connection, in context: OperationContext) -> GuardPolicy {
        if context.call.readsOnly { return GuardPolicy(.readonly) }
        return GuardPolicy(of: connection, environment: environment, allowances: context.call.guardAllowances)
    }
}
