import MMCore
import MMShell

/// `undo_show`: one write in the journal, as a difference.
struct UndoShow: CatalogueOperation {
    struct Input: OperationInput {
        @Argument("id", "ID of the change, from the list of changes.", .at(0)) var id: String
    }

    let declaration = OperationDeclaration(
        "undo_show", command: ["undo", "show"], title: "Show a change",
        summary: "Show a change: each property before and after, who made it, and how it would be undone.",
        effects: .init(readOnly: true, idempotent: true),
        examples: [.init("mm undo show chg_5f0c1a9e27", "one change from mm undo list")]
    ).kept(by: .record).unlisted

    /// Returns in one line how a change would be undone, or why it can't be.
    private static func undoing(_ change: Change) -> String {
        if let reason = change.reasonAgainstUndo { return "can't be undone: \(reason)" }
        if let file = change.keptFile { return "put back \(file.kept.copy)" }
        var steps: [String] = []
        for part in change.parts {
            steps += part.inverse(base: "").map { "\($0.method) \($0.path)" }
            steps += part.inverseCommands.map(\.line)
        }
        return steps.joined(separator: ", ")
    }

    func run(
        _ input: Input, in context: OperationContext, with services: RequestServices
    ) async throws(MMError) -> OperationAnswer {
        let selection = try await UndoSelection(services, in: context)
        let entry = try selection.entry(input.id)
        let change = entry.change
        var row = selection.row(entry)
        row["request"] = .string(VisibleText.exact(entry.request))
        row["lines"] = .array(change.lines.map { .string($0) })
        row["before"] = change.before
        row["after"] = change.after
        row["consequences"] = .array(change.consequences.map { .string($0) })
        row["undo"] = .string(Self.undoing(change))
        row["undoes"] = entry.undoes.map { .string($0) }
        row["message"] = entry.message.map { .string(VisibleText.exact($0)) }
        var text = ["\(entry.id)  \(selection.state(of: entry))", change.title]
        for line in change.lines { text.append("  " + line) }
        for consequence in change.consequences { text.append("  ! " + consequence) }
        text += [
            "undo: " + (row["undo"]?.string ?? ""), "request: " + (row["request"]?.string ?? ""),
            "\(entry.time.iso8601)  \(selection.connection(of: entry))  \(entry.client)  call \(entry.wholeCall)",
        ]
        if let author = entry.author {
            text.append("tenant \(author.tenant)  account \(author.app.map { "app \($0)" } ?? author.account)")
        }
        return OperationAnswer(
            .value(.object(row)), text: text.joined(separator: "\n"), connection: selection.connection(of: entry))
    }
}
