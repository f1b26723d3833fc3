import MMCore
import MMGuard

/// What has its answer ready for a question in words, as it stands above the calls that were found: tasks by name, and cmdlets.
struct ReadyRows {
    /// For programs and models.
    var members = JSONObject()
    /// For people.
    var text: [String] = []

    private static let mostTasks = 2
    private static let mostCmdlets = 2
    /// How many bytes they may have together: a model reads every word, and the calls below them are answers, too.
    private static let room = 1_000
    /// How well a cmdlet must fit.
    private static let leastOfCmdlets: Float = 0.5

    /// Whether there is any.
    var isEmpty: Bool { members.isEmpty }

    /// What answers a question.
    init(_ question: String, on shelf: ReadyShelf) {
        let effects = ToolEffects(.standard)
        var rows: [(list: String, row: JSONValue, text: String, score: Float)] = []
        for found in shelf.find(question, limit: Self.mostTasks) {
            var row = found.task.sheet(effects)
            row.remove("name")
            row["tool"] = "recipe"
            row["request"] = ["name": .string(found.task.name)]
            rows.append(("ready", .object(row), "\(Self.command(found.task))   \(found.task.summary)", found.score))
        }
        for found in CmdletCallTable.find(question, limit: Self.mostCmdlets, above: Self.leastOfCmdlets) {
            let row: JSONValue = [
                "tool": "run",
                "request": ["module": .string(found.call.module), "command": .string(found.call.example)],
            ]
            let line = "mm run CONNECTION \(found.call.module) \(ShellWord.quoted(found.call.example))"
            rows.append(("cmdlets", row, line, found.score))
        }
        // What fits best stays where there is no room for all.
        rows.sort { $0.score > $1.score }
        var size = 0
        for row in rows {
            size += JSONWriter.string(row.row).utf8.count + 20
            guard size <= Self.room || members.isEmpty else { break }
            members[row.list] = .array((members[row.list]?.array ?? []) + [row.row])
            text.append(row.text)
        }
    }

    private static func command(_ task: ReadyTask) -> String {
        switch task {
        case .tool(let definition, let shelf): "mm \(shelf.operation) \(definition.name) CONNECTION"
        case .operation(let operation, _): operation.declaration.commandLine
        }
    }
}
