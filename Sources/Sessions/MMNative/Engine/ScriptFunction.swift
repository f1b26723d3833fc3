import PowerShellSyntax

/// A function that a script defines: parameters by name and position, and a body without named parts.
struct ScriptFunction {
    /// A parameter.
    struct Parameter {
        let name: String
        var type: PSType?
        var isSwitch = false
        var isMandatory = false
        var isNotEmpty = false
        var position: Int?
        /// The texts that are allowed; empty where all are.
        var allowed: [String] = []
        var defaultValue: ExpressionSyntax?
    }

    let name: String
    let parameters: [Parameter]
    let body: StatementBlockSyntax

    private static let types: Set<PSType> = [.string, .int, .long, .double, .bool, .array, .object, .hashtable]

    /// Reads a definition; `nil` where it has more than these.
    init?(_ node: FunctionDefinitionSyntax) {
        guard !node.isFilter, !node.name.contains(":"), node.body.usings.isEmpty, node.body.definedTypes.isEmpty,
            let body = node.body.body
        else { return nil }
        name = node.name
        self.body = body
        var declared = node.parameters
        if let block = node.body.parameterBlock {
            for attribute in block.attributes {
                guard attribute.typeName.fullName.lowercased() == "cmdletbinding",
                    attribute.positionalArguments.isEmpty, attribute.namedArguments.isEmpty
                else { return nil }
            }
            guard declared.isEmpty else { return nil }
            declared = block.parameters
        }
        var parameters: [Parameter] = []
        for parameter in declared {
            guard let read = Self.parameter(parameter) else { return nil }
            guard !parameters.contains(where: { $0.name.lowercased() == read.name.lowercased() }) else { return nil }
            parameters.append(read)
        }
        // Once one parameter says its position, the others have none.
        if !parameters.contains(where: { $0.position != nil }) {
            var position = 0
            for index in parameters.indices where !parameters[index].isSwitch {
                parameters[index].position = position
                position += 1
            }
        }
        self.parameters = parameters
    }

    private static func parameter(_ node: ParameterSyntax) -> Parameter? {
        let path = node.variable.path
        guard path.qualifier == .none, !AutomaticNames.contains(path.name.lowercased()), path.name.isPlain else {
            return nil
        }
        var parameter = Parameter(name: path.name, defaultValue: node.defaultValue)
        for attribute in node.attributes {
            switch attribute {
            case .typeConstraint(let constraint):
                guard parameter.type == nil, !parameter.isSwitch else { return nil }
                if ["switch", "switchparameter", "system.management.automation.switchparameter"].contains(
                    constraint.typeName.fullName.lowercased())
                {
                    parameter.isSwitch = true
                    continue
                }
                guard let type = PSType(written: constraint.typeName.fullName), types.contains(type) else { return nil }
                if type != .object { parameter.type = type }
            case .attribute(let node):
                guard read(node, into: &parameter) else { return nil }
            }
        }
        return parameter
    }

    private static func read(_ node: AttributeSyntax, into parameter: inout Parameter) -> Bool {
        switch node.typeName.fullName.lowercased() {
        case "parameter":
            guard node.positionalArguments.isEmpty else { return false }
            for argument in node.namedArguments {
                switch (argument.name.lowercased(), argument.argument) {
                case ("mandatory", .variable(let value)) where value.path.name.lowercased() == "true":
                    parameter.isMandatory = true
                case ("mandatory", .variable(let value)) where value.path.name.lowercased() == "false": break
                case ("mandatory", _) where argument.isOmitted: parameter.isMandatory = true
                case ("helpmessage", .string): break
                case ("position", .number(let number)):
                    guard case .int32(let place) = number.value, place >= 0 else { return false }
                    parameter.position = Int(place)
                default: return false
                }
            }
            return true
        case "validateset":
            guard node.namedArguments.isEmpty else { return false }
            for argument in node.positionalArguments {
                guard case .string(let text) = argument else { return false }
                parameter.allowed.append(text.value)
            }
            return !parameter.allowed.isEmpty
        case "validatenotnullorempty":
            parameter.isNotEmpty = true
            return node.positionalArguments.isEmpty && node.namedArguments.isEmpty
        default: return false
        }
    }

    private var binder: ParameterBinder {
        let names = parameters.map(\.name)
        return ParameterBinder(
            own: parameters.enumerated().map { index, parameter in
                BindableParameter(isSwitch: parameter.isSwitch, position: parameter.position ?? -1, identity: index)
            }
        ) { ParameterFit($1, name: names[$0], aliases: []) }
    }

