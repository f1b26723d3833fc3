import MMCore

/// `connections_show`: shows one entry of the registry with all keys.
struct ConnectionsShow: CatalogueOperation {
    struct Input: OperationInput {
        @Argument(.connection) var connection: String
    }

    let declaration = OperationDeclaration(
        "connections_show", command: ["connections", "show"], title: "Show a connection",
        summary: "Show a connection with all its keys.", effects: .init(readOnly: true, idempotent: true),
        audience: .person, examples: [.init("mm connections show Contoso", "the entry in the registry")]
    ).kept(by: .owner)

    func run(
        _ input: Input, in context: OperationContext, with registry: ConnectionRegistry
    ) async throws(MMError) -> OperationAnswer {
        let connection = try registry.connection(named: input.connection, in: context)
        var entry: JSONObject = ["name": .string(connection.name)]
        for (key, value) in Redactor.standard.object(connection.raw) { entry[key] = value }
        return .value(.object(entry))
    }
}
