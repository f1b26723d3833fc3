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
