/// `foreach ($variable in collection) { }`.
package final class ForEachStatementSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The label before the statement.
    package let label: String?
    /// The variable that each iteration sets.
    package let variable: VariableExpressionSyntax
    /// The collection: a pipeline, chain or assignment.
    package let collection: StatementSyntax
    /// The loop body.
    package let body: StatementBlockSyntax

    init(
        extent: SourceExtent,
        label: String?,
        variable: VariableExpressionSyntax,
        collection: StatementSyntax,
        body: StatementBlockSyntax
    ) {
        self.extent = extent
        self.label = label
        self.variable = variable
        self.collection = collection
        self.body = body
    }
}

/// `for (initializer; condition; iterator) { }`.
package final class ForStatementSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The label before the statement.
    package let label: String?
    /// Runs once.
    package let initializer: StatementSyntax?
    /// Runs before each iteration.
    package let condition: StatementSyntax?
    /// Runs after each iteration.
    package let iterator: StatementSyntax?
    /// The loop body.
    package let body: StatementBlockSyntax

    init(
        extent: SourceExtent,
        label: String?,
        initializer: StatementSyntax?,
        condition: StatementSyntax?,
        iterator: StatementSyntax?,
        body: StatementBlockSyntax
    ) {
        self.extent = extent
        self.label = label
        self.initializer = initializer
        self.condition = condition
        self.iterator = iterator
        self.body = body
    }
}

/// `while (condition) { }`.
package final class WhileStatementSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The label before the statement.
    package let label: String?
    /// The condition.
    package let condition: StatementSyntax
    /// The loop body.
    package let body: StatementBlockSyntax

    init(extent: SourceExtent, label: String?, condition: StatementSyntax, body: StatementBlockSyntax) {
        self.extent = extent
        self.label = label
        self.condition = condition
        self.body = body
    }
}

/// `do { } while (condition)` or `do { } until (condition)`.
package final class DoStatementSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The label before the statement.
    package let label: String?
    /// The loop body.
    package let body: StatementBlockSyntax
    /// The condition.
    package let condition: StatementSyntax
    /// Whether the loop ends with `until`.
    package let isUntil: Bool

    init(
        extent: SourceExtent,
        label: String?,
        body: StatementBlockSyntax,
        condition: StatementSyntax,
        isUntil: Bool
    ) {
        self.extent = extent
        self.label = label
        self.body = body
        self.condition = condition
        self.isUntil = isUntil
    }
}
