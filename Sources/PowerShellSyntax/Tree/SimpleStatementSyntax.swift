/// `target op statement`.
public final class AssignmentStatementSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// What is written: variable, member, index, a list of such, possibly under casts and attributes.
    public let target: ExpressionSyntax
    /// The operator.
    public let op: AssignmentOperator
    /// The right side: a whole statement.
    public let value: StatementSyntax
    /// Where the operator stands.
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

/// `return`, `throw` or `exit`, with the pipeline that it runs.
public final class FlowStatementSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// Which of the three.
    public let kind: Kind
    /// The pipeline, chain or assignment behind it.
    public let value: StatementSyntax?

    init(extent: SourceExtent, kind: Kind, value: StatementSyntax?) {
        self.extent = extent
        self.kind = kind
        self.value = value
    }

    /// The three statements that leave with a value.
    public enum Kind: String, Sendable {
        /// Leaves the function, method or script.
        case `return`
        /// Raises a terminating error.
        case `throw`
        /// Ends the script file or the session.
        case exit
    }
}

/// `break` or `continue`, which may leave the callers of the script when no loop is around it.
public final class JumpStatementSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// Which of the two.
    public let kind: Kind
    /// The label: a bare word, or any expression.
    public let label: ExpressionSyntax?

    init(extent: SourceExtent, kind: Kind, label: ExpressionSyntax?) {
        self.extent = extent
        self.kind = kind
        self.label = label
    }

    /// The two loop jumps.
    public enum Kind: String, Sendable {
        /// Leaves the loop.
        case `break`
        /// Goes on with the next round.
        case `continue`
    }
}

/// `trap [type] { }`: runs on any terminating error in the statements around it.
public final class TrapStatementSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// The error type; nil for all.
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
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// The variable that takes the value.
    public let variable: String?
    /// The commands that the block may run beside `ConvertFrom-StringData`.
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
