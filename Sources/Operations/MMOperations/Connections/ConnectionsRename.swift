import MMCore
import MMIdentity

/// `connections_rename`: renames an entry.
struct ConnectionsRename: CatalogueOperation {
    struct Input: OperationInput {
        @Argument(.connection) var connection: String
        @Argument("to", "The new name.", .at(1)) var to: String
    }

    let declaration = OperationDeclaration(
        "connections_rename", command: ["connections", "rename"], title: "Rename a connection",
        summary: "Rename a connection. It must sign in again.", effects: .init(readOnly: false),
        audience: .person,
        examples: [.init("mm connections rename Contoso ContosoAdmin", "keeps its position and keys")]
    ).kept(by: .owner)

    func run(
        _ input: Input, in context: OperationContext, with services: ConnectionServices
    ) async throws(MMError) -> OperationAnswer {
        context.record.note("connection", .string(input.connection))
        let renaming = { (document: inout JSONObject) throws(MMError) in
            try RegistryEdit.rename(input.connection, to: input.to, in: &document)
        }
        // Refuses what can't be renamed before anybody is signed out.
        _ = try services.registry.preview(renaming)
        let renamed: JSONValue = ["renamed": .string(input.connection), "to": .string(input.to)]
        guard input.connection != input.to else {
            return .value(renamed, notes: ["It has this name already; nothing was changed."])
        }
        let identity = services.identity
        // Tokens under the old name would be used by the next connection of that name, and existing ones under the new
        // name by this one.
        try await identity.signOut(named: input.connection)
        try await identity.signOut(named: input.to)
        try await identity.movePin(from: input.connection, to: input.to)
        try await services.registry.editWhenFree(renaming)
        return .value(
            renamed,
            notes: ["The connection is signed out. Sign in with: mm login \(ShellWord.quoted(input.to))"])
    }
}
