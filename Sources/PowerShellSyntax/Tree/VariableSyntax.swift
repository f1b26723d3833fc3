/// A mention of a variable.
public final class VariableExpressionSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// Its name, with scope or drive.
    public let path: VariablePath
    /// Written as `@name`: its elements become arguments of the command.
    public let isSplatted: Bool

    init(extent: SourceExtent, path: VariablePath, isSplatted: Bool) {
        self.extent = extent
        self.path = path
        self.isSplatted = isSplatted
    }
}

/// `$using:name`: a value of the caller sent to where the block runs.
public final class UsingExpressionSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// What is sent: a variable without the prefix, possibly with constant member and index accesses.
    public let expression: ExpressionSyntax

    init(extent: SourceExtent, expression: ExpressionSyntax) {
        self.extent = extent
        self.expression = expression
    }
}
