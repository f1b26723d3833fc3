import MMCore
import MMIdentity

/// `connections_duplicate`: copies an entry for another account.
struct ConnectionsDuplicate: CatalogueOperation {
    struct Input: OperationInput {
        @Argument(.connection) var connection: String
        @Argument("to", "Name of the copy.", .at(1)) var to: String
    }

    let declaration = OperationDeclaration(
        "connections_duplicate", command: ["connections", "duplicate"], title: "Duplicate a connection",
        summary: "Copy a connection for another account of the same tenant.", effects: .init(readOnly: false),
        audience: .person,
        examples: [.init("mm connections duplicate Contoso ContosoHelpdesk", "the copy has no expected account yet")]
    ).kept(by: .owner)

    func run(
        _ input: Input, in context: OperationContext, with services: ConnectionServices
    ) async throws(MMError) -> OperationAnswer {
        context.record.note("connection", .string(input.to))
        let copying = { (document: inout JSONObject) throws(MMError) in
            try RegistryEdit.duplicate(input.connection, as: input.to, in: &document)
        }
        _ = try services.registry.preview(copying)
        try await services.identity.signOut(named: input.to, forgettingAccount: true)
        try await services.registry.editWhenFree(copying)
        return .value(
            ["copied": .string(input.connection), "to": .string(input.to)],
            notes: ["Set its account: mm connections edit \(ShellWord.quoted(input.to)) --expected-email ADDRESS"])
    }
}
