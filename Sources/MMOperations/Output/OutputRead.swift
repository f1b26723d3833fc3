import MMCore
import MMSessions

/// `output`: pages and filters an answer that was too long to be given whole, and reads, waits for or ends calls and
/// commands that go on.
struct OutputRead: CatalogueOperation {
    struct Input: OperationInput {
        static let fields: [InputField] = [
            InputField(
                "handle", .text, "The handle that came with the long answer.", isRequired: true, at: .positional(0)),
            InputField("offset", .integer(0...1_000_000_000), "First row, line or byte, from 0."),
            InputField("limit", .integer(1...1_000_000), "Most rows, lines or bytes; as many as fit unless given."),
            InputField(
                "unit", .choice(["rows", "lines", "bytes"]),
                "What offset and limit count."),
            InputField(
                "filter", .text, "A jq program over all of it, such as .[].displayName."),
            InputField("output", .choice(["json", "table", "csv"]), "Form of rows."),
            InputField(
                "action", .choice(["read", "wait", "cancel"]), "For a call in the background (default read)."),
        ]
        let handle: String
        let offset: Int
        let limit: Int?
        let unit: OutputUnit?
        let filter: String?
        let action: String

        init(from reader: InputReader) throws(MMError) {
            handle = try reader.requiredText("handle")
            offset = try reader.integer("offset") ?? 0
            limit = try reader.integer("limit")
            unit = try reader.text("unit").flatMap { OutputUnit(rawValue: $0) }
            filter = try reader.text("filter")
            action = try reader.text("action") ?? "read"
        }
    }

    let declaration = OperationDeclaration(
        "output", aliases: ["mm_output"], command: ["output"], title: "Read a stored answer",
        summary: "Page or filter an answer that was too long to be given whole.",
        description:
            "Reads more of a long answer by its handle: a page, or a jq filter over all of it. "
            + "Example: {\"handle\": \"…\", \"filter\": \"map(select(.mail == null)) | length\"}",
        effects: .init(readOnly: true, idempotent: true), home: .besideSessions,
        examples: [
            .init("mm output HANDLE --offset 200 --limit 100", "rows 200 to 299"),
            .init("mm output HANDLE --filter '.[].mail'", "one member of every row"),
            .init("mm output JOB --action wait", "the answer of a background call"),
        ]
    )

    func run(
        _ input: Input, in context: OperationContext, with services: WorkServices
    ) async throws(MMError) -> OperationAnswer {
        if WorkHandle.isValid(input.handle) {
            let work = try await services.work(input.handle, of: context.call)
            let answer = try await WorkRead(work: work, services: services).run(input, in: context)
            // A call's answer was filtered when it came; what a shell writes is still coming.
            return work is ShellTask ? OutgoingFilter().answer(answer) : answer
        }
        let outputs = services.outputs.of(context.call.caller)
        let stored = try outputs.find(input.handle)
        // A handle is a name, not a permission: who may not use the connection may not read what came from it.
        if let server = context.call.caller.server {
            if stored.connection != "/\(server)" {
                _ = try services.registry.connection(named: stored.connection, in: context)
            }
        } else if !stored.connection.hasPrefix("/") {
            _ = try services.registry.connection(named: stored.connection, in: context)
        }
        // An answer that is stored is there: there is nothing to wait for.
        guard input.action != "cancel" else {
            throw MMError(.conflict, "This answer is complete: there is nothing to cancel.")
        }
        if let filter = input.filter {
            let result = try await JQProgram(filter).run(on: try outputs.read(stored))
            return OperationAnswer(.text(String(decoding: result, as: UTF8.self)), connection: stored.connection)
        }
        let budget: OutputBudget =
            context.call.caller.surface == .terminal
            ? OutputBudget(characters: .max, tokens: .max) : .standard.reserving(characters: 500)
        let page = try outputs.page(
            input.handle, offset: input.offset, limit: input.limit, unit: input.unit, budget: budget, layout: .compact)
        var notes = ["\(page.unit.rawValue) \(page.offset) to \(page.offset + page.count) of \(page.total)"]
        if let next = page.nextOffset { notes.append("The next page begins at offset \(next).") }
        if let cut = page.cutAtByte {
            notes.append("The row is longer than the budget; continue with unit bytes, offset \(cut).")
        }
        let body: OperationAnswer.Body =
            page.unit == .rows && page.cutAtByte == nil ? .json(Array(page.text.utf8)) : .text(page.text)
        let answer = OperationAnswer(body, notes: notes, connection: stored.connection)
        // What comes from no connection may come from a shell.
        return stored.connection.hasPrefix("/") ? OutgoingFilter().answer(answer) : answer
    }
}
