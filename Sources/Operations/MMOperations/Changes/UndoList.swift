import MMCore

/// `undo_list`: the writes in the journal.
struct UndoList: CatalogueOperation {
    struct Input: OperationInput {
        @Argument("connection", "Only this connection.") var connection: String?
        @Argument("call", "Only this call, by its name in the audit log.") var call: String?
        @Argument("session", "Only this session of a client.") var session: String?
        @Argument("last", "How many at most (default 50).", in: 1...10_000) var last = 50
    }

    let declaration = OperationDeclaration(
        "undo_list", command: ["undo", "list"], title: "List changes",
        summary: "List what was changed, newest first, and whether it can be undone.",
        effects: .init(readOnly: true, idempotent: true),
        examples: [
            .init("mm undo list", "the newest fifty changes"),
            .init("mm undo list --connection Contoso --last 5", "those of one connection"),
        ]
    ).unlisted

    func run(
        _ input: Input, in context: OperationContext, with services: RequestServices
    ) async throws(MMError) -> OperationAnswer {
        let selection = try await UndoSelection(services, in: context)
        if let name = input.connection { try selection.check(connection: name, services, in: context) }
        let entries = selection.newestFirst.filter { entry in
            entry.outcome != .refused && (input.connection.map { $0 == selection.connection(of: entry) } ?? true)
                && (input.call.map { entry.isOf(call: $0) } ?? true)
                && (input.session.map { $0 == entry.session } ?? true)
        }
        return .value(
            .array(entries.prefix(input.last).map { .object(selection.row($0)) }),
            notes: entries.isEmpty ? ["The journal has no change that could be shown here."] : [],
            columns: ["id", "time", "connection", "change", "state", "client"])
    }
}
