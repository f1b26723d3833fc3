/// A reference to a variable.
package final class VariableExpressionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The variable's name, with its scope or drive.
    package let path: VariablePath
    /// Whether it is written as `@name`, whose elements become arguments of the command.
    package let isSplatted: Bool

    init(extent: SourceExtent, path: VariablePath, isSplatted: Bool) {
        self.extent = extent
        self.path = path
        self.isSplatted = isSplatted
    }
}

/// `$using:name`: a value of the caller that is sent to where the block runs.
package final class UsingExpressionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The sent expression: a variable without the prefix, possibly with constant member and index accesses.
    package let expression: ExpressionSyntax

    init(extent: SourceExtent, expression: ExpressionSyntax) {
        self.extent = extent
        self.expression = expression
    }
}
