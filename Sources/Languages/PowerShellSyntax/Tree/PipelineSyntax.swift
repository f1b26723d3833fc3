/// One or more elements joined by `|`.
package final class PipelineSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The elements in order, at least one; only the first can be an expression.
    package let elements: [PipelineElementSyntax]
    /// Whether the pipeline ends with `&` and runs as a background job.
    package let isBackground: Bool

    init(extent: SourceExtent, elements: [PipelineElementSyntax], isBackground: Bool) {
        self.extent = extent
        self.elements = elements
        self.isBackground = isBackground
    }
}

/// An element of a pipeline.
package enum PipelineElementSyntax: Sendable {
    /// A command.
    case command(CommandSyntax)
    /// An expression.
    case expression(CommandExpressionSyntax)

    /// The node's extent in the source.
    @inline(never)
    package var extent: SourceExtent {
        switch self {
        case .command(let node): node.extent
        case .expression(let node): node.extent
        }
    }
}

/// An expression as a pipeline element.
package final class CommandExpressionSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The expression.
    package let expression: ExpressionSyntax
    /// The redirections, at most one per stream, in the order of the streams.
    package let redirections: [RedirectionSyntax]

    init(extent: SourceExtent, expression: ExpressionSyntax, redirections: [RedirectionSyntax]) {
        self.extent = extent
        self.expression = expression
        self.redirections = redirections
    }
}

/// Pipelines joined by `&&` and `||`, evaluated from left to right.
package final class PipelineChainSyntax: Sendable {
    /// The node's extent in the source.
    package let extent: SourceExtent
    /// The pipelines, at least two.
    package let pipelines: [PipelineSyntax]
    /// The operators between the pipelines, one fewer than pipelines.
    package let operators: [ChainOperator]
    /// Whether the chain ends with `&` and runs as a background job.
    package let isBackground: Bool

    init(extent: SourceExtent, pipelines: [PipelineSyntax], operators: [ChainOperator], isBackground: Bool) {
        self.extent = extent
        self.pipelines = pipelines
        self.operators = operators
        self.isBackground = isBackground
    }
}
