import PowerShellSyntax

/// The parameters of a script and the values that the caller gives them.
struct ScriptParameters {
    private let block: ParameterBlockSyntax
    /// The values by lower-case name.
    private let values: [String: PSValue]
    /// What the script declares about types.
    private let types: ScriptTypes

    init(_ block: ParameterBlockSyntax, values: [String: PSValue], types: ScriptTypes) {
        self.block = block
        self.types = types
        self.values = Dictionary(
            values.map { ($0.key.lowercased(), $0.value) }, uniquingKeysWith: { (first, _) in first })
    }

    /// Attributes of the block that don't affect binding.
    private static let plainAttributes: Set<String> = [
        "cmdletbinding", "outputtype", "diagnostics.codeanalysis.suppressmessageattribute",
        "diagnostics.codeanalysis.suppressmessage", "system.diagnostics.codeanalysis.suppressmessageattribute",
        "alias",
    ]

    /// The arguments of `[CmdletBinding()]` that are known here.
    private static let bindingArguments: Set<String> = [
        "defaultparametersetname", "supportsshouldprocess", "confirmimpact", "positionalbinding", "helpuri",
        "remotingcapability",
    ]

    /// Returns why the attributes of a `param` block are not supported; `nil` when they are.
    static func misfit(_ attributes: [AttributeSyntax]) -> String? {
        for attribute in attributes {
            let name = attribute.typeName.fullName.lowercased()
            guard plainAttributes.contains(name) else { return "an attribute of the param block" }
            guard name == "cmdletbinding" else { continue }
            for argument in attribute.namedArguments where !bindingArguments.contains(argument.name.lowercased()) {
                return "\(argument.name) of the param block"
            }
        }
        return nil
    }

    /// Returns whether parameters without a position of their own have one by their order.
    static func areByPosition(_ attributes: [AttributeSyntax]) -> Bool {
        !attributes.flatMap(\.namedArguments).contains {
            $0.name.lowercased() == "positionalbinding" && ScriptFunction.truth(of: $0) != true
        }
    }

    /// Returns why the block is not supported; `nil` when it is.
    /// - Parameters:
    ///   - canAsk: whether a person can be asked for a missing value.
    ///   - expression: returns why a default value is not supported.
    func misfit(canAsk: Bool, _ expression: (ExpressionSyntax) -> String?) -> String? {
        if let reason = Self.misfit(block.attributes) { return reason }
        var names: Set<String> = []
        guard let set = try? chosen() else { return "parameters of which no set is certain" }
        for parameter in block.parameters {
            let path = parameter.variable.path
            let name = path.name.lowercased()
            guard path.qualifier == .none, ScriptFunction.isFree(name), names.insert(name).inserted else {
                return "the parameter $\(path.path)"
            }
            guard let read = ScriptFunction.parameter(parameter, types) else {
                return "the declaration of $\(path.name)"
            }
            if read.isForeign, values[name] != nil { return "a value for the parameter $\(path.name)" }
            for value in read.checks.flatMap(\.arguments) + [parameter.defaultValue].compactMap(\.self) {
                if let reason = expression(value) { return reason }
            }
            // A mandatory parameter accepts neither its default nor an empty text.
            var isEmpty = values[name] == nil
            if case .string(let text)? = values[name], text.isEmpty { isEmpty = true }
            if read.isMandatory(in: set), isEmpty, !canAsk { return "the parameter $\(path.name) without a value" }
            // Binding doesn't convert texts to Booleans.
            if case .string? = values[name], read.type == .known(.bool) { return "a text for $\(path.name)" }
        }
        if let stranger = values.keys.first(where: { !names.contains($0) }) {
            return "a value for \(stranger), which isn't the full name of a parameter"
        }
        return nil
    }

    /// Returns the set of parameters that the given values use.
    private func chosen() throws(Interrupt) -> String {
        let sets = ParameterSets(
            block.parameters.compactMap { ScriptFunction.parameter($0, types) },
            usual: ParameterSets.usual(of: block.attributes))
        return try sets.chosen { values[$0.name.lowercased()] != nil }
    }

