import MMCore

/// `undo_list`: the writes in the journal.
struct UndoList: CatalogueOperation {
    struct Input: OperationInput {
        static let fields: [InputField] = [
            InputField("connection", .text, "Only this connection."),
            InputField("call", .text, "Only this call, as mm audit show names it."),
            InputField("session", .text, "Only this session of a client."),
            InputField("last", .integer(1...10_000), "How many at most (default 50)."),
        ]
        let connection: String?
        let call: String?
        let session: String?
        let last: Int

        init(from reader: InputReader) throws(MMError) {
            connection = try reader.text("connection")
            call = try reader.text("call")
            session = try reader.text("session")
            last = try reader.integer("last") ?? 50
        }
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
