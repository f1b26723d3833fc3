import MMCore
import MMNative

/// `history`: the changes of one object.
struct History: CatalogueOperation {
    struct Input: OperationInput {
        /// The number of rows without `last`.
        static let usual = 50

        @Argument("object", "The object's name or id, or a path such as /users/ada@contoso.com.", .at(0)) var object:
            String
        @Argument("connection", "Show only this connection.") var connection: String?
        @Argument("last", "Maximum number of changes (default 50).", in: 1...10_000) var last = Input.usual
    }

    let declaration = OperationDeclaration(
        "history", command: ["history"], title: "History of an object",
        summary: "Show the changes that mm made to one object, newest first.",
        effects: .init(readOnly: true, idempotent: true),
        examples: [
            .init("mm history ada@contoso.com", "a user, by sign-in name"),
            .init("mm history 'Project Amber Harbour'", "a group, by its name"),
        ]
    ).kept(by: .records(usual: Input.usual)).telling(Self.text).unlisted

    func run(
        _ input: Input, in context: OperationContext, with services: RequestServices
    ) async throws(MMError) -> OperationAnswer {
        let selection = try await UndoSelection(services, in: context)
        // An object keeps its id when its name changes, so entries found by name lead to all entries with the same id.
        let named = Self.ids(of: input.object, in: selection.newestFirst)
        let entries = try selection.listed(on: input.connection, services, in: context).filter { entry in
            !named.isDisjoint(with: Self.subjects(of: entry.change).map { $0.id.lowercased() })
        }
        let rows = entries.prefix(input.last).map { entry -> JSONValue in
            var row = selection.row(entry)
            row["lines"] = .array(entry.change.lines.map { .string($0) })
            return .object(row)
        }
        return OperationAnswer(
            .value(.array(rows)),
            notes: (entries.isEmpty ? [Self.nothing(of: input.object)] : []) + selection.notes,
            columns: ["time", "id", "change", "state", "client"],
            text: rows.isEmpty ? nil : Self.text(of: rows))
    }

    private static func text(of rows: [JSONValue]) -> String {
        rows.map { row in
            let head = ["time", "id", "state", "client"].map { row[$0]?.string ?? "" }.joined(separator: "  ")
            let lines = (row["lines"]?.array ?? []).map { "    " + ($0.string ?? "") }
            return ([head, "  " + (row["change"]?.string ?? "")] + lines).joined(separator: "\n")
        }.joined(separator: "\n")
    }

    private static func nothing(of object: String) -> String {
        "The journal has no change to \(object) under this name or id. It knows an object only by the names and "
            + "ids that calls used: `mm undo list` lists all changes."
    }

    private static func subjects(of change: Change) -> [Change.Subject] { [change.subject] + change.others }

    private static func ids(of object: String, in entries: [JournalEntry]) -> Set<String> {
        var ids = names(in: object)
        let names = ids
        for entry in entries {
            for subject in subjects(of: entry.change) {
                if let name = subject.name?.lowercased(), names.contains(name) { ids.insert(subject.id.lowercased()) }
            }
            if isCalled(names, in: entry) { ids.insert(entry.change.subject.id.lowercased()) }
        }
        return ids
    }

    /// Returns whether a cmdlet was given one of these names for its object, such as an alias, which isn't the object's
    /// own name in the journal.
    private static func isCalled(_ names: Set<String>, in entry: JournalEntry) -> Bool {
        guard entry.change.cmdlet != nil else { return false }
        let request = entry.request.lowercased()
        return names.contains { request.contains("-identity \(PSLiteral.quoted($0))") }
    }

    /// Returns the names that the journal may have for an object: the given one and, for a path such as
    /// `users/ada@contoso.com/manager`, each of its parts.
    private static func names(in object: String) -> Set<String> {
        let parts = object.contains("/") ? object.split(separator: "/") : []
        return Set(([object] + parts.map { PercentCoding.decode($0.utf8) ?? String($0) }).map { $0.lowercased() })
    }
}
