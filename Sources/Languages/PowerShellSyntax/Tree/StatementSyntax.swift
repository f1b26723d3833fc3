/// A statement.
package enum StatementSyntax: Sendable {
    /// A pipeline.
    case pipeline(PipelineSyntax)
    /// Pipelines joined by `&&` and `||`.
    case pipelineChain(PipelineChainSyntax)
    /// `target = statement`.
    case assignment(AssignmentStatementSyntax)
    /// `if`, `elseif`, `else`.
    case `if`(IfStatementSyntax)
    /// `switch`.
    case `switch`(SwitchStatementSyntax)
    /// `foreach ($v in …)`.
    case forEach(ForEachStatementSyntax)
    /// `for (a; b; c)`.
    case `for`(ForStatementSyntax)
    /// `while`.
    case `while`(WhileStatementSyntax)
    /// `do … while` and `do … until`.
    case `do`(DoStatementSyntax)
    /// `return`, `throw`, `exit`.
    case flow(FlowStatementSyntax)
    /// `break`, `continue`.
    case jump(JumpStatementSyntax)
    /// `trap`.
    case trap(TrapStatementSyntax)
    /// `try`, `catch`, `finally`.
    case `try`(TryStatementSyntax)
    /// `data`.
    case data(DataStatementSyntax)
    /// `function` and `filter`.
    case function(FunctionDefinitionSyntax)
    /// `class` and `enum`.
    case type(TypeDefinitionSyntax)

    /// The node's extent in the source.
    @inline(never)
    package var extent: SourceExtent {
        switch self {
        case .pipeline(let node): node.extent
        case .pipelineChain(let node): node.extent
        case .assignment(let node): node.extent
        case .if(let node): node.extent
        case .switch(let node): node.extent
        case .forEach(let node): node.extent
        case .for(let node): node.extent
        case .while(let node): node.extent
        case .do(let node): node.extent
        case .flow(let node): node.extent
        case .jump(let node): node.extent
        case .trap(let node): node.extent
        case .try(let node): node.extent
        case .data(let node): node.extent
        case .function(let node): node.extent
        case .type(let node): node.extent
        }
    }
}

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
    /// A pipeline, chain or assignment.
    package let condition: StatementSyntax
    /// The block.
    package let body: StatementBlockSyntax

    init(condition: StatementSyntax, body: StatementBlockSyntax) {
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
    /// The condition to compare with; a script block is run instead.
    package let condition: ExpressionSyntax
    /// The block.
    package let body: StatementBlockSyntax

    init(condition: ExpressionSyntax, body: StatementBlockSyntax) {
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
