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
            show: { prompt in await person.showSignIn(await details(of: prompt, for: connection)) }, work)
    }
}

extension IdentityService {
    /// What a person needs to know of a sign-in, with what would make their approval useless.
    func details(of prompt: SignInPrompt, for connection: Connection) async -> JSONObject {
        var details = prompt.details
        details["warning"] = await pinWarning(of: connection).map { .string($0) }
        return details
    }

    /// Why a sign-in with the expected account would be refused; nil where nothing speaks against it.
    func pinWarning(of connection: Connection) async -> String? {
        guard let pinned = await pinnedName(unlikeThatOf: connection) else { return nil }
        let name = ShellWord.quoted(connection.name)
        return
            "\(connection.name) is pinned to the account that was called \(pinned). If it has only another name now, sign "
            + "in. If another account is meant, first: mm logout \(name) --forget-account."
    }
}

extension SignInPrompt {
    /// What a person needs to know, as the details of a `sign_in_needed` error hold it.
    var details: JSONObject { error(now: .now).details }
}
