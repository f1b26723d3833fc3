/// One or more elements joined by `|`.
public final class PipelineSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// The elements in order, at least one; an expression only as the first.
    public let elements: [PipelineElementSyntax]
    /// Ends with `&`: a job runs it.
    public let isBackground: Bool

    init(extent: SourceExtent, elements: [PipelineElementSyntax], isBackground: Bool) {
        self.extent = extent
        self.elements = elements
        self.isBackground = isBackground
    }
}

/// One element of a pipeline.
public enum PipelineElementSyntax: Sendable {
    /// A command.
    case command(CommandSyntax)
    /// An expression.
    case expression(CommandExpressionSyntax)

    /// Where the node stands in the source.
    @inline(never)
    public var extent: SourceExtent {
        switch self {
        case .command(let node): node.extent
        case .expression(let node): node.extent
        }
    }
}

/// An expression as a pipeline element.
public final class CommandExpressionSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// The expression.
    public let expression: ExpressionSyntax
    /// Its redirections, one a stream, in order of the streams.
    public let redirections: [RedirectionSyntax]

    init(extent: SourceExtent, expression: ExpressionSyntax, redirections: [RedirectionSyntax]) {
        self.extent = extent
        self.expression = expression
        self.redirections = redirections
    }
}

/// Pipelines joined by `&&` and `||`, evaluated from the left.
public final class PipelineChainSyntax: Sendable {
    /// Where the node stands in the source.
    public let extent: SourceExtent
    /// The pipelines, at least two.
    public let pipelines: [PipelineSyntax]
    /// The operators between them, one fewer.
    public let operators: [ChainOperator]
    /// Ends with `&`: a job runs the chain.
    public let isBackground: Bool

    init(extent: SourceExtent, pipelines: [PipelineSyntax], operators: [ChainOperator], isBackground: Bool) {
        self.extent = extent
        self.pipelines = pipelines
        self.operators = operators
        self.isBackground = isBackground
    }
}
