import MMCore
import MMMCP
import MMOperations

/// The recipes and the owner's tools as prompts: each tells a model the exact calls.
struct ToolPrompts: Sendable {
    let services: OperationServices
    let options: MCPFaceOptions
    let prompts: MCPPrompts

    /// All of them.
    /// - Parameter own: the tools that the owner wrote.
    func all(own: [ToolDefinition]) -> [Prompt] {
        RecipeLibrary.all.filter(canBeFollowed).map { prompt(of: $0, named: "recipe_\($0.name)", isRecipe: true) }
            + own.map { prompt(of: $0, named: "do_\($0.name)", isRecipe: false) }
    }

    /// Whether the server offers what the steps need.
    private func canBeFollowed(_ tool: ToolDefinition) -> Bool {
        guard case .steps(let steps, _) = tool.work else { return true }
        return steps.allSatisfy { step in
            switch step.action {
            case .request: prompts.tools.contains("graph_request")
            case .command: prompts.tools.contains("run")
            }
        }
    }

    private func prompt(of tool: ToolDefinition, named name: String, isRecipe: Bool) -> Prompt {
        let arguments = tool.parameters.map {
            PromptArgument(name: $0.name, title: $0.name, description: $0.summary, isRequired: $0.isRequired)
        }
        let options = options
        return prompts.prompt(name, tool.title, tool.description, arguments) { blanks in
            guard isRecipe, case .steps(let steps, let answer) = tool.work else {
                return Self.call(of: tool, blanks, options)
            }
            return Self.text(of: tool, steps, answer, blanks, options)
        }
    }

    /// The call of a tool that the server lists.
    private static func call(of tool: ToolDefinition, _ blanks: [String: String], _ options: MCPFaceOptions) -> String {
        let arguments = JSONObject(
            [("connection", JSONValue.string(blanks["connection"] ?? ""))]
                + tool.parameters.compactMap { parameter in blanks[parameter.name].map { (parameter.name, .string($0)) }
                })
        return """
            \(tool.description)
            Call \(options.prefix)\(tool.name) with \(JSONWriter.string(.object(arguments))) and report what it answers. \
            Where an answer says that a person must confirm, show them the preview and the command and wait.
            """
    }

    private static func text(
        of tool: ToolDefinition, _ steps: [ToolStep], _ answer: String?, _ blanks: [String: String],
        _ options: MCPFaceOptions
    ) -> String {
        var scope = ToolScope(parameters: [:])
        for parameter in tool.parameters {
            if let text = blanks[parameter.name], let value = try? parameter.checked(.string(text)) {
                scope.parameters[parameter.name] = value
            } else {
                scope.parameters[parameter.name] = parameter.defaultValue
            }
        }
        var lines = [
            "\(tool.description) Connection: \(blanks["connection"] ?? ""). In these calls {…} stands for a value "
                + "of an earlier answer."
        ]
        for (index, step) in steps.enumerated() {
            var line = "\(index + 1). "
            if let condition = step.condition { line += "Only with \(condition.text): " }
            if let each = step.each { line += "For each item of \(each.text): " }
            lines.append(line + call(step, blanks["connection"] ?? "", scope, options) + " Call the answer \(step.id).")
        }
        if let answer {
            lines.append(
                "Report what this jq program makes of the answers: \(answer.split(whereSeparator: \.isNewline).joined(separator: " "))"
            )
        }
        lines.append(
            tool.isPlan
                ? "First only read, then show the person the plan with every value filled in, and wait for a clear yes. Do one "
                    + "step at a time; where an answer says that a person must confirm, show them the preview and wait."
                : "Report a table. Change nothing.")
        return lines.joined(separator: "\n")
    }

    private static func call(_ step: ToolStep, _ connection: String, _ scope: ToolScope, _ options: MCPFaceOptions)
        -> String
    {
        var arguments: JSONObject = ["connection": .string(connection)]
        switch step.action {
        case .request(let request):
            arguments["endpoint"] = .string((try? request.path.path(in: scope)) ?? request.path.shown(in: scope))
            if request.method != "GET" { arguments["method"] = .string(request.method) }
            if !request.query.isEmpty {
                arguments["query"] = .object(
                    JSONObject(request.query.map { ($0.name, .string($0.value.shown(in: scope))) }))
            }
            arguments["body"] = request.body?.shown(in: scope)
            arguments["resource"] = request.resource.map { .string($0) }
            if let top = request.top {
                arguments["top"] = .int(Int64(top))
            } else if request.readsAllPages {
                arguments["all"] = true
            }
            return "\(options.prefix)graph_request \(JSONWriter.string(.object(arguments)))."
        case .command(let command):
            arguments["module"] = .string(command.module)
            arguments["command"] = .string(command.script)
            let values = command.bindings.map { "$\($0.variable) is \(JSONWriter.string($0.value.shown(in: scope)))" }
            return "\(options.prefix)run \(JSONWriter.string(.object(arguments)))"
                + (values.isEmpty ? "." : ", where \(values.joined(separator: ", ")).")
        }
    }
}
