/// `foreach ($variable in collection) { }`.
public final class ForEachStatementSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The label before the statement.
    public let label: String?
    /// The variable that each iteration sets.
    public let variable: VariableExpressionSyntax
    /// The collection: a pipeline, chain or assignment.
    public let collection: StatementSyntax
    /// The loop body.
    public let body: StatementBlockSyntax

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
public final class ForStatementSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The label before the statement.
    public let label: String?
    /// Runs once.
    public let initializer: StatementSyntax?
    /// Runs before each iteration.
    public let condition: StatementSyntax?
    /// Runs after each iteration.
    public let iterator: StatementSyntax?
    /// The loop body.
    public let body: StatementBlockSyntax

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
public final class WhileStatementSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The label before the statement.
    public let label: String?
    /// The condition.
    public let condition: StatementSyntax
    /// The loop body.
    public let body: StatementBlockSyntax

    init(extent: SourceExtent, label: String?, condition: StatementSyntax, body: StatementBlockSyntax) {
        self.extent = extent
        self.label = label
        self.condition = condition
        self.body = body
    }
}

/// `do { } while (condition)` or `do { } until (condition)`.
public final class DoStatementSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The label before the statement.
    public let label: String?
    /// The loop body.
    public let body: StatementBlockSyntax
    /// The condition.
    public let condition: StatementSyntax
    /// Whether the loop ends with `until`.
    public let isUntil: Bool

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
