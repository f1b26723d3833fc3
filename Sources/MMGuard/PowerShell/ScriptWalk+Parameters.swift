internal import PowerShellSyntax

extension ScriptWalk {
    /// The parameters of the script itself. What `mm` binds to them arrives as data, and a default is an expression like
    /// any other, so a block of plain names, harmless types and declaring attributes is no reason to ask.
    mutating func walk(scriptParameters block: ParameterBlockSyntax) {
        for attribute in block.attributes { walk(declaration: attribute) }
        for parameter in block.parameters {
            let isData = parameter.defaultValue.map { ConstantValue($0) != .dynamic } ?? true
            write(parameter.variable, isData: isData)
            for attribute in parameter.attributes {
                switch attribute {
                case .attribute(let node): walk(declaration: node)
                case .typeConstraint(let node): walk(type: node.typeName)
                }
            }
            if let value = parameter.defaultValue { walk(value) }
        }
    }

    /// An attribute that only declares: a name on the list, with constants and harmless types for arguments.
    private mutating func walk(declaration attribute: AttributeSyntax) {
        let arguments = attribute.positionalArguments + attribute.namedArguments.map(\.argument)
        guard attribute.typeName.assembly == nil, PureTypes.declares(attribute.typeName.fullName),
            arguments.allSatisfy(isDeclarative)
        else { return walk(attribute: attribute) }
    }

    private func isDeclarative(_ argument: ExpressionSyntax) -> Bool {
        if case .type(let type) = argument {
            return type.typeName.assembly == nil && PureTypes.contains(type.typeName.fullName)
        }
        return ConstantValue(argument) != .dynamic
    }
}
