/// `target op statement`.
public final class AssignmentStatementSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The target: a variable, member or index, or a list of them, possibly below casts and attributes.
    public let target: ExpressionSyntax
    /// The operator.
    public let op: AssignmentOperator
    /// The right-hand side, a whole statement.
    public let value: StatementSyntax
    /// The extent of the operator itself.
    public let operatorExtent: SourceExtent

    init(
        extent: SourceExtent,
        target: ExpressionSyntax,
        op: AssignmentOperator,
        value: StatementSyntax,
        operatorExtent: SourceExtent
    ) {
        self.extent = extent
        self.target = target
        self.op = op
        self.value = value
        self.operatorExtent = operatorExtent
    }
}

/// `return`, `throw` or `exit`, with its optional pipeline.
public final class FlowStatementSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The keyword.
    public let kind: Kind
    /// The pipeline, chain or assignment after the keyword.
    public let value: StatementSyntax?

    init(extent: SourceExtent, kind: Kind, value: StatementSyntax?) {
        self.extent = extent
        self.kind = kind
        self.value = value
    }

    /// The statements that leave with a value.
    public enum Kind: String, Sendable {
        /// Leaves the function, method or script.
        case `return`
        /// Raises a terminating error.
        case `throw`
        /// Ends the script file or the session.
        case exit
    }
}

/// `break` or `continue`, which may leave the callers of the script when no loop encloses it.
public final class JumpStatementSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The keyword.
    public let kind: Kind
    /// The label: a bare word, or any expression.
    public let label: ExpressionSyntax?

    init(extent: SourceExtent, kind: Kind, label: ExpressionSyntax?) {
        self.extent = extent
        self.kind = kind
        self.label = label
    }

    /// The statements that jump within or out of a loop.
    public enum Kind: String, Sendable {
        /// Leaves the loop.
        case `break`
        /// Continues with the next iteration.
        case `continue`
    }
}

/// `trap [type] { }`, which runs on any terminating error in the enclosing statements.
public final class TrapStatementSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The error type; `nil` for all.
    public let type: TypeConstraintSyntax?
    /// The handler.
    public let body: StatementBlockSyntax

    init(extent: SourceExtent, type: TypeConstraintSyntax?, body: StatementBlockSyntax) {
        self.extent = extent
        self.type = type
        self.body = body
    }
}

/// `data name -SupportedCommand a, b { }`.
public final class DataStatementSyntax: Sendable {
    /// The node's extent in the source.
    public let extent: SourceExtent
    /// The variable that receives the value.
    public let variable: String?
    /// The commands that the block may run in addition to `ConvertFrom-StringData`.
    public let supportedCommands: [ExpressionSyntax]
    /// The block.
    public let body: StatementBlockSyntax

    init(
        extent: SourceExtent,
        variable: String?,
        supportedCommands: [ExpressionSyntax],
        body: StatementBlockSyntax
    ) {
        self.extent = extent
        self.variable = variable
        self.supportedCommands = supportedCommands
        self.body = body
    }
}
