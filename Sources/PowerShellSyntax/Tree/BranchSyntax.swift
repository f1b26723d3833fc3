/// `if (a) { } elseif (b) { } else { }`.
public final class IfStatementSyntax: Sendable {
    /// Where the node stands in the source.
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

/// One condition of an `if` statement and its block.
public final class ConditionClauseSyntax: Sendable {
    /// Where the node stands in the source.
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
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// The label before the statement.
    public let label: String?
    /// Its flags.
    public let flags: SwitchFlags
    /// The value, or the file name of `-file` as a pipeline of one expression.
    public let condition: StatementSyntax
    /// The clauses in order, `default` excluded.
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

/// One clause of a `switch`.
public final class SwitchClauseSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// What is compared; a script block is run.
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
    /// Where the node stands in the source.
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

/// One `catch`.
public final class CatchClauseSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// The error types; none for all.
    public let types: [TypeConstraintSyntax]
    /// The handler.
    public let body: StatementBlockSyntax

    init(extent: SourceExtent, types: [TypeConstraintSyntax], body: StatementBlockSyntax) {
        self.extent = extent
        self.types = types
        self.body = body
    }
}
