import MMCore

/// The values of a call's parameters, checked against the definition.
struct ToolValues: Sendable {
    /// The given values, in the order of the definition.
    private(set) var given: [(parameter: ToolParameter, value: JSONValue)] = []
    /// All values, including defaults.
    private(set) var all = JSONObject()

    /// Checks the values of a call.
    /// - Throws: `invalidInput` with the parameter, the value and the remedy.
    init(_ definition: ToolDefinition, given values: [(name: String, value: JSONValue)]) throws(MMError) {
        var checked: [String: JSONValue] = [:]
        for (name, value) in values where !value.isNull {
            let parameter = try Self.parameter(name, of: definition)
            guard checked[parameter.name] == nil else {
                throw MMError(
                    .invalidInput, "`\(parameter.name)` is given twice.", hint: "Give it once.",
                    details: ["field": .string(parameter.name)])
            }
            checked[parameter.name] = try parameter.checked(value)
        }
        for parameter in definition.parameters {
            if let value = checked[parameter.name] {
                given.append((parameter, value))
                all[parameter.name] = value
            } else if parameter.isRequired {
                throw MMError(
                    .invalidInput, "`\(definition.name)` needs `\(parameter.name)`.",
                    hint: "\(parameter.name): \(parameter.summary)", details: ["field": .string(parameter.name)])
            } else if let value = parameter.defaultValue {
                all[parameter.name] = value
            }
        }
    }

    private static func parameter(_ name: String, of definition: ToolDefinition) throws(MMError) -> ToolParameter {
        let wanted = name.lowercased()
        let found = definition.parameters.first {
            $0.name.lowercased() == wanted || $0.variable?.lowercased() == wanted
                || InputField($0.name, .text, "").flagName == wanted
        }
        if let found { return found }
        let names = definition.parameters.map(\.name)
        let near = NearestNames.of(name, among: names, limit: 1).first.map { " Did you mean `\($0)`?" } ?? ""
        throw MMError(
            .invalidInput, "`\(definition.name)` has no parameter `\(name.prefix(60))`.\(near)",
            hint: names.isEmpty ? "It has no parameters." : "Its parameters are \(names.joined(separator: ", ")).",
            details: ["field": "param"])
    }
}
