internal import MMCore
internal import PowerShellSyntax

extension ScriptWalk {
    /// Walks the parameters of the script itself, or of a function in it. The values that `mm` binds to a script's
    /// parameters arrive as data, and a default is an expression like any other. So a block of plain names, harmless
    /// types and declaring attributes needs no confirmation.
    /// - Parameter values: the possible values from a caller.
    mutating func walk(
        scriptParameters block: ParameterBlockSyntax, values: ValueFacts = .data(count: ValueFacts.many)
    ) {
        for attribute in block.attributes { walk(declaration: attribute) }
        for parameter in block.parameters { walk(declared: parameter, values: values) }
    }

    mutating func walk(functionParameter parameter: ParameterSyntax) { walk(declared: parameter, values: .unknown) }

    private mutating func walk(declared parameter: ParameterSyntax, values: ValueFacts) {
        var values = values
        var condition: String?
        for attribute in parameter.attributes {
            switch attribute {
            case .attribute(let node):
                walk(declaration: node)
                let name = node.typeName.fullName
                if name.asciiLowercased.contains("validate") { condition = name }
            case .typeConstraint(let node):
                walk(type: node.typeName)
                values = converted(values, to: node.typeName)
                condition = condition ?? PureTypes.condition(of: node.typeName)
            }
        }
        let standard = parameter.defaultValue.map { walk($0) } ?? .nothing
        write(parameter.variable, ScriptVariables.Entry(facts: values.or(standard), type: condition))
    }

    mutating func walk(_ parameter: ParameterSyntax) {
        for attribute in parameter.attributes {
            switch attribute {
            case .attribute(let node): walk(attribute: node)
            case .typeConstraint(let node): walk(type: node.typeName)
            }
        }
        if let value = parameter.defaultValue { walk(value) }
    }

    mutating func walk(attribute: AttributeSyntax) {
        report(.attribute, attribute.extent)
        for argument in attribute.positionalArguments { walk(argument) }
        for argument in attribute.namedArguments { walk(argument.argument) }
    }

    /// Walks an attribute, which may only declare something: its name must be on the list, with constants and harmless
    /// types as arguments.
    mutating func walk(declaration attribute: AttributeSyntax) {
        let arguments = attribute.positionalArguments + attribute.namedArguments.map(\.argument)
        // A validation script is code like any other; it runs whenever the parameter gets a value.
        if attribute.typeName.assembly == nil, attribute.positionalArguments.count == 1,
            attribute.typeName.fullName.asciiLowercased == "validatescript",
            case .scriptBlock(let check)? = attribute.positionalArguments.first,
            attribute.namedArguments.allSatisfy({ isDeclarative($0.argument) })
        {
            _ = judged(check.scriptBlock)
            return
        }
        guard attribute.typeName.assembly == nil, PureTypes.declares(attribute.typeName.fullName),
            arguments.allSatisfy(isDeclarative)
        else { return walk(attribute: attribute) }
    }

    private func isDeclarative(_ argument: ExpressionSyntax) -> Bool {
        if case .type(let type) = argument {
            let name = type.typeName
            return name.assembly == nil && (PureTypes.contains(name.fullName) || OwnContainer.of(name) != nil)
        }
        return ConstantValue(argument) != .dynamic
    }
}