    /// The words of a call: which parameter gets which expression; `nil` where that isn't certain, or where a mandatory
    /// parameter gets none.
    func bound(_ command: CommandSyntax) -> [(parameter: Int, value: ExpressionSyntax?)]? {
        let words = command.words
        var bound: [(parameter: Int, value: ExpressionSyntax?)] = []
        var positional: [ExpressionSyntax] = []
        for word in words {
            if case .splat = word { return nil }
            if case .text = word { return nil }
        }
        for pair in binder.pairs(words.map(\.argument)) {
            let value = pair.value.flatMap { words[$0].expression }
            guard pair.written != nil else {
                guard let value else { return nil }
                positional.append(value)
                continue
            }
            guard pair.candidates.count == 1, let index = pair.candidates.first,
                !bound.contains(where: { $0.parameter == index }), value != nil || parameters[index].isSwitch
            else { return nil }
            bound.append((index, value))
        }
        let free = parameters.indices.filter { index in
            parameters[index].position != nil && !bound.contains { $0.parameter == index }
        }.sorted { (parameters[$0].position ?? 0) < (parameters[$1].position ?? 0) }
        guard positional.count <= free.count else { return nil }
        for (index, value) in zip(free, positional) { bound.append((index, value)) }
        let isWhole = parameters.indices.allSatisfy { index in
            !parameters[index].isMandatory || bound.contains { $0.parameter == index }
        }
        return isWhole ? bound : nil
    }

    /// The value of a parameter that a call leaves out and that has no default.
    func unbound(_ parameter: Parameter) -> PSValue {
        if parameter.isSwitch { return .bool(false) }
        switch parameter.type {
        case .string?: return .string("")
        case .int?: return .int(0)
        case .long?: return .long(0)
        case .double?: return .double(0)
        case .bool?: return .bool(false)
        default: return .null
        }
    }
}

/// Calls of functions.
extension Evaluator {
    /// The most calls within each other.
    private static let deepest = 40

    /// Runs a function. What it sets stays its own; what it doesn't set is its caller's.
    func call(_ function: ScriptFunction, _ command: CommandSyntax, into sink: Sink) throws(Interrupt) {
        guard let bound = function.bound(command) else { throw .handOver("the arguments of \(function.name)") }
        var given: [Int: PSValue] = [:]
        for (index, expression) in bound {
            guard let expression else {
                given[index] = .bool(true)
                continue
            }
            given[index] = try value(of: expression)
        }
        calls += 1
        let outer = (variables, types, current)
        defer {
            calls -= 1
            (variables, types, current) = outer
        }
        guard calls <= Self.deepest else { throw .handOver("a deep recursion") }
        for (index, parameter) in function.parameters.enumerated() {
            types[parameter.name.lowercased()] = nil
            guard let value = given[index] else { continue }
            variables[parameter.name.lowercased()] = try checked(value, for: parameter, of: function)
        }
        for (index, parameter) in function.parameters.enumerated() where given[index] == nil {
            let value = try parameter.defaultValue.map { (node) throws(Interrupt) in try self.value(of: node) }
            variables[parameter.name.lowercased()] =
                try value.map { (value) throws(Interrupt) in
                    try converted(value, for: parameter, of: function)
                } ?? function.unbound(parameter)
        }
        for parameter in function.parameters {
            if let type = parameter.type { types[parameter.name.lowercased()] = type }
        }
        do throws(Interrupt) {
            try run(function.body.statements, into: sink)
        } catch {
            guard case .leaveBlock = error else { throw error }
        }
    }

    private func converted(
        _ value: PSValue, for parameter: ScriptFunction.Parameter, of function: ScriptFunction
    ) throws(Interrupt) -> PSValue {
        if parameter.isSwitch {
            guard case .bool = value else { throw .handOver("an unusual value of a switch") }
            return value
        }
        guard let type = parameter.type else { return value }
        if value.isNull, type == .array || type == .hashtable { return .null }
        do throws(Interrupt) {
            return try Conversion.cast(value, to: type)
        } catch {
            guard case .statement(let record) = error else { throw error }
            let message = "Cannot process argument transformation on parameter '\(parameter.name)'. \(record.message)"
            throw .statement(NativeError("ParameterArgumentTransformationError,\(function.name)", message))
        }
    }

    private func checked(
        _ value: PSValue, for parameter: ScriptFunction.Parameter, of function: ScriptFunction
    ) throws(Interrupt) -> PSValue {
        let value = try converted(value, for: parameter, of: function)
        if parameter.isMandatory || parameter.isNotEmpty {
            switch value {
            case .null: throw .handOver("an empty value for \(parameter.name)")
            case .string(let text) where text.isEmpty: throw .handOver("an empty value for \(parameter.name)")
            case .array(let items) where items.isEmpty: throw .handOver("an empty value for \(parameter.name)")
            default: break
            }
        }
        guard !parameter.allowed.isEmpty else { return value }
        guard case .string(let text) = value else { throw .handOver("a value of a set that isn't text") }
        guard parameter.allowed.contains(where: { $0.lowercased() == text.lowercased() }) else {
            let message =
                "Cannot validate argument on parameter '\(parameter.name)'. The argument \"\(text)\" does not belong to the "
                + "set \"\(parameter.allowed.joined(separator: ","))\" specified by the ValidateSet attribute. Supply an "
                + "argument that is in the set and then try the command again."
            throw .statement(NativeError("ParameterArgumentValidationError,\(function.name)", message))
        }
        return value
    }
}
