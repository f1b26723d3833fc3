import MMCore

/// `connections_rename`: gives an entry another name.
struct ConnectionsRename: Operation {
    struct Input: OperationInput {
        static let fields: [InputField] = [
            .connection(), InputField("to", .text, "The new name.", isRequired: true, at: .positional(1)),
        ]
        let connection: String
        let to: String

        init(from reader: InputReader) throws(MMError) {
            connection = try reader.requiredText("connection")
            to = try reader.requiredText("to")
        }
    }

    let declaration = OperationDeclaration(
        "connections_rename", command: ["connections", "rename"], title: "Rename a connection",
        summary: "Give a connection another name; it must sign in again.", effects: .init(readOnly: false),
        audience: .person, examples: [.init("mm connections rename Contoso ContosoAdmin", "keeps its place and keys")]
    )

    func run(_ input: Input, in context: OperationContext) async throws(MMError) -> OperationAnswer {
        context.record.note("connection", .string(input.connection))
        try context.services.registry.edit { (document) throws(MMError) in
            try RegistryEdit.rename(input.connection, to: input.to, in: &document)
        }
        return .value(["renamed": .string(input.connection), "to": .string(input.to)])
    }
}
