package import MMCore
import MMGuard

/// Everything that can be called by its name alone: recipes, the owner's tools, and built-in operations.
package struct ReadyShelf: Sendable {
    private let own: [ReadyTask]
    private let operations: [ReadyTask]
    private let search: PhraseSearch

    /// The minimum score with which a task is returned for a question.
    private static let least: Float = 0.52

    /// The tasks of every installation.
    package static let standard = ReadyShelf(own: [])

    private init(own: [ReadyTask]) {
        self.own = own
        operations = Self.operations.compactMap { name, words in
            Catalogue.standard.operation(named: name).map { ReadyTask.operation($0, words: words) }
        }
        search = PhraseSearch(
            own.map(\.phrases) + RecipeLibrary.heads.map(\.phrases) + operations.map(\.phrases))
    }

    /// All tasks: the owner's tools, recipes, and built-in operations.
    package var tasks: [ReadyTask] {
        own + RecipeLibrary.all.map { ReadyTask.tool($0, on: .recipes) } + operations
    }

    /// Returns the task at a position of `tasks`, without parsing other recipes.
    private func task(at place: Int) -> ReadyTask? {
        if place < own.count { return own[place] }
        let recipes = RecipeLibrary.heads
        guard place < own.count + recipes.count else { return operations[place - own.count - recipes.count] }
        return RecipeLibrary.recipe(named: recipes[place - own.count].name).map { .tool($0, on: .recipes) }
    }

    /// Returns the tasks for a user, including the user's own tools.
    package static func of(_ paths: StatePaths) -> ReadyShelf {
        let shelf = ToolShelf.own(paths)
        let own = shelf.contents().definitions.map { ReadyTask.tool($0, on: shelf) }
        return own.isEmpty ? standard : ReadyShelf(own: own)
    }

    /// Returns the task with a name, however its words are joined: `mail-forwarding`, `mail_forwarding`, `mail
    /// forwarding`.
    package func task(named name: String) -> ReadyTask? {
        let wanted = Self.plain(name)
        return tasks.first { task in
            guard Self.joined(task.name) != wanted else { return true }
            guard case .operation(let operation, _) = task else { return false }
            return Self.joined(operation.declaration.command.joined(separator: " ")) == wanted
                || Self.shortNames[wanted] == task.name
        }
    }

    /// Returns the name that a caller means, with its words joined as those of operations, and without the prefixes of
    /// tools and prompts.
    package static func plain(_ name: String) -> String {
        var plain = joined(name)
        for prefix in ["mm__", "mm_", "recipe_"] where plain.hasPrefix(prefix) {
            plain = String(plain.dropFirst(prefix.count))
        }
        return plain
    }

    private static func joined(_ name: String) -> String {
        name.lowercased().replacing("-", with: "_").replacing(" ", with: "_")
    }

    /// Returns the tasks for a question, best first, with their scores.
    package func find(_ question: String, limit: Int) -> [(task: ReadyTask, score: Float)] {
        let scores = search.scores(question)
        let found = scores.indices.filter { scores[$0] >= Self.least }
            .sorted { (scores[$1], $0) < (scores[$0], $1) }
        return found.prefix(limit).compactMap { place in task(at: place).map { ($0, scores[place]) } }
    }

    private static let shortNames = ["snapshot": "snapshot_take", "audit": "audit_mine", "changes": "undo_list"]

    /// The built-in operations that a model's list of tools has no room for, with common phrases for them.
    private static let operations: [(name: String, words: [String])] = [
        ("undo", ["undo", "undo my last change", "take back a change", "revert what was changed", "roll back"]),
        (
            "undo_list",
            [
                "what was changed", "list of changes", "changes that can be undone", "what have I changed today",
                "my last changes", "recent changes made here",
            ]
        ),
        ("undo_show", ["show a change with before and after", "details of a change that was made"]),
        (
            "history",
            [
                "history of an object", "what was changed of a user", "change history of a group",
                "who changed this object",
            ]
        ),
        (
            "audit_mine",
            [
                "my own calls", "audit of my calls", "what have I done", "audit log of this server",
                "what did this agent do",
            ]
        ),
        (
            "snapshot_take",
            [
                "snapshot of the tenant", "back up the configuration", "write the tenant's configuration down",
                "save the tenant settings", "take a snapshot", "baseline of the configuration",
            ]
        ),
        ("snapshot_list", ["list snapshots", "which snapshots are there", "earlier snapshots"]),
        ("snapshot_show", ["show a snapshot", "what is in a snapshot"]),
        ("snapshot_diff", ["compare snapshots", "difference between two tenants", "compare two tenants"]),
        ("snapshot_kinds", ["what a snapshot holds", "kinds of configuration in snapshots"]),
        (
            "drift",
            [
                "drift", "configuration drift", "what has changed in the tenant", "changed since the last snapshot",
                "compare the tenant with its snapshot", "did anybody change a policy",
            ]
        ),
        (
            "permissions_for",
            ["which permission does a call need", "least permission for a request", "permission needed for a cmdlet"]
        ),
        (
            "permissions_check",
            ["what may this connection do", "which permissions does the sign-in have", "check permissions of the app"]
        ),
        ("endpoints", ["properties of a type", "what can be filtered", "explain a path of graph"]),
        ("sessions", ["open sessions of this server", "running powershell sessions"]),
        ("jobs", ["running jobs", "background jobs", "calls that still run"]),
        ("disconnect", ["end a powershell session", "disconnect a session"]),
        ("plan", ["several changes with one approval"]), ("plan_show", ["what the planned changes would send"]),
        ("plan_list", ["changes that are planned"]), ("apply", ["make the changes that a person has approved"]),
    ]
}

