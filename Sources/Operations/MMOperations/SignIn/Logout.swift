import MMCore
import MMIdentity
import MMSessions

/// `logout`: removes a connection's tokens and pending sign-ins from this machine, and ends its sessions.
struct Logout: CatalogueOperation {
    struct Input: OperationInput {
        @Argument(.connection) var connection: String
        @Argument(
            "forgetAccount", "Also forget the account, so that another one may sign in.", .notForModels
        )
        var forgetAccount: Bool
    }

    let declaration = OperationDeclaration(
        "logout", aliases: ["mm_logout"], command: ["logout"], title: "Sign out",
        summary: "Sign out of a connection: removes its tokens from this machine and ends its sessions.",
        description:
            "Removes a connection's tokens and pending sign-ins from this machine, signs out and ends its PowerShell "
            + "sessions.",
        effects: .init(readOnly: false, destructive: true, idempotent: true), home: .besideSessions,
        examples: [.init("mm logout Contoso --forget-account", "allows another account to sign in")]
    )

    func run(
        _ input: Input, in context: OperationContext, with services: SessionServices
    ) async throws(MMError) -> OperationAnswer {
        let connection = try services.registry.connection(named: input.connection, in: context)
        // Only the owner decides which account a connection belongs to; a model must not allow another one to sign in.
        if input.forgetAccount, context.call.caller.surface == .mcp {
            throw MMError(
                .forbidden, "Only the connection's owner can use `forgetAccount`.",
                hint: "Ask the person to run `mm logout \(ShellWord.quoted(connection.name)) --forget-account`."
            )
        }
        // The sessions end after the tokens are removed: otherwise one that begins in between would keep a token that
        // nothing shows.
        let result = try await services.identity.signOut(connection, forgettingAccount: input.forgetAccount)
        let ended = await services.end(connection: connection.name)
        // Tokens that other programs keep are not removed.
        let kept: String? =
            if connection.auth.method == .broker {
                "The identity broker of this machine keeps the account, and the next call uses it."
            } else if let file = services.identity.sharedTokenCache(of: connection) {
                "The tokens in \(file) are kept, because other programs share them (az logout). Remove tokenCache from the entry, or "
                    + "unset MM_TOKEN_FILE, to stop using that sign-in."
            } else {
                nil
            }
        return .value(
            [
                "connection": .string(connection.name), "state": kept == nil ? "signed out" : "sessions ended",
                "accounts": .array(result.accounts.map { .string($0) }),
                "sessions": .array(ended.map { .string($0.description) }),
            ], notes: kept.map { [$0] } ?? [])
    }
}
