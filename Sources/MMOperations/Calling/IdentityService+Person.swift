import MMCore
import MMIdentity

extension IdentityService {
    /// Does work that needs a token. A terminal shows the code and waits for the person; everybody else gets the
    /// `sign_in_needed` error that the work throws.
    func waitingForSignIn<Result: Sendable>(
        to connection: Connection, resource: ServiceResource, in context: OperationContext,
        _ work: @Sendable () async throws(MMError) -> Result
    ) async throws(MMError) -> Result {
        guard context.call.waitsForSignIn, let person = context.call.person else { return try await work() }
        return try await waitingForSignIn(
            to: connection, resource: resource, deadline: context.deadline,
            show: { prompt in await person.showSignIn(prompt.details) }, work)
    }
}

extension SignInPrompt {
    /// What a person needs to know, as the details of a `sign_in_needed` error hold it.
    var details: JSONObject { error(now: .now).details }
}
