/// A reference to a variable.
public final class VariableExpressionSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The variable's name, with its scope or drive.
    public let path: VariablePath
    /// Whether it is written as `@name`, whose elements become arguments of the command.
    public let isSplatted: Bool

    init(extent: SourceExtent, path: VariablePath, isSplatted: Bool) {
        self.extent = extent
        self.path = path
        self.isSplatted = isSplatted
    }
}

/// `$using:name`: a value of the caller that is sent to where the block runs.
public final class UsingExpressionSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The sent expression: a variable without the prefix, possibly with constant member and index accesses.
    public let expression: ExpressionSyntax

    init(extent: SourceExtent, expression: ExpressionSyntax) {
        self.extent = extent
        self.expression = expression
    }
}
