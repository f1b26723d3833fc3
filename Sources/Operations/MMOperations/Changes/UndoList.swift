import MMCore

/// `undo_list`: the writes in the journal.
struct UndoList: CatalogueOperation {
    struct Input: OperationInput {
        /// The number of rows without `last`.
        static let usual = 50

        @Argument("connection", "Show only this connection.") var connection: String?
        @Argument("call", "Show only this call, by its id in the audit log.") var call: String?
        @Argument("session", "Show only this client session.") var session: String?
        @Argument("last", "Maximum number of changes (default 50).", in: 1...10_000) var last = Input.usual
    }

    let declaration = OperationDeclaration(
        "undo_list", command: ["undo", "list"], title: "List changes",
        summary: "List the changes that were made, newest first, and whether each can be undone.",
        effects: .init(readOnly: true, idempotent: true),
        examples: [
            .init("mm undo list", "the newest fifty changes"),
            .init("mm undo list --connection Contoso --last 5", "the newest five of one connection"),
        ]
    ).kept(by: .records(usual: Input.usual)).unlisted

    func run(
        _ input: Input, in context: OperationContext, with services: RequestServices
    ) async throws(MMError) -> OperationAnswer {
        let selection = try await UndoSelection(services, in: context)
        let entries = try selection.listed(on: input.connection, services, in: context).filter { entry in
            (input.call.map { entry.isOf(call: $0) } ?? true) && (input.session.map { $0 == entry.session } ?? true)
        }
        return .value(
            .array(entries.prefix(input.last).map { .object(selection.row($0)) }),
            notes: (entries.isEmpty ? ["The journal has no matching change."] : []) + selection.notes,
            columns: ["id", "time", "connection", "change", "state", "client"])
    }
}
