/// What stands behind a command's name, as binding takes it.
package enum CommandWord {
    /// `-Name` or `-Name:value`.
    case name(CommandParameterSyntax)
    /// What looks like a parameter and is a value: it stands behind `--`.
    case text(CommandParameterSyntax)
    /// A value.
    case value(ExpressionSyntax)
    /// `@name`: names and values, or values alone.
    case splat(VariableExpressionSyntax)
}

extension CommandSyntax {
    /// What stands behind the name, in order.
    package var words: [CommandWord] {
        var words: [CommandWord] = []
        words.reserveCapacity(elements.count)
        var takesNames = true
        for element in elements.dropFirst() {
            switch element {
            case .argument(.variable(let variable)) where variable.isSplatted: words.append(.splat(variable))
            case .argument(let value): words.append(.value(value))
            case .parameter(let parameter) where !takesNames: words.append(.text(parameter))
            case .parameter(let parameter) where parameter.name == "-": takesNames = false
            case .parameter(let parameter): words.append(.name(parameter))
            }
        }
        return words
    }
}
