import MMCore
import MMIdentity

/// `connections_remove`: removes an entry from the registry, and its tokens from this machine.
struct ConnectionsRemove: CatalogueOperation {
    struct Input: OperationInput {
        @Argument(.connection) var connection: String
        @Argument("keepTokens", "Keep its token cache.") var keepTokens: Bool
        @Argument("yes", "Don't ask for confirmation.") var isSure: Bool
    }

    let declaration = OperationDeclaration(
        "connections_remove", command: ["connections", "remove"], title: "Remove a connection",
        summary: "Remove a connection from the registry and its tokens from this machine.",
        effects: .init(readOnly: false, destructive: true, idempotent: true), audience: .person,
        examples: [.init("mm connections remove Contoso", "keeps the previous registry as a .bak file beside it")]
    ).kept(by: .owner)

    func run(
        _ input: Input, in context: OperationContext, with services: ConnectionServices
    ) async throws(MMError) -> OperationAnswer {
        context.record.note("connection", .string(input.connection))
        let removal = { (document: inout JSONObject) throws(MMError) in
            try RegistryEdit.remove(input.connection, from: &document)
        }
        let documents = try services.registry.preview(removal)
        let isConfirmed = try await services.guarding.settleWeakening(of: input.connection, documents, in: context)
        if !isConfirmed, !input.isSure, context.call.caller.surface == .terminal, context.call.person == nil {
            throw MMError(
                .invalidInput, "Removing \(input.connection) needs a confirmation, and there is no terminal to ask on.",
                hint: "In a script, add --yes.", details: ["field": "yes"])
        }
        if !isConfirmed, !input.isSure, context.call.caller.surface == .terminal, let person = context.call.person {
            let tokens =
                input.keepTokens ? "Its tokens are kept." : "Its tokens are removed too: a person must sign in again."
            guard
                try await person.confirm(
                    ConfirmationQuestion(
                        title: "Remove the connection \(input.connection)", pages: [tokens],
                        reason: "The previous registry is kept as a .bak file beside it."))
            else { throw MMError(.denied, "You answered no: nothing was removed.") }
        }
        // Tokens are removed first, so that an interruption can't leave credentials without a visible entry.
        if !input.keepTokens {
            try await services.identity.signOut(named: input.connection, forgettingAccount: true)
        }
        try await services.registry.editWhenFree(removal)
        return .value(["removed": .string(input.connection)])
    }
}