/// A call of a task by its name.
package struct ReadyCall {
    private let task: ReadyTask
    private var terms: JSONObject = [:]
    /// The connection of the call.
    package let connection: JSONValue?
    /// The values of the task's parameters.
    package private(set) var parameters: JSONObject

    /// Reads the arguments of a call: `connection`, `parameters`, `apply` and `dryRun`.
    package init(of task: ReadyTask, _ arguments: JSONObject) {
        self.task = task
        parameters = arguments["parameters"]?.object ?? [:]
        let named = arguments["connection"]
        connection = named?.string?.isEmpty ?? true ? parameters.remove("connection") : named
        for term in ["apply", "dryRun"] {
            if arguments[term]?.bool == true || parameters[term] == true { terms[term] = true }
            if case .tool = task { parameters.remove(term) }
        }
    }

    /// The operation that the call leads to, and its arguments.
    package var call: (operation: AnyOperation, arguments: JSONObject)? {
        switch task {
        case .tool(let definition, let shelf):
            guard let operation = Catalogue.standard.operation(named: shelf.operation) else { return nil }
            var arguments: JSONObject = ["tool": .string(definition.name)]
            arguments["connection"] = connection
            if !parameters.isEmpty { arguments["param"] = .object(parameters) }
            for (name, value) in terms { arguments[name] = value }
            return (operation, arguments)
        case .operation(let operation, _):
            var arguments = parameters
            func takes(_ name: String) -> Bool { operation.fields.contains { $0.name == name } }
            // Unknown arguments and invalid values are left to the operation to refuse.
            if let connection, arguments["connection"] == nil, takes("connection") {
                arguments["connection"] = connection
            }
            if let isDry = terms["dryRun"], takes("dryRun") { arguments["dryRun"] = isDry }
            return (operation, arguments)
        }
    }
}

/// A task that can be called by its name alone: a recipe, one of the owner's tools, or a built-in operation such as
/// undo.
package enum ReadyTask: Sendable {
    /// A recipe or one of the owner's tools.
    case tool(ToolDefinition, on: ToolShelf)
    /// An operation that lists of tools don't show.
    case operation(AnyOperation, words: [String])

    /// The name used in calls.
    package var name: String {
        switch self {
        case .tool(let definition, _): definition.name
        case .operation(let operation, _): operation.declaration.name
        }
    }

    /// A description in one line.
    package var summary: String {
        switch self {
        case .tool(let definition, _): definition.summary
        case .operation(let operation, _): operation.declaration.summary
        }
    }

    /// Whether a call has to name a connection.
    package var needsConnection: Bool {
        switch self {
        case .tool: true
        case .operation(let operation, _): operation.fields.contains { $0.name == "connection" && $0.isRequired }
        }
    }

    /// The phrases for what it does.
    var phrases: [String] {
        switch self {
        case .tool(let definition, _):
            ToolDefinition.phrases(
                name: definition.name, title: definition.title, summary: definition.summary, words: definition.words)
        case .operation(let operation, let words): [operation.declaration.title] + words
        }
    }

    /// Returns the description for a caller: the parameters with their types, and whether it changes anything.
    /// - Parameter effects: determines the effects of a tool.
    package func sheet(_ effects: ToolEffects) -> JSONObject {
        var members: JSONObject = ["name": .string(name), "does": .string(summary)]
        switch self {
        case .tool(let definition, _):
            if !effects.effects(of: definition).readOnly { members["changes"] = true }
            if definition.isPlan { members["plan"] = "shown first; `apply` runs it" }
            let typed = definition.parameters.map { ($0.name, JSONValue.string(Self.text(of: $0))) }
            if !typed.isEmpty { members["parameters"] = .object(JSONObject(typed)) }
        case .operation(let operation, _):
            if !operation.declaration.effects.readOnly { members["changes"] = true }
            let fields = operation.fields.filter {
                $0.isOfferedToModels && !["connection", "dryRun", "confirmed"].contains($0.name)
            }
            let typed = fields.map { field in
                (field.name, JSONValue.string((field.isRequired ? "required; " : "") + field.summary))
            }
            if !typed.isEmpty { members["parameters"] = .object(JSONObject(typed)) }
        }
        return members
    }

    /// Returns a parameter in one line: its type, whether it is required, and its summary.
    private static func text(of parameter: ToolParameter) -> String {
        var facts = [parameter.choices.isEmpty ? parameter.kind.rawValue : parameter.choices.joined(separator: "|")]
        if parameter.isRequired { facts.append("required") }
        if let value = parameter.defaultValue, !value.isNull {
            facts.append("default \(value.string ?? JSONWriter.string(value))")
        }
        return "\(facts.joined(separator: ", ")): \(parameter.summary)"
    }
}
