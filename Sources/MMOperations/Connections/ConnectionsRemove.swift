import MMCore
import MMIdentity

/// `connections_remove`: takes an entry out of the registry, and its tokens off this machine.
struct ConnectionsRemove: Operation {
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

    func run(_ input: Input, in context: OperationContext) async throws(MMError) -> OperationAnswer {
        context.record.note("connection", .string(input.connection))
        // An entry that is broken has no usable tokens, but must be removable.
        let connection = try? context.services.registry.snapshot().connection(named: input.connection)
        try context.services.registry.edit { (document) throws(MMError) in
            try RegistryEdit.remove(input.connection, from: &document)
        }
        var notes: [String] = []
        if let connection, !input.keepTokens {
            do throws(MMError) {
                try await context.services.identity.signOut(connection, forgettingAccount: true)
            } catch {
                notes.append("Its tokens could not be removed: \(error.message)")
            }
        }
        return .value(["removed": .string(input.connection)], notes: notes)
    }
}
