import MMCore
import MMIdentity

extension IdentityService {
    /// Does work that needs a token. A terminal shows the code and waits for the person; every other caller gets the
    /// `sign_in_needed` error that the work throws, and once more only after the service was asked again.
    func waitingForSignIn<Result: Sendable>(
        to connection: Connection, resource: ServiceResource, in context: OperationContext,
        _ work: @Sendable () async throws(MMError) -> Result
    ) async throws(MMError) -> Result {
        guard context.call.waitsForSignIn, let person = context.call.person else {
            return try await awaitingApproval(of: connection, until: context.deadline, work)
        }
        return try await waitingForSignIn(
            to: connection, resource: resource, deadline: context.deadline,
            show: { prompt in await person.showSignIn(await details(of: prompt, for: connection)) }, work)
    }
}

extension IdentityService {
    /// Returns what a person needs to know about a sign-in, with a warning if approving it would be useless.
    func details(of prompt: SignInPrompt, for connection: Connection) async -> JSONObject {
        var details = prompt.details
        details["warning"] = await pinWarning(of: connection).map { .string($0) }
        return details
    }

    /// Returns why a sign-in with the expected account might be refused; `nil` if it wouldn't be.
    func pinWarning(of connection: Connection) async -> String? {
        guard let pinned = await pinnedName(unlikeThatOf: connection) else { return nil }
        let name = ShellWord.quoted(connection.name)
        return
            "\(connection.name) is pinned to the account \(pinned). If that account was renamed, sign "
            + "in. To use another account, first run mm logout \(name) --forget-account."
    }
}

extension SignInPrompt {
    /// The details of the `sign_in_needed` error for this sign-in.
    var details: JSONObject { error(now: .now).details }
}
