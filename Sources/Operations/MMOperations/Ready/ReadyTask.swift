package import MMCore

/// Something that is called by its name alone and has its answer ready: a recipe, a tool of the owner's, or what this program
/// does itself, such as undo.
package enum ReadyTask: Sendable {
    /// A recipe or a tool of the owner's.
    case tool(ToolDefinition, on: ToolShelf)
    /// An operation that no list of tools shows.
    case operation(AnyOperation, words: [String])

    /// The name by which it is called.
    package var name: String {
        switch self {
        case .tool(let definition, _): definition.name
        case .operation(let operation, _): operation.declaration.name
        }
    }

    /// What it is for, in one line.
    package var summary: String {
        switch self {
        case .tool(let definition, _): definition.summary
        case .operation(let operation, _): operation.declaration.summary
        }
    }

    /// What people call what it does.
    var phrases: [String] {
        switch self {
        case .tool(let definition, _):
            ToolDefinition.phrases(
                name: definition.name, title: definition.title, summary: definition.summary, words: definition.words)
        case .operation(let operation, let words): [operation.declaration.title] + words
        }
    }

    /// The operation that a call is, and its arguments.
    /// - Parameters:
    ///   - connection: the connection that the call names.
    ///   - parameters: the values of its parameters.
    ///   - terms: `apply` and `dryRun`, as far as the call says them.
    package func call(connection: JSONValue?, parameters: JSONObject, terms: JSONObject)
        -> (operation: AnyOperation, arguments: JSONObject)?
    {
        switch self {
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
            // What is known to it neither by name nor by value is left to the operation to refuse.
            if let connection, arguments["connection"] == nil, takes("connection") {
                arguments["connection"] = connection
            }
            if let isDry = terms["dryRun"], takes("dryRun") { arguments["dryRun"] = isDry }
            return (operation, arguments)
        }
    }

    /// Everything that a caller has to know of it: parameters with their types, what it changes.
    /// - Parameter effects: says what a tool changes.
    package func sheet(_ effects: ToolEffects) -> JSONObject {
        var members: JSONObject = ["name": .string(name), "does": .string(summary)]
        switch self {
        case .tool(let definition, _):
            if !effects.effects(of: definition).readOnly { members["changes"] = true }
            if definition.isPlan { members["plan"] = "shown first; `apply` carries it out" }
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

    /// A parameter in one line: its type, whether it must be there, what it is for.
    private static func text(of parameter: ToolParameter) -> String {
        var facts = [parameter.choices.isEmpty ? parameter.kind.rawValue : parameter.choices.joined(separator: "|")]
        if parameter.isRequired { facts.append("required") }
        if let value = parameter.defaultValue, !value.isNull {
            facts.append("default \(value.string ?? JSONWriter.string(value))")
        }
        return "\(facts.joined(separator: ", ")): \(parameter.summary)"
    }
}
