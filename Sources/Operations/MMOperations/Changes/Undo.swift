import MMCore
import MMDesk
import MMIdentity

/// `undo`: undoes one change, or the changes of a call, a session or a period, newest first.
///
/// Each undo is a write like any other: it passes the guard, is noted in the journal, and can be undone. Objects that
/// were changed again since are left alone.
struct Undo: CatalogueOperation {
    struct Input: OperationInput {
        @Argument("id", "ID of the change, from the list of changes.", .at(0)) var id: String?
        @Argument("since", "Undo all changes of this period: 10m, 2h, 1d.", as: Input.duration) var since: Duration?
        @Argument("call", "Undo all changes of this call.") var call: String?
        @Argument("session", "Undo all changes of this client session.") var session: String?
        @Argument("connection", "Undo only changes of this connection.") var connection: String?
        @Argument(
            "skip", "Skip changes that can't be undone and end with 0; the answer names them.")
        var skips: Bool
        @Argument("dryRun", "Show what would be undone; nothing is sent.") var isDryRun: Bool
        @Argument("confirmed", "Has no effect: a person confirms.") var confirmed: Bool

        func check() throws(MMError) {
            let chosen = [id != nil, since != nil, call != nil, session != nil].count { $0 }
            guard chosen == 1 else {
                throw MMError(
                    .invalidInput,
                    chosen == 0 ? "Name the change to undo." : "Give only one of `id`, `since`, `call` and `session`.",
                    hint: "mm undo list shows the changes; mm undo ID undoes one.", details: ["field": "id"])
            }
        }

        /// Parses a duration such as `10m`.
        static func duration(_ text: String) throws(MMError) -> Duration {
            let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
            guard let last = text.last, let unit = units[last], let count = Int64(text.dropLast()), count > 0,
                count <= 10_000
            else {
                throw MMError(
                    .invalidInput, "`since` must be a number followed by s, m, h or d, not “\(text.prefix(40))”.",
                    hint: "For example 10m or 2h.", details: ["field": "since"])
            }
            return .seconds(count * unit)
        }
    }

    let declaration = OperationDeclaration(
        "undo", command: ["undo"], title: "Undo changes",
        summary: "Undo one change, or those of a call, a session or a period, newest first.",
        effects: .init(readOnly: false, destructive: true, openWorld: true), home: .detachable,
        examples: [
            .init("mm undo chg_5f0c1a9e27", "one change; mm undo list shows the ids"),
            .init("mm undo --since 10m --dry-run", "shows what undoing the last ten minutes would do"),
            .init("mm undo --call Zb3kP9xQ2a1L", "all changes of one call, newest first"),
        ]
    ).kept(by: .changes(argument: "id")).plannable.unlisted

    func run(
        _ input: Input, in context: OperationContext, with transfers: TransferServices
    ) async throws(MMError) -> OperationAnswer {
        let services = transfers.requests
        let selection = try await UndoSelection(services, in: context)
        var entries = try Self.entries(input, selection)
        if let name = input.connection {
            try selection.check(connection: name, services, in: context)
            entries = entries.filter { selection.connection(of: $0) == name }
        }
        guard !entries.isEmpty else {
            throw MMError(
                .notFound, (["No matching change can be undone."] + selection.notes).joined(separator: " "),
                hint: "mm undo list shows the changes.")
        }
        let (files, others) = FileUndo.split(entries)
        guard !files.isEmpty else {
            var answer = try await Self.undo(others, selection, input, services, context)
            answer.notes += selection.notes
            return answer
        }
        guard context.call.planning == nil else {
            throw MMError(.unsupported, "A plan can't restore a file of a host.", hint: "mm undo \(files[0].id)")
        }
        let ofFiles = FileUndo(entries: files, services: transfers, context: context)
        var answer = input.isDryRun ? ofFiles.forecast() : try await ofFiles.undo(skips: input.skips)
        answer.notes += selection.notes
        guard !others.isEmpty else { return answer }
        let more = try await Self.undo(others, selection, input, services, context)
        if case .value(.array(let rows)) = answer.body, case .value(.array(let further)) = more.body {
            answer.body = .value(.array(rows + further))
        }
        answer.notes += more.notes
        if answer.missing == nil { answer.missing = more.missing }
        return answer
    }

    private static func undo(
        _ entries: [JournalEntry], _ selection: UndoSelection, _ input: Input, _ services: RequestServices,
        _ context: OperationContext
    ) async throws(MMError) -> OperationAnswer {
        let call = try UndoCall(entries, selection, input, services, context)
        return input.isDryRun ? try await call.forecast() : try await call.undo()
    }

    /// Returns the present names of the connections whose changes a call undoes.
    /// - Throws: the errors of the call.
    static func connections(
        _ arguments: JSONObject, in context: OperationContext, with services: RequestServices
    ) async throws(MMError) -> Set<String> {
        let input = try Input(from: InputReader(operation: "undo", arguments: arguments, fields: Input.fields))
        let selection = try await UndoSelection(services, in: context)
        return Set(try entries(input, selection).map { selection.connection(of: $0) })
    }

    private static func entries(_ input: Input, _ selection: UndoSelection) throws(MMError) -> [JournalEntry] {
        if let id = input.id {
            let entry = try selection.entry(id)
            guard entry.outcome != .refused else {
                throw MMError(.conflict, "\(entry.id) was refused and changed nothing.")
            }
            guard !selection.isUndone(entry) else {
                throw MMError(
                    .conflict, "\(entry.id) is already undone.", hint: "mm undo show \(entry.id) shows it.")
            }
            return [entry]
        }
        if let call = input.call { return selection.standing(ofCall: call) }
        let recent = input.since.map { selection.entries(ofLast: $0) }
        return selection.standing { entry in
            (recent?.contains(entry.id) ?? true) && (input.session.map { entry.session == $0 } ?? true)
        }
    }
}
