/// A word after a command's name, as binding treats it.
package enum CommandWord {
    /// `-Name` or `-Name:value`.
    case name(CommandParameterSyntax)
    /// A value that looks like a parameter, because it follows `--`.
    case text(CommandParameterSyntax)
    /// A value.
    case value(ExpressionSyntax)
    /// `@name`, which stands for names and values, or for values alone.
    case splat(VariableExpressionSyntax)
}

extension CommandSyntax {
    /// The words after the name, in order.
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
