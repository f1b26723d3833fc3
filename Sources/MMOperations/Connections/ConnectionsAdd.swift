import MMCore

/// `connections_add`: writes a new entry into the registry.
struct ConnectionsAdd: Operation {
    struct Input: OperationInput {
        static let fields: [InputField] =
            [
                InputField(
                    "name", .text, "Name of the new connection; case counts.", isRequired: true, at: .positional(0))
            ]
            + ConnectionFields.settable
        let name: String
        let values: [(key: String, text: String?)]

        init(from reader: InputReader) throws(MMError) {
            name = try reader.requiredText("name")
            values = try ConnectionFields.read(reader)
        }
    }

    let declaration = OperationDeclaration(
        "connections_add", command: ["connections", "add"], title: "Add a connection",
        summary: "Add a connection to the registry.", effects: .init(readOnly: false), audience: .person,
        examples: [
            .init(
                "mm connections add Contoso --app-id 11111111-2222-3333-4444-555555555555 --tenant contoso.com "
                    + "--expected-email admin@contoso.com", "a tenant with an app registration of its own"),
            .init("mm connections add Demo --cloud sandbox --tenant contoso.example", "the sandbox tenant"),
        ]
    )

    func run(_ input: Input, in context: OperationContext) async throws(MMError) -> OperationAnswer {
        context.record.note("connection", .string(input.name))
        try context.services.registry.edit { (document) throws(MMError) in
            try RegistryEdit.add(input.name, fields: input.values, to: &document)
        }
        return .value(
            ["added": .string(input.name), "registry": .string(context.services.paths.registry)],
            notes: ["Sign in with: mm login \(input.name)"])
    }
}
