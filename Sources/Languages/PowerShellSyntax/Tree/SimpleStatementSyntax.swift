/// `target op statement`.
package final class AssignmentStatementSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The target: a variable, member or index, or a list of them, possibly below casts and attributes.
    package let target: ExpressionSyntax
    /// The operator.
    package let op: AssignmentOperator
    /// The right-hand side, a whole statement.
    package let value: StatementSyntax

    init(extent: SourceExtent, target: ExpressionSyntax, op: AssignmentOperator, value: StatementSyntax) {
        self.extent = extent
        self.target = target
        self.op = op
        self.value = value
    }
}

/// `return`, `throw` or `exit`, with its optional pipeline.
package final class FlowStatementSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The keyword.
    package let kind: Kind
    /// The pipeline, chain or assignment after the keyword.
    package let value: StatementSyntax?

    init(extent: SourceExtent, kind: Kind, value: StatementSyntax?) {
        self.extent = extent
        self.kind = kind
        self.value = value
    }

    /// The statements that leave with a value.
    package enum Kind: String, Sendable {
        /// Leaves the function, method or script.
        case `return`
        /// Raises a terminating error.
        case `throw`
        /// Ends the script file or the session.
        case exit
    }
}

/// `break` or `continue`, which may leave the callers of the script when no loop encloses it.
package final class JumpStatementSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The keyword.
    package let kind: Kind
    /// The label: a bare word, or any expression.
    package let label: ExpressionSyntax?

    init(extent: SourceExtent, kind: Kind, label: ExpressionSyntax?) {
        self.extent = extent
        self.kind = kind
        self.label = label
    }

    /// The statements that jump within or out of a loop.
    package enum Kind: String, Sendable {
        /// Leaves the loop.
        case `break`
        /// Continues with the next iteration.
        case `continue`
    }
}

/// `trap [type] { }`, which runs on any terminating error in the enclosing statements.
package final class TrapStatementSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The error type; `nil` for all.
    package let type: TypeConstraintSyntax?
    /// The handler.
    package let body: StatementBlockSyntax

    init(extent: SourceExtent, type: TypeConstraintSyntax?, body: StatementBlockSyntax) {
        self.extent = extent
        self.type = type
        self.body = body
    }
}

/// `data name -SupportedCommand a, b { }`.
package final class DataStatementSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The variable that receives the value.
    package let variable: String?
    /// The commands that the block may run in addition to `ConvertFrom-StringData`.
    package let supportedCommands: [ExpressionSyntax]
    /// The block.
    package let body: StatementBlockSyntax

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

/// An operator that writes to its left-hand side. Raw values are the names of the engine's token kinds.
package enum AssignmentOperator: String, Sendable, CaseIterable {
    /// `=`.
    case equals = "Equals"
    /// `+=`.
    case plusEquals = "PlusEquals"
    /// `-=`.
    case minusEquals = "MinusEquals"
    /// `*=`.
    case multiplyEquals = "MultiplyEquals"
    /// `/=`.
    case divideEquals = "DivideEquals"
    /// `%=`.
    case remainderEquals = "RemainderEquals"
    /// `??=`.
    case questionQuestionEquals = "QuestionQuestionEquals"
}
