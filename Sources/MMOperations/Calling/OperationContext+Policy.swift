package import MMCore
package import MMGuard
import MMIdentity

extension OperationContext {
    /// How strictly the guard judges for a connection and this caller.
    package func policy(of connection: Connection) -> GuardPolicy {
        if call.readsOnly { return GuardPolicy(.readonly) }
        return GuardPolicy(of: connection, environment: services.environment, allowances: call.guardAllowances)
    }

    /// Does work that needs a token. A terminal shows the code and waits for the person; everybody else gets the
    /// `sign_in_needed` error that the work throws.
    func waitingForSignIn<Result: Sendable>(
        to connection: Connection, resource: ServiceResource, _ work: @Sendable () async throws(MMError) -> Result
    ) async throws(MMError) -> Result {
        guard call.waitsForSignIn, let person = call.person else { return try await work() }
        return try await services.identity.waitingForSignIn(
            to: connection, resource: resource, deadline: deadline,
            show: { prompt in await person.showSignIn(prompt.details) }, work)
    }
}

extension SignInPrompt {
    /// What a person needs to know, as the details of a `sign_in_needed` error hold it.
    var details: JSONObject { error(now: .now).details }
}
