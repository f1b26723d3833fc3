import MMCore

/// `connections_show`: one entry of the registry, whole.
struct ConnectionsShow: Operation {
    struct Input: OperationInput {
        static let fields: [InputField] = [.connection()]
        let connection: String

        init(from reader: InputReader) throws(MMError) {
            connection = try reader.requiredText("connection")
        }
    }

    let declaration = OperationDeclaration(
        "connections_show", command: ["connections", "show"], title: "Show a connection",
        summary: "Show one connection with all its keys.", effects: .init(readOnly: true, idempotent: true),
        audience: .person, examples: [.init("mm connections show Contoso", "the entry as it stands in the registry")]
    )

    func run(_ input: Input, in context: OperationContext) async throws(MMError) -> OperationAnswer {
        let connection = try context.connection(named: input.connection)
        var entry: JSONObject = ["name": .string(connection.name)]
        for (key, value) in context.services.redactor.object(connection.raw) { entry[key] = value }
        return .value(.object(entry))
    }
}