    /// Sets the parameters: first those with given values, then the defaults in order.
    func bind(in evaluator: Evaluator) throws(Interrupt) {
        let table = PSTable(isOrdered: true)
        var left: [(ScriptFunction.Parameter, String)] = []
        let set = try chosen()
        for node in block.parameters {
            guard let parameter = ScriptFunction.parameter(node, types) else { throw .handOver("a declaration") }
            let name = parameter.name.lowercased()
            evaluator.typed.types[name] = nil
            var value = values[name]
            if value == nil, parameter.isMandatory(in: set) {
                guard let host = evaluator.host else { throw .handOver("the parameter \(parameter.name)") }
                let answer = try host.answer(parameter.name, in: evaluator)
                value = parameter.type == .known(.texts) ? .array([.string(answer)]) : .string(answer)
            }
            guard let value else {
                left.append((parameter, name))
                continue
            }
            let bound = try Self.checked(value, parameter, in: evaluator)
            evaluator.variables[name] = bound
            _ = table.add(parameter.name, bound)
        }
        evaluator.given = table
        evaluator.scriptParameters = block.parameters.map(\.variable.path.name)
        let isAdvanced =
            block.attributes.contains { $0.typeName.fullName.lowercased() == "cmdletbinding" }
            || block.parameters.contains(where: Self.isOfCmdlet)
        if isAdvanced, let invocation = try evaluator.automatic("myinvocation") {
            evaluator.cmdlet = Evaluator.cmdlet(set, invocation)
            if ScriptConfirmation(block.attributes).asksFirst { evaluator.questions = .open }
        }
        for (parameter, name) in left {
            if let value = parameter.defaultValue {
                let value = try Self.certain { () throws(Interrupt) in try evaluator.value(of: value) }
                evaluator.variables[name] = try Self.converted(value, parameter, in: evaluator)
            } else {
                evaluator.variables[name] = parameter.unbound
            }
        }
        for node in block.parameters {
            guard let parameter = ScriptFunction.parameter(node, types),
                let type = parameter.isSwitch ? .known(.toggle) : parameter.type
            else { continue }
            evaluator.typed.types[parameter.name.lowercased()] = type
        }
    }

    private static func checked(
        _ value: PSValue, _ parameter: ScriptFunction.Parameter, in evaluator: Evaluator
    ) throws(Interrupt) -> PSValue {
        let value = try converted(value, parameter, in: evaluator)
        for check in parameter.checks {
            guard let fault = try check.fault(of: value, in: evaluator) else { continue }
            throw .fatal(
                NativeError(
                    "ParameterArgumentValidationError",
                    "Cannot validate argument on parameter '\(parameter.name)'. \(fault)", isReadable: true))
        }
        if parameter.refusesNothing(in: value) { throw .handOver("an empty value for \(parameter.name)") }
        guard !parameter.allowed.isEmpty else { return value }
        let items: [PSValue]
        if case .array(let own) = value { items = own } else { items = [value] }
        for item in items {
            guard parameter.allows(item.text) else {
                throw .fatal(
                    NativeError(
                        "ParameterArgumentValidationError",
                        "Cannot validate argument on parameter '\(parameter.name)'. The argument \"\(item.text)\" does not "
                            + "belong to the set \"\(parameter.allowed.joined(separator: ","))\" specified by the ValidateSet "
                            + "attribute. Supply an argument that is in the set and then try the command again.",
                        isReadable: true))
            }
        }
        return value
    }

    private static func converted(
        _ value: PSValue, _ parameter: ScriptFunction.Parameter, in evaluator: Evaluator
    ) throws(Interrupt) -> PSValue {
        if parameter.isSwitch {
            if case .string(let text) = value { return .bool(text.lowercased() != "false" && !text.isEmpty) }
            return .bool(value.isTrue)
        }
        guard let type = parameter.type else { return value }
        if value.isNull, ![.known(.string), .known(.int), .known(.bool)].contains(type) { return .null }
        do throws(Interrupt) {
            return try evaluator.cast(value, to: type)
        } catch {
            guard case .statement(let record) = error else { throw error }
            throw .fatal(
                NativeError(
                    "ParameterArgumentTransformationError",
                    "Cannot process argument transformation on parameter '\(parameter.name)'. \(record.message)",
                    isReadable: true))
        }
    }

    /// Hands over a default that fails, since PowerShell reports it as a binding error that the engine can't reproduce.
    private static func certain(_ work: () throws(Interrupt) -> PSValue) throws(Interrupt) -> PSValue {
        do throws(Interrupt) { return try work() } catch {
            switch error {
            case .handOver, .stopped, .fatal, .exit: throw error
            default: throw .handOver("a default that fails")
            }
        }
    }

    /// Returns whether a parameter's attributes make its function or script an advanced one.
    static func isOfCmdlet(_ node: ParameterSyntax) -> Bool {
        node.attributes.contains { attribute in
            if case .attribute(let node) = attribute {
                node.typeName.fullName.lowercased() == "parameter"
            } else {
                false
            }
        }
    }
}
