import MMCore
import MMIdentity

/// `connections_remove`: takes an entry out of the registry, and its tokens off this machine.
struct ConnectionsRemove: CatalogueOperation {
    struct Input: OperationInput {
        static let fields: [InputField] = [
            .connection(), InputField("keepTokens", .flag, "Leave its token cache where it is."),
        ]
        let connection: String
        let keepTokens: Bool

        init(from reader: InputReader) throws(MMError) {
            connection = try reader.requiredText("connection")
            keepTokens = try reader.flag("keepTokens")
        }
    }

    let declaration = OperationDeclaration(
        "connections_remove", command: ["connections", "remove"], title: "Remove a connection",
        summary: "Remove a connection from the registry, and its tokens from this machine.",
        effects: .init(readOnly: false, destructive: true, idempotent: true), audience: .person,
        examples: [.init("mm connections remove Contoso", "the registry as it was stays beside it as .bak")]
    )

    func run(
        _ input: Input, in context: OperationContext, with services: ConnectionServices
    ) async throws(MMError) -> OperationAnswer {
        context.record.note("connection", .string(input.connection))
        let removal = { (document: inout JSONObject) throws(MMError) in
            try RegistryEdit.remove(input.connection, from: &document)
        }
        _ = try services.registry.preview(removal)
        // Tokens go first: whatever ends this in between, no credentials are left without an entry that shows them.
        if !input.keepTokens {
            try await services.identity.signOut(named: input.connection, forgettingAccount: true)
        }
        try services.registry.edit(removal)
        return .value(["removed": .string(input.connection)])
    }
}
