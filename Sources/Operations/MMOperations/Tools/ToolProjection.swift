import MMCore

/// A tool as an operation of its own, for command lines and lists of tools. Calling it calls `do` or `recipe`.
package enum ToolProjection {
    /// The flags that every command has.
    private static let globalFlags: Set<String> = [
        "output", "columns", "sort", "json", "jq", "timeout", "detach", "embedded", "pool", "quiet", "no-pager",
        "no-color", "help", "file",
    ]

    /// Whether the flag of a parameter's name is one that every command has.
    static func isTaken(_ name: String) -> Bool { globalFlags.contains(InputField(name, .text, "").flagName) }

    /// Returns the operations of all tools on a shelf.
    package static func operations(of shelf: ToolShelf, _ contents: ToolFolder.Contents, effects: ToolEffects)
        -> [AnyOperation]
    {
        guard let base = Catalogue.standard.operation(named: shelf.operation) else { return [] }
        return contents.definitions.map { operation($0, on: shelf, calling: base, effects) }
    }

    private static func operation(
        _ tool: ToolDefinition, on shelf: ToolShelf, calling base: AnyOperation, _ effects: ToolEffects
    ) -> AnyOperation {
        let may = effects.effects(of: tool)
        let command = [shelf.operation, tool.name]
        var description = tool.description
        if tool.isPlan { description += " Shows a plan; with apply it makes the changes." }
        var declaration = OperationDeclaration(
            tool.name, command: command, title: tool.title, summary: tool.summary, description: description,
            effects: may,
            home: tool.startsSessions ? .pool : .detachable, examples: examples(of: tool, command))
        declaration.carriesSessionOutput = true
        let fields = fields(of: tool, changes: !may.readOnly)
        let name = tool.name
        return AnyOperation(declaration, fields: fields, schema: schema(of: tool, fields), calling: base) { given in
            var arguments: JSONObject = ["tool": .string(name)]
            var values = JSONObject()
            for (key, value) in given {
                if ToolInput.commonNames.contains(key) { arguments[key] = value } else { values[key] = value }
            }
            if !values.isEmpty { arguments["param"] = .object(values) }
            return arguments
        }
    }

    private static func fields(of tool: ToolDefinition, changes: Bool) -> [InputField] {
        var fields = [InputField("connection", .text, "Name of the connection.", .at(0))]
        for parameter in tool.parameters {
            fields.append(
                InputField(parameter.name, kind(of: parameter), summary(of: parameter)))
        }
        if changes {
            fields.append(InputField("dryRun", .flag, "Show what would change; only reads are sent."))
        }
        if tool.isPlan { fields.append(InputField("apply", .flag, "Apply the plan.")) }
        fields.append(InputField("show", .flag, "Show the definition as written.", .notForModels))
        return fields
    }

    private static func kind(of parameter: ToolParameter) -> InputField.Kind {
        switch parameter.kind {
        case .integer: .integer(parameter.range ?? Int.min...Int.max)
        case .boolean: .flag
        case .list: .textList
        case .string where !parameter.choices.isEmpty: .choice(parameter.choices)
        case .string, .number, .datetime: .text
        }
    }

    private static func summary(of parameter: ToolParameter) -> String {
        var facts: [String] = []
        if parameter.isRequired { facts.append("required") }
        switch parameter.kind {
        case .datetime: facts.append("a date")
        case .number: facts.append("a number")
        case .list: facts.append("may be given several times")
        case .string, .integer, .boolean: break
        }
        if let range = parameter.range {
            facts.append(
                range.upperBound == .max
                    ? "at least \(range.lowerBound)"
                    : range.lowerBound == .min
                        ? "at most \(range.upperBound)" : "\(range.lowerBound) to \(range.upperBound)")
        }
        if let value = parameter.defaultValue, !value.isNull {
            facts.append("default \(value.string ?? JSONWriter.string(value))")
            let flag = InputField(parameter.name, .flag, "").flagName
            if parameter.kind == .boolean, value == true { facts.append("--\(flag)=false for no") }
        }
        return facts.isEmpty ? parameter.summary : "\(parameter.summary) (\(facts.joined(separator: "; ")))"
    }

    private static func schema(of tool: ToolDefinition, _ fields: [InputField]) -> JSONObject {
        var properties = JSONObject()
        for field in fields where field.isOfferedToModels {
            properties[field.name] = .object(
                tool.parameters.first { $0.name == field.name }?.schema ?? field.schema)
        }
        let required = ["connection"] + tool.parameters.filter(\.isRequired).map(\.name)
        return [
            "type": "object", "properties": .object(properties), "required": .array(required.map { .string($0) }),
            "additionalProperties": false,
        ]
    }

    private static func examples(of tool: ToolDefinition, _ command: [String]) -> [OperationDeclaration.Example] {
        let line = "mm \(command.joined(separator: " "))"
        if case .script = tool.work { return tool.examples.map { .init($0.text, $0.purpose) } }
        guard !tool.examples.isEmpty else { return [] }
        return tool.examples.map { .init("\(line) Contoso\($0.text.isEmpty ? "" : " ")\($0.text)", $0.purpose) }
    }
}

extension ToolDefinition {
    /// Whether it runs commands in sessions, which belong to the pool.
    fileprivate var startsSessions: Bool {
        guard case .steps(let steps, _) = work else { return true }
        return steps.contains { if case .command = $0.action { true } else { false } }
    }
}
