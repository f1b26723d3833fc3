/// `if (a) { } elseif (b) { } else { }`.
package final class IfStatementSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The `if` and `elseif` clauses in order.
    package let clauses: [ConditionClauseSyntax]
    /// The `else` block.
    package let elseBody: StatementBlockSyntax?

    init(extent: SourceExtent, clauses: [ConditionClauseSyntax], elseBody: StatementBlockSyntax?) {
        self.extent = extent
        self.clauses = clauses
        self.elseBody = elseBody
    }
}

/// A condition of an `if` statement with its block.
package final class ConditionClauseSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// A pipeline, chain or assignment.
    package let condition: StatementSyntax
    /// The block.
    package let body: StatementBlockSyntax

    init(extent: SourceExtent, condition: StatementSyntax, body: StatementBlockSyntax) {
        self.extent = extent
        self.condition = condition
        self.body = body
    }
}

/// `switch [flags] (value) { condition { } default { } }`.
package final class SwitchStatementSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The label before the statement.
    package let label: String?
    /// The flags.
    package let flags: SwitchFlags
    /// The value, or the file name of `-file` as a pipeline of one expression.
    package let condition: StatementSyntax
    /// The clauses in order, without `default`.
    package let clauses: [SwitchClauseSyntax]
    /// The `default` block.
    package let defaultBody: StatementBlockSyntax?

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
package final class SwitchClauseSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The condition to compare with; a script block is run instead.
    package let condition: ExpressionSyntax
    /// The block.
    package let body: StatementBlockSyntax

    init(extent: SourceExtent, condition: ExpressionSyntax, body: StatementBlockSyntax) {
        self.extent = extent
        self.condition = condition
        self.body = body
    }
}

/// `try { } catch [T] { } finally { }`.
package final class TryStatementSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The guarded block.
    package let body: StatementBlockSyntax
    /// The handlers in order.
    package let catchClauses: [CatchClauseSyntax]
    /// The `finally` block.
    package let finallyBody: StatementBlockSyntax?

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
package final class CatchClauseSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The error types; empty for all.
    package let types: [TypeConstraintSyntax]
    /// The handler.
    package let body: StatementBlockSyntax

    init(extent: SourceExtent, types: [TypeConstraintSyntax], body: StatementBlockSyntax) {
        self.extent = extent
        self.types = types
        self.body = body
    }
}
