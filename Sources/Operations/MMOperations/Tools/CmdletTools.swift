import MMCore
import MMNative

/// The cmdlets of a module as tools, with types from the tables of Exchange Online and Security & Compliance.
enum CmdletTools {
    /// Returns the tools of a definition: itself, or one for each cmdlet that matches its pattern.
    /// - Throws: `invalidInput` for a module without tables or a pattern without matches, `limitExceeded` for a pattern
    ///   with too many matches.
    static func expanded(_ definition: ToolDefinition) throws(MMError) -> [ToolDefinition] {
        guard case .cmdlets(let wanted) = definition.work else { return [definition] }
        guard let service = ExchangeTable.Service(module: wanted.module.lowercased()) else {
            throw MMError(
                .invalidInput, "\(definition.place): the cmdlets of `\(wanted.module)` are unknown.",
                hint: "Only exo and compliance are supported; for other modules write steps with run.")
        }
        let table = ExchangeTable.standard
        let all = table.names(of: service)
        let names = all.filter(wanted.matches).sorted()
        guard !names.isEmpty else {
            let near = NearestNames.of(wanted.pattern, among: all, limit: 2)
            throw MMError(
                .invalidInput, "\(definition.place): no cmdlet of \(wanted.module) matches `\(wanted.pattern)`.",
                hint: near.isEmpty ? "To list them: mm cmdlets" : "Near: \(near.joined(separator: ", ")).")
        }
        guard names.count <= wanted.limit else {
            throw MMError(
                .limitExceeded,
                "\(definition.place): \(names.count) cmdlets match `\(wanted.pattern)`, and the limit is \(wanted.limit) tools.",
                hint:
                    "Narrow the pattern, or write limit: \(names.count) (at most \(CmdletPattern.greatestLimit)); an AI agent "
                    + "reads every tool in each turn.")
        }
        return names.compactMap { name in
            table.description(of: name, in: service).map {
                tool($0, of: definition, module: wanted.module.lowercased())
            }
        }
    }

    private static func tool(_ cmdlet: ExchangeCmdletDescription, of definition: ToolDefinition, module: String)
        -> ToolDefinition
    {
        let parameters = cmdlet.parameters.compactMap { parameter -> ToolParameter? in
            var name = ToolParameter.name(of: parameter.name)
            if ToolInput.commonNames.contains(name) || ToolProjection.isTaken(name) { name += "Value" }
            guard ToolParameter.isName(name), !isSecret(parameter.type) else { return nil }
            var made = ToolParameter(name, kind(of: parameter), "\(parameter.name) (\(parameter.type)).")
            made.variable = parameter.name
            made.isSwitch = parameter.isSwitch
            return made
        }
        var tool = ToolDefinition(
            name: cmdlet.name, title: cmdlet.name, summary: "\(cmdlet.name) in \(module). \(definition.summary)",
            description: "Runs \(cmdlet.name) in \(module). \(definition.description)", group: definition.group,
            parameters: parameters, work: .cmdlet(cmdlet.name, module: module), source: definition.source,
            place: definition.place)
        tool.isReadOnly = definition.isReadOnly
        return tool
    }

    private static func isSecret(_ type: String) -> Bool {
        type.lowercased().contains("securestring") || type.lowercased().contains("credential")
    }

    private static func kind(of parameter: ExchangeCmdletDescription.Parameter) -> ToolParameter.Kind {
        if parameter.isSwitch { return .boolean }
        switch parameter.type.lowercased() {
        case "boolean": return .boolean
        case "int32", "int64", "uint32": return .integer
        case let type where type.hasSuffix("[]") || type.contains("multivalued"): return .list
        default: return .string
        }
    }

    /// Returns the command line of a cmdlet with these parameters, whose values are bound and never written into the
    /// text.
    static func script(_ name: String, _ given: [(parameter: ToolParameter, value: JSONValue)]) -> (
        text: String, values: JSONObject
    ) {
        var words = [name]
        var declared: [String] = []
        var values = JSONObject()
        for (parameter, value) in given {
            let variable = parameter.variable ?? parameter.name
            if parameter.isSwitch {
                if value.bool == true { words.append("-\(variable)") }
                continue
            }
            declared.append("$\(variable)")
            words.append("-\(variable) $\(variable)")
            values[variable] = value
        }
        let text = words.joined(separator: " ")
        return (declared.isEmpty ? text : "param(\(declared.joined(separator: ", ")))\n\(text)", values)
    }
}
