import MMCore
import PowerShellSyntax

/// Types a parameter by its declaration in a script's param block.
struct ScriptParameterReader {
    let place: String
    let text: String
    let help: CommentHelp

    /// The parameter of a tool; `nil` for one that its script keeps from view.
    /// - Throws: `invalidInput` for a type whose values can't be arguments.
    func parameter(_ node: ParameterSyntax, _ comment: String?) throws(MMError) -> ToolParameter? {
        let variable = node.variable.path.name
        var parameter = ToolParameter(ToolParameter.name(of: variable), .string, "")
        parameter.variable = variable
        var message: String?
        var mandatory: [Bool] = []
        for attribute in node.attributes {
            switch attribute {
            case .typeConstraint(let constraint): try take(constraint.typeName, node, into: &parameter)
            case .attribute(let attribute):
                switch Self.plain(attribute.typeName.name) {
                case "parameter":
                    if attribute.isSet("dontshow") { return nil }
                    mandatory.append(attribute.isSet("mandatory"))
                    message = message ?? attribute.named("helpmessage").flatMap(Self.constant)?.string
                case "validateset":
                    parameter.choices = attribute.positionalArguments.compactMap {
                        Self.constant($0).flatMap(ToolParameter.text(of:))
                    }
                case "validaterange":
                    let bounds = attribute.positionalArguments.compactMap { Self.constant($0)?.int }
                    if bounds.count == 2, bounds[0] <= bounds[1] { parameter.range = bounds[0]...bounds[1] }
                    if bounds.isEmpty, let word = attribute.positionalArguments.first.flatMap(Self.constant)?.string {
                        parameter.range = Self.ranges[word.lowercased()]
                    }
                case "validatepattern":
                    parameter.pattern = attribute.positionalArguments.first.flatMap(Self.constant)?.string
                        .map { "(?i).*(?:\($0)).*" }
                default: continue
                }
            }
        }
        // One of several sets may do without it.
        parameter.isRequired = !mandatory.isEmpty && mandatory.allSatisfy { $0 } && node.defaultValue == nil
        parameter.defaultValue = node.defaultValue.flatMap(Self.constant)
        parameter.summary = help.parameter(variable) ?? message ?? comment ?? "The script's parameter \(variable)."
        return parameter
    }

    private static let ranges: [String: ClosedRange<Int>] = [
        "positive": 1...Int.max, "nonnegative": 0...Int.max, "negative": Int.min...(-1), "nonpositive": Int.min...0,
    ]

    private func take(_ type: TypeNameSyntax, _ node: ParameterSyntax, into parameter: inout ToolParameter)
        throws(MMError)
    {
        if case .array = type.form {
            parameter.kind = .list
            return
        }
        switch Self.plain(type.name) {
        case "int", "int32", "int64", "long", "uint", "uint32", "uint64", "ulong", "int16", "short", "uint16", "ushort",
            "byte", "sbyte":
            parameter.kind = .integer
        case "double", "single", "float", "decimal": parameter.kind = .number
        case "switch", "switchparameter":
            parameter.kind = .boolean
            parameter.isSwitch = true
        case "bool", "boolean": parameter.kind = .boolean
        case "datetime", "datetimeoffset": parameter.kind = .datetime
        case let name where name.hasPrefix("generic.") || name == "array" || name == "arraylist": parameter.kind = .list
        case "securestring", "pscredential", "credential":
            throw .definition(
                place, line: ScriptLines.line(of: node.extent.start, in: text),
                "the parameter \(node.variable.path.name) takes a password, which can't be an argument.",
                hint: "Let the connection sign in; a tool gets no passwords.")
        default: return
        }
    }

    /// A type's name without the namespaces that everybody leaves out.
    private static func plain(_ name: String) -> String {
        var name = name.lowercased()
        for prefix in ["system.", "management.automation.", "collections.", "security."] where name.hasPrefix(prefix) {
            name.removeFirst(prefix.count)
        }
        if name.hasSuffix("attribute") { name.removeLast("attribute".count) }
        return name
    }

    /// The value of an expression that is a constant.
    static func constant(_ expression: ExpressionSyntax) -> JSONValue? {
        switch expression {
        case .string(let node): return .string(node.value)
        case .number(let node):
            if case .boolean(let truth) = node.value { return .bool(truth) }
            if let whole = Int64(node.text) { return .int(whole) }
            return Double(node.text).map { .double($0) }
        case .variable(let node):
            switch node.path.name.lowercased() {
            case "true": return .bool(true)
            case "false": return .bool(false)
            default: return nil
            }
        case .arrayLiteral(let node):
            let items = node.elements.compactMap(constant)
            return items.count == node.elements.count ? .array(items) : nil
        default: return nil
        }
    }
}

extension AttributeSyntax {
    /// The argument of a name.
    fileprivate func named(_ name: String) -> ExpressionSyntax? {
        namedArguments.first { $0.name.lowercased() == name }?.argument
    }

    /// Whether an argument is there and true.
    fileprivate func isSet(_ name: String) -> Bool {
        named(name).flatMap(ScriptParameterReader.constant)?.bool ?? false
    }
}
