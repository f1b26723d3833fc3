/// `if (a) { } elseif (b) { } else { }`.
public final class IfStatementSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The `if` and `elseif` clauses in order.
    public let clauses: [ConditionClauseSyntax]
    /// The `else` block.
    public let elseBody: StatementBlockSyntax?

    init(extent: SourceExtent, clauses: [ConditionClauseSyntax], elseBody: StatementBlockSyntax?) {
        self.extent = extent
        self.clauses = clauses
        self.elseBody = elseBody
    }
}

/// A condition of an `if` statement with its block.
public final class ConditionClauseSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// A pipeline, chain or assignment.
    public let condition: StatementSyntax
    /// The block.
    public let body: StatementBlockSyntax

    init(extent: SourceExtent, condition: StatementSyntax, body: StatementBlockSyntax) {
        self.extent = extent
        self.condition = condition
        self.body = body
    }
}

/// `switch [flags] (value) { condition { } default { } }`.
public final class SwitchStatementSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The label before the statement.
    public let label: String?
    /// The flags.
    public let flags: SwitchFlags
    /// The value, or the file name of `-file` as a pipeline of one expression.
    public let condition: StatementSyntax
    /// The clauses in order, without `default`.
    public let clauses: [SwitchClauseSyntax]
    /// The `default` block.
    public let defaultBody: StatementBlockSyntax?

    init(
        extent: SourceExtent,
        label: String?,
        flags: SwitchFlags,
        condition: StatementSyntax,
        clauses: [SwitchClauseSyntax],
        defaultBody: StatementBlockSyntax?
    ) {
        self.extent = extent
        self.label = label
        self.flags = flags
        self.condition = condition
        self.clauses = clauses
        self.defaultBody = defaultBody
    }
}

/// A clause of a `switch`.
public final class SwitchClauseSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The condition to compare with; a script block is run instead.
    public let condition: ExpressionSyntax
    /// The block.
    public let body: StatementBlockSyntax

    init(extent: SourceExtent, condition: ExpressionSyntax, body: StatementBlockSyntax) {
        self.extent = extent
        self.condition = condition
        self.body = body
    }
}

/// `try { } catch [T] { } finally { }`.
public final class TryStatementSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The guarded block.
    public let body: StatementBlockSyntax
    /// The handlers in order.
    public let catchClauses: [CatchClauseSyntax]
    /// The `finally` block.
    public let finallyBody: StatementBlockSyntax?

    init(
        extent: SourceExtent,
        body: StatementBlockSyntax,
        catchClauses: [CatchClauseSyntax],
        finallyBody: StatementBlockSyntax?
    ) {
        self.extent = extent
        self.body = body
        self.catchClauses = catchClauses
        self.finallyBody = finallyBody
    }
}

/// A `catch` clause.
public final class CatchClauseSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The error types; empty for all.
    public let types: [TypeConstraintSyntax]
    /// The handler.
    public let body: StatementBlockSyntax

    init(extent: SourceExtent, types: [TypeConstraintSyntax], body: StatementBlockSyntax) {
        self.extent = extent
        self.types = types
        self.body = body
    }
}
